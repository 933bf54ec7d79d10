/* SPDX-License-Identifier: Apache-2.0 */
/* fake_warehouse.h - port 2 in memory, with the semantics that the real one has by SQL.
 *
 *     struct fake_warehouse warehouse;
 *     fake_warehouse_init(&warehouse, &now_us);
 *     ... use &warehouse.base, look at fake_warehouse_table(&warehouse, "people")->rows ...
 *     fake_warehouse_done(&warehouse);
 *
 * A commit is a job of the warehouse's own: once submitted it does not need its client any more. When the
 * hook fails "commit.run" the client gets no answer and the job stays in `jobs`: it may be landed later, or
 * never.
 *
 * `design` makes it wrong in one known way, to prove that a test would notice. One thread.
 */
#ifndef CASELOAD_TESTS_FAKE_WAREHOUSE_H
#define CASELOAD_TESTS_FAKE_WAREHOUSE_H

#include "base/limits.h"
#include "base/zone.h"
#include "core/warehouse.h"
#include "fake.h"

enum fake_design {
    FAKE_UNION,          /* the real one */
    FAKE_APPEND,         /* appends what was staged: random job ids */
    FAKE_APPEND_NAMED,   /* the same, but a second job of the same stream and days is taken for done */
    FAKE_UNION_UNLOCKED, /* compares with the rows that were there when the job was submitted */
    FAKE_STREAM_LOCKS,   /* locks named by the stream, also where two streams write one table */
    FAKE_MAX_ONLY,       /* believes all days up to MAX(partition_date), and units end with their last day */
    FAKE_LISTS_BELIEVED, /* what a list lacks is gone, unasked */
    FAKE_CLAIM_OPEN,     /* a unit open at the top claims the open days, too */
    FAKE_OVERWRITE,      /* replaces the days that were staged */
    /* Of the readings of a known version: */
    FAKE_FIRST_CONTENT,    /* keeps the first one */
    FAKE_ANY_CONTENT,      /* compares with all stored contents, not with the newest */
    FAKE_READ_EARLIER,     /* takes what was read before the stored content, too */
    FAKE_OVERTAKEN,        /* takes what a fetch saw that a later fetch has overtaken */
    FAKE_STORED_UNKNOWN,   /* takes a stored row without content for equal */
    FAKE_STAGED_UNKNOWN,   /* takes a staged row without content for another content */
    FAKE_FLAG_IN_KEY,      /* takes rows that differ in a flag of the key for different records */
    FAKE_CHILDREN_IGNORED, /* believes claims whose children's rows are missing */
    FAKE_SET_BY_ROW,       /* compares the elements of a set one by one */
    /* Of a list with whole records: */
    FAKE_LIST_KNOWN_ONLY, /* takes contents of known versions, and no other version */
    FAKE_LIST_FROM_EVER,  /* takes versions of days before the first one, too */
    FAKE_LIST_ENDS_LATE,  /* takes the list for one that began when it was committed */
    FAKE_SAME_UNCOUNTED,  /* compares a fetch with a commit whose rows are not there any more */
    FAKE_DESIGNS
};

struct fake_row {
    char *key;          /* texts of the key columns, joined by '/' */
    int64_t version_us; /* midnight UTC of the day for tables without version */
    struct day day;
    char *set;    /* of an element of a set: its owner's key; NULL: it is none */
    bool flag;    /* the BOOL column of the key, if there is one */
    bool is_read; /* it has a _read_at: no older caseload wrote it */
    int64_t read_us;
    bool has_content;
    int64_t content;
    int64_t loaded_us; /* when it was committed; 0 while staged */
    const struct stream *loaded_by;
    int64_t serial; /* order of all insertions; in staging: order of arrival */
    char *text;     /* the row as it was written */
};

struct fake_table {
    char name[LIMIT_NAME];
    bool exists;
    int64_t created_us;
    struct fake_row *rows;
    size_t count, capacity;
};

/* The rows that a child table must hold on a day, as long as the claim is believed. */
struct fake_children {
    const struct table *table;
    struct day day;
    int64_t rows;
};

struct fake_ledger_row {
    const struct stream *stream;
    struct unit unit;
    struct fake_children *children; /* days of the unit's children */
    size_t children_count;
    struct day *added; /* of each row that was inserted on another day */
    size_t added_count;
    int64_t *held; /* rows of each day lo..claim_hi; -1: it is not claimed */
    bool is_incomplete;
    int64_t digest, rows_held; /* see struct last_commit; 0: it is not to be compared */
    bool is_same;              /* it only notes a fetch that read what the last commit had read */
    int64_t began_us, committed_us, fetched;
    char run_id[LIMIT_NAME], message_id[LIMIT_NAME];
};

enum fake_answer { FAKE_UNASKED, FAKE_ALIVE, FAKE_GONE };

/* A record that a list lacked. */
struct fake_suspect {
    const struct stream *stream;
    char *id;
    int64_t list_began_us;
    enum fake_answer answer;
};

struct fake_reject {
    char *id, *reason, *record;
    bool is_unsettled, is_mended;
};

/* The rows of one commit. */
struct load {
    struct fake_warehouse *warehouse;
    const struct selection *selection;
    struct fake_table staged[LIMIT_TABLES];
    struct fake_reject *rejects;
    size_t reject_count;
};

struct fake_job {
    struct load *load;
    struct unit unit;
    struct day unclaimed[LIMIT_UNCLAIMED];
    size_t unclaimed_count;
    bool is_incomplete;
    int64_t began_us, fetched;
    int64_t digest, same_as_us;
    bool confirms_missing;
    char run_id[LIMIT_NAME], message_id[LIMIT_NAME];
    struct source_identity identity;
    int64_t serial; /* rows below it were there when the job was submitted */
    int64_t submitted_us;
    bool was_old;   /* it was landed by an older caseload */
    bool attended;  /* its client waits for it */
    int64_t due_us; /* for the test's own use */
};

struct fake_attempt {
    char run_id[LIMIT_NAME], stream[LIMIT_NAME], outcome[LIMIT_NAME];
    int delivery_attempt;
};

struct fake_lock {
    char name[LIMIT_NAME];
    int64_t serial; /* rows from it on were inserted after the last commit under this lock */
    struct source_identity identity;
};

struct fake_warehouse {
    struct warehouse base;
    struct fake_hook hook; /* prepare, state, begin, write, reject, missing, commit, commit.run,
                              commit.answer, refresh, record */
    const int64_t *now_us; /* borrowed */
    enum fake_design design;
    const struct zone *zone; /* needed by FAKE_CLAIM_OPEN alone */
    struct fake_table tables[16];
    size_t table_count;
    struct fake_lock locks[8];
    size_t lock_count;
    struct source_identity identity; /* of the last prepare */
    struct fake_ledger_row *ledger;
    size_t ledger_count;
    struct fake_suspect *suspects;
    size_t suspect_count;
    struct fake_reject *rejected;
    size_t rejected_count;
    struct fake_job **jobs; /* submitted, not landed */
    size_t job_count;
    struct fake_job **landed; /* if keeps_landed: they can be landed once more */
    size_t landed_count;
    bool keeps_landed;
    int64_t old_until_us; /* until then an older caseload commits, which knows no contents */
    struct fake_attempt attempts[LIMIT_STREAMS]; /* the newest */
    size_t attempt_count;                        /* of all */
    size_t loads;                                /* open ones: a leak if not 0 at the end */
    int64_t serial;
};

void fake_warehouse_init(struct fake_warehouse *warehouse, const int64_t *now_us);
void fake_warehouse_done(struct fake_warehouse *warehouse);

struct fake_table *fake_warehouse_table(struct fake_warehouse *warehouse,
                                        const char *name); /* NULL: unknown */
/* The newest version of this key; INT64_MIN: the table has no row of it. */
int64_t fake_table_newest_us(const struct fake_table *table, const char *key);
const struct fake_row *fake_table_find(const struct fake_table *table, const char *key, int64_t version_us);

/* The port's state, without the hook. */
bool fake_warehouse_read(struct fake_warehouse *warehouse, const struct selection *selection,
                         const char *message_id, struct state *out_state, struct error *err);

/* Runs a job that waits in `jobs`, to its end. out_committed may be NULL. */
bool fake_warehouse_land(struct fake_warehouse *warehouse, struct fake_job *job,
                         struct committed *out_committed, struct error *err);
void fake_warehouse_forget(struct fake_warehouse *warehouse, struct fake_job *job); /* it never runs */

/* Is the row a reading of the same version as the other? Of a set: of the same version of its owner. */
bool fake_row_same_version(enum fake_design design, const struct fake_row *a, const struct fake_row *b);
/* The newest reading of the row's version, among those inserted before `serial`; NULL: the version is
 * unknown. */
const struct fake_row *fake_table_newest(enum fake_design design, const struct fake_table *table,
                                         const struct fake_row *row, int64_t serial);
/* Runs a landed job once more. Returns the rows that it inserted. */
int64_t fake_warehouse_repeat(struct fake_warehouse *warehouse, struct fake_job *job);

/* Changes that people make to their tables. */
void fake_warehouse_delete_row(struct fake_table *table, size_t index);
size_t fake_warehouse_delete_day(struct fake_warehouse *warehouse, const char *table, struct day day);
void fake_warehouse_drop(struct fake_warehouse *warehouse, const char *table);

#endif
