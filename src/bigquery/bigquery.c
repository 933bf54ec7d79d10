/* SPDX-License-Identifier: Apache-2.0 */
/* bigquery.c - the functions of the warehouse port, and the check of settings and datasets. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api.h"
#include "attempts.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/spool.h"
#include "listing.h"
#include "notes.h"
#include "questions.h"
#include "schema.h"
#include "stage.h"
#include "table.h"

#define DATASET_ROUNDS 4

static bool dataset_get(struct bigquery *bq, const char *dataset, json_t **out_resource, struct error *err)
{
    AUTO(mem_free) char *path = mem_format("datasets/%s", dataset);
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {.method = "GET",
                                  .path = path,
                                  .what = "BigQuery datasets.get",
                                  .member = "location",
                                  .accept = {404}};
    *out_resource = NULL;
    if (!api_do(bq, &call, &answer, err)) return error_wrap(err, "dataset %s", dataset);
    if (answer.status == 200) *out_resource = json_incref(answer.json);
    return true;
}

/* One refusal may concern one table, or be a mistake of the service. The credentials are wrong only if the
 * datasets are refused, too; else the other streams go on. */
static bool port_failed(struct bigquery *bq, struct error *err)
{
    static const int unauthorized = 401;
    if (err->kind != ERROR_AUTH || err->status == unauthorized) return false;
    const char *datasets[] = {bq->settings.dataset, bq->settings.control_dataset};
    for (size_t i = 0; i < 2; i++) {
        AUTO(json_drop) json_t *resource = NULL;
        struct error refusal;
        if (!dataset_get(bq, datasets[i], &resource, &refusal) && refusal.kind == ERROR_AUTH) return false;
    }
    err->kind = ERROR_REFUSED;
    return false;
}

static bool port_prepare(struct warehouse *warehouse, const struct selection *selection,
                         const struct source_identity *identity, struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    bq->identity = *identity;
    return tables_prepare(bq, selection, err) || port_failed(bq, err);
}

static bool port_state(struct warehouse *warehouse, const struct selection *const *selections, size_t count,
                       const char *message_id, struct state *out_states, struct error *err)
{
    return bigquery_read_state(warehouse, selections, count, message_id, out_states, err) ||
           port_failed((struct bigquery *)warehouse, err);
}

static bool port_begin(struct warehouse *warehouse, const struct selection *selection, struct load **out_load,
                       struct error *err)
{
    return stage_begin(warehouse, selection, out_load, err) || port_failed((struct bigquery *)warehouse, err);
}

static bool port_write(struct load *load, size_t table, const char *row, size_t size, struct error *err)
{
    return stage_write(load, table, row, size, err) || port_failed(load->bq, err);
}

static bool port_reject(struct load *load, const struct reject *reject, struct error *err)
{
    return stage_reject(load, reject, err) || port_failed(load->bq, err);
}

static bool port_missing(struct load *load, int64_t began_us, int64_t ceiling, struct missing *out_missing,
                         struct error *err)
{
    return missing_read(load, began_us, ceiling, out_missing, err) || port_failed(load->bq, err);
}

static bool port_refresh(struct warehouse *warehouse, const struct selection *selection, struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    bool good = latest_refresh(bq, selection, err) &&
                (!selection->stream->attributes || custom_refresh(bq, selection->stream, err));
    if (good) return true;
    error_wrap(err, "views and tables derived from %s", selection->stream->name);
    return port_failed(bq, err);
}

static bool port_finish(struct load *load, struct error *err)
{
    if (stage_finish(load, err)) return true;
    table_cache_clear(load->bq); /* a table may have been dropped */
    return error_wrap(err, "staging of %s", load->selection->stream->name);
}

static bool port_commit(struct load *load, const struct commit *commit, struct committed *out_committed,
                        struct error *err)
{
    bool good = commit_run(load, commit, out_committed, err) || port_failed(load->bq, err);
    stage_free(load);
    return good;
}

static bool port_record(struct warehouse *warehouse, const struct attempt *attempts, size_t count,
                        struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    struct error unused;
    if (!attempts_write(bq, attempts, count, err)) return false;
    if (bq->shown_count == bq->table_cache_count || api_stopped(bq, &unused)) return true;
    if (!questions_put_view(bq, err)) return error_wrap(err, "view status");
    bq->shown_count = bq->table_cache_count;
    return true;
}

static bool port_ask(struct warehouse *warehouse, const struct question *question, json_t **out_rows,
                     struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    return questions_ask(bq, question, out_rows, err) || port_failed(bq, err);
}

static bool port_mend(struct warehouse *warehouse, const struct stream *stream, int64_t *out_count,
                      struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    return questions_mend(bq, stream, out_count, err) || port_failed(bq, err);
}

static bool port_settle(struct warehouse *warehouse, struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    return notes_end(bq, err) || port_failed(bq, err);
}

static void port_free(struct warehouse *warehouse)
{
    notes_drop((struct bigquery *)warehouse);
    json_drop(&((struct bigquery *)warehouse)->ledger_streams);
    listing_clear((struct bigquery *)warehouse);
    own_commits_done(&((struct bigquery *)warehouse)->first_commits);
    free(warehouse);
}

static const struct warehouse_ops port = {
    .prepare = port_prepare,
    .state = port_state,
    .peek = bigquery_peek,
    .begin = port_begin,
    .write = port_write,
    .reject = port_reject,
    .missing = port_missing,
    .finish = port_finish,
    .commit = port_commit,
    .abort = stage_free,
    .refresh = port_refresh,
    .record = port_record,
    .ask = port_ask,
    .mend = port_mend,
    .settle = port_settle,
    .share = bigquery_share,
    .take_back = bigquery_take_back,
    .free = port_free,
};

static bool check_project(const char *project, struct error *err)
{
    return sql_is_project(project) ||
           error_set(err, ERROR_CONFIG,
                     "\"project\" is \"%s\"; a project id has letters, digits, - and _, with a domain before "
                     "it at most: acme-data or example.com:acme-data",
                     project ? project : "");
}

static bool check_dataset_name(const char *setting, const char *name, struct error *err)
{
    return sql_is_name(name) ||
           error_set(err, ERROR_CONFIG, "\"%s\" is \"%s\"; a dataset's name has letters, digits and _",
                     setting, name ? name : "");
}

/* Paths are appended to it, and upload sessions are compared with it. */
static bool check_base_url(const char *url, struct error *err)
{
    const char *scheme = url ? strstr(url, "://") : NULL;
    if (scheme && scheme[3] != '\0' && !strpbrk(scheme + 3, "/?#@")) return true;
    return error_set(
        err, ERROR_CONFIG,
        "BigQuery's address must be scheme://host or scheme://host:port, without a slash or path at the end; "
        "correct endpoints.bigquery or BIGQUERY_EMULATOR_HOST");
}

bool bigquery_new(const struct bigquery_settings *settings, struct warehouse **out_warehouse,
                  struct error *err)
{
    if (!check_project(settings->project, err) || !check_dataset_name("dataset", settings->dataset, err) ||
        !check_dataset_name("control_dataset", settings->control_dataset, err) ||
        !check_base_url(settings->base_url, err) || !spool_check(settings->temporary_directory, err))
        return false;
    struct bigquery *bq = mem_zero(1, sizeof *bq);
    bq->warehouse.ops = &port;
    bq->settings = *settings;
    own_commits_init(&bq->first_commits);
    bq->own_commits = &bq->first_commits;
    *out_warehouse = &bq->warehouse;
    return true;
}

json_t *bigquery_schema(const struct table *table)
{
    return schema_table(table);
}

bool bigquery_make_dataset(struct bigquery *bq, const char *dataset, json_t *resource, struct error *err)
{
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {.method = "POST",
                                  .path = "datasets",
                                  .body = resource,
                                  .what = "BigQuery datasets.insert",
                                  .accept = {409}};
    json_object_set_new(resource, "datasetReference",
                        json_pack("{s:s, s:s}", "projectId", bq->settings.project, "datasetId", dataset));
    json_object_set_new(resource, "location", json_string(bq->settings.location));
    if (!api_do(bq, &call, &answer, err)) return false;
    api_note_new(bq, dataset);
    return true;
}

static bool dataset_insert(struct bigquery *bq, const char *dataset, const char *description,
                           struct error *err)
{
    AUTO(json_drop) json_t *resource = json_pack("{s:s}", "description", description);
    return bigquery_make_dataset(bq, dataset, resource, err) ||
           error_wrap(err,
                      "dataset %s does not exist and can't be created (create it in %s, or grant "
                      "roles/bigquery.user)",
                      dataset, bq->settings.location);
}

/* A single answer that it is missing, or can't be created, may be wrong: both are asked for again. */
static bool dataset_ensure(struct bigquery *bq, const char *dataset, const char *description,
                           json_t **out_resource, struct error *err)
{
    struct error refusal = {0};
    for (int round = 0; round < DATASET_ROUNDS; round++) {
        if (round > 0 && !api_sleep(bq, 100 << round, err)) return false;
        if (!dataset_get(bq, dataset, out_resource, err)) return false;
        if (*out_resource) return true;
        if (!dataset_insert(bq, dataset, description, &refusal)) continue;
        refusal = (struct error){0};
        if (!dataset_get(bq, dataset, out_resource, err)) return false;
        if (*out_resource) return true;
    }
    if (refusal.kind == ERROR_NONE)
        return error_set(err, ERROR_BUSY, "dataset %s was created, but is not visible yet; try again",
                         dataset);
    *err = refusal;
    return false;
}

static bool judge_dataset(const struct bigquery *bq, const char *dataset, const json_t *resource,
                          struct error *err)
{
    const char *location = json_text_at(resource, "location");
    if (!location)
        return error_set(err, ERROR_FORMAT,
                         "BigQuery's answer lacks the location of the dataset %s; try again", dataset);
    if (strcasecmp(location, bq->settings.location) != 0)
        return error_set(
            err, ERROR_CONFIG,
            "the dataset %s is in %s, but \"location\" is \"%s\"; set it to \"%s\", or name another "
            "dataset",
            dataset, location, bq->settings.location, location);
    const char *expiration =
        json_int_at(resource, "defaultTableExpirationMs", 0) > 0       ? "defaultTableExpirationMs"
        : json_int_at(resource, "defaultPartitionExpirationMs", 0) > 0 ? "defaultPartitionExpirationMs"
                                                                       : NULL;
    if (!expiration) return true;
    return error_set(err, ERROR_CONFIG,
                     "the dataset %s has %s set, so BigQuery would delete its data; remove it (bq update "
                     "--default_%s_expiration 0 %s), or name another dataset",
                     dataset, expiration, strstr(expiration, "Table") ? "table" : "partition", dataset);
}

static bool check_dataset(struct bigquery *bq, const char *dataset, const char *description,
                          struct error *err)
{
    AUTO(json_drop) json_t *resource = NULL;
    return dataset_ensure(bq, dataset, description, &resource, err) &&
           judge_dataset(bq, dataset, resource, err);
}

static bool look_at_dataset(struct bigquery *bq, const char *dataset, bool *out_has, struct error *err)
{
    AUTO(json_drop) json_t *resource = NULL;
    if (!dataset_get(bq, dataset, &resource, err)) return false;
    *out_has = resource != NULL;
    return !resource || judge_dataset(bq, dataset, resource, err);
}

bool bigquery_look(struct warehouse *warehouse, struct bigquery_datasets *out_datasets, struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    return look_at_dataset(bq, bq->settings.dataset, &out_datasets->has_data, err) &&
           look_at_dataset(bq, bq->settings.control_dataset, &out_datasets->has_control, err);
}

bool bigquery_check(struct warehouse *warehouse, struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    return check_dataset(bq, bq->settings.dataset, "Loaded by caseload", err) &&
           check_dataset(bq, bq->settings.control_dataset, "The ledger, locks and staging of caseload",
                         err) &&
           attempts_ensure(bq, err);
}
