/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_checks.h - the checks of doctor.c, and what they share. One thread, but for the rival's commit. */
#ifndef CASELOAD_BIGQUERY_DOCTOR_CHECKS_H
#define CASELOAD_BIGQUERY_DOCTOR_CHECKS_H

#include "base/zone.h"
#include "bigquery/doctor.h"
#include "job.h"

#define DOCTOR_TABLES 2 /* of the stream that is loaded */
#define DOCTOR_ORIGIN 256

/* Of one warehouse: filled by its observer. */
struct doctor_heard {
    char session[DOCTOR_ORIGIN]; /* of the newest upload */
    char commit[JOB_ID];         /* the newest commit's job */
    char conflict[160];          /* why a job of this warehouse failed, the last time */
    int64_t not_found;
    char not_found_at[64]; /* which call, the last time */
    atomic_bool *stop;     /* set when a commit's job was taken; NULL: no */
};

/* A warehouse on the scratch dataset, with a connection of its own. */
struct doctor_warehouse {
    struct http *http;
    struct bigquery *bq;
    struct bigquery_observer observer;
    struct doctor_heard heard;
};

struct doctor {
    const struct doctor_settings *settings;
    atomic_bool stop; /* all calls end: we are stopped, or the time is over */
    atomic_bool kill; /* the calls of the commit that is killed end; set with stop, too */
    char dataset[64];
    struct zone *zone;
    struct doctor_warehouse main;
    int64_t began_us;      /* of the fetches: BigQuery's clock */
    int64_t tables_loaded; /* staging tables: made, loaded and queried without pause */
    bool is_committed;     /* the first commit went well */
};

/* stop ends its calls; NULL: nothing does. */
bool doctor_open(struct doctor *doctor, struct doctor_warehouse *warehouse, const atomic_bool *stop,
                 struct error *err) CHECKED;
void doctor_close(struct doctor_warehouse *warehouse);

/* --- doctor_load.c --- */

#define DOCTOR_NUMBERS "{\"x\": 67.174118, \"y\": 1e22, \"z\": 0.1}" /* in the JSON column of each row */

extern const struct table doctor_tables[LIMIT_TABLES]; /* the first DOCTOR_TABLES are committed */
extern const struct selection doctor_all_tables;       /* is staged only */

bool doctor_prepare(struct doctor_warehouse *warehouse, struct error *err) CHECKED;
bool doctor_read_state(struct doctor *doctor, struct error *err) CHECKED; /* fills began_us */
/* Row number n of a table, of the batch with this name. */
bool doctor_write(const struct doctor *doctor, struct load *load, const char *batch, int64_t n, size_t table,
                  struct error *err) CHECKED;
/* A load with all rows of the batch, up to the commit. */
bool doctor_stage(struct doctor *doctor, struct doctor_warehouse *warehouse, const char *batch,
                  struct load **out_load, struct error *err) CHECKED;
/* Ends the load. */
bool doctor_commit(const struct doctor *doctor, struct doctor_warehouse *warehouse, struct load *load,
                   struct committed *out_committed, struct error *err) CHECKED;
/* Rows of the batch in the committed tables, and how many different ones. */
bool doctor_count(struct doctor *doctor, const char *batch, int64_t *out_rows, int64_t *out_keys,
                  struct error *err) CHECKED;
/* Is each row of the batch there once? Adds to found. */
bool doctor_are_once(struct doctor *doctor, const char *batch, char *out_found, size_t size,
                     struct error *err);

/* --- doctor_checks.c --- */

/* One check: fills found. False: not ok; err.kind tells a failed call from a finding. */
struct doctor_check {
    const char *name, *what, *advice;
    bool needs_commit; /* is not made if the first commit failed */
    bool (*run)(struct doctor *doctor, char *out_found, size_t size, struct error *err);
};

extern const struct doctor_check doctor_checks[];
extern const size_t doctor_check_count;

#endif
