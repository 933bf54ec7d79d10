/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "internal.h"

#define TRY_TIMEOUT_S 180 /* http gives up earlier on a silent server */

/* What an answer that is neither good nor worth repeating means. The first row that fits counts. */
static const struct refusal {
    int status;       /* 0: any */
    const char *code; /* NULL: any */
    enum error_kind kind;
    const char *way_out;
} refusals[] = {
    {400, "intercom_version_invalid", ERROR_FORBIDDEN,
     "this version of the API does not have it: set a newer api_version, or leave it out"},
    {402, NULL, ERROR_FORBIDDEN,
     "the workspace's plan does not include it: leave it out, or change the plan"},
    {403, NULL, ERROR_FORBIDDEN,
     "plan or token do not include it: give the app this permission in the Developer Hub, or leave it out"},
    {0, NULL, ERROR_REFUSED, "asking again will not help: check the version, the region and the base URL"},
};

void fetch_quote(char *out, size_t size, const char *text)
{
    size_t used = 0;
    for (; text && *text && used + 1 < size; text++)
        out[used++] = *text < ' ' || *text > '~' ? '?' : *text;
    out[used] = '\0';
}

/* --- the policy: asked by http before and after each try --- */

static int64_t delay_ms(void *self)
{
    struct fetch *fetch = self;
    struct limiter *limiter = &fetch->intercom->limiter;
    int64_t now = clock_ms();
    int64_t delay = limiter_delay_ms(limiter, now);
    if (delay == 0) {
        limiter_began(limiter, now);
        fetch->tries++;
    }
    return delay;
}

static bool is_readable(const struct fetch *fetch)
{
    return json_is_object(fetch->value) || (fetch->bare && json_is_array(fetch->value));
}

/* An object that is not cut, as far as its ends tell. */
static bool looks_whole(const struct buf *body)
{
    static const char blanks[] = " \t\r\n";
    const char *text = buf_string(body);
    size_t size = body->size;
    while (size > 0 && strchr(blanks, text[size - 1]))
        size--;
    text += strspn(text, blanks);
    return size > 0 && *text == '{' && buf_string(body)[size - 1] == '}';
}

static bool read_body(struct fetch *fetch, const struct http_reply *reply, json_t **out_value,
                      struct error *err)
{
    if (fetch->store) return store_read(fetch->store, &fetch->normalisations, out_value, err);
    return json_read(buf_string(&reply->body), reply->body.size, &fetch->normalisations, out_value, err);
}

/* A good status is not enough: bodies come empty, cut or as a proxy's page, and are whole the next time. */
static enum http_verdict read_answer(struct fetch *fetch, const struct http_reply *reply)
{
    json_drop(&fetch->value);
    fetch->unread = (struct error){0};
    bool good = true;
    if (fetch->lean && !looks_whole(fetch->store ? store_body(fetch->store) : &reply->body))
        good = error_set(&fetch->unread, ERROR_FORMAT, "it is not an object");
    else if (!fetch->lean)
        good = read_body(fetch, reply, &fetch->value, &fetch->unread);
    if (good && !fetch->lean && !is_readable(fetch))
        good = error_set(&fetch->unread, ERROR_FORMAT, "it is not an object");
    if (good && fetch->good) ++*fetch->good;
    return good ? HTTP_DONE : HTTP_RETRY;
}

static void take_request_id(struct fetch *fetch, const json_t *body)
{
    const char *request_id = json_text_at(body, "request_id");
    if (request_id) fetch_quote(fetch->request_id, sizeof fetch->request_id, request_id);
}

/* In the head of each answer; and in the body of an error, should something between drop the header. */
static void keep_request_id(struct fetch *fetch, const struct http_reply *reply)
{
    char request_id[sizeof fetch->request_id] = "-";
    struct error unused;
    AUTO(json_drop) json_t *body = NULL;
    bool told = http_header(reply, "x-request-id", request_id, sizeof request_id);
    fetch_quote(fetch->request_id, sizeof fetch->request_id, request_id);
    if (!told && reply->status >= 300 &&
        json_read(buf_string(&reply->body), reply->body.size, NULL, &body, &unused))
        take_request_id(fetch, body);
}

static enum http_verdict judge(void *self, const struct http_reply *reply, int64_t *out_least_ms)
{
    struct fetch *fetch = self;
    struct limit_report report = limit_report_of(reply);
    *out_least_ms = limiter_heard(&fetch->intercom->limiter, &report, clock_ms());
    if (report.date_s > 0) fetch->intercom->peer_s = report.date_s;
    keep_request_id(fetch, reply);
    progress_step(fetch->intercom->progress, "reading from Intercom");

    int status = reply->status;
    if (status >= 200 && status < 300) return read_answer(fetch, reply);
    if (status == 401) return HTTP_RENEW;
    bool later = status == 408 || status == 409 || status == 429 || status >= 500;
    return later ? HTTP_RETRY : HTTP_DONE;
}

/* --- an exchange --- */

void fetch_init(struct fetch *fetch, struct intercom *intercom, const char *what)
{
    *fetch = (struct fetch){
        .intercom = intercom,
        .what = what,
        .policy = {.judge = judge, .delay_ms = delay_ms, .self = fetch},
        .request_id = "-",
    };
}

bool fetch_send(struct fetch *fetch, const struct fetch_request *request, struct error *err)
{
    const struct intercom *intercom = fetch->intercom;
    bool bodied = request->body != NULL;
    fetch->late = false;
    struct http_sink sink = fetch->store ? store_sink(fetch->store) : (struct http_sink){0};
    /* With a store http keeps refusals alone, and many wait. */
    size_t limit = fetch->store           ? LIMIT_DEFERRED_BODY
                   : request->reply_limit ? request->reply_limit
                                          : LIMIT_PAGE;
    const char *const headers[] = {"Accept: application/json", intercom->version_line,
                                   bodied           ? "Content-Type: application/json"
                                   : request->fresh ? "Cache-Control: no-cache"
                                                    : NULL,
                                   NULL};
    return http_send(intercom->http,
                     &(struct http_request){
                         .method = request->method,
                         .url = request->url,
                         .headers = headers,
                         .token = intercom->token,
                         .body = bodied ? buf_string(request->body) : NULL,
                         .body_size = bodied ? request->body->size : 0,
                         .reply_limit = limit,
                         .sink = fetch->store ? &sink : NULL,
                         .timeout_s = TRY_TIMEOUT_S,
                         .retry = request->retry,
                         .policy = &fetch->policy,
                         .what = fetch->what,
                     },
                     &fetch->call, err);
}

/* The id at the end of `Link: </contacts/ID>; rel="canonical"`. */
static void keep_canonical(struct fetch *fetch, const struct http_reply *reply)
{
    char link[512];
    fetch->canonical[0] = '\0';
    if (!http_header(reply, "link", link, sizeof link) || !strstr(link, "rel=\"canonical\"")) return;
    char *end = strchr(link, '>');
    if (link[0] != '<' || !end) return;
    *end = '\0';
    const char *id = strrchr(link, '/');
    if (id && id[1] && strlen(id + 1) < sizeof fetch->canonical)
        fetch_quote(fetch->canonical, sizeof fetch->canonical, id + 1);
}

/* Keeps code, message and request id of an error answer; its body may be anything. */
static void keep_refusal(struct fetch *fetch, const struct http_reply *reply)
{
    struct error unused;
    AUTO(json_drop) json_t *body = NULL;
    fetch->code[0] = fetch->message[0] = '\0';
    if (!json_read(buf_string(&reply->body), reply->body.size, NULL, &body, &unused)) return;
    const json_t *first = json_array_get(json_object_get(body, "errors"), 0);
    fetch_quote(fetch->code, sizeof fetch->code, json_text_at(first, "code"));
    fetch_quote(fetch->message, sizeof fetch->message, json_text_at(first, "message"));
    take_request_id(fetch, body);
}

static bool refuse(const struct fetch *fetch, int status, struct error *err)
{
    const struct refusal *row = refusals;
    while ((row->status != 0 && row->status != status) || (row->code && strcmp(row->code, fetch->code) != 0))
        row++;
    (void)error_set(err, row->kind, "%s: Intercom answered HTTP %d %s (%s), request id %s; %s", fetch->what,
                    status, fetch->code[0] ? fetch->code : "without a code",
                    fetch->message[0] ? fetch->message : "no message", fetch->request_id, row->way_out);
    err->status = status;
    return false;
}

/* http's own error in the words of this peer. */
static bool explain(const struct fetch *fetch, struct error *err)
{
    if (err->kind == ERROR_AUTH)
        return error_wrap(err,
                          "Intercom refuses the access token, request id %s (copy it anew from the Developer "
                          "Hub, and check that it belongs to the configured region)",
                          fetch->request_id);
    bool good_status = err->status >= 200 && err->status < 300;
    if (err->kind == ERROR_BUSY && good_status && fetch->unread.kind != ERROR_NONE) {
        int status = err->status;
        (void)error_set(err, fetch->unread.kind,
                        "%s: each of %" PRId64
                        " answers was unreadable (the last: HTTP %d, request id %s, %s); look "
                        "for a proxy between, or ask Intercom with this id",
                        fetch->what, fetch->tries, status, fetch->request_id, fetch->unread.text);
        err->status = status;
        return false;
    }
    if (err->kind == ERROR_BUSY && err->status != 0)
        return error_wrap(err, "request id %s", fetch->request_id);
    return false;
}

/* The answer came while it was not its turn. */
static bool read_late(struct fetch *fetch, const struct http_reply *reply, json_t **out_value,
                      struct error *err)
{
    if (read_body(fetch, reply, out_value, err)) return true;
    (void)error_wrap(err, "%s, request id %s", fetch->what, fetch->request_id);
    fetch->late = true;
    err->status = reply->status;
    return false;
}

bool fetch_wait(struct fetch *fetch, json_t **out_value, struct error *err)
{
    AUTO(http_reply_done) struct http_reply reply = {0};
    struct http_call *call = fetch->call;
    *out_value = NULL;
    fetch->call = NULL;
    fetch->code[0] = fetch->message[0] = '\0';
    if (!http_wait(call, &reply, err)) return explain(fetch, err);
    if (reply.status < 200 || reply.status >= 300) {
        keep_refusal(fetch, &reply);
        keep_canonical(fetch, &reply);
        return refuse(fetch, reply.status, err);
    }
    if (!fetch->value) return read_late(fetch, &reply, out_value, err);
    *out_value = fetch->value;
    fetch->value = NULL;
    if (strcmp(fetch->request_id, "-") == 0) take_request_id(fetch, *out_value);
    return true;
}

void fetch_tell(struct fetch *fetch, struct page *page)
{
    page->requests += fetch->tries;
    page->normalisations +=
        fetch->normalisations.numbers + fetch->normalisations.characters + fetch->normalisations.duplicates;
    fetch->tries = 0;
    fetch->normalisations = (struct json_normalisations){0};
}

void fetch_done(struct fetch *fetch)
{
    http_drop(fetch->call);
    fetch->call = NULL;
    json_drop(&fetch->value);
}
