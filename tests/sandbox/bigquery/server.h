/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - BigQuery's REST API over a store. Any thread. */
#ifndef CASELOAD_SANDBOX_BIGQUERY_SERVER_H
#define CASELOAD_SANDBOX_BIGQUERY_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "httpd/httpd.h"

struct store;

struct bigquery_options { /* all borrowed */
    struct store *store;
    struct virtual_clock *clock;
    struct journal *journal;
    struct faults *faults;
    double latency; /* 1: as long as the service takes, 0.1: a tenth of that; 0: none */
    uint64_t seed;  /* of the latency */
    bool
        rounds_json; /* a load job rounds numbers of JSON columns; else it refuses those whose text changes */
};

extern const struct route bigquery_routes[]; /* their service is the struct bigquery_server */

struct bigquery_server *bigquery_start(const struct bigquery_options *options);
void bigquery_stop(struct bigquery_server *bigquery);      /* waits for running jobs */
size_t bigquery_running(struct bigquery_server *bigquery); /* jobs that have not ended yet */

#endif
