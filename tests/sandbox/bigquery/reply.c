/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c - what every BigQuery handler needs: refusals in BigQuery's shape, numbers that travel as
 * strings, names, labels, etags, patches and pages.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/random.h"
#include "bigquery/internal.h"

static const struct {
    const char *reason;
    int status;
} reasons[] = {
    {"duplicate", 409},
    {"notFound", 404},
    {"conditionNotMet", 412},
    {"accessDenied", 403},
    {"backendError", 503},
    {"internalError", 500},
    {"bytesBilledLimitExceeded", 500},
    {"badGateway", 502},
    {"quotaExceeded", 403},
    {"rateLimitExceeded", 403},
    {"responseTooLarge", 403},
    {"authError", 401},
    {"blocked", 403},
    {"billingNotEnabled", 403},
    {"notImplemented", 501},
};

static const struct {
    int code;
    const char *name;
} statuses[] = {
    {400, "INVALID_ARGUMENT"}, {401, "UNAUTHENTICATED"}, {403, "PERMISSION_DENIED"},
    {404, "NOT_FOUND"},        {409, "ALREADY_EXISTS"},  {412, "FAILED_PRECONDITION"},
    {500, "INTERNAL"},         {501, "UNIMPLEMENTED"},   {502, "UNAVAILABLE"},
    {503, "UNAVAILABLE"},
};

bool bq_problem(struct store_error *err, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)snprintf(err->reason, sizeof err->reason, "%s", reason);
    (void)vsnprintf(err->message, sizeof err->message, format, args); /* cut if too long */
    va_end(args);
    return false;
}

int bq_problem_status(const char *reason)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (strcmp(reasons[i].reason, reason) == 0) return reasons[i].status;
    return 400;
}

bool bq_problem_reply(struct exchange *exchange, const struct store_error *err)
{
    int code = bq_problem_status(err->reason);
    const char *name = "UNKNOWN";
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].code == code) name = statuses[i].name;
    json_t *detail =
        json_pack("{s:s, s:s, s:s}", "message", err->message, "domain", "global", "reason", err->reason);
    if (strcmp(err->reason, "invalidQuery") == 0) {
        json_object_set_new(detail, "location", json_string("q"));
        json_object_set_new(detail, "locationType", json_string("parameter"));
    }
    exchange_reply_json(exchange, code,
                        json_pack("{s:{s:i, s:s, s:[o], s:s}}", "error", "code", code, "message",
                                  err->message, "errors", detail, "status", name));
    return false;
}

json_t *bq_read_object(struct exchange *exchange, struct store_error *err)
{
    json_t *body = exchange_json(exchange);
    if (json_is_object(body)) return body;
    json_decref(body);
    (void)bq_problem(err, "parseError",
                     "Invalid JSON payload received. The request's body must be one JSON object.");
    return NULL;
}

bool bq_text_int64(const char *text, int64_t *out_number)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0) return false;
    *out_number = number;
    return true;
}

bool bq_read_int64(const json_t *value, int64_t *out_number)
{
    if (json_is_string(value)) return bq_text_int64(json_string_value(value), out_number);
    if (!json_is_integer(value)) return false;
    *out_number = json_integer_value(value);
    return true;
}

json_t *bq_int64_text(int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)number);
    return json_string(text);
}

json_t *bq_ms_text(int64_t us)
{
    return bq_int64_text(us / 1000);
}

bool bq_query_flag(const struct exchange *exchange, const char *name)
{
    const char *text = exchange_query(exchange, name);
    return text && strcasecmp(text, "true") == 0; /* Google's Python client writes "True" */
}

bool bq_valid_id(const char *text, const char *more, size_t limit)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    if (!text || text[0] == '\0' || strlen(text) > limit) return false;
    for (const char *at = text; *at; at++)
        if (!strchr(plain, *at) && !strchr(more, *at)) return false;
    return true;
}

/* Lower-case letters, digits, "_", "-" and anything beyond ASCII (other scripts are allowed). */
static bool label_text(const char *text, bool key)
{
    if (strlen(text) > 63 * (size_t)4 || (key && !((text[0] >= 'a' && text[0] <= 'z') || (text[0] & 0x80))))
        return false;
    size_t length = 0;
    for (const char *at = text; *at; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_' || *at == '-';
        if (!plain && !(*at & 0x80)) return false;
        if ((*at & 0xC0) != 0x80) length++;
    }
    return length <= 63;
}

bool bq_valid_labels(const json_t *labels, struct store_error *err)
{
    if (!labels) return true;
    if (!json_is_object(labels) || json_object_size(labels) > 64)
        return bq_problem(err, "invalid", "Labels must be an object with at most 64 members.");
    void *at = json_object_iter((json_t *)(uintptr_t)labels);
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)labels, at)) {
        const char *value = json_string_value(json_object_iter_value(at));
        if (!label_text(json_object_iter_key(at), true))
            return bq_problem(
                err, "invalid",
                "Label key \"%s\" is invalid: at most 63 lower-case letters, digits, underscores and "
                "dashes, a letter first.",
                json_object_iter_key(at));
        if (!value || !label_text(value, false))
            return bq_problem(err, "invalid", "The value of label \"%s\" is invalid.",
                              json_object_iter_key(at));
    }
    return true;
}

void bq_merge_patch(json_t *target, const json_t *patch)
{
    void *at = json_object_iter((json_t *)(uintptr_t)patch);
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)patch, at)) {
        const char *key = json_object_iter_key(at);
        json_t *value = json_object_iter_value(at), *old = json_object_get(target, key);
        if (json_is_null(value))
            (void)json_object_del(target, key);
        else if (json_is_object(value) && json_is_object(old))
            bq_merge_patch(old, value);
        else
            json_object_set_new(target, key, json_deep_copy(value));
    }
}

bool bq_etag_matches(const struct exchange *exchange, const json_t *resource)
{
    const char *wanted = exchange_header(exchange, "if-match");
    if (!wanted || strcmp(wanted, "*") == 0) return true;
    const char *etag = json_string_value(json_object_get(resource, "etag"));
    if (!etag) return false;
    size_t size = strlen(etag);
    if (wanted[0] == '"') /* clients send it bare or quoted */
        return strncmp(wanted + 1, etag, size) == 0 && strcmp(wanted + 1 + size, "\"") == 0;
    return strcmp(wanted, etag) == 0;
}

/* A count in the query; absent: the fallback. */
static bool read_count(const struct exchange *exchange, const char *name, size_t fallback, size_t *out_count,
                       struct store_error *err)
{
    const char *text = exchange_query(exchange, name);
    int64_t number = 0;
    *out_count = fallback;
    if (!text) return true;
    if (!bq_text_int64(text, &number) || number < 0)
        return bq_problem(err, "invalid", "Invalid value for %s: '%s' is no unsigned number.", name, text);
    *out_count = (size_t)number;
    return true;
}

bool bq_read_page(const struct exchange *exchange, size_t total, size_t most, struct result_page *out_page,
                  struct store_error *err)
{
    size_t first, count;
    if (!read_count(exchange, "startIndex", 0, &first, err) ||
        !read_count(exchange, "maxResults", most, &count, err))
        return false;
    const char *token = exchange_query(exchange, "pageToken");
    int64_t next = 0;
    if (token && *token) {
        if (strncmp(token, "from-", 5) != 0 || !bq_text_int64(token + 5, &next) || next < 0 ||
            (size_t)next > total)
            return bq_problem(err, "invalid",
                              "Invalid value for pageToken: '%s' was not given by this service.", token);
        first = (size_t)next;
    }
    if (first > total) first = total;
    if (count > most) count = most;
    if (count > total - first) count = total - first;
    *out_page = (struct result_page){.first = first, .count = count};
    return true;
}

void bq_set_page_token(json_t *reply, const char *name, size_t next, size_t total)
{
    if (next < total) json_object_set_new(reply, name, json_sprintf("from-%zu", next));
}
