/* SPDX-License-Identifier: Apache-2.0 */
/* bigquery_fixture.h - a sandbox of its own for a test, and a client of its BigQuery. One thread.
 *
 * It has one dataset, p:d, in EU. Asserting functions fail the test that calls them.
 */
#ifndef CASELOAD_SANDBOX_BIGQUERY_ROOM_H
#define CASELOAD_SANDBOX_BIGQUERY_ROOM_H

#include <curl/curl.h>
#include <jansson.h>
#include <stddef.h>

#include "base/attr.h"
#include "sandbox.h"

#define DATASETS "/bigquery/v2/projects/p/datasets"
#define JOBS     "/bigquery/v2/projects/p/jobs"
#define QUERIES  "/bigquery/v2/projects/p/queries"
#define UPLOAD   "/upload/bigquery/v2/projects/p/jobs?uploadType="
#define FIELDS                                                                                               \
    "{'name':'id','type':'STRING','mode':'REQUIRED'},{'name':'at','type':'TIMESTAMP'},"                      \
    "{'name':'n','type':'INT64'}"
#define TABLE                                                                                                \
    "{'tableReference':{'projectId':'p','datasetId':'d','tableId':'%s'},'schema':{'fields':[" FIELDS "]}%s}"

struct fixture {
    struct sandbox *sandbox;
    CURL *curl;
};

struct answer {
    long status;
    json_t *body; /* NULL: none */
    char location[512];
    char range[64];
};

struct client_call {
    const char *method;
    const char *path;      /* or a whole URL */
    const char *header[3]; /* NULL: no more */
    const char *body;
    size_t size;
};

int set_up(void **state); /* of cmocka; *state is a struct fixture */
int tear_down(void **state);

void answer_done(struct answer *answer);
struct answer send_request(struct fixture *fixture, const struct client_call *request);
/* JSON with ' for ", so that it can be read in a test. */
struct answer call(struct fixture *fixture, const char *method, const char *path, const char *format, ...)
    PRINTF(4, 5);
struct answer insert_query(struct fixture *fixture, const char *id, const char *sql);
struct answer wait_done(struct fixture *fixture, const char *id); /* polls as a client does */

const char *text_at(const struct answer *answer, const char *path); /* "": absent */
/* Both take the answer. */
void assert_refused(struct answer answer, long status, const char *reason);
void assert_done(struct answer answer, long status);
void given_table(struct fixture *fixture, const char *name, const char *more);
void add_fault(struct fixture *fixture, const char *line);

#endif
