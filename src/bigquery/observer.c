/* SPDX-License-Identifier: Apache-2.0 */
#include "observer.h"

#include <stdio.h>
#include <string.h>

#define ORIGIN_SIZE 256

/* The rest of a session's address is a capability. */
void observe_session(const struct bigquery *bq, const char *url)
{
    const struct bigquery_observer *observer = bq->settings.observer;
    const char *host = strstr(url, "://");
    char origin[ORIGIN_SIZE];
    if (!observer || !host) return;
    size_t size = (size_t)(host - url) + 3 + strcspn(host + 3, "/?#");
    (void)snprintf(origin, sizeof origin, "%.*s", (int)size, url);
    observer->session(observer->self, origin);
}

void observe_job(const struct bigquery *bq, const char *id)
{
    const struct bigquery_observer *observer = bq->settings.observer;
    if (observer) observer->job(observer->self, id);
}

static void refused(const struct bigquery *bq, const char *what, const json_t *error, const char *fallback)
{
    const struct bigquery_observer *observer = bq->settings.observer;
    const char *reason = json_text_at(error, "reason"), *message = json_text_at(error, "message");
    observer->refused(observer->self, what, reason ? reason : fallback, message ? message : "");
}

void observe_reply(const struct bigquery *bq, const char *what, const struct http_reply *reply)
{
    AUTO(json_drop) json_t *json = NULL;
    struct error unread;
    char status[16];
    if (!bq->settings.observer) return;
    (void)snprintf(status, sizeof status, "%d", reply->status);
    bool is_read = json_read(buf_string(&reply->body), reply->body.size, NULL, &json, &unread);
    if (!is_read) json = NULL; /* a proxy's page */
    refused(bq, what, json_array_get(json_at(json, "error.errors"), 0), status);
}

void observe_job_end(const struct bigquery *bq, const json_t *job)
{
    const json_t *result = json_at(job, "status.errorResult");
    if (bq->settings.observer && result) refused(bq, "a job", result, "no reason");
}
