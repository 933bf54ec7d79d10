/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - one REST call of BigQuery, retried; and what BigQuery's error reasons mean.
 *
 * Protocol: https://cloud.google.com/bigquery/docs/reference/rest, error reasons:
 * https://cloud.google.com/bigquery/docs/error-messages
 */
#ifndef CASELOAD_BIGQUERY_API_H
#define CASELOAD_BIGQUERY_API_H

#include "base/json.h"
#include "internal.h"

enum retry_class {
    RETRY_NEVER,  /* it will never work */
    RETRY_IF_NEW, /* what is missing may have been created a moment ago: see api_is_new */
    RETRY_ONCE,   /* a job: somebody or something ended it; once more under a new id */
    RETRY_NOW,    /* a request: send it again; a job: run it again under a new id */
    RETRY_LATER   /* the same; of a job after minutes */
};

/* --- reason.c --- */

enum retry_class reason_of_job(const char *name, const char *message);
/* Of an HTTP error reply; fills err in any case. */
enum retry_class reason_of_reply(const struct http_reply *reply, const char *what, struct error *err);
bool reason_passes(enum retry_class class); /* it may work after a wait */
enum error_kind reason_kind(const char *name);
const char *reason_advice(const char *name);

/* --- api.c --- */

#define BEST_EFFORT_S 15
#define LAST_WORD_S   3 /* ... of a process that is to end within nine seconds */
/* Of api_call.upload. No row holds it: JSON escapes line ends. */
#define UPLOAD_BOUNDARY "caseload-rows"

struct api_call {
    const char *method;
    const char *path;         /* after .../projects/<project>/, with its query */
    const json_t *body;       /* NULL: none */
    const struct buf *upload; /* instead of body: a job and its rows, see attempts.c */
    const char *etag;         /* If-Match; NULL: none */
    const char *what;         /* "BigQuery tables.get" */
    const char *member;       /* a good answer has it; NULL: any object will do */
    int accept[2];            /* error statuses that the caller deals with */
    bool starts_upload;       /* a resumable one */
    bool may_be_new;          /* notFound may mean: created a moment ago */
    bool best_effort;         /* one try, of BEST_EFFORT_S at most */
    bool outlasts_stop;       /* one try, of LAST_WORD_S at most, also when we are stopped */
};

struct api_answer {
    int status;
    json_t *json;  /* NULL: no body */
    char *session; /* the upload's session URI, a capability: never shown. NULL: none */
};

/* True: 2xx or an accepted status. The answer is yours: api_answer_done. */
bool api_do(struct bigquery *bq, const struct api_call *call, struct api_answer *out_answer,
            struct error *err) CHECKED;
void api_answer_done(struct api_answer *answer);
bool api_sleep(struct bigquery *bq, int64_t ms, struct error *err) CHECKED; /* false: stopped */
bool api_stopped(struct bigquery *bq, struct error *err);                   /* true: err says so */
/* Is this URL on the configured host, or on another one of Google's if that is Google's? Tokens are sent
 * nowhere else. */
bool api_is_ours(const char *base_url, const char *url);
/* Notes a table or dataset that was created now. */
void api_note_new(struct bigquery *bq, const char *name);
/* Was the table or dataset that a message misses created a moment ago, so that parts of BigQuery may not see
 * it yet? Any one if the message names none. */
bool api_is_new(const struct bigquery *bq, const char *message);
bool api_query(struct buf *path, const char *name, const char *value); /* adds "&location=EU", escaped */

#endif
