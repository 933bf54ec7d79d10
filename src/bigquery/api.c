/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/clock.h"
#include "base/mem.h"
#include "observer.h"
#include "wait.h"

#define LAG_MS        30000 /* how long a new table may stay unseen by other parts of BigQuery */
#define REQUEST_LIMIT (10 * 1024 * 1024)
#define SESSION_LIMIT 8192 /* of a session's URI */

/* The first wait is short: most of what is repeated is a connection that was cut. */
static const struct retry api_retry = {.base_ms = 250, .cap_ms = 32000, .attempts = 40, .budget_ms = 600000};
static const struct retry one_try = {.base_ms = 250, .cap_ms = 250, .attempts = 1, .budget_ms = 1000};

/* An answer that is not BigQuery's is asked for again that often: a proxy may have spoiled it once. */
#define SPOILED_TRIES 5

struct judgement {
    const struct bigquery *bq;
    const struct api_call *call;
    int spoiled;
    struct wait wait;     /* since the first try */
    struct error refusal; /* of the last try */
};

static bool accepted(const struct api_call *call, int status)
{
    return (status >= 200 && status < 300) || status == call->accept[0] || status == call->accept[1];
}

/* Is it not what BigQuery sends: a body that can't be read, an error without its object, 409 for a GET? */
static bool is_spoiled(const struct api_call *call, const struct http_reply *reply)
{
    struct error unused;
    AUTO(json_drop) json_t *json = NULL;
    bool is_read =
        json_read(buf_string(&reply->body), reply->body.size, NULL, &json, &unused) && json_is_object(json);
    if (reply->status >= 300)
        return !accepted(call, reply->status) &&
               (!json_object_get(json, "error") || (reply->status == 409 && !strcmp(call->method, "GET")));
    char session[SESSION_LIMIT];
    if (call->starts_upload && !http_header(reply, "location", session, sizeof session)) return true;
    bool is_bodiless = call->starts_upload || !strcmp(call->method, "DELETE");
    return !is_bodiless && (!is_read || (call->member && !json_at(json, call->member)));
}

static enum http_verdict judge(void *self, const struct http_reply *reply, int64_t *out_least_ms)
{
    struct judgement *judgement = self;
    struct error *refusal = &judgement->refusal;
    *out_least_ms = http_retry_after_ms(reply);
    if (!accepted(judgement->call, reply->status)) observe_reply(judgement->bq, judgement->call->what, reply);
    if (reply->status == 401) return HTTP_RENEW;
    if (is_spoiled(judgement->call, reply) && ++judgement->spoiled < SPOILED_TRIES) return HTTP_RETRY;
    if (accepted(judgement->call, reply->status)) return HTTP_DONE;
    enum retry_class class = reason_of_reply(reply, judgement->call->what, refusal);
    bool is_new =
        class == RETRY_IF_NEW && judgement->call->may_be_new && api_is_new(judgement->bq, refusal->text);
    return is_new || reason_passes(class) ? HTTP_RETRY : HTTP_DONE;
}

/* Each try counts as progress, also while BigQuery keeps us waiting. */
static int64_t note_try(void *self)
{
    struct judgement *judgement = self;
    const char *cause = judgement->refusal.kind == ERROR_NONE ? "no answer" : judgement->refusal.text;
    progress_step(judgement->bq->settings.progress, judgement->call->what);
    wait_tell(&judgement->wait, judgement->call->what, cause);
    return 0;
}

static bool take_answer(const struct api_call *call, const struct http_reply *reply, struct api_answer *out,
                        struct error *err)
{
    char session[SESSION_LIMIT];
    out->status = reply->status;
    if (!accepted(call, reply->status)) {
        (void)reason_of_reply(reply, call->what, err); /* http_do has retried what may be retried */
        return false;
    }
    if (call->starts_upload && http_header(reply, "location", session, sizeof session))
        out->session = strlen(session) + 1 < sizeof session ? mem_text(session) : NULL; /* else it was cut */
    if (reply->body.size == 0 || reply->status >= 300) return true;
    if (json_read(buf_string(&reply->body), reply->body.size, NULL, &out->json, err)) return true;
    return error_wrap(err, "%s", call->what);
}

bool api_do(struct bigquery *bq, const struct api_call *call, struct api_answer *out_answer,
            struct error *err)
{
    *out_answer = (struct api_answer){0};
    char etag[256];
    snprintf(etag, sizeof etag, "If-Match: %s", call->etag ? call->etag : "");
    const char *headers[6] = {"Accept: application/json"};
    size_t header_count = 1;
    if (call->body) headers[header_count++] = "Content-Type: application/json; charset=UTF-8";
    if (call->upload) headers[header_count++] = "Content-Type: multipart/related; boundary=" UPLOAD_BOUNDARY;
    if (call->etag) headers[header_count++] = etag;
    if (call->starts_upload) headers[header_count++] = "X-Upload-Content-Type: application/octet-stream";
    AUTO(mem_free)
    char *url = mem_format("%s%s/bigquery/v2/projects/%s/%s%sprettyPrint=false", bq->settings.base_url,
                           call->starts_upload || call->upload ? "/upload" : "", bq->settings.project,
                           call->path, strchr(call->path, '?') ? "&" : "?");
    AUTO(buf_done) struct buf body = buf_limited(REQUEST_LIMIT);
    if (call->body && !json_write(&body, call->body))
        return error_set(err, ERROR_LIMIT, "%s: the request is larger than 10 MiB", call->what);
    const struct buf *sent = call->upload ? call->upload : &body;
    struct judgement judgement = {.bq = bq, .call = call};
    const struct http_policy policy = {.judge = judge, .delay_ms = note_try, .self = &judgement};
    const struct http_request request = {
        .method = call->method,
        .url = url,
        .headers = headers,
        .token = bq->settings.token,
        .body = call->body || call->upload ? buf_string(sent) : NULL,
        .body_size = sent->size,
        .reply_limit = LIMIT_REPLY,
        .timeout_s = call->outlasts_stop ? LAST_WORD_S
                     : call->best_effort ? BEST_EFFORT_S
                                         : 120,
        .retry = call->best_effort || call->outlasts_stop ? &one_try : &api_retry,
        .outlasts_stop = call->outlasts_stop,
        .policy = &policy,
        .service = HTTP_BIGQUERY,
        .what = call->what,
    };
    struct http_reply reply;
    if (!http_do(bq->settings.http, &request, &reply, err)) return false;
    bool good = take_answer(call, &reply, out_answer, err);
    http_reply_done(&reply);
    if (!good) api_answer_done(out_answer);
    return good;
}

void api_answer_done(struct api_answer *answer)
{
    json_drop(&answer->json);
    free(answer->session);
    *answer = (struct api_answer){0};
}

bool api_stopped(struct bigquery *bq, struct error *err)
{
    if (!bq->settings.stop || !atomic_load(bq->settings.stop)) return false;
    error_set(err, ERROR_STOPPED,
              "stopped during a call to BigQuery; nothing is lost, the message is redelivered");
    return true;
}

bool api_sleep(struct bigquery *bq, int64_t ms, struct error *err)
{
    return clock_sleep_ms(ms, bq->settings.stop) || !api_stopped(bq, err);
}

/* A subdomain of googleapis.com on the port of https; private and regional endpoints are such. */
static bool is_google(const struct http_origin *origin)
{
    static const char domain[] = ".googleapis.com";
    size_t size = strlen(origin->host), suffix = sizeof domain - 1;
    return !strcmp(origin->scheme, "https") && origin->port == 443 && size > suffix &&
           !strcmp(origin->host + size - suffix, domain) &&
           strspn(origin->host, "abcdefghijklmnopqrstuvwxyz0123456789-.") == size && origin->host[0] != '.';
}

bool api_is_ours(const char *base_url, const char *url)
{
    struct http_origin own, other;
    if (!http_origin(base_url, &own) || !http_origin(url, &other) || other.has_user) return false;
    if (is_google(&own) && is_google(&other)) return true;
    return !strcmp(own.scheme, other.scheme) && !strcmp(own.host, other.host) && own.port == other.port;
}

void api_note_new(struct bigquery *bq, const char *name)
{
    struct new_resource *slot = &bq->new_resources[bq->new_count++ % NEW_RESOURCES];
    slot->created_ms = clock_ms();
    snprintf(slot->name, sizeof slot->name, "%s", name);
}

/* "Not found: Table P:D.T was not found": T, or D of a dataset. NULL: the message names neither. */
static const char *name_of_missing(const char *message, size_t *out_size)
{
    const char *at = strstr(message, "Table "), *end;
    if (!at) at = strstr(message, "Dataset ");
    if (!at) return NULL;
    at = strchr(at, ' ') + 1;
    end = at + strcspn(at, " ;,");
    for (const char *byte = at; byte < end; byte++)
        if (*byte == ':' || *byte == '.') at = byte + 1;
    *out_size = (size_t)(end - at);
    return at;
}

bool api_is_new(const struct bigquery *bq, const char *message)
{
    size_t size = 0;
    const char *missing = name_of_missing(message, &size);
    int64_t now_ms = clock_ms();
    for (size_t i = 0; i < NEW_RESOURCES; i++) {
        const struct new_resource *new = &bq->new_resources[i];
        if (!new->created_ms || now_ms - new->created_ms >= LAG_MS) continue;
        if (!missing || (strlen(new->name) == size && !memcmp(new->name, missing, size))) return true;
    }
    return false;
}

bool api_query(struct buf *path, const char *name, const char *value)
{
    return buf_format(path, "%c%s=", strchr(buf_string(path), '?') ? '&' : '?', name) &&
           http_escape(path, value);
}
