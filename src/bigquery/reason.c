/* SPDX-License-Identifier: Apache-2.0 */
/* reason.c - BigQuery's error reasons: whether to retry, the kind of error, advice. */
#include <string.h>

#include "api.h"

struct reason {
    const char *name;
    enum retry_class request, job; /* as an answer to a request; as a job's errorResult */
    enum error_kind kind;          /* if it fails for good */
    const char *advice;
};

static const struct reason reasons[] = {
    {"backendError", RETRY_NOW, RETRY_NOW, ERROR_BUSY, "BigQuery has an internal problem"},
    {"internalError", RETRY_NOW, RETRY_NOW, ERROR_BUSY, "BigQuery has an internal problem"},
    {"badGateway", RETRY_NOW, RETRY_NOW, ERROR_BUSY, "BigQuery has an internal problem"},
    {"jobBackendError", RETRY_NOW, RETRY_NOW, ERROR_BUSY, "BigQuery has an internal problem"},
    {"jobInternalError", RETRY_NOW, RETRY_NOW, ERROR_BUSY, "BigQuery has an internal problem"},
    {"jobRateLimitExceeded", RETRY_NOW, RETRY_NOW, ERROR_BUSY, "too many jobs at once"},
    {"rateLimitExceeded", RETRY_NOW, RETRY_NOW, ERROR_BUSY, "too many requests at once"},
    {"resourceInUse", RETRY_NOW, RETRY_NOW, ERROR_BUSY, "something else is changing it"},
    {"tableUnavailable", RETRY_NOW, RETRY_NOW, ERROR_BUSY, "the table can't be reached now"},
    {"userRateLimitExceeded", RETRY_NOW, RETRY_NOW, ERROR_BUSY, "too many requests at once"},
    {"timeout", RETRY_NOW, RETRY_ONCE, ERROR_BUSY, "it took too long"},
    {"stopped", RETRY_NEVER, RETRY_ONCE, ERROR_BUSY, "somebody cancelled the job, or it took too long"},
    {"quotaExceeded", RETRY_LATER, RETRY_LATER, ERROR_BUSY,
     "raise the quota in the console, or wait for it to refill"},
    {"accessNotConfigured", RETRY_NEVER, RETRY_NEVER, ERROR_CONFIG,
     "enable the API: gcloud services enable bigquery.googleapis.com"},
    {"insufficientPermissions", RETRY_NEVER, RETRY_NEVER, ERROR_AUTH,
     "the credentials lack the scope https://www.googleapis.com/auth/bigquery; grant it to the machine"},
    {"authError", RETRY_NEVER, RETRY_NEVER, ERROR_AUTH, "check the service account's credentials"},
    {"accessDenied", RETRY_NEVER, RETRY_NEVER, ERROR_AUTH,
     "grant the service account roles/bigquery.jobUser on the project and roles/bigquery.dataEditor on both "
     "datasets"},
    {"billingNotEnabled", RETRY_NEVER, RETRY_NEVER, ERROR_CONFIG,
     "enable billing for the project: without it BigQuery runs no DML"},
    {"billingTierLimitExceeded", RETRY_NEVER, RETRY_NEVER, ERROR_CONFIG, "raise the project's billing tier"},
    {"blocked", RETRY_NEVER, RETRY_NEVER, ERROR_CONFIG, "BigQuery has blocked this project; ask its support"},
    {"bytesBilledLimitExceeded", RETRY_NEVER, RETRY_NEVER, ERROR_LIMIT,
     "the query would read more than the setting maximum_bytes_billed allows; raise it"},
    {"notFound", RETRY_IF_NEW, RETRY_IF_NEW, ERROR_REFUSED,
     "check project, dataset and location; a table that was dropped meanwhile is created again at the next "
     "try"},
    {"duplicate", RETRY_NEVER, RETRY_NEVER, ERROR_REFUSED, "a resource of that name exists already"},
    {"conditionNotMet", RETRY_NEVER, RETRY_NEVER, ERROR_BUSY, "another client changed it at the same time"},
    {"resourcesExceeded", RETRY_NEVER, RETRY_NEVER, ERROR_REFUSED,
     "the statement takes too many resources; request fewer days"},
    {"responseTooLarge", RETRY_NEVER, RETRY_NEVER, ERROR_LIMIT, "the answer is too large"},
    {"invalidQuery", RETRY_NEVER, RETRY_NEVER, ERROR_REFUSED, "the statement is refused as it is"},
    {"invalid", RETRY_NEVER, RETRY_NEVER, ERROR_REFUSED, "the request is refused as it is"},
};

static const struct reason *reason_find(const char *name)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (!strcmp(reasons[i].name, name)) return &reasons[i];
    return NULL;
}

/* BigQuery reports these as invalidQuery, although they only mean that another commit was first. */
static bool is_conflict(const char *message)
{
    return strstr(message, "aborted due to concurrent update") ||
           strstr(message, "Could not serialize access");
}

enum retry_class reason_of_job(const char *name, const char *message)
{
    const struct reason *reason = reason_find(name);
    if (is_conflict(message) || strstr(message, "too many table update operations")) return RETRY_NOW;
    return reason ? reason->job : RETRY_NEVER;
}

enum error_kind reason_kind(const char *name)
{
    const struct reason *reason = reason_find(name);
    return reason ? reason->kind : ERROR_REFUSED;
}

bool reason_passes(enum retry_class class)
{
    return class == RETRY_ONCE || class == RETRY_NOW || class == RETRY_LATER;
}

const char *reason_advice(const char *name)
{
    const struct reason *reason = reason_find(name);
    return reason ? reason->advice : "see BigQuery's error messages for this reason";
}

static enum retry_class class_of_status(int status)
{
    bool passes = status == 408 || status == 429 || (status >= 500 && status != 501);
    return passes ? RETRY_NOW : status == 404 ? RETRY_IF_NEW : RETRY_NEVER;
}

static enum error_kind kind_of_status(int status, enum retry_class class)
{
    if (reason_passes(class)) return ERROR_BUSY;
    return status == 401 || status == 403 ? ERROR_AUTH : ERROR_REFUSED;
}

enum retry_class reason_of_reply(const struct http_reply *reply, const char *what, struct error *err)
{
    struct error unread;
    AUTO(json_drop) json_t *json = NULL;
    if (!json_read(buf_string(&reply->body), reply->body.size, NULL, &json, &unread)) json = NULL;
    const json_t *first = json_array_get(json_object_get(json_at(json, "error"), "errors"), 0);
    const char *name = json_text_at(first, "reason"), *message = json_text_at(json, "error.message");
    if (!name) name = "";
    if (!message) message = "no explanation was given";
    const struct reason *reason = reason_find(name);
    enum retry_class class = reason ? reason->request : class_of_status(reply->status);
    if (is_conflict(message) || strstr(message, "too many table update operations")) class = RETRY_NOW;
    enum error_kind kind =
        reason_passes(class) || !reason ? kind_of_status(reply->status, class) : reason->kind;
    error_set(err, kind, "%s: %.600s (%s, HTTP %d); %s", what, message, *name ? name : "no reason",
              reply->status, reason_advice(name));
    err->status = reply->status;
    return class;
}
