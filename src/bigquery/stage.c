/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "job.h"
#include "schema.h"
#include "stage.h"
#include "table.h"

#define STAGE_LIFE_US INT64_C(259200000000) /* three days */
#define UNSEEN_RUNS   8                     /* in about a minute; then the staging table is gone */
#define HASH_BYTES    32                    /* SHA-256 */
#define HASH_TEXT     (2 * HASH_BYTES + 1)

bool stage_begin(struct warehouse *warehouse, const struct selection *selection, struct load **out_load,
                 struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    int64_t now_us; /* read early: staging tables and the commit need it */
    if (!bigquery_now(bq, &now_us, err) || !tables_check_lock(bq, selection, err)) return false;
    struct load *load = mem_zero(1, sizeof *load);
    load->bq = bq;
    load->selection = selection;
    random_name(load->nonce);
    upload_channel_init(&load->channel, bq);
    buf_init(&load->row, LIMIT_STAGED);
    *out_load = load;
    return true;
}

static json_t *load_configuration(const struct bigquery *bq, const char *stream, const char *table)
{
    char timeout[JOB_TIMEOUT];
    job_timeout(bq, timeout);
    return json_pack("{s:s, s:{s:s, s:s}, s:{s:{s:s, s:s, s:s}, s:s, s:s, s:s, s:i, s:b, s:b}}",
                     "jobTimeoutMs", timeout, "labels", "app", "caseload", "stream", stream, "load",
                     "destinationTable", "projectId", bq->settings.project, "datasetId",
                     bq->settings.control_dataset, "tableId", table, "sourceFormat", "NEWLINE_DELIMITED_JSON",
                     "createDisposition", "CREATE_NEVER", "writeDisposition", "WRITE_EMPTY", "maxBadRecords",
                     0, "ignoreUnknownValues", 0, "autodetect", 0);
}

static void name_job(struct stage *stage, int run)
{
    char suffix[32];
    snprintf(suffix, sizeof suffix, "%d", run);
    job_name(stage->job, stage->table, suffix); /* the table's name is unique, so the job's is */
}

/* Of its upload. */
static bool create_table(struct upload_target *target, struct error *err)
{
    struct stage *stage = (struct stage *)target;
    const struct load *load = stage->load;
    const size_t index = (size_t)(stage - load->stages);
    struct bigquery *bq = load->bq;
    char life[32];
    int64_t now_us;
    if (stage->is_made) return true;
    if (!bigquery_now(bq, &now_us, err)) return false;
    stage->may_exist = true; /* also if the answer is lost */
    snprintf(life, sizeof life, "%lld", (long long)((now_us + STAGE_LIFE_US) / 1000));
    json_t *fields =
        index == SQL_STAGE_REJECTED ? schema_rejected_stage() : schema_stage(load->selection->tables[index]);
    AUTO(json_drop)
    json_t *want = json_pack("{s:s, s:{s:o}}", "expirationTime", life, "schema", "fields", fields);
    stage->is_made = table_insert(bq, bq->settings.control_dataset, stage->table, want, err);
    return stage->is_made;
}

static void create_stage(struct load *load, size_t index)
{
    struct stage *stage = &load->stages[index];
    const char *stream = load->selection->stream->name;
    AUTO(mem_free)
    char *name = index == SQL_STAGE_REJECTED ? mem_format("stage_%s_%s_rejected", stream, load->nonce)
                                             : mem_format("stage_%s_%s_%zu", stream, load->nonce, index);
    snprintf(stage->table, sizeof stage->table, "%s", name);
    stage->target.make = create_table;
    stage->load = load;
    stage->configuration = load_configuration(load->bq, stream, stage->table);
    name_job(stage, 1);
    stage->is_used = true;
    upload_begin(&stage->upload, &load->channel, &stage->target, stage->job, stage->configuration);
}

static bool write_row(struct load *load, size_t index, const char *row, size_t size, struct error *err)
{
    struct stage *stage = &load->stages[index];
    assert(!stage->is_finished);
    if (!stage->is_used) create_stage(load, index);
    if (!upload_add(&stage->upload, row, size, err) || !upload_add(&stage->upload, "\n", 1, err))
        return false;
    stage->rows++;
    return true;
}

bool stage_write(struct load *load, size_t table, const char *row, size_t size, struct error *err)
{
    assert(table < load->selection->table_count);
    if (size > LIMIT_ROW)
        return error_set(err, ERROR_LIMIT, "a row of %s is larger than 16 MiB",
                         load->selection->tables[table]->name);
    return write_row(load, table, row, size, err);
}

static bool hash_reject(const struct reject *reject, char out[HASH_TEXT], struct error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool hashed = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                  EVP_DigestUpdate(context, reject->reason, strlen(reject->reason) + 1) == 1 &&
                  EVP_DigestUpdate(context, reject->id, strlen(reject->id) + 1) == 1 &&
                  EVP_DigestUpdate(context, reject->record, reject->record_size) == 1 &&
                  EVP_DigestFinal_ex(context, digest, &size) == 1;
    EVP_MD_CTX_free(context);
    if (!hashed || size != HASH_BYTES)
        return error_set(err, ERROR_LIMIT, "OpenSSL gave no SHA-256: out of memory");
    for (size_t i = 0; i < HASH_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return true;
}

bool stage_reject(struct load *load, const struct reject *reject, struct error *err)
{
    struct buf *row = &load->row;
    struct table_cache_entry *cached = table_cache_find(load->bq, load->selection->stream);
    char hash[HASH_TEXT];
    if (cached && reject->is_unsettled) cached->mends_nothing = false; /* a later unit may load it */
    if (!hash_reject(reject, hash, err)) return false;
    buf_reset(row);
    buf_text(row, "{\"id\":");
    json_write_string(row, reject->id, strlen(reject->id));
    buf_text(row, ",\"reason\":");
    json_write_string(row, reject->reason, strlen(reject->reason));
    buf_text(row, ",\"record\":");
    json_write_string(row, reject->record ? reject->record : "", reject->record ? reject->record_size : 0);
    buf_format(row, ",\"content_hash\":\"%s\",\"cause\":\"%s\"", hash,
               reject->is_unsettled ? "transport" : "source");
    buf_format(row, ",\"" COLUMN_SEQUENCE "\":%lld}", (long long)load->stages[SQL_STAGE_REJECTED].rows);
    if (row->full) return error_set(err, ERROR_LIMIT, "a rejected record is too large to be kept");
    return write_row(load, SQL_STAGE_REJECTED, row->data, row->size, err);
}

/* The id of a failed job can't be used again: the file is sent again under the next. */
static bool finish_one(const struct load *load, struct stage *stage, struct error *err)
{
    for (int run = 1;; run++) {
        struct job_failure failure;
        if (!upload_end(&stage->upload, err) ||
            !job_wait_load(load->bq, stage->job, &stage->is_finished, &failure, err))
            return false;
        /* The table is not empty any more: a run that was reported as failed, or lost, did its work. The
         * commit counts the rows. */
        if (!stage->is_finished && run > 1) stage->is_finished = !strcmp(failure.reason, "duplicate");
        if (stage->is_finished) return true;
        /* Its own table was made, so it is only not visible yet, however long the upload took. */
        if (!strcmp(failure.reason, "notFound") && run < UNSEEN_RUNS) failure.class = RETRY_NOW;
        if (!job_may_repeat(load->bq, &failure, run, err)) return false;
        name_job(stage, run + 1);
        upload_rewind(&stage->upload, stage->job);
    }
}

/* All files are sent before any job is waited for. */
bool stage_finish(struct load *load, struct error *err)
{
    for (size_t i = 0; i <= LIMIT_TABLES; i++)
        if (load->stages[i].is_used && !load->stages[i].is_finished &&
            !upload_end(&load->stages[i].upload, err))
            return false;
    for (size_t i = 0; i <= LIMIT_TABLES; i++)
        if (load->stages[i].is_used && !stage_finish_table(load, i, err)) return false;
    return true;
}

bool stage_finish_table(struct load *load, size_t table, struct error *err)
{
    struct stage *stage = &load->stages[table];
    assert(stage->is_used);
    return stage->is_finished || finish_one(load, stage, err);
}

void stage_free(struct load *load)
{
    if (!load) return;
    upload_channel_done(&load->channel);
    for (size_t i = 0; i <= LIMIT_TABLES; i++) {
        struct stage *stage = &load->stages[i];
        if (!stage->is_used) continue;
        if (stage->may_exist) table_delete(load->bq, load->bq->settings.control_dataset, stage->table);
        upload_done(&stage->upload);
        json_drop(&stage->configuration);
    }
    buf_done(&load->row);
    free(load);
}
