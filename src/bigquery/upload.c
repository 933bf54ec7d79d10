/* SPDX-License-Identifier: Apache-2.0 */
/* upload.c - one compressed file to a load job, by a resumable upload.
 *
 * A session that is lost, refused or fails for long is replaced by another, which gets the kept bytes from
 * the start. Progress is what no session had before: so a session that is lost again and again has an end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/vector.h"
#include "job.h"
#include "observer.h"
#include "stage.h"

#define BLOCK            65536
#define GATHERED         16384               /* short rows are compressed together */
#define FILE_LIMIT       INT64_C(3800000000) /* BigQuery takes gzip files of up to 4 GB */
#define GZIP_LEVEL       1                   /* isa-l's: 4 times the speed of zlib's level 1 on rows */
#define SESSION_FAILURES 8                   /* in a row; then another session is tried */
#define REFUSALS         6                   /* in a row; the file or the request is wrong */
#define NO_TOTAL         (-1)

static const struct retry upload_retry = {
    .base_ms = 250, .cap_ms = 32000, .attempts = INT32_MAX, .budget_ms = INT32_MAX};
/* On the kept connection. */
static const struct retry one_try = {.base_ms = 250, .cap_ms = 250, .attempts = 1, .budget_ms = 1000};

static size_t chunk_bytes(const struct upload_channel *channel)
{
    size_t configured = channel->bq->settings.chunk_bytes;
    return configured ? configured : LIMIT_CHUNK;
}

void upload_channel_init(struct upload_channel *channel, struct bigquery *bq)
{
    size_t kept = bq->settings.kept_bytes;
    *channel = (struct upload_channel){
        .bq = bq,
        .memory = {.directory = bq->settings.temporary_directory, .limit = kept ? kept : LIMIT_KEPT}};
    buf_init(&channel->chunk, chunk_bytes(channel));
}

void upload_channel_done(struct upload_channel *channel)
{
    http_drop(channel->call);
    buf_done(&channel->chunk);
    *channel = (struct upload_channel){0};
}

void upload_begin(struct upload *upload, struct upload_channel *channel, struct upload_target *target,
                  const char *job, const json_t *configuration)
{
    *upload = (struct upload){
        .channel = channel, .target = target, .job = job, .configuration = configuration, .total = NO_TOTAL};
    spool_init(&upload->file, &channel->memory);
    buf_init(&upload->gathered, GATHERED);
    upload->gzip = mem_grow(NULL, 1, sizeof *upload->gzip);
    isal_deflate_init(upload->gzip);
    upload->gzip->gzip_flag = IGZIP_GZIP;
    upload->gzip->level = GZIP_LEVEL;
    upload->gzip->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    upload->gzip->level_buf = mem_grow(NULL, 1, ISAL_DEF_LVL1_DEFAULT);
}

void upload_done(struct upload *upload)
{
    if (!upload->channel) return;
    free(upload->gzip->level_buf);
    free(upload->gzip);
    spool_done(&upload->file);
    buf_done(&upload->gathered);
    free(upload->session);
    *upload = (struct upload){0};
}

static void forget_session(struct upload *upload)
{
    free(upload->session);
    upload->session = NULL;
    upload->acknowledged = 0;
    upload->state = UPLOAD_NEW;
}

void upload_rewind(struct upload *upload, const char *job)
{
    assert(upload->channel->sender != upload);
    forget_session(upload);
    upload->job = job;
    upload->furthest = 0;
    upload->failures = upload->refusals = 0;
    upload->wait = (struct wait){0};
}

/* --- failures --- */

/* Was the file taken, and only the answer lost? If that can't be known now, the session is kept. */
static bool leave_session(struct upload *upload, struct error *err)
{
    struct error trouble = {0};
    bool exists = false;
    if (job_exists(upload->channel->bq, upload->job, &exists, &trouble)) {
        forget_session(upload);
        if (exists) upload->state = UPLOAD_DONE;
        return true;
    }
    *err = trouble.kind == ERROR_BUSY ? *err : trouble;
    return trouble.kind == ERROR_BUSY;
}

/* trouble: why the last request brought nothing. */
static bool pause_upload(struct upload *upload, const struct error *trouble, int64_t least_ms,
                         struct error *err)
{
    char what[JOB_ID + 32];
    snprintf(what, sizeof what, "BigQuery upload of job %.400s", upload->job);
    int64_t ms = retry_wait_ms(&upload_retry, ++upload->failures, 0, least_ms);
    if (!wait_more(upload->channel->bq, &upload->wait, ms, what, trouble->text, err)) return false;
    return upload->failures % SESSION_FAILURES != 0 || !upload->session || leave_session(upload, err);
}

/* BigQuery does not know the session, or has less than it had. */
static bool lose_session(struct upload *upload, struct error *err)
{
    struct error trouble = {0};
    error_set(&trouble, ERROR_BUSY, "the session was lost after %lld bytes, which are sent again",
              (long long)upload->acknowledged);
    return leave_session(upload, err) &&
           (upload->state == UPLOAD_DONE || pause_upload(upload, &trouble, 0, err));
}

/* It may be the session's fault: the first refusal asks how much it has, the second opens another one. */
static bool take_refusal(struct upload *upload, const struct error *refusal, struct error *err)
{
    if (++upload->refusals > REFUSALS) {
        *err = *refusal;
        return error_wrap(err, "upload of job %.400s", upload->job);
    }
    upload->state = UPLOAD_UNKNOWN;
    if (upload->refusals % 2 == 0 && !leave_session(upload, err)) return false;
    return upload->state == UPLOAD_DONE || pause_upload(upload, refusal, 0, err);
}

/* --- answers --- */

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
    struct error trouble = {0};
    int64_t stored = 0;
    bool was_question = upload->state == UPLOAD_UNKNOWN;
    if (!read_range(reply, &stored) || stored > upload->file.size) {
        error_set(&trouble, ERROR_FORMAT, "BigQuery's answer names a range that was never sent");
        return take_refusal(upload, &trouble, err);
    }
    bool advanced = was_question || stored > upload->acknowledged;
    upload->state = UPLOAD_SENDING;
    upload->acknowledged = stored; /* also if it is less than it was: all bytes are kept */
    if (stored > upload->furthest) {
        upload->furthest = stored;
        upload->failures = upload->refusals = 0;
        upload->wait = (struct wait){0};
    }
    error_set(&trouble, ERROR_BUSY, "BigQuery has no more than %lld bytes of those sent", (long long)stored);
    return advanced || pause_upload(upload, &trouble, 0, err);
}

static bool take_reply(struct upload *upload, const struct http_reply *reply, struct error *err)
{
    struct error trouble = {0};
    switch (reply->status) {
    case 308: return take_progress(upload, reply, err);
    case 404:
    case 410: return lose_session(upload, err);
    case 200:
    case 201:
    case 409: /* the id is ours alone: an earlier session got through */
        upload->state = UPLOAD_DONE;
        return upload->total != NO_TOTAL ||
               error_set(err, ERROR_FORMAT, "BigQuery ended the upload of job %s before its end",
                         upload->job);
    default: break;
    }
    if (!reason_passes(reason_of_reply(reply, "BigQuery upload", &trouble)))
        return take_refusal(upload, &trouble, err);
    upload->state = UPLOAD_UNKNOWN;
    return pause_upload(upload, &trouble, http_retry_after_ms(reply), err);
}

/* --- requests --- */

static bool take_session(struct upload *upload, struct api_answer *answer, struct error *err)
{
    const char *own = upload->channel->bq->settings.base_url;
    struct http_origin origin;
    if (!answer->session || !http_origin(answer->session, &origin))
        return error_set(err, ERROR_FORMAT, "BigQuery named no upload session: its Location is no address");
    if (!api_is_ours(own, answer->session))
        return error_set(err, ERROR_FORMAT,
                         "BigQuery named an upload session at %s://%s:%d, which is neither %s nor a host of "
                         "Google's; no token is sent there. Check endpoints.bigquery and what is between",
                         origin.scheme, origin.host, origin.port, own);
    upload->session = answer->session;
    answer->session = NULL;
    upload->state = UPLOAD_SENDING;
    return true;
}

static bool open_session(struct upload *upload, struct error *err)
{
    struct bigquery *bq = upload->channel->bq;
    struct error trouble = {0};
    AUTO(json_drop) json_t *body = job_body(bq, upload->job, upload->configuration);
    AUTO(api_answer_done) struct api_answer answer = {0};
    const struct api_call call = {.method = "POST",
                                  .path = "jobs?uploadType=resumable",
                                  .body = body,
                                  .what = "BigQuery upload",
                                  .accept = {409},
                                  .starts_upload = true,
                                  .may_be_new = true};
    bool is_made = !upload->target || upload->target->make(upload->target, &trouble);
    if (!is_made || !api_do(bq, &call, &answer, &trouble)) {
        if (trouble.kind == ERROR_BUSY) return pause_upload(upload, &trouble, 0, err);
        *err = trouble;
        return false;
    }
    if (answer.session) observe_session(bq, answer.session);
    if (answer.status != 409) return take_session(upload, &answer, err);
    upload->state = UPLOAD_DONE;
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

static int64_t unacknowledged(const struct upload *upload)
{
    return upload->file.size - upload->acknowledged;
}

static bool fill_chunk(struct upload *upload, struct error *err)
{
    struct upload_channel *channel = upload->channel;
    int64_t size = unacknowledged(upload), most = (int64_t)chunk_bytes(channel);
    buf_reset(&channel->chunk);
    if (upload->state == UPLOAD_UNKNOWN) return true;
    return spool_read(&upload->file, upload->acknowledged, (size_t)(size < most ? size : most),
                      &channel->chunk, err);
}

static bool send_chunk(struct upload *upload, struct error *err)
{
    struct upload_channel *channel = upload->channel;
    struct bigquery *bq = channel->bq;
    char range[128];
    if (!fill_chunk(upload, err)) return false;
    format_range(upload, channel->chunk.size, range, sizeof range);
    const char *const headers[] = {"Content-Type: application/octet-stream", range, NULL};
    const struct http_policy policy = {.judge = judge};
    const struct http_request request = {
        .method = "PUT",
        .url = upload->session,
        .headers = headers,
        .token = bq->settings.token,
        .body = buf_string(&channel->chunk),
        .body_size = channel->chunk.size,
        .reply_limit = LIMIT_REPLY,
        .timeout_s = 600,
        .retry = &one_try,
        .policy = &policy,
        .service = HTTP_BIGQUERY,
        .what = "BigQuery upload",
    };
    progress_step(bq->settings.progress, "BigQuery upload");
    if (!http_send(bq->settings.http, &request, &channel->call, err)) return false;
    channel->sender = upload;
    return true;
}

/* Waits for the chunk that travels, whichever file it is of. */
static bool await_chunk(struct upload_channel *channel, struct error *err)
{
    struct upload *upload = channel->sender;
    struct http_reply reply;
    struct error trouble = {0};
    if (!channel->call) return true;
    bool answered = http_wait(channel->call, &reply, &trouble);
    channel->call = NULL;
    channel->sender = NULL;
    if (answered) {
        bool good = take_reply(upload, &reply, err);
        http_reply_done(&reply);
        return good;
    }
    upload->state = UPLOAD_UNKNOWN;
    if (trouble.kind == ERROR_BUSY) return pause_upload(upload, &trouble, 0, err);
    *err = trouble;
    return false;
}

static bool send_next(struct upload *upload, struct error *err)
{
    if (api_stopped(upload->channel->bq, err)) return false;
    return upload->state == UPLOAD_NEW ? open_session(upload, err) : send_chunk(upload, err);
}

/* Sends each chunk as soon as it is full, without waiting for its answer. */
static bool send_full_chunks(struct upload *upload, struct error *err)
{
    struct upload_channel *channel = upload->channel;
    int64_t full = (int64_t)chunk_bytes(channel);
    for (;;) {
        int64_t travels = channel->sender == upload ? (int64_t)channel->chunk.size : 0;
        if (upload->state == UPLOAD_DONE || unacknowledged(upload) - travels < full) return true;
        if (!await_chunk(channel, err)) return false;
        if (upload->state != UPLOAD_DONE && unacknowledged(upload) >= full && !send_next(upload, err))
            return false;
    }
}

static bool compress_input(struct upload *upload, const void *bytes, size_t size, bool is_last,
                           struct error *err)
{
    unsigned char block[BLOCK];
    struct isal_zstream *gzip = upload->gzip;
    gzip->next_in = (uint8_t *)(uintptr_t)bytes; /* isa-l takes no const, but changes nothing */
    gzip->avail_in = (uint32_t)size;
    gzip->end_of_stream = is_last;
    do {
        if (!send_full_chunks(upload, err)) return false;
        if (upload->state == UPLOAD_DONE)
            return error_set(err, ERROR_FORMAT,
                             "BigQuery has job %s already, which only this upload may start", upload->job);
        gzip->next_out = block;
        gzip->avail_out = sizeof block;
        if (isal_deflate(gzip) != COMP_OK) abort(); /* a stream that is not one */
        vector_settle();
        if (!spool_add(&upload->file, block, sizeof block - gzip->avail_out, err)) return false;
    } while (gzip->avail_in > 0 || gzip->avail_out == 0 ||
             (is_last && gzip->internal_state.state != ZSTATE_END));
    if (upload->file.size <= FILE_LIMIT) return true;
    return error_set(err, ERROR_LIMIT,
                     "the rows of this unit are larger than BigQuery takes in one file (4 GB compressed)");
}

static bool compress_gathered(struct upload *upload, bool is_last, struct error *err)
{
    struct buf *gathered = &upload->gathered;
    if (!compress_input(upload, gathered->data, gathered->size, is_last, err)) return false;
    buf_reset(gathered);
    return true;
}

bool upload_add(struct upload *upload, const void *bytes, size_t size, struct error *err)
{
    assert(size <= LIMIT_STAGED + 1);
    if (size > upload->gathered.limit - upload->gathered.size && !compress_gathered(upload, false, err))
        return false;
    if (size > upload->gathered.limit) return compress_input(upload, bytes, size, false, err);
    return buf_add(&upload->gathered, bytes, size); /* it fits */
}

bool upload_end(struct upload *upload, struct error *err)
{
    if (upload->total == NO_TOTAL) {
        if (!compress_gathered(upload, true, err)) return false;
        upload->total = upload->file.size;
    }
    if (!await_chunk(upload->channel, err)) return false;
    while (upload->state != UPLOAD_DONE)
        if (!send_next(upload, err) || !await_chunk(upload->channel, err)) return false;
    return true;
}
