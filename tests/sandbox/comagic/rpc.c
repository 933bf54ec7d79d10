/* SPDX-License-Identifier: Apache-2.0 */
/* rpc.c - what every call must have, in the order in which the service looks; errors; limits. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "comagic/internal.h"
#include "google/auth.h"

#define DAY_S 86400

/* --- limits --- */

static int64_t minute_number(const struct comagic *comagic)
{
    return (int64_t)time(NULL) / comagic->minute_s;
}

static void begin_windows(struct comagic *comagic)
{
    int64_t minute = minute_number(comagic), day = comagic_now_s(comagic) / DAY_S;
    if (comagic->minute.began != minute)
        comagic->minute = (struct limit){.most = comagic->minute.most, .began = minute};
    if (comagic->day.began != day) comagic->day = (struct limit){.most = comagic->day.most, .began = day};
}

/* Yours. The lock is held. */
static json_t *describe_limits(struct comagic *comagic)
{
    begin_windows(comagic);
    const struct limit *minute = &comagic->minute, *day = &comagic->day;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "day_limit", (json_int_t)day->most, "day_remaining",
                     (json_int_t)(day->most - day->used), "day_reset",
                     (json_int_t)(DAY_S - comagic_now_s(comagic) % DAY_S), "minute_limit",
                     (json_int_t)minute->most, "minute_remaining", (json_int_t)(minute->most - minute->used),
                     "minute_reset",
                     (json_int_t)(comagic->minute_s - (int64_t)time(NULL) % comagic->minute_s));
}

/* NULL: none is exceeded. */
static const char *exceeded_limit(struct comagic *comagic)
{
    pthread_mutex_lock(&comagic->lock);
    begin_windows(comagic);
    const char *type = comagic->day.used >= comagic->day.most         ? "day"
                       : comagic->minute.used >= comagic->minute.most ? "minute"
                                                                      : NULL;
    pthread_mutex_unlock(&comagic->lock);
    return type;
}

/* --- answers --- */

static json_t *id_of(const struct call *call)
{
    struct comagic *comagic = call->comagic;
    pthread_mutex_lock(&comagic->lock);
    bool skips = comagic->skips_echo;
    comagic->skips_echo = false;
    pthread_mutex_unlock(&comagic->lock);
    if (skips) return json_string("of another request");
    return call->request ? json_incref(json_object_get(call->request, "id")) : json_null();
}

/* Only what succeeds is counted. */
void comagic_reply(const struct call *call, json_t *data, int64_t total)
{
    struct comagic *comagic = call->comagic;
    pthread_mutex_lock(&comagic->lock);
    begin_windows(comagic);
    comagic->day.used++;
    comagic->minute.used++;
    json_t *metadata = json_pack("{s:o}", "limits", describe_limits(comagic));
    if (total >= 0) json_object_set_new(metadata, "total_items", json_integer((json_int_t)total));
    if (comagic->is_deprecated)
        json_object_set_new(metadata, "api_version",
                            json_pack("{s:b, s:s, s:s}", "current_version_deprecated", 1, "current_version",
                                      "v2.0", "latest_version", "v3.0"));
    pthread_mutex_unlock(&comagic->lock);
    const char *name = strcmp(call->method, "get.account") == 0 ? "meta_data" : "metadata";
    exchange_reply_json(call->exchange, 200,
                        json_pack("{s:s, s:o, s:{s:o, s:o}}", "jsonrpc", "2.0", "id", id_of(call), "result",
                                  name, metadata, "data", data));
}

void comagic_refuse(const struct call *call, const struct failure *failure)
{
    struct comagic *comagic = call->comagic;
    json_t *params =
        failure->limit_type ? json_pack("{s:s}", "limit_type", failure->limit_type) : json_object();
    pthread_mutex_lock(&comagic->lock);
    json_t *metadata = call->method ? json_pack("{s:o}", "limits", describe_limits(comagic)) : json_object();
    pthread_mutex_unlock(&comagic->lock);
    json_object_set_new(call->exchange->detail, "mnemonic", json_string(failure->mnemonic));
    exchange_reply_json(
        call->exchange, 200,
        json_pack("{s:s, s:o, s:{s:i, s:s, s:{s:s, s:s?, s:s?, s:o, s:s, s:o}}}", "jsonrpc", "2.0", "id",
                  call->request ? json_incref(json_object_get(call->request, "id")) : json_null(), "error",
                  "code", failure->code, "message", failure->message, "data", "mnemonic", failure->mnemonic,
                  "field", failure->field, "value", failure->value, "params", params, "extended_helper", "",
                  "metadata", metadata));
}

bool comagic_check_names(const struct call *call, const char *const *known)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)call->params, name, value) {
        const char *const *at = known;
        while (*at && strcmp(*at, name) != 0)
            at++;
        if (*at || strcmp(name, "access_token") == 0 || strcmp(name, "user_id") == 0) continue;
        comagic_refuse(call, &(struct failure){-32602, "unexpected_parameters",
                                               "Passed unexpected parameters to method", name, NULL, NULL});
        return false;
    }
    return true;
}

/* --- checks --- */

static bool check_token(const struct call *call)
{
    struct comagic *comagic = call->comagic;
    const char *token = json_string_value(json_object_get(call->params, "access_token"));
    if (!token) {
        comagic_refuse(call, &(struct failure){-32602, "required_parameter_missed",
                                               "The required parameter has not been passed", "access_token",
                                               NULL, NULL});
        return false;
    }
    pthread_mutex_lock(&comagic->lock);
    bool is_session = json_int_at(comagic->sessions, token, 0) > comagic_now_s(comagic);
    pthread_mutex_unlock(&comagic->lock);
    if (is_session || auth_is_source_token(comagic->options.auth, token)) return true;
    comagic_refuse(call, &(struct failure){-32001, "access_token_invalid", "Access token is invalid",
                                           "access_token", NULL, NULL});
    return false;
}

static bool check_address(const struct call *call)
{
    struct comagic *comagic = call->comagic;
    pthread_mutex_lock(&comagic->lock);
    bool is_locked_out = comagic->is_locked_out;
    pthread_mutex_unlock(&comagic->lock);
    if (!is_locked_out) return true;
    comagic_refuse(call, &(struct failure){-32003, "ip_not_whitelisted",
                                           "Your IP 203.0.113.7 is not whitelisted", NULL, NULL, NULL});
    return false;
}

static bool check_limits(const struct call *call)
{
    const char *type = exceeded_limit(call->comagic);
    if (!type) return true;
    comagic_refuse(call, &(struct failure){-32029, "limit_exceeded",
                                           strcmp(type, "day") == 0 ? "Limit per day has been exceeded"
                                                                    : "Limit per minute has been exceeded",
                                           NULL, NULL, type});
    return false;
}

static bool check_allowed(const struct call *call)
{
    struct comagic *comagic = call->comagic;
    pthread_mutex_lock(&comagic->lock);
    json_t *refused = json_incref(json_object_get(comagic->refused, call->method));
    pthread_mutex_unlock(&comagic->lock);
    const char *mnemonic = json_string_value(refused);
    bool is_component = mnemonic && strcmp(mnemonic, "method_component_disabled") == 0;
    if (mnemonic)
        comagic_refuse(call, &(struct failure){is_component ? -32008 : -32003, mnemonic,
                                               "No permission for this", NULL, NULL, NULL});
    json_decref(refused);
    return !mnemonic;
}

/* --- the call --- */

struct own_method {
    const char *name;
    void (*handle)(const struct call *call);
};
static const struct own_method account_methods[] = {{"get.account", comagic_account}, {.name = NULL}};
static const struct own_method session_methods[] = {{"login.user", comagic_login}, {.name = NULL}};

static const struct own_method *find_own(const struct own_method *methods, const char *name)
{
    while (methods->name && strcmp(methods->name, name) != 0)
        methods++;
    return methods->name ? methods : NULL;
}

static const struct method *find_method(const char *name)
{
    const struct method *method = comagic_methods;
    while (method->name && strcmp(method->name, name) != 0)
        method++;
    return method->name ? method : NULL;
}

static void dispatch(const struct call *call)
{
    const struct own_method *session = find_own(session_methods, call->method);
    const struct own_method *account = find_own(account_methods, call->method);
    const struct method *method = find_method(call->method);
    if (!session && !account && !method)
        comagic_refuse(call, &(struct failure){-32601, "method_not_found", "Method not found", NULL,
                                               call->method, NULL});
    else if (session)
        session->handle(call);
    else if (!check_token(call) || !check_address(call) || !check_limits(call) || !check_allowed(call))
        return;
    else if (account)
        account->handle(call);
    else
        comagic_read(call, method);
}

/* The journal tells these of a call; never its token. */
static void keep_detail(const struct call *call)
{
    static const char *const members[] = {"date_from", "date_till", "limit", "offset", "site_id", "user_id"};
    json_t *detail = call->exchange->detail;
    json_object_set_new(detail, "method", json_string(call->method));
    json_object_set(detail, "request_id", json_object_get(call->request, "id"));
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_object_set(detail, members[i], json_object_get(call->params, members[i]));
    json_object_set_new(detail, "fields",
                        json_integer((json_int_t)json_array_size(json_object_get(call->params, "fields"))));
}

void comagic_handle(struct exchange *exchange)
{
    struct call call = {.exchange = exchange, .comagic = comagic_of(exchange)};
    const char *type = exchange_header(exchange, "content-type"),
               *length = exchange_header(exchange, "content-length");
    if (!type || strncmp(type, "application/json", 16) != 0 || !length) {
        exchange_reply_json(exchange, 415,
                            json_pack("{s:s}", "error", "Send application/json with Content-Length"));
        return;
    }
    AUTO(json_drop) json_t *request = exchange_json(exchange);
    const json_t *id = json_object_get(request, "id");
    const char *method = json_text_at(request, "method"), *version = json_text_at(request, "jsonrpc");
    call.request = json_is_object(request) ? request : NULL;
    call.params = json_object_get(request, "params");
    if (!request)
        comagic_refuse(&call, &(struct failure){-32700, "parse_error", "Parse error", NULL, NULL, NULL});
    else if (json_is_array(request))
        comagic_refuse(&call, &(struct failure){-32099, "batch_opreations_not_supported",
                                                "Batch operations not supported", NULL, NULL, NULL});
    else if (!version || strcmp(version, "2.0") != 0 || !method || !json_is_object(call.params))
        comagic_refuse(&call,
                       &(struct failure){-32600, "invalid_request", "Invalid request", NULL, NULL, NULL});
    else if (!json_is_string(id) && !json_is_integer(id))
        comagic_refuse(&call, &(struct failure){-32099, "notifications_not_supported",
                                                "Notifications not supported", NULL, NULL, NULL});
    else {
        call.method = method;
        keep_detail(&call);
        dispatch(&call);
    }
}
