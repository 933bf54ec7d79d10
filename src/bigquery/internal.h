/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - the state of one warehouse object, shared by the files of this folder. One thread at a time.
 *
 *   api.h     REST calls; reason.c: BigQuery's error reasons
 *   job.h     jobs under our own ids, parameters, result rows; wait.h: waits that may last hours
 *   sql.h     statements, made of the texts in sql/ (sql.c, sql_commit.c, sql_reconcile.c, sql_views.c)
 *   schema.h  tables as JSON, and how an existing one differs
 *   listing.h what tables.list says
 *   table.h   one table (table.c), all that a stream needs (tables.c), what is remembered of it
 *             (table_cache.c), derived views and tables (latest.c, custom.c)
 *   observer.h    tells an observer what calls come to; doctor.c, doctor_checks.c and
 *             doctor_load.c: the checks of a BigQuery
 *   provenance.h  where the rows come from; lock.h: the lock row that every commit updates
 *   stage.h   resumable uploads (upload.c), staging tables (stage.c), the transaction (commit.c), and
 *             what a list lacks (missing.c); notes.h: fetches without anything new
 *   share.c       what an object knows is known to those of other workers, too
 *   attempts.h    what became of requests; questions.h: the answers to people
 */
#ifndef CASELOAD_BIGQUERY_INTERNAL_H
#define CASELOAD_BIGQUERY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bigquery/bigquery.h"
#include "own_commits.h"

#define JOB_ID   768 /* BigQuery allows 1,024 */
#define TABLE_ID 256

/* Views and _latest tables are changed and dropped only with our label. */
#define LABEL_KEY   "app"
#define LABEL_VALUE "caseload"
/* Of a _latest table: when the tables it was made of had last changed, and what its columns were made of. */
#define LABEL_AS_OF      "as_of"
#define LABEL_DEFINITION "definition"
/* Of our tables: a hash of what it was last found to be; see listing.h. */
#define LABEL_SCHEMA "caseload_schema"

#define LISTED_DATASETS 2

/* The result of prepare for a stream, valid while its tables are those created at created_us. */
struct table_cache_entry {
    const struct stream *stream;
    int64_t created_us;
    const struct table *tables[LIMIT_TABLES]; /* that it keeps */
    int64_t modified_ms[LIMIT_TABLES];        /* when these had last changed; 0: unknown */
    int64_t claimed_us;                       /* of its newest claim; 0: unknown */
    bool is_listed;     /* its tables were taken as they are listed, and not looked at one by one */
    bool mends_nothing; /* no record waits in `rejected` to be fetched again */
    bool is_lock_unread;
    bool is_changed; /* since it was shared */
};

#define NEW_RESOURCES 32

/* A table or dataset that we created. */
struct new_resource {
    char name[TABLE_ID];
    int64_t created_ms; /* by clock_ms */
};

struct bigquery {
    struct warehouse warehouse; /* first: the port */
    struct bigquery_settings settings;
    struct source_identity identity; /* of the last prepare; a commit must match the lock row with it */
    int64_t now_us;                  /* the newest time BigQuery reported; 0: none yet */
    int64_t now_boot_us;             /* by clock_boot_us: when it did */
    struct new_resource new_resources[NEW_RESOURCES]; /* a ring: for a while others may not see them */
    size_t new_count;
    struct table_cache_entry table_cache[LIMIT_STREAMS];
    size_t table_cache_count;
    struct note *notes; /* of notes.h: under way */
    size_t note_count;
    struct error note_failure;                      /* the first since notes_end */
    struct own_commits *own_commits, first_commits; /* of all that share; ours, if we are the first of them */
    size_t shown_count;                             /* of the table cache, when the view `status` was made */
    json_t *listed[LISTED_DATASETS]; /* by name, as of listing.h: data, control; NULL: not read */
    json_t *lock_rows;               /* by the lock table's name, as old as the lists */
    bool is_listing_new;             /* read for the run that is being prepared */
    bool looks_closely;              /* something failed: nothing is taken as it is listed */
    bool was_cleared;                /* the table cache, since it was shared */
    size_t shared_new_count;         /* new_count, when it was shared */
    json_t *ledger_streams;          /* members: the streams that have rows in the ledger; NULL: unknown */
    bool is_provenance_checked;      /* of the whole dataset; table_cache_clear makes it false */
};

/* For the port: share.c. */
void bigquery_share(struct warehouse *warehouse, struct warehouse *other);
void bigquery_take_back(struct warehouse *warehouse, struct warehouse *other);
/* Rejects since then are compared with new ones, and tried again. */
struct day bigquery_rejected_since(const struct bigquery *bq);
/* Adds name and location to the resource. One that is there already is fine. */
bool bigquery_make_dataset(struct bigquery *bq, const char *dataset, json_t *resource,
                           struct error *err) CHECKED;
/* BigQuery's clock, as of the last answer that had a time. */
bool bigquery_now(struct bigquery *bq, int64_t *out_us, struct error *err) CHECKED;
/* Takes a time that BigQuery reported just now, if it is newer. */
void bigquery_note_now(struct bigquery *bq, int64_t now_us);
/* For the port. */
bool bigquery_peek(struct warehouse *warehouse, const struct selection *selection,
                   const struct source_identity *identity, struct state *out_state,
                   struct error *err) CHECKED;
/* The states of streams, in one query. */
bool bigquery_read_state(struct warehouse *warehouse, const struct selection *const *selections, size_t count,
                         const char *message_id, struct state *out_states, struct error *err) CHECKED;

#endif
