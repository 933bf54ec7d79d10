/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/clock.h"
#include "base/parse.h"
#include "job.h"
#include "observer.h"
#include "stage.h"

#define BLOCK      65536
#define FILE_LIMIT INT64_C(3800000000) /* BigQuery takes gzip files of up to 4 GB */
#define GZIP_LEVEL 1                   /* 1.3 times the speed of level 4 on rows, for files 9 % larger */
#define TRIES      12                  /* requests without progress, in a row */
#define NO_TOTAL   (-1)

static const struct retry upload_retry = {
    .base_ms = 250, .cap_ms = 32000, .attempts = TRIES, .budget_ms = 600000};

bool upload_begin(struct upload *upload, struct bigquery *bq, const char *job, const json_t *configuration,
                  struct error *err)
{
    *upload = (struct upload){.bq = bq, .job = job, .configuration = configuration, .total = NO_TOTAL};
    buf_init(&upload->tail, LIMIT_CHUNK + BLOCK);
    if (deflateInit2(&upload->gzip, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return error_set(err, ERROR_LIMIT, "zlib does not start: out of memory");
    return true;
}

void upload_done(struct upload *upload)
{
    if (!upload->bq) return;
    (void)deflateEnd(&upload->gzip); /* it reports data that was not flushed, as is wanted here */
    buf_done(&upload->tail);
    free(upload->session);
    *upload = (struct upload){0};
}

static void forget_session(struct upload *upload)
{
    free(upload->session);
    upload->session = NULL;
    upload->state = UPLOAD_NEW;
}

bool upload_rewind(struct upload *upload, const char *job)
{
    if (upload->acknowledged > 0) return false;
    forget_session(upload);
    upload->job = job;
    upload->failures = 0;
    return true;
}

static bool fail_lost(struct upload *upload, struct error *err)
{
    return error_set(
        err, ERROR_BUSY,
        "BigQuery lost the upload of job %s after %lld bytes, which are not kept; the unit is loaded again",
        upload->job, (long long)upload->acknowledged);
}

static bool pause_upload(struct upload *upload, int64_t least_ms, struct error *err)
{
    int64_t now = clock_ms();
    if (upload->failures++ == 0) upload->first_failure_ms = now;
    int64_t wait = retry_wait_ms(&upload_retry, upload->failures, now - upload->first_failure_ms, least_ms);
    if (wait < 0)
        return error_set(err, ERROR_BUSY, "BigQuery upload for job %s made no progress in %d attempts",
                         upload->job, upload->failures);
    return api_sleep(upload->bq, wait, err);
}

/* "bytes=0-N", sometimes without "bytes="; absent: nothing is stored. */
static bool read_range(const struct http_reply *reply, int64_t *out_stored)
{
    char text[64];
    int64_t last = 0;
    *out_stored = 0;
    if (!http_header(reply, "range", text, sizeof text)) return true;
    const char *range = strncmp(text, "bytes=", 6) ? text : text + 6;
    if (strncmp(range, "0-", 2) != 0 || !parse_int64(range + 2, &last) || last < 0 || last == INT64_MAX)
        return false;
    *out_stored = last + 1;
    return true;
}

static bool take_progress(struct upload *upload, const struct http_reply *reply, struct error *err)
{
    int64_t stored = 0, sent = upload->acknowledged + (int64_t)upload->tail.size;
    bool was_question = upload->state == UPLOAD_UNKNOWN;
    if (!read_range(reply, &stored) || stored > sent)
        return error_set(err, ERROR_FORMAT,
                         "BigQuery's answer to the upload of job %s names a range never sent", upload->job);
    if (stored < upload->acknowledged) return fail_lost(upload, err);
    upload->state = UPLOAD_SENDING;
    if (stored == upload->acknowledged) return was_question || pause_upload(upload, 0, err);
    buf_drop(&upload->tail, (size_t)(stored - upload->acknowledged));
    upload->acknowledged = stored;
    upload->failures = 0;
    return true;
}

/* BigQuery does not know the session: it was lost, or it has done its work and the answer was lost. */
static bool take_loss(struct upload *upload, struct error *err)
{
    bool exists = false;
    if (!job_exists(upload->bq, upload->job, &exists, err)) return false;
    if (exists) {
        upload->state = UPLOAD_DONE;
        return true;
    }
    if (upload->acknowledged > 0) return fail_lost(upload, err);
    forget_session(upload);
    return pause_upload(upload, 0, err);
}

static bool take_reply(struct upload *upload, const struct http_reply *reply, struct error *err)
{
    switch (reply->status) {
    case 308: return take_progress(upload, reply, err);
    case 404:
    case 410: return take_loss(upload, err);
    case 200:
    case 201:
    case 409: /* the id is ours alone: an earlier session got through */
        upload->state = UPLOAD_DONE;
        return upload->total != NO_TOTAL ||
               error_set(err, ERROR_FORMAT, "BigQuery ended the upload of job %s before its end",
                         upload->job);
    default: break;
    }
    if (reason_of_reply(reply, "BigQuery upload", err) != RETRY_NOW) return false;
    upload->state = UPLOAD_UNKNOWN;
    return pause_upload(upload, http_retry_after_ms(reply), err);
}

static bool open_session(struct upload *upload, struct error *err)
{
    struct bigquery *bq = upload->bq;
    AUTO(json_drop) json_t *body = job_body(bq, upload->job, upload->configuration);
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {.method = "POST",
                                  .path = "jobs?uploadType=resumable",
                                  .body = body,
                                  .what = "BigQuery upload",
                                  .accept = {409},
                                  .starts_upload = true,
                                  .may_be_new = true};
    if (!api_do(bq, &call, &answer, err)) return false;
    if (answer.status == 409) {
        upload->state = UPLOAD_DONE;
        return true;
    }
    if (answer.session) observe_session(bq, answer.session);
    if (!answer.session || !api_same_host(bq->settings.base_url, answer.session))
        return error_set(err, ERROR_FORMAT,
                         "BigQuery named no upload session on its own host %s; no token is sent elsewhere",
                         bq->settings.base_url);
    upload->session = answer.session;
    answer.session = NULL;
    upload->state = UPLOAD_SENDING;
    return true;
}

static enum http_verdict judge(void *self, const struct http_reply *reply, int64_t *out_least_ms)
{
    (void)self;
    *out_least_ms = 0;
    return reply->status == 401 ? HTTP_RENEW : HTTP_DONE;
}

/* A PUT of nothing asks how much is stored. */
static void format_range(const struct upload *upload, size_t size, char *out, size_t out_size)
{
    char total[32] = "*";
    long long from = upload->acknowledged;
    bool is_last = size == 0 || from + (int64_t)size == upload->total;
    if (is_last && upload->total != NO_TOTAL) snprintf(total, sizeof total, "%lld", (long long)upload->total);
    if (size)
        snprintf(out, out_size, "Content-Range: bytes %lld-%lld/%s", from, from + (long long)size - 1, total);
    else
        snprintf(out, out_size, "Content-Range: bytes */%s", total);
}

static bool put_chunk(struct upload *upload, struct error *err)
{
    struct bigquery *bq = upload->bq;
    size_t chunk = upload->tail.size < LIMIT_CHUNK ? upload->tail.size : LIMIT_CHUNK;
    size_t size = upload->state == UPLOAD_UNKNOWN ? 0 : chunk;
    char range[128];
    format_range(upload, size, range, sizeof range);
    const char *const headers[] = {"Content-Type: application/octet-stream", range, NULL};
    const struct http_policy policy = {.judge = judge};
    const struct http_request request = {
        .method = "PUT",
        .url = upload->session,
        .headers = headers,
        .token = bq->settings.token,
        .body = buf_string(&upload->tail),
        .body_size = size,
        .reply_limit = LIMIT_REPLY,
        .timeout_s = 600,
        .policy = &policy,
        .what = "BigQuery upload",
    };
    struct http_reply reply;
    progress_step(bq->settings.progress, "BigQuery upload");
    if (!http_do(bq->settings.http, &request, &reply, err)) {
        if (err->kind != ERROR_BUSY) return false;
        upload->state = UPLOAD_UNKNOWN;
        return pause_upload(upload, 0, err);
    }
    bool good = take_reply(upload, &reply, err);
    http_reply_done(&reply);
    return good;
}

static bool advance(struct upload *upload, struct error *err)
{
    if (api_stopped(upload->bq, err)) return false;
    return upload->state == UPLOAD_NEW ? open_session(upload, err) : put_chunk(upload, err);
}

/* Compresses; each full chunk is sent at once, which bounds the memory. */
static bool compress_input(struct upload *upload, int flush, struct error *err)
{
    unsigned char block[BLOCK];
    int result = Z_OK;
    do {
        while (upload->tail.size >= LIMIT_CHUNK && upload->state != UPLOAD_DONE)
            if (!advance(upload, err)) return false;
        if (upload->state == UPLOAD_DONE)
            return error_set(err, ERROR_FORMAT,
                             "BigQuery has job %s already, which only this upload may start", upload->job);
        upload->gzip.next_out = block;
        upload->gzip.avail_out = sizeof block;
        result = deflate(&upload->gzip, flush);
        assert(result != Z_STREAM_ERROR);
        bool fits = buf_add(&upload->tail, block, sizeof block - upload->gzip.avail_out);
        assert(fits); /* a block after less than a chunk */
        (void)fits;
    } while (upload->gzip.avail_in > 0 || upload->gzip.avail_out == 0 ||
             (flush == Z_FINISH && result != Z_STREAM_END));
    if (upload->acknowledged + (int64_t)upload->tail.size <= FILE_LIMIT) return true;
    return error_set(err, ERROR_LIMIT,
                     "the rows of this unit are larger than BigQuery takes in one file (4 GB compressed)");
}

bool upload_add(struct upload *upload, const void *bytes, size_t size, struct error *err)
{
    union {
        const void *given;
        Bytef *wanted; /* zlib's next_in is not const in every version, but is only read */
    } in = {.given = bytes};
    assert(size <= LIMIT_STAGED + 1);
    upload->gzip.next_in = in.wanted;
    upload->gzip.avail_in = (uInt)size;
    return compress_input(upload, Z_NO_FLUSH, err);
}

bool upload_end(struct upload *upload, struct error *err)
{
    if (upload->total == NO_TOTAL) {
        if (!compress_input(upload, Z_FINISH, err)) return false;
        upload->total = upload->acknowledged + (int64_t)upload->tail.size;
    }
    while (upload->state != UPLOAD_DONE)
        if (!advance(upload, err)) return false;
    return true;
}
