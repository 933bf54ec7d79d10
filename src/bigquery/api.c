/* SPDX-License-Identifier: Apache-2.0 */
/* api.c - one REST call of BigQuery, and what its error reasons mean. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "internal.h"

#define LAG_MS        30000 /* how long a new table may stay unseen by other parts of BigQuery */
#define REQUEST_LIMIT (10 * 1024 * 1024)

/* The first wait is short: most of what is repeated is a connection that was cut. */
const struct retry api_retry = {.base_ms = 250, .cap_ms = 32000, .attempts = 40, .budget_ms = 600000};
static const struct retry one_try = {.base_ms = 250, .cap_ms = 250, .attempts = 1, .budget_ms = 1000};

/* --- Reasons --- */

struct reason {
    const char *name;
    enum reaction request, job; /* as an answer to a request; as a job's errorResult */
    enum error_kind kind;       /* if it fails for good */
    const char *advice;
};

static const struct reason reasons[] = {
    {"backendError", REACT_AGAIN, REACT_AGAIN, ERROR_BUSY, "BigQuery has trouble of its own"},
    {"internalError", REACT_AGAIN, REACT_AGAIN, ERROR_BUSY, "BigQuery has trouble of its own"},
    {"badGateway", REACT_AGAIN, REACT_AGAIN, ERROR_BUSY, "BigQuery has trouble of its own"},
    {"jobBackendError", REACT_AGAIN, REACT_AGAIN, ERROR_BUSY, "BigQuery has trouble of its own"},
    {"jobInternalError", REACT_AGAIN, REACT_AGAIN, ERROR_BUSY, "BigQuery has trouble of its own"},
    {"jobRateLimitExceeded", REACT_AGAIN, REACT_AGAIN, ERROR_BUSY, "too many jobs at once"},
    {"rateLimitExceeded", REACT_AGAIN, REACT_AGAIN, ERROR_BUSY, "too many requests at once"},
    {"resourceInUse", REACT_AGAIN, REACT_AGAIN, ERROR_BUSY, "something else is changing it"},
    {"tableUnavailable", REACT_AGAIN, REACT_AGAIN, ERROR_BUSY, "the table can't be reached now"},
    {"timeout", REACT_AGAIN, REACT_LATER, ERROR_BUSY, "it took too long"},
    {"stopped", REACT_LATER, REACT_LATER, ERROR_BUSY, "somebody cancelled the job, or it took too long"},
    {"quotaExceeded", REACT_LATER, REACT_LATER, ERROR_BUSY,
     "raise the quota in the console, or wait for it to refill"},
    {"authError", REACT_FAIL, REACT_FAIL, ERROR_AUTH, "check the service account's credentials"},
    {"accessDenied", REACT_FAIL, REACT_FAIL, ERROR_AUTH,
     "grant the service account roles/bigquery.jobUser on the project and roles/bigquery.dataEditor on both "
     "datasets"},
    {"billingNotEnabled", REACT_FAIL, REACT_FAIL, ERROR_CONFIG,
     "enable billing for the project: without it BigQuery runs no DML"},
    {"billingTierLimitExceeded", REACT_FAIL, REACT_FAIL, ERROR_CONFIG, "raise the project's billing tier"},
    {"blocked", REACT_FAIL, REACT_FAIL, ERROR_CONFIG, "BigQuery has blocked this project; ask its support"},
    {"notFound", REACT_FAIL, REACT_FAIL, ERROR_REFUSED,
     "check project, dataset and location; if a table was dropped meanwhile, it is made anew at the next "
     "try"},
    {"duplicate", REACT_FAIL, REACT_FAIL, ERROR_REFUSED, "something of that name is there already"},
    {"conditionNotMet", REACT_FAIL, REACT_FAIL, ERROR_BUSY, "somebody else changed it at the same time"},
    {"resourcesExceeded", REACT_FAIL, REACT_FAIL, ERROR_REFUSED,
     "the statement is too heavy; ask for fewer days"},
    {"responseTooLarge", REACT_FAIL, REACT_FAIL, ERROR_LIMIT, "the answer is too large"},
    {"invalidQuery", REACT_FAIL, REACT_FAIL, ERROR_REFUSED, "the statement is refused as it is"},
    {"invalid", REACT_FAIL, REACT_FAIL, ERROR_REFUSED, "the request is refused as it is"},
};

static const struct reason *find_reason(const char *name)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (!strcmp(reasons[i].name, name)) return &reasons[i];
    return NULL;
}

/* BigQuery files these two under invalidQuery, although they only mean that another commit was first. */
static bool is_conflict(const char *message)
{
    return strstr(message, "aborted due to concurrent update") ||
           strstr(message, "Could not serialize access");
}

enum reaction reason_of_job(const char *name, const char *message)
{
    const struct reason *reason = find_reason(name);
    if (is_conflict(message) || strstr(message, "too many table update operations")) return REACT_AGAIN;
    return reason ? reason->job : REACT_FAIL;
}

enum error_kind reason_kind(const char *name)
{
    const struct reason *reason = find_reason(name);
    return reason ? reason->kind : ERROR_REFUSED;
}

const char *reason_advice(const char *name)
{
    const struct reason *reason = find_reason(name);
    return reason ? reason->advice : "see BigQuery's error messages for this reason";
}

static enum reaction reaction_of_status(int status)
{
    bool again = status == 408 || status == 429 || (status >= 500 && status != 501);
    return again ? REACT_AGAIN : REACT_FAIL;
}

static enum error_kind kind_of_status(int status, enum reaction reaction)
{
    if (reaction != REACT_FAIL) return ERROR_BUSY;
    return status == 401 || status == 403 ? ERROR_AUTH : ERROR_REFUSED;
}

enum reaction api_reaction(const struct http_reply *reply, const char *what, struct error *err)
{
    struct error unread;
    AUTO(json_drop) json_t *json = NULL;
    if (!json_read(buf_string(&reply->body), reply->body.size, NULL, &json, &unread)) json = NULL;
    const json_t *first = json_array_get(json_object_get(json_at(json, "error"), "errors"), 0);
    const char *name = json_text_at(first, "reason"), *message = json_text_at(json, "error.message");
    if (!name) name = "";
    if (!message) message = "no explanation was given";
    const struct reason *reason = find_reason(name);
    enum reaction reaction = reason ? reason->request : reaction_of_status(reply->status);
    if (is_conflict(message) || strstr(message, "too many table update operations")) reaction = REACT_AGAIN;
    enum error_kind kind = reaction != REACT_FAIL ? ERROR_BUSY
                           : reason               ? reason->kind
                                                  : kind_of_status(reply->status, reaction);
    error_set(err, kind, "%s: %.600s (%s, HTTP %d); %s", what, message, *name ? name : "no reason",
              reply->status, reason_advice(name));
    err->status = reply->status;
    return reaction;
}

/* --- Calls --- */

struct judgement {
    const struct bigquery *bq;
    const struct api_call *call;
};

static bool accepted(const struct api_call *call, int status)
{
    return (status >= 200 && status < 300) || status == call->accept[0] || status == call->accept[1];
}

static enum http_verdict judge(void *self, const struct http_reply *reply, int64_t *out_least_ms)
{
    const struct judgement *judgement = self;
    struct error unused;
    *out_least_ms = http_retry_after_ms(reply);
    if (accepted(judgement->call, reply->status)) return HTTP_DONE;
    if (reply->status == 401) return HTTP_RENEW;
    bool fresh = judgement->bq->created_ms && clock_ms() - judgement->bq->created_ms < LAG_MS;
    if (reply->status == 404 && judgement->call->lags && fresh) return HTTP_RETRY;
    return api_reaction(reply, judgement->call->what, &unused) == REACT_AGAIN ? HTTP_RETRY : HTTP_DONE;
}

/* Each try is a sign of life, also while BigQuery keeps us waiting. */
static int64_t note_try(void *self)
{
    const struct judgement *judgement = self;
    progress_step(judgement->bq->settings.progress, judgement->call->what);
    return 0;
}

static bool take_answer(const struct api_call *call, const struct http_reply *reply, struct api_answer *out,
                        struct error *err)
{
    char session[4096];
    out->status = reply->status;
    if (!accepted(call, reply->status)) {
        (void)api_reaction(reply, call->what, err); /* it is an error in any case */
        return false;
    }
    if (call->upload && http_header(reply, "location", session, sizeof session))
        out->session = mem_text(session);
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
    if (call->etag) headers[header_count++] = etag;
    if (call->upload) headers[header_count++] = "X-Upload-Content-Type: application/octet-stream";
    AUTO(mem_free)
    char *url = mem_format("%s%s/bigquery/v2/projects/%s/%s%sprettyPrint=false", bq->settings.base_url,
                           call->upload ? "/upload" : "", bq->settings.project, call->path,
                           strchr(call->path, '?') ? "&" : "?");
    AUTO(buf_done) struct buf body = {0};
    buf_init(&body, REQUEST_LIMIT);
    if (call->body && !json_write(&body, call->body))
        return error_set(err, ERROR_LIMIT, "%s: the request is larger than 10 MiB", call->what);
    struct judgement judgement = {.bq = bq, .call = call};
    const struct http_policy policy = {.judge = judge, .delay_ms = note_try, .self = &judgement};
    const struct http_request request = {
        .method = call->method,
        .url = url,
        .headers = headers,
        .token = bq->settings.token,
        .body = call->body ? buf_string(&body) : NULL,
        .body_size = body.size,
        .reply_limit = LIMIT_REPLY,
        .timeout_s = 120,
        .retry = call->quick ? &one_try : &api_retry,
        .policy = &policy,
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

/* --- Small things --- */

bool api_stopped(struct bigquery *bq, struct error *err)
{
    if (!bq->settings.stop || !atomic_load(bq->settings.stop)) return false;
    error_set(err, ERROR_STOPPED,
              "stopped while working with BigQuery; nothing is lost, the message comes again");
    return true;
}

bool api_sleep(struct bigquery *bq, int64_t ms, struct error *err)
{
    return clock_sleep_ms(ms, bq->settings.stop) || !api_stopped(bq, err);
}

bool api_same_host(const char *base_url, const char *url)
{
    size_t size = strlen(base_url);
    return !strncasecmp(base_url, url, size) && url[size] == '/';
}

bool api_query(struct buf *out, const char *name, const char *value)
{
    return buf_format(out, "%c%s=", strchr(buf_string(out), '?') ? '&' : '?', name) &&
           http_escape(out, value);
}
