/* SPDX-License-Identifier: Apache-2.0 */
/* kept.c - what jobs that have ended keep in memory.
 *
 * A job stays known, since its id is used up for ever; that takes some KiB. Its rows and the text of its
 * configuration go when there are too many: rows whose last page was read first, and of those the oldest.
 * They do not go at once, since a client that lost an answer asks for the page again.
 */
#include <string.h>

#include "bigquery/internal.h"

#define MIB             (INT64_C(1024) * 1024)
#define ROWS_READ_KEPT  (16 * MIB)
#define ROWS_KEPT       (192 * MIB)
#define TEXT_KEPT       (16 * MIB)
#define TEXT_CUT        200 /* bytes of a query that stay */
#define BYTES_OF_MEMBER 20  /* an estimate: of memory for each byte of JSON text that is no query */

static void drop_rows(struct bigquery_server *bigquery, struct job *job)
{
    struct kept_rows *kept = &bigquery->kept_rows;
    kept->all -= job->outcome.result.row_bytes;
    if (job->is_read) kept->read -= job->outcome.result.row_bytes;
    json_decref(job->outcome.result.rows);
    job->outcome.result.rows = NULL;
    job->outcome.result.row_bytes = 0;
    job->is_dropped = true;
}

/* Half of a ceiling is left, so that this is seldom needed. */
static void trim_rows(struct bigquery_server *bigquery)
{
    int64_t read = 0, all = 0;
    if (bigquery->kept_rows.read <= ROWS_READ_KEPT && bigquery->kept_rows.all <= ROWS_KEPT) return;
    for (struct job *job = bigquery->jobs; job; job = job->older) {
        int64_t bytes = job->state == JOB_DONE ? job->outcome.result.row_bytes : 0;
        if (bytes == 0) continue;
        bool is_first = all == 0; /* one result that is larger than all that is kept */
        all += bytes;
        if (job->is_read) read += bytes;
        if (!is_first && ((job->is_read && read > ROWS_READ_KEPT / 2) || all > ROWS_KEPT / 2))
            drop_rows(bigquery, job);
    }
}

static int64_t text_bytes(const struct job *job)
{
    const json_t *query = json_object_get(job->configuration, "query");
    const json_t *text = json_object_get(query, "query");
    int64_t whole = (int64_t)json_dumpb(job->configuration, NULL, 0, JSON_COMPACT);
    int64_t plain = (int64_t)json_string_length(text);
    return plain + (whole > plain ? whole - plain : 0) * BYTES_OF_MEMBER;
}

/* A job's configuration as far as lists of jobs need it. */
static void cut_text(struct job *job)
{
    json_t *query = json_object_get(job->configuration, "query");
    json_t *load = json_object_get(job->configuration, "load");
    const json_t *text = json_object_get(query, "query");
    (void)json_object_del(query, "queryParameters");
    (void)json_object_del(load, "schema");
    size_t size = TEXT_CUT;
    const char *bytes = json_string_value(text);
    while (size > 0 && json_string_length(text) > TEXT_CUT && (bytes[size] & 0xC0) == 0x80)
        size--; /* not within a character */
    if (json_string_length(text) > TEXT_CUT)
        json_object_set_new(query, "query", json_sprintf("%.*s ... (cut by the sandbox)", (int)size, bytes));
    job->text_bytes = 0;
}

static void trim_texts(struct bigquery_server *bigquery)
{
    int64_t all = 0;
    if (bigquery->kept_text <= TEXT_KEPT) return;
    for (struct job *job = bigquery->jobs; job; job = job->older) {
        if (job->state != JOB_DONE || job->text_bytes == 0) continue;
        if (all + job->text_bytes <= TEXT_KEPT / 2)
            all += job->text_bytes;
        else
            cut_text(job);
    }
    bigquery->kept_text = all;
}

void bq_keep_job(struct bigquery_server *bigquery, struct job *job)
{
    job->text_bytes = text_bytes(job);
    bigquery->kept_text += job->text_bytes;
    bigquery->kept_rows.all += job->outcome.result.row_bytes;
    trim_rows(bigquery);
    trim_texts(bigquery);
}

bool bq_take_rows(struct job *job, json_t **out_rows, struct store_error *err)
{
    pthread_mutex_lock(&job->bigquery->mutex);
    bool is_dropped = job->is_dropped;
    *out_rows = json_incref(job->outcome.result.rows);
    pthread_mutex_unlock(&job->bigquery->mutex);
    return !is_dropped ||
           bq_problem(err, "notFound", "Not found: the rows of job %s; the sandbox keeps %lld MiB of results",
                      job->id, (long long)(ROWS_KEPT / MIB));
}

void bq_rows_read(struct job *job)
{
    struct bigquery_server *bigquery = job->bigquery;
    pthread_mutex_lock(&bigquery->mutex);
    if (!job->is_read) bigquery->kept_rows.read += job->outcome.result.row_bytes;
    job->is_read = true;
    trim_rows(bigquery);
    pthread_mutex_unlock(&bigquery->mutex);
}
