/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.h - what this BigQuery does with the requests of caseload, tried in a dataset of its own.
 *
 * The checks load and commit through the warehouse port, as a run does, and look at what came of it. The
 * dataset is named caseload_doctor_..., its tables expire after an hour, and it is removed in the end, also
 * after a failure or a stop. No other dataset is touched. The calling thread, and one more for a moment.
 */
#ifndef CASELOAD_BIGQUERY_DOCTOR_H
#define CASELOAD_BIGQUERY_DOCTOR_H

#include "bigquery/bigquery.h"

struct doctor_line {
    const char *check; /* a stable name: "upload_session" */
    const char *what;  /* what is tried, for people */
    bool is_ok;
    char found[512];
    const char *advice; /* "" if it is ok */
};

struct doctor_settings {
    const struct bigquery_settings *bigquery; /* datasets, http, progress and stop are replaced */
    const struct http_settings *http; /* its stop ends the checks; the dataset is removed after that */
    void (*report)(void *self, const struct doctor_line *line); /* as each check ends */
    void *self;
};

/* Returns whether all lines are ok; each check has its line, also if it could not be made. */
bool doctor_run(const struct doctor_settings *settings);

#endif
