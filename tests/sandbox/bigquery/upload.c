/* SPDX-License-Identifier: Apache-2.0 */
/* upload.c - load jobs with their bytes: multipart in one request, or resumable in many.
 *
 * https://cloud.google.com/bigquery/docs/reference/api-uploads. A session is known by its upload_id; its
 * bytes go into a temporary file. A finished session goes on to answer with its job, so that a client whose
 * last answer was lost can ask again.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/random.h"
#include "bigquery/internal.h"

#define CHUNK 262144

struct upload_session {
    struct upload_session *next;
    char id[RANDOM_NAME];
    char *project;
    json_t *resource;     /* the job to be made */
    pthread_mutex_t turn; /* one request of a session at a time */
    FILE *file;
    int64_t received;
    int64_t total;   /* -1: not said yet */
    struct job *job; /* when it is complete */
    int lost_status; /* 0: it is not lost */
};

void bq_drop_uploads(struct bigquery_server *bigquery)
{
    while (bigquery->uploads) {
        struct upload_session *upload = bigquery->uploads;
        bigquery->uploads = upload->next;
        if (upload->file) (void)fclose(upload->file); /* temporary */
        json_decref(upload->resource);
        pthread_mutex_destroy(&upload->turn);
        free(upload->project);
        free(upload);
    }
}

static void note_load(struct exchange *exchange, const char *kind, const json_t *resource)
{
    const json_t *load = json_object_get(json_object_get(resource, "configuration"), "load");
    const json_t *table = json_object_get(load, "destinationTable");
    const char *dataset = json_string_value(json_object_get(table, "datasetId"));
    const char *id = json_string_value(json_object_get(table, "tableId"));
    bq_note_job(exchange, resource);
    json_object_set_new(exchange->detail, "upload", json_string(kind));
    if (dataset && id) json_object_set_new(exchange->detail, "table", json_sprintf("%s.%s", dataset, id));
}

/* --- multipart --- */

struct part {
    const char *data;
    size_t size;
};

static const char *find_bytes(const char *from, const char *end, const char *what)
{
    size_t size = strlen(what);
    for (const char *at = from; (size_t)(end - at) >= size; at++) {
        at = memchr(at, what[0], (size_t)(end - at));
        if (!at || (size_t)(end - at) < size) return NULL;
        if (memcmp(at, what, size) == 0) return at;
    }
    return NULL;
}

/* The boundary of a multipart/related content type, yours; NULL: there is none. */
static char *boundary_of(const char *type)
{
    if (!type || strncasecmp(type, "multipart/related", 17) != 0) return NULL;
    const char *at = strstr(type, "boundary=");
    if (!at) return NULL;
    at += 9;
    size_t size = *at == '"' ? strcspn(at + 1, "\"") : strcspn(at, "; ");
    return size > 0 && size <= 200 ? mem_bytes(*at == '"' ? at + 1 : at, size) : NULL;
}

/* The next part behind a delimiter; *cursor stands behind "--boundary". */
static bool next_part(const char **cursor, const char *end, const char *delimiter, struct part *out_part)
{
    const char *head = *cursor;
    if (end - head < 2 || memcmp(head, "\r\n", 2) != 0) return false;
    const char *body = find_bytes(head, end, "\r\n\r\n");
    const char *close = body ? find_bytes(body + 2, end, delimiter) : NULL;
    if (!close) return false;
    *out_part = (struct part){.data = body + 4, .size = close > body + 4 ? (size_t)(close - body - 4) : 0};
    *cursor = close + strlen(delimiter);
    return true;
}

static bool split_parts(const struct exchange *exchange, struct part out_parts[2], struct store_error *err)
{
    AUTO(mem_free) char *boundary = boundary_of(exchange_header(exchange, "content-type"));
    if (!boundary)
        return bq_problem(err, "invalid",
                          "A multipart upload needs Content-Type: multipart/related; boundary=...");
    AUTO(mem_free) char *delimiter = mem_format("\r\n--%s", boundary);
    const char *end = exchange->body + exchange->body_size;
    const char *cursor = find_bytes(exchange->body, end, delimiter + 2);
    bool first = cursor && (cursor == exchange->body || cursor[-1] == '\n');
    if (first) cursor += strlen(delimiter) - 2;
    if (!first || !next_part(&cursor, end, delimiter, &out_parts[0]) ||
        !next_part(&cursor, end, delimiter, &out_parts[1]) || end - cursor < 2 ||
        memcmp(cursor, "--", 2) != 0)
        return bq_problem(
            err, "badRequest",
            "Malformed multipart body: exactly two parts are expected, with CRLF line ends, the job "
            "first.");
    return true;
}

/* A temporary file with the bytes. */
static FILE *file_of(const struct part *part, struct store_error *err)
{
    FILE *file = tmpfile();
    if (file && fwrite(part->data, 1, part->size, file) == part->size && fflush(file) == 0) return file;
    if (file) (void)fclose(file);
    (void)bq_problem(err, "backendError", "The upload can't be kept: no room for temporary files");
    return NULL;
}

static void upload_multipart(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    struct part parts[2];
    struct job *job = NULL;
    json_t *resource = NULL;
    if (split_parts(exchange, parts, &err)) {
        resource = json_loadb(parts[0].data, parts[0].size, 0, NULL);
        if (!json_is_object(resource))
            (void)bq_problem(&err, "parseError", "The first part is not a JSON object");
    }
    note_load(exchange, "multipart", resource);
    FILE *file = err.reason[0] ? NULL : file_of(&parts[1], &err);
    if (file) {
        struct job_request request = {.project = exchange->capture[0],
                                      .resource = resource,
                                      .input = file,
                                      .input_bytes = (int64_t)parts[1].size};
        job = bq_start_job(exchange->service, &request, &err);
    }
    if (job)
        exchange_reply_json(exchange, 200, bq_job_resource(job));
    else
        (void)bq_problem_reply(exchange, &err);
    json_decref(resource);
}

/* --- resumable --- */

static bool open_session(struct exchange *exchange, json_t *resource, struct upload_session **out_upload,
                         struct store_error *err)
{
    struct bigquery_server *bigquery = exchange->service;
    const char *length = exchange_header(exchange, "x-upload-content-length");
    int64_t total = -1;
    if (length && (!bq_text_int64(length, &total) || total < 0))
        return bq_problem(err, "invalid", "Invalid X-Upload-Content-Length: %s", length);
    if (total > BIGQUERY_UPLOAD_LIMIT) return bq_problem(err, "invalid", "The upload is larger than 512 MiB");
    struct job_request request = {.project = exchange->capture[0], .resource = resource};
    if (!bq_check_job(bigquery, &request, NULL, err)) return false;
    FILE *file = tmpfile();
    if (!file)
        return bq_problem(err, "backendError", "The upload can't be kept: no room for temporary files");
    struct upload_session *upload = mem_zero(1, sizeof *upload);
    random_name(upload->id);
    upload->project = mem_text(exchange->capture[0]);
    upload->resource = json_incref(resource);
    upload->file = file;
    upload->total = total;
    pthread_mutex_init(&upload->turn, NULL);
    pthread_mutex_lock(&bigquery->mutex);
    upload->next = bigquery->uploads;
    bigquery->uploads = upload;
    pthread_mutex_unlock(&bigquery->mutex);
    *out_upload = upload;
    return true;
}

/* Scheme and host of sessions: those that the client used, unless a fault names others. */
static char *session_address(struct exchange *exchange)
{
    struct fault fault = {.action = ""};
    const char *host = exchange_header(exchange, "host"),
               *scheme = exchange_header(exchange, "x-forwarded-proto");
    bool secure = exchange->is_secure || (scheme && strcmp(scheme, "https") == 0);
    (void)faults_next(bq_of(exchange)->faults, "bigquery", "upload.location", &fault);
    if (fault.action[0]) return mem_text(fault.argument[0]);
    return mem_format("http%s://%s", secure ? "s" : "", host ? host : "127.0.0.1");
}

static void upload_session(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    struct upload_session *upload = NULL;
    json_t *resource = bq_read_object(exchange, &err);
    note_load(exchange, "resumable", resource);
    if (resource && open_session(exchange, resource, &upload, &err)) {
        AUTO(mem_free) char *at = session_address(exchange);
        exchange_add_header(exchange, "Location",
                            "%s/upload/bigquery/v2/projects/%s/jobs?uploadType=resumable&upload_id=%s", at,
                            upload->project, upload->id);
        exchange_add_header(exchange, "X-GUploader-UploadID", "%s", upload->id);
    } else {
        (void)bq_problem_reply(exchange, &err);
    }
    json_decref(resource);
}

void bq_upload_start(struct exchange *exchange)
{
    struct store_error err = {.reason = ""};
    const char *type = exchange_query(exchange, "uploadType");
    bq_delay_upload(exchange->service);
    if (type && strcmp(type, "multipart") == 0) {
        upload_multipart(exchange);
    } else if (type && strcmp(type, "resumable") == 0) {
        upload_session(exchange);
    } else {
        (void)bq_problem(&err, "invalid", "uploadType must be multipart or resumable");
        (void)bq_problem_reply(exchange, &err);
    }
}

/* --- bytes of a session --- */

struct byte_range {
    int64_t first, last; /* inclusive; -1: none, only a question or the end */
    int64_t total;       /* -1: "*" */
};

/* "bytes 0-99/100", "bytes 0-99/ *", "bytes * /100", "bytes * / *" (without the blanks). Absent: everything.
 */
static bool read_range(const struct exchange *exchange, struct byte_range *out_range, struct store_error *err)
{
    const char *text = exchange_header(exchange, "content-range");
    int64_t size = (int64_t)exchange->body_size;
    *out_range = (struct byte_range){.first = size ? 0 : -1, .last = size - 1, .total = size};
    if (!text) return true;
    char span[48], total[24];
    *out_range = (struct byte_range){.first = -1, .last = -1, .total = -1};
    if (sscanf(text, "bytes %47[^/]/%23s", span, total) != 2 ||
        (strcmp(total, "*") != 0 && (!bq_text_int64(total, &out_range->total) || out_range->total < 0)))
        return bq_problem(err, "badRequest", "Failed to parse Content-Range header.");
    if (strcmp(span, "*") == 0) return size == 0 || bq_problem(err, "badRequest", "A question has no body.");
    char *dash = strchr(span, '-');
    if (dash) *dash = '\0';
    if (!dash || !bq_text_int64(span, &out_range->first) || !bq_text_int64(dash + 1, &out_range->last) ||
        out_range->first < 0 || out_range->last < out_range->first ||
        (out_range->total >= 0 && out_range->last >= out_range->total))
        return bq_problem(err, "badRequest", "Failed to parse Content-Range header.");
    if (out_range->last - out_range->first + 1 != size)
        return bq_problem(
            err, "badRequest",
            "Invalid request. There were %lld byte(s) in the request body. There should have been %lld "
            "byte(s) (starting at offset %lld and ending at offset %lld) according to the Content-Range "
            "header.",
            (long long)size, (long long)(out_range->last - out_range->first + 1), (long long)out_range->first,
            (long long)out_range->last);
    return true;
}

static bool range_check(const struct upload_session *upload, const struct byte_range *range,
                        struct store_error *err)
{
    if (range->total >= 0 && upload->total >= 0 && range->total != upload->total)
        return bq_problem(err, "badRequest", "Invalid request. The total was %lld before, and is %lld now.",
                          (long long)upload->total, (long long)range->total);
    if (range->first < 0) return true;
    int64_t size = range->last - range->first + 1;
    if (range->first > upload->received)
        return bq_problem(err, "badRequest",
                          "Invalid request. The bytes from %lld on are missing: continue there.",
                          (long long)upload->received);
    if (range->last + 1 != range->total && size % CHUNK != 0)
        return bq_problem(
            err, "badRequest",
            "Invalid request. The number of bytes uploaded is required to be a multiple of %d, except for "
            "the final request. The received request contained %lld bytes, which does not meet this "
            "requirement.",
            CHUNK, (long long)size);
    if (range->last >= BIGQUERY_UPLOAD_LIMIT)
        return bq_problem(err, "invalid", "The upload is larger than 512 MiB");
    return true;
}

/* Keeps what is new of the body; a fault may keep less, or lose everything. */
static bool keep_bytes(struct exchange *exchange, struct upload_session *upload,
                       const struct byte_range *range, struct store_error *err)
{
    struct fault fault = {.action = ""};
    int64_t most = INT64_MAX, known = upload->received - range->first;
    if (range->first < 0) return true;
    (void)faults_next(bq_of(exchange)->faults, "bigquery", "upload.bytes", &fault);
    if (fault.action[0]) json_object_set_new(exchange->detail, "upload_fault", json_string(fault.line));
    if (strcmp(fault.action, "lose-session") == 0) {
        int64_t status = 404;
        (void)bq_text_int64(fault.argument[0], &status); /* else it stays */
        upload->lost_status = (int)status;
    }
    if (strcmp(fault.action, "short") == 0) (void)bq_text_int64(fault.argument[0], &most);
    int64_t size = range->last - range->first + 1;
    if (size > most) size = most;
    if (upload->lost_status || size <= known) return true; /* sent again: nothing new */
    if (fwrite(exchange->body + known, 1, (size_t)(size - known), upload->file) != (size_t)(size - known))
        return bq_problem(err, "backendError", "The upload can't be kept: no room for temporary files");
    upload->received += size - known;
    return true;
}

static void reply_missing(struct exchange *exchange, int status)
{
    struct store_error err;
    (void)bq_problem(&err, status == 400 ? "invalid" : "notFound",
                     "Not found: the upload session is unknown or has expired");
    (void)bq_problem_reply(exchange, &err);
    exchange->status = status;
}

static void reply_incomplete(struct exchange *exchange, const struct upload_session *upload)
{
    exchange->status = 308;
    if (upload->received > 0)
        exchange_add_header(exchange, "Range", "bytes=0-%lld", (long long)upload->received - 1);
}

/* All bytes are there: the file goes to the job. A duplicate id is refused here, too. */
static bool complete(struct exchange *exchange, struct upload_session *upload, struct store_error *err)
{
    struct job_request request = {.project = upload->project,
                                  .resource = upload->resource,
                                  .input = upload->file,
                                  .input_bytes = upload->received};
    upload->file = NULL;
    upload->job = bq_start_job(exchange->service, &request, err);
    if (!upload->job) upload->lost_status = 404;
    return upload->job != NULL;
}

static void serve_session(struct exchange *exchange, struct upload_session *upload)
{
    struct store_error err = {.reason = ""};
    struct byte_range range = {.first = -1, .last = -1, .total = -1};
    bool right = upload->lost_status || upload->job ||
                 (read_range(exchange, &range, &err) && range_check(upload, &range, &err));
    if (right && !upload->lost_status && !upload->job) {
        if (range.total >= 0) upload->total = range.total;
        right = keep_bytes(exchange, upload, &range, &err);
        if (right && !upload->lost_status && upload->received == upload->total)
            right = complete(exchange, upload, &err);
    }
    json_object_set_new(exchange->detail, "received", json_integer(upload->received));
    if (!right)
        (void)bq_problem_reply(exchange, &err);
    else if (upload->lost_status)
        reply_missing(exchange, upload->lost_status);
    else if (upload->job)
        exchange_reply_json(exchange, 200, bq_job_resource(upload->job));
    else
        reply_incomplete(exchange, upload);
}

void bq_upload_put(struct exchange *exchange)
{
    struct bigquery_server *bigquery = exchange->service;
    const char *id = exchange_query(exchange, "upload_id");
    bq_delay_upload(bigquery);
    pthread_mutex_lock(&bigquery->mutex);
    struct upload_session *upload = bigquery->uploads;
    while (upload &&
           (!id || strcmp(upload->id, id) != 0 || strcmp(upload->project, exchange->capture[0]) != 0))
        upload = upload->next;
    pthread_mutex_unlock(&bigquery->mutex);
    if (!upload) {
        reply_missing(exchange, 404);
        return;
    }
    note_load(exchange, "resumable", upload->resource);
    pthread_mutex_lock(&upload->turn);
    serve_session(exchange, upload);
    pthread_mutex_unlock(&upload->turn);
}
