/* SPDX-License-Identifier: Apache-2.0 */
/* stage.h - the rows of one unit on their way into the tables: upload, staging tables, transaction.
 *
 * The compressed rows are kept until the load ends (base/spool.h): a lost session or job is repeated from
 * them, and the source is never asked again. Memory is bounded by LIMIT_KEPT and LIMIT_CHUNK a load.
 *
 * Protocol of the upload: https://cloud.google.com/bigquery/docs/loading-data-local (resumable). A load is
 * used in this order: begin, any writes and rejects, then commit_run or nothing, then free.
 */
#ifndef CASELOAD_BIGQUERY_STAGE_H
#define CASELOAD_BIGQUERY_STAGE_H

#include <isa-l/igzip_lib.h>

#include "base/random.h"
#include "base/spool.h"
#include "net/http.h"
#include "sql.h"
#include "wait.h"

/* --- upload.c --- */

/* The table that a file is loaded into. */
struct upload_target {
    /* Called before a session is opened, which may be never: a fetch that found nothing new is not loaded. */
    bool (*make)(struct upload_target *self, struct error *err);
};

/* Shared by the uploads of one load. One chunk travels at a time, while rows are written on. */
struct upload_channel {
    struct bigquery *bq;
    struct spool_budget memory; /* of all files of the load */
    struct buf chunk;           /* what travels */
    struct http_call *call;     /* NULL: nothing does */
    struct upload *sender;      /* of call */
};

void upload_channel_init(struct upload_channel *channel, struct bigquery *bq);
void upload_channel_done(struct upload_channel *channel); /* before its uploads */

enum upload_state {
    UPLOAD_NEW,     /* there is no session yet */
    UPLOAD_SENDING, /* `acknowledged` is what BigQuery has */
    UPLOAD_UNKNOWN, /* the last answer was lost: ask how much BigQuery has */
    UPLOAD_DONE     /* the job exists */
};

/* One compressed file. All of it is kept until upload_done, so a session or job that is lost costs sending it
 * again, and nothing else. */
struct upload {
    struct upload_channel *channel; /* borrowed */
    struct upload_target *target;   /* borrowed */
    const char *job;                /* borrowed: the load job's id */
    const json_t *configuration;    /* borrowed */
    enum upload_state state;
    char *session; /* a capability: never shown */
    struct spool file;
    int64_t acknowledged;      /* the first bytes of the file, which this session has */
    int64_t furthest;          /* the most that any session had */
    int64_t total;             /* bytes of the whole file; -1: more may come */
    int failures;              /* requests since there was progress */
    int refusals;              /* of those: what BigQuery says is wrong with the request */
    struct wait wait;          /* since the first failure */
    struct buf gathered;       /* rows that are not compressed yet */
    struct isal_zstream *gzip; /* with its level buffer */
};

/* target NULL: it is there. */
void upload_begin(struct upload *upload, struct upload_channel *channel, struct upload_target *target,
                  const char *job, const json_t *configuration);
bool upload_add(struct upload *upload, const void *bytes, size_t size, struct error *err) CHECKED;
bool upload_end(struct upload *upload, struct error *err) CHECKED; /* true: the job exists */
/* The same file again, for a new job id. */
void upload_rewind(struct upload *upload, const char *job);
void upload_done(struct upload *upload);

/* --- stage.c --- */

struct stage {
    struct upload_target target; /* first */
    struct load *load;           /* borrowed */
    char table[TABLE_ID];
    char job[JOB_ID];
    json_t *configuration;
    struct upload upload;
    int64_t rows;
    bool is_used;
    bool may_exist; /* the table */
    bool is_made;
    bool is_finished; /* all rows are in the table */
};

struct load {
    struct bigquery *bq;
    const struct selection *selection;
    char nonce[RANDOM_NAME];
    struct upload_channel channel;
    struct stage stages[LIMIT_TABLES + 1]; /* the last: rejected records */
    struct buf row;
};

bool stage_begin(struct warehouse *warehouse, const struct selection *selection, struct load **out_load,
                 struct error *err) CHECKED;
bool stage_write(struct load *load, size_t table, const char *row, size_t size, struct error *err) CHECKED;
bool stage_reject(struct load *load, const struct reject *reject, struct error *err) CHECKED;
bool stage_finish(struct load *load, struct error *err) CHECKED; /* true: all rows are in staging tables */
/* The same for one table, which takes no rows after that. */
bool stage_finish_table(struct load *load, size_t table, struct error *err) CHECKED;
void stage_free(struct load *load); /* and drops the staging tables */

/* --- missing.c --- */

/* Of a reconciliation whose list was written, and was not empty. */
bool missing_read(struct load *load, int64_t began_us, int64_t ceiling, struct missing *out_missing,
                  struct error *err) CHECKED;

/* --- commit.c --- */

bool commit_run(struct load *load, const struct commit *commit, struct committed *out_committed,
                struct error *err) CHECKED;

#endif
