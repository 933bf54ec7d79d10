/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor_checks.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "stage.h"
#include "table.h"

#define SQL_SIZE   2048
#define NEW_TABLES 20

/* --- the checks --- */

static bool check_commit(struct doctor *doctor, char *out_found, size_t size, struct error *err)
{
    struct committed committed = {0};
    struct load *load = NULL;
    (void)snprintf(out_found, size, "a commit of %d tables", DOCTOR_TABLES);
    if (!doctor_prepare(&doctor->main, err) || !doctor_read_state(doctor, err) ||
        !doctor_stage(doctor, &doctor->main, "first", &load, err) ||
        !doctor_commit(doctor, &doctor->main, load, &committed, err))
        return false;
    doctor->is_committed = true;
    return doctor_are_once(doctor, "first", out_found, size, err);
}

static bool check_session(struct doctor *doctor, char *out_found, size_t size, struct error *err)
{
    (void)err;
    const char *session = doctor->main.heard.session;
    (void)snprintf(out_found, size, "%s%s", *session ? session : "no upload session was opened",
                   *session && !doctor->is_committed ? ", but the commit failed" : "");
    return *session && doctor->is_committed;
}

/* A signed assertion has dots between its parts and begins as {" does in base64. */
static bool check_token(struct doctor *doctor, char *out_found, size_t size, struct error *err)
{
    struct token *token = doctor->settings->bigquery->token;
    AUTO(secret_done) struct secret bearer = {0};
    if (!token) {
        (void)snprintf(out_found, size, "no credentials are sent to an address without TLS");
        return true;
    }
    if (!token->get(token, NULL, &bearer, err)) return false;
    bool is_signed = strncmp(secret_reveal(&bearer), "eyJ", 3) == 0;
    (void)snprintf(out_found, size, "%s %s the upload host",
                   is_signed ? "a self-signed token (JWT)" : "an access token of a token server",
                   doctor->is_committed ? "is taken by" : "was not taken, or something else failed at,");
    return doctor->is_committed;
}

/* Both texts hold x, y and z; are they the same doubles? */
static bool are_same_numbers(const char *text)
{
    static const char *const names[] = {"x", "y", "z"};
    static const double wanted[] = {67.174118, 1e22, 0.1};
    struct error ignored;
    AUTO(json_drop) json_t *value = NULL;
    if (!text || !json_read(text, strlen(text), NULL, &value, &ignored)) return false;
    for (size_t i = 0; i < 3; i++) {
        const json_t *member = json_object_get(value, names[i]);
        double found =
            json_is_string(member) ? strtod(json_string_value(member), NULL) : json_number_value(member);
        if (!member || fabs(found - wanted[i]) > 0) return false;
    }
    return true;
}

/* The one text that a query returns. */
static bool read_text(struct doctor *doctor, const struct buf *sql, const json_t *parameters, char *out_text,
                      size_t size, struct error *err)
{
    AUTO(json_drop) json_t *rows = NULL;
    if (!job_read(doctor->main.bq, sql, parameters, &rows, err)) return false;
    const char *text = cell_text(json_array_get(rows, 0), 0);
    if (!text) return error_set(err, ERROR_FORMAT, "BigQuery's answer lacks a text");
    (void)snprintf(out_text, size, "%s", text);
    return true;
}

static bool check_committed_numbers(struct doctor *doctor, char *out_found, size_t size, struct error *err)
{
    AUTO(buf_done) struct buf sql = buf_limited(SQL_SIZE);
    AUTO(json_drop) json_t *parameters = json_array();
    buf_format(&sql, "SELECT TO_JSON_STRING(numbers) FROM `%s.%s.%s` WHERE id = 'first-0'",
               doctor->settings->bigquery->project, doctor->dataset, doctor_tables[0].name);
    return read_text(doctor, &sql, parameters, out_found, size, err) && are_same_numbers(out_found);
}

static bool check_parsed_numbers(struct doctor *doctor, char *out_found, size_t size, struct error *err)
{
    AUTO(buf_done) struct buf sql = buf_limited(SQL_SIZE);
    AUTO(json_drop) json_t *parameters = json_array();
    buf_text(&sql, "SELECT TO_JSON_STRING(PARSE_JSON(@text, wide_number_mode => 'round'))");
    parameter_add(parameters, "text", "STRING", DOCTOR_NUMBERS);
    return read_text(doctor, &sql, parameters, out_found, size, err) && are_same_numbers(out_found);
}

/* A load job straight into a JSON column, which a run never uses. */
static bool load_json(struct doctor *doctor, const char *table, struct error *err)
{
    struct bigquery *bq = doctor->main.bq;
    AUTO(json_drop)
    json_t *want = json_pack("{s:{s:[{s:s, s:s}]}}", "schema", "fields", "name", "v", "type", "JSON");
    AUTO(json_drop)
    json_t *configuration =
        json_pack("{s:{s:{s:s, s:s, s:s}, s:s, s:s}}", "load", "destinationTable", "projectId",
                  bq->settings.project, "datasetId", doctor->dataset, "tableId", table, "sourceFormat",
                  "NEWLINE_DELIMITED_JSON", "createDisposition", "CREATE_NEVER");
    static const char row[] = "{\"v\": " DOCTOR_NUMBERS "}\n";
    char id[JOB_ID], suffix[RANDOM_NAME];
    random_name(suffix);
    job_name(id, "caseload-doctor", suffix);
    if (!table_insert(bq, doctor->dataset, table, want, err)) return false;
    struct upload_channel channel;
    struct upload upload;
    struct job_failure failure;
    bool succeeded = false;
    upload_channel_init(&channel, bq);
    upload_begin(&upload, &channel, NULL, id, configuration);
    bool good = upload_add(&upload, row, sizeof row - 1, err) && upload_end(&upload, err);
    upload_channel_done(&channel);
    upload_done(&upload);
    if (!good || !job_wait_load(bq, id, &succeeded, &failure, err)) return false;
    if (!succeeded) *err = failure.error;
    return succeeded;
}

static bool check_loaded_numbers(struct doctor *doctor, char *out_found, size_t size, struct error *err)
{
    static const char table[] = "loaded_numbers";
    AUTO(buf_done) struct buf sql = buf_limited(SQL_SIZE);
    AUTO(json_drop) json_t *parameters = json_array();
    buf_format(&sql, "SELECT TO_JSON_STRING(v) FROM `%s.%s.%s`", doctor->settings->bigquery->project,
               doctor->dataset, table);
    if (load_json(doctor, table, err)) return read_text(doctor, &sql, parameters, out_found, size, err);
    if (err->kind != ERROR_REFUSED) return false;
    (void)snprintf(out_found, size, "refused: %.400s",
                   err->text); /* a finding: a run does not depend on it */
    err->kind = ERROR_NONE;
    return true;
}

/* The statements of a script are jobs with a parent. */
static bool read_statements(struct doctor *doctor, const char *job, json_t **out_jobs, struct error *err)
{
    AUTO(buf_done) struct buf path = buf_limited(JOB_ID + 256);
    AUTO(api_answer_done) struct api_answer answer = {0};
    buf_text(&path, "jobs?projection=full&maxResults=1000");
    api_query(&path, "parentJobId", job);
    const struct api_call call = {.method = "GET", .path = buf_string(&path), .what = "BigQuery jobs.list"};
    if (!api_do(doctor->main.bq, &call, &answer, err)) return false;
    *out_jobs = json_incref(json_object_get(answer.json, "jobs"));
    return json_array_size(*out_jobs) > 0 ||
           error_set(err, ERROR_FORMAT, "BigQuery lists no statements of job %s", job);
}

/* "INSERT 5 x 10.0 MB", the largest sum first. */
static void add_statement(json_t *sums, const json_t *job)
{
    const char *type = json_text_at(job, "statistics.query.statementType");
    json_int_t billed = json_int_at(job, "statistics.query.totalBytesBilled", 0);
    json_t *sum = json_object_get(sums, type ? type : "?");
    if (!sum) {
        sum = json_pack("[I, I]", (json_int_t)0, (json_int_t)0);
        json_object_set_new(sums, type ? type : "?", sum);
    }
    json_integer_set(json_array_get(sum, 0), json_integer_value(json_array_get(sum, 0)) + 1);
    json_integer_set(json_array_get(sum, 1), json_integer_value(json_array_get(sum, 1)) + billed);
}

static bool check_cost(struct doctor *doctor, char *out_found, size_t size, struct error *err)
{
    AUTO(json_drop) json_t *jobs = NULL;
    AUTO(json_drop) json_t *sums = json_object();
    const char *type;
    json_t *sum;
    int64_t billed = 0;
    if (!read_statements(doctor, doctor->main.heard.commit, &jobs, err)) return false;
    for (size_t i = 0; i < json_array_size(jobs); i++) {
        add_statement(sums, json_array_get(jobs, i));
        billed += json_int_at(json_array_get(jobs, i), "statistics.query.totalBytesBilled", 0);
    }
    size_t used = (size_t)snprintf(out_found, size, "%zu statements, %.1f MB billed:", json_array_size(jobs),
                                   (double)billed / 1048576);
    json_object_foreach (sums, type, sum)
        if (used < size)
            used += (size_t)snprintf(out_found + used, size - used, " %s %d x %.1f MB;", type,
                                     (int)json_integer_value(json_array_get(sum, 0)),
                                     (double)json_integer_value(json_array_get(sum, 1)) / 1048576 /
                                         (double)json_integer_value(json_array_get(sum, 0)));
    return true;
}

/* A script whose two SELECTs filter on days that it computes: one day, then both. */
static bool read_days(struct doctor *doctor, json_t **out_jobs, struct error *err)
{
    struct bigquery *bq = doctor->main.bq;
    AUTO(buf_done) struct buf sql = buf_limited(SQL_SIZE);
    AUTO(json_drop) json_t *parameters = json_array();
    char id[JOB_ID];
    buf_text(&sql, "DECLARE days ARRAY<DATE>; ");
    for (int i = 0; i < 2; i++)
        buf_format(
            &sql,
            "SET days = [DATE '2026-01-01'%s]; SELECT MAX(filler) FROM `%s.%s.%s` WHERE partition_date "
            "IN UNNEST(days); ",
            i ? ", DATE '2026-01-02'" : "", bq->settings.project, doctor->dataset, doctor_tables[0].name);
    const struct query_job query = {
        .prefix = "caseload-doctor", .sql = &sql, .parameters = parameters, .where = "doctor"};
    return job_query(bq, &query, id, NULL, err) && read_statements(doctor, id, out_jobs, err);
}

static bool check_pruning(struct doctor *doctor, char *out_found, size_t size, struct error *err)
{
    AUTO(json_drop) json_t *jobs = NULL;
    int64_t least = INT64_MAX, most = 0;
    if (!read_days(doctor, &jobs, err)) return false;
    for (size_t i = 0; i < json_array_size(jobs); i++) {
        int64_t bytes = json_int_at(json_array_get(jobs, i), "statistics.totalBytesProcessed", 0);
        if (bytes > 0 && bytes < least) least = bytes; /* SET reads nothing */
        if (bytes > most) most = bytes;
    }
    (void)snprintf(out_found, size, "one day of two reads %" PRId64 " of %" PRId64 " bytes", most ? least : 0,
                   most);
    return most > 0 && least < most;
}

/* --- commits that meet, and one that is killed --- */

struct rival {
    struct doctor *doctor;
    struct doctor_warehouse warehouse;
    struct load *load;
    struct committed committed;
    struct error err;
    bool is_done;
};

static void *commit_rival(void *self)
{
    struct rival *rival = self;
    rival->is_done =
        doctor_commit(rival->doctor, &rival->warehouse, rival->load, &rival->committed, &rival->err);
    return NULL;
}

/* Both warehouses hold the same rows. */
static bool commit_both(struct rival *rival, struct load *load, struct error *err)
{
    struct doctor *doctor = rival->doctor;
    struct committed committed = {0};
    pthread_t thread;
    if (pthread_create(&thread, NULL, commit_rival, rival) != 0) abort(); /* like no memory */
    bool done = doctor_commit(doctor, &doctor->main, load, &committed, err);
    (void)pthread_join(thread, NULL);
    if (done && !rival->is_done) *err = rival->err;
    return done && rival->is_done;
}

/* The load jobs run in commit_both, for both at once. */
static bool stage_both(struct rival *rival, struct load **out_load, struct error *err)
{
    struct doctor *doctor = rival->doctor;
    if (!doctor_open(doctor, &rival->warehouse, &doctor->stop, err) ||
        !doctor_prepare(&rival->warehouse, err) ||
        !doctor_stage(doctor, &rival->warehouse, "rivals", &rival->load, err))
        return false;
    if (doctor_stage(doctor, &doctor->main, "rivals", out_load, err)) return true;
    stage_free(rival->load);
    return false;
}

static bool check_conflict(struct doctor *doctor, char *out_found, size_t size, struct error *err)
{
    struct rival rival = {.doctor = doctor};
    struct load *load = NULL;
    doctor->main.heard.conflict[0] = '\0';
    bool good = stage_both(&rival, &load, err) && commit_both(&rival, load, err);
    const char *reason =
        *rival.warehouse.heard.conflict ? rival.warehouse.heard.conflict : doctor->main.heard.conflict;
    if (good)
        (void)snprintf(out_found, size, "%s%s",
                       *reason ? "the loser heard: " : "they did not meet, no one lost", reason);
    doctor_close(&rival.warehouse);
    return good && doctor_are_once(doctor, "rivals", out_found, size, err);
}

static void cancel_job(struct doctor *doctor, const char *id)
{
    struct bigquery *bq = doctor->main.bq;
    AUTO(buf_done) struct buf path = buf_limited(JOB_ID + 256);
    AUTO(api_answer_done) struct api_answer answer = {0};
    struct error ignored; /* whether it is cancelled in time is open anyhow */
    buf_format(&path, "jobs/%s/cancel", id);
    api_query(&path, "location", bq->settings.location);
    const struct api_call call = {
        .method = "POST", .path = buf_string(&path), .what = "BigQuery jobs.cancel", .accept = {404}};
    if (!api_do(bq, &call, &answer, &ignored)) return;
}

/* The one that is killed hears nothing after its job was taken. */
static bool kill_commit(struct doctor *doctor, struct error *err)
{
    struct doctor_warehouse killed = {.http = NULL};
    struct committed committed = {0};
    struct load *load = NULL;
    if (!doctor_open(doctor, &killed, &doctor->kill, err)) return false;
    bool good = doctor_prepare(&killed, err) && doctor_stage(doctor, &killed, "killed", &load, err);
    if (good && !stage_finish(load, err)) {
        stage_free(load);
        good = false;
    }
    killed.heard.stop = &doctor->kill;
    if (good && !doctor_commit(doctor, &killed, load, &committed, err)) good = err->kind == ERROR_STOPPED;
    if (good) *err = (struct error){.kind = ERROR_NONE}; /* the stop was ours */
    if (good) cancel_job(doctor, killed.heard.commit);
    doctor_close(&killed);
    return good;
}

static bool check_repetition(struct doctor *doctor, char *out_found, size_t size, struct error *err)
{
    struct committed committed = {0};
    struct load *load = NULL;
    int64_t rows = 0, keys = 0;
    if (!kill_commit(doctor, err) || !doctor_count(doctor, "killed", &rows, &keys, err) ||
        !doctor_stage(doctor, &doctor->main, "killed", &load, err) ||
        !doctor_commit(doctor, &doctor->main, load, &committed, err))
        return false;
    (void)snprintf(out_found, size, "%" PRId64 " rows were there before the repetition", rows);
    return doctor_are_once(doctor, "killed", out_found, size, err);
}

/* The rows of all staging tables, asked for as soon as they are loaded. */
static bool count_staged(struct doctor *doctor, const struct load *load, struct error *err)
{
    AUTO(buf_done) struct buf sql = buf_limited(SQL_SIZE);
    AUTO(json_drop) json_t *parameters = json_array();
    AUTO(json_drop) json_t *rows = NULL;
    int64_t count = 0;
    buf_text(&sql, "SELECT COUNT(*) FROM (");
    for (size_t i = 0; i < LIMIT_TABLES; i++)
        buf_format(&sql, "%sSELECT id FROM `%s.%s.%s`", i ? " UNION ALL " : "",
                   doctor->settings->bigquery->project, doctor->dataset, load->stages[i].table);
    buf_text(&sql, ")");
    if (!job_read(doctor->main.bq, &sql, parameters, &rows, err)) return false;
    return (cell_int(json_array_get(rows, 0), 0, &count) && count == LIMIT_TABLES) ||
           error_set(err, ERROR_FORMAT, "%" PRId64 " rows are seen of %d that were loaded", count,
                     LIMIT_TABLES);
}

static bool stage_all_tables(struct doctor *doctor, struct error *err)
{
    struct warehouse *port = &doctor->main.bq->warehouse;
    struct load *load = NULL;
    if (!port->ops->begin(port, &doctor_all_tables, &load, err)) return false;
    bool good = true;
    for (size_t table = 0; good && table < LIMIT_TABLES; table++)
        good = doctor_write(doctor, load, "new", 0, table, err);
    doctor->tables_loaded += LIMIT_TABLES;
    good = good && stage_finish(load, err) && count_staged(doctor, load, err);
    port->ops->abort(load);
    return good;
}

/* The tables of the commits before count, too. */
static bool check_new_tables(struct doctor *doctor, char *out_found, size_t size, struct error *err)
{
    const struct doctor_heard *heard = &doctor->main.heard;
    while (doctor->tables_loaded < NEW_TABLES)
        if (!stage_all_tables(doctor, err)) return false;
    (void)snprintf(out_found, size,
                   "%" PRId64 " tables were made, loaded and queried: notFound %" PRId64 " times%s%s",
                   doctor->tables_loaded, heard->not_found, heard->not_found ? ", the last at " : "",
                   heard->not_found_at);
    return heard->not_found == 0;
}

#define TELL "report it with this line, please"

const struct doctor_check doctor_checks[] = {
    {"commit", "rows of two days are loaded and committed", "see the error", false, check_commit},
    {"upload_session", "where an upload session leads",
     "see the line commit: another host of Google's is used as it is; " TELL, false, check_session},
    {"upload_token", "whether the upload host takes the credentials",
     "use a metadata server, identity federation or impersonation instead of a key, and " TELL, false,
     check_token},
    {"committed_numbers", "numbers of a JSON column after a commit", TELL, true, check_committed_numbers},
    {"parsed_numbers", "numbers that PARSE_JSON rounds", TELL, false, check_parsed_numbers},
    {"loaded_numbers", "numbers that a load job puts into a JSON column", TELL, false, check_loaded_numbers},
    {"commit_cost", "bytes billed for the statements of a commit",
     "grant roles/bigquery.user on the project (bigquery.jobs.list) to have this line", true, check_cost},
    {"pruning", "whether a filter on computed days reads those days only",
     "expect commits to cost as much as the whole table, and " TELL, true, check_pruning},
    {"conflict", "two commits at once", "run one instance of caseload, and " TELL, true, check_conflict},
    {"repetition", "a commit that is killed, and its repetition", "run one instance of caseload, and " TELL,
     true, check_repetition},
    {"new_tables", "new tables that are loaded and queried at once",
     "nothing, if the other lines are ok: such calls are repeated", true, check_new_tables},
};
const size_t doctor_check_count = sizeof doctor_checks / sizeof *doctor_checks;
