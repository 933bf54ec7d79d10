/* SPDX-License-Identifier: Apache-2.0 */
/* warehouse.h - port 2: where rows go, and the only memory we have.
 *
 * An object is driven by one thread at a time; the workers of a run have one each. Times are the warehouse's
 * own, in microseconds since 1970 UTC.
 */
#ifndef CASELOAD_CORE_WAREHOUSE_H
#define CASELOAD_CORE_WAREHOUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/day.h"
#include "base/error.h"
#include "base/json.h"
#include "core/source.h"
#include "core/stream.h"

/* The newest claim on a day: what the ledger says the table held when a fetch of that day was committed. */
struct claim {
    bool any;
    int64_t rows;
    int64_t began_us;     /* when the fetch began */
    int64_t committed_us; /* when it was committed */
};

#define HELD_UNKNOWN 1 /* the table can't be counted: there may be rows, and claims are of 0 */

struct day_state {
    struct day day;
    int64_t held;        /* rows the stream's own table holds now, or HELD_UNKNOWN */
    struct claim newest; /* by anyone */
    struct claim own;    /* by the message being served */
    unsigned lacks;      /* tables of the selection that the newest claim's commit left out, as bits */
};

/* The children of a scan, which claims no days. */
struct scan_state {
    bool any_run;   /* a scan that left no child table out was committed ... */
    int64_t run_us; /* ... and this is when the newest such fetch began */
    bool has_hole;
    struct day hole; /* the oldest day on which child tables hold fewer rows than that */
    char **unread;   /* records whose children could not be read, sorted */
    size_t unread_count;
    bool is_unread_cut; /* there are more than LIMIT_UNREAD */
};

/* The newest commit into the stream's tables that staged rows or claimed days, if it may be compared with the
 * next fetch: nothing else was committed there since its fetch began, and its children's rows are there. */
struct last_commit {
    int64_t committed_us; /* 0: there is none to compare with */
    int64_t digest;       /* as of its commit */
    int64_t held;         /* rows that the stream's own table then held from the unit's first day on; of scans
                           * all */
};

/* One consistent reading. Days without rows and without claims are absent. */
struct state {
    int64_t now_us;
    int64_t answered_us; /* by clock_boot_us: when the reading was here */
    int64_t created_us;  /* the youngest of the selection's tables */
    bool any_open_run;   /* a unit open at the top was committed ... */
    int64_t open_run_us; /* ... and this is when the newest such fetch began */
    struct last_commit last;
    struct day_state *days; /* ascending; yours: state_done */
    size_t day_count;
    struct scan_state scan;
};

/* A piece of work: whole days lo..hi of the configured zone, committed as one. */
struct unit {
    struct day lo, hi;
    bool open;           /* no upper bound: rows after hi belong to it too */
    struct day claim_hi; /* days lo..claim_hi were over and settled when the fetch began; < lo: none */
};

struct commit {
    struct unit unit;
    int64_t began_us; /* now_us of the state this unit was planned from */
    const char *run_id;
    const char *message_id;      /* "" outside of messages */
    int64_t fetched;             /* records read, for the ledger */
    const struct day *unclaimed; /* days of the unit that are not claimed */
    size_t unclaimed_count;
    const struct table *left_out[LIMIT_TABLES]; /* child tables of the stream that got no rows */
    size_t left_out_count;
    struct day children_from; /* of a scan: the children of what changed since then were requested */
    bool is_incomplete; /* not all of the unit was read, or of those before it: no proof that it is loaded */
    int64_t digest;     /* of what was read, to compare the next fetch with; 0: not to be compared */
    int64_t same_as_us; /* that commit read the same rows of the same unit; 0: none. While it is the newest
                         * one of these tables, the ledger notes this fetch, and nothing else is done */
    bool confirms_missing; /* of a reconciliation: some of what the list lacks was asked for, and none of it
                            * is alive */
};

/* Suspects: records that are older than the list of a reconciliation, which it lacks, and which are not known
 * to be gone. */
struct missing {
    char **ids; /* those found alive before come last, the others in random order; yours: missing_done */
    size_t count;
    int64_t total; /* also those that are not among the ids */
    int64_t alive; /* of the total: were found alive before */
};

struct committed {
    int64_t inserted[LIMIT_TABLES];
    int64_t content_changes; /* those of the first table whose version was known: only the content is new */
    /* Of a reconciliation whose list is in another form than the rows: how many records were compared, and
     * how many of them, more than half, have another content. These are not inserted. 0: the list agrees. */
    int64_t compared, refused_contents;
    int64_t rejected; /* rejected records that were not known yet */
    int64_t doubled;  /* keys found twice afterwards: must be 0, an alarm otherwise */
};

/* The outcomes of a stream that is loaded, or was before; NULL at the end. The others are the names of kinds
 * of errors. */
extern const char *const good_outcomes[];

/* The outcome of one stream of a request, for people: no plan depends on it. */
struct attempt {
    const char *run_id;
    const char *message_id; /* "" outside of messages */
    int delivery_attempt;   /* 0: it is not counted */
    const char *stream;
    bool has_units;
    struct day from, to; /* the days of its units */
    const char *outcome; /* see stream_outcome */
    const char *error;   /* "": there is none */
    int64_t units, requests, fetched, inserted, rejected, bytes;
    int64_t began_us, ended_us; /* by clock_boot_us */
    int64_t fresh_us;           /* all changes before then are loaded, by the warehouse's clock; 0: unknown */
};

/* Questions of people. */
enum question_kind {
    QUESTION_STATUS,   /* a row a configured stream */
    QUESTION_HISTORY,  /* attempts, the newest first */
    QUESTION_RUN,      /* the attempts of one run, or of one message */
    QUESTION_REJECTED, /* rejected records, the newest first, without those that were mended */
    QUESTION_RECORD    /* one rejected record with its text */
};

struct question {
    enum question_kind kind;
    const char *stream; /* NULL: all */
    const char *id;     /* of the run or message, or of the record */
    bool failed_only;
    bool has_since;
    struct day since;
    int64_t limit;
    int64_t max_age_s; /* of the status: older streams are stale */
};

struct reject {
    const char *id; /* "" if unknown */
    const char *reason;
    bool is_unsettled;  /* it could not be fetched: later ticks try again, and mark it as mended */
    const char *record; /* raw text, at most LIMIT_REJECT */
    size_t record_size;
};

#define RECORD_WAIT_S 30

struct warehouse;
struct load;

struct warehouse_ops {
    /* Tables, views, ledger and lock row of the selection exist and fit, or the text says what differs.
     * Called once a run and stream; cheap when nothing is to be done. */
    bool (*prepare)(struct warehouse *warehouse, const struct selection *selection,
                    const struct source_identity *identity, struct error *err);

    /* The states of all these selections, each after its prepare in the same run. message_id "" asks for no
     * own claims. out_states: as many, in their order. */
    bool (*state)(struct warehouse *warehouse, const struct selection *const *selections, size_t count,
                  const char *message_id, struct state *out_states, struct error *err);

    /* The state of one selection without a prepare: nothing is made or changed. Tables that are
     * missing hold nothing. NULL: it can't say. */
    bool (*peek)(struct warehouse *warehouse, const struct selection *selection,
                 const struct source_identity *identity, struct state *out_state, struct error *err);

    /* Begin, any number of writes, then exactly one of commit and abort; both end the load's life. Nothing
     * counts as loaded before commit: a warehouse without transactions may show rows earlier, since a row
     * that is written again changes nothing. After a failed commit everything may be visible, or nothing. */
    bool (*begin)(struct warehouse *warehouse, const struct selection *selection, struct load **out_load,
                  struct error *err);
    /* One row as a JSON object without newline; table is an index into the selection. No reader of numbers
     * may round it: the value of a JSON column is a text, and so are integers beyond 2^53 and _content. */
    bool (*write)(struct load *load, size_t table, const char *row, size_t size, struct error *err);
    bool (*reject)(struct load *load, const struct reject *reject, struct error *err);
    /* Of a reconciliation whose list was written and is not empty: at most `ceiling` ids that have no row in
     * it. No more rows of the list after that. NULL: the warehouse does not know its records, and no request
     * may have a reconciliation. */
    bool (*missing)(struct load *load, int64_t began_us, int64_t ceiling, struct missing *out_missing,
                    struct error *err);
    /* No rows come any more: they are brought to the warehouse. The caller may make this call while another
     * object commits to the same tables. Not before a commit with same_as_us. NULL: commit does it all. */
    bool (*finish)(struct load *load, struct error *err);
    /* Set union of the staged rows into the tables, rejects and ledger row, in one transaction. A
     * reconciliation adds unknown versions on days from its unit's first one on, and declares gone: the rows
     * of RECONCILE_GONE; and if it confirms_missing, what the list before it lacked, too, if that confirmed
     * it and is a day older. */
    bool (*commit)(struct load *load, const struct commit *commit, struct committed *out_committed,
                   struct error *err);
    void (*abort)(struct load *load); /* NULL is fine */

    /* Replaces derived tables if the selection's tables are newer. Called once a run and stream, even without
     * units: an earlier run may have ended before this call. Cheap when nothing changed. */
    bool (*refresh)(struct warehouse *warehouse, const struct selection *selection, struct error *err);

    /* Notes the attempts of one request. Best effort, soon done: at most some requests, each tried once, and
     * a wait of RECORD_WAIT_S; after a stop one request of some seconds. This and the next two are NULL in a
     * warehouse that can't be asked. */
    bool (*record)(struct warehouse *warehouse, const struct attempt *attempts, size_t count,
                   struct error *err);

    /* Marks the rejected records of the stream that are loaded since, and counts them. */
    bool (*mend)(struct warehouse *warehouse, const struct stream *stream, int64_t *out_count,
                 struct error *err);
    /* Reads only. out_rows: an array of objects; docs/operating.md lists their keys. Yours. */
    bool (*ask)(struct warehouse *warehouse, const struct question *question, json_t **out_rows,
                struct error *err);

    /* Called once a run, at its end: what its commits left under way has succeeded. False: a commit that
     * inserted nothing is not in the ledger. NULL: nothing is left under way. */
    bool (*settle)(struct warehouse *warehouse, struct error *err);

    /* `other`, an object of the same settings, knows from now on what this one knows of the warehouse. Then
     * take_back, when `other` has ended its loads: what it did counts as done by this one, which settles
     * it. No thread drives either meanwhile. Objects that share may load batches of one stream at the same
     * time; the caller makes their commits one after the other, and refreshes by one that has committed.
     * Both NULL: an object knows nothing. */
    void (*share)(struct warehouse *warehouse, struct warehouse *other);
    void (*take_back)(struct warehouse *warehouse, struct warehouse *other);

    void (*free)(struct warehouse *warehouse);
};

struct warehouse {
    const struct warehouse_ops *ops;
    const char *run_id; /* of the run that uses it, borrowed; NULL: none. Jobs are labelled with it */
};

void state_done(struct state *state);
void scan_state_add_unread(struct scan_state *scan, const char *id);
void missing_done(struct missing *missing);
/* The day's state; a zeroed one with that day if the reading has none. */
struct day_state state_day(const struct state *state, struct day day);

#endif
