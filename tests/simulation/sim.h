/* SPDX-License-Identifier: Apache-2.0 */
/* sim.h - discrete-event simulation of core: records that change, several workers, a warehouse, and faults.
 *
 * One virtual clock orders all events. One seeded generator makes all choices, so a seed determines a
 * history. The workers run the real run_request, each as a coroutine with its own stack. At every port call
 * time may pass, another worker may run, the call may fail, or the worker may be killed. A worker has an
 * executor whose workers are coroutines, too, so that a seed also determines how its streams take turns. One
 * thread.
 */
#ifndef CASELOAD_TESTS_SIM_H
#define CASELOAD_TESTS_SIM_H

#include <stdatomic.h>
#include <stdio.h>
#include <ucontext.h>

#include "base/zone.h"
#include "core/run.h"
#include "fake_source.h"
#include "fake_trigger.h"
#include "fake_warehouse.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define NEVER  INT64_MAX

#define SIM_WORKERS    3
#define SIM_STREAMS    2                 /* that hold records */
#define SIM_SELECTIONS (SIM_STREAMS + 1) /* and the reconciliation of the first */
#define SIM_RECORDS    7                 /* of one stream, at most */
#define SIM_THREADS    3                 /* of one worker, at most */
#define SIM_STACK      (256 * 1024)

/* Counted, so that a set of histories in which a fault never occurred fails. */
enum event {
    EVENT_HISTORY,
    EVENT_DAY,
    EVENT_TICK,
    EVENT_TICK_SKIPPED,
    EVENT_BACKFILL,
    EVENT_REPLAY,
    EVENT_DELIVERY,
    EVENT_REDELIVERY,
    EVENT_LEASE_LAPSED,
    EVENT_ACK,
    EVENT_ACK_LOST,
    EVENT_NACK,
    EVENT_OVERLAP,
    EVENT_THREAD,
    EVENT_PARALLEL,
    EVENT_HELPED,
    EVENT_SATISFIED,
    EVENT_UNIT,
    EVENT_PORT_CALL,
    EVENT_SWITCH,
    EVENT_PAUSE,
    EVENT_FAULT,
    EVENT_KILL,
    EVENT_STOP,
    EVENT_COMMIT,
    EVENT_ANSWER_LOST,
    EVENT_ORPHAN,
    EVENT_ORPHAN_LANDED,
    EVENT_ORPHAN_REFUSED,
    EVENT_ORPHAN_LOST,
    EVENT_UPDATE,
    EVENT_NIGHTLY_UPDATE,
    EVENT_CHILD,
    EVENT_CHILD_EDITED,
    EVENT_SILENT,
    EVENT_SILENT_CHILD,
    EVENT_SILENT_SET,
    EVENT_CUT,
    EVENT_OLD_COMMIT,
    EVENT_RECONTENTED,
    EVENT_REPEATED,
    EVENT_LAST_SEEN_CHECKED,
    EVENT_LISTED_CHECKED,
    EVENT_LATE,
    EVENT_LATE_BY_A_DAY,
    EVENT_FUTURE,
    EVENT_UNINDEXED,
    EVENT_DAY_DELETED,
    EVENT_ROW_DELETED,
    EVENT_TABLE_DROPPED,
    EVENT_DEATH,
    EVENT_RETURN,
    EVENT_HIDDEN,
    EVENT_UNREADABLE,
    EVENT_SHORT_LIST,
    EVENT_SHORT_WINDOW,
    EVENT_ASKED,
    EVENT_FOUND_ALIVE,
    EVENT_DECLARED,
    EVENT_TAKEN_BACK,
    EVENT_DEAD_CHECKED,
    EVENT_CLAIM_CHECKED,
    EVENT_MOVED_CHECKED,
    EVENT_KINDS
};

enum property {
    PROPERTY_NONE,
    PROPERTY_DOUBLE,
    PROPERTY_LOST,
    PROPERTY_INVENTED,
    PROPERTY_TORN,
    PROPERTY_CLAIM,
    PROPERTY_SERVED,
    PROPERTY_MOVED,
    PROPERTY_NEWEST,
    PROPERTY_ORDER,
    PROPERTY_INCOMPLETE,
    PROPERTY_STALE,
    PROPERTY_REPLAY,
    PROPERTY_KILLED,
    PROPERTY_GONE,
    PROPERTY_STUCK,
    PROPERTY_TOGETHER,
    PROPERTIES
};

struct fault_rates;

struct design {
    const char *name;
    enum fake_design warehouse;
    bool ack_first;                             /* the worker acks before it runs */
    bool run_clock;                             /* rows are stamped with the begin of their run */
    bool is_ungrouped;                          /* the reconciliation does not say whose tables it writes */
    bool is_silent;                             /* lists that come short do not say so */
    enum fake_answers answers;                  /* to questions for records that a list lacks */
    void (*provoke)(struct fault_rates *rates); /* makes frequent what the design overlooks; NULL: it is */
};

/* splitmix64. */
struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *rng);
int64_t rng_below(struct rng *rng, int64_t bound);                 /* 0 .. bound-1 */
int64_t rng_between(struct rng *rng, int64_t least, int64_t most); /* inclusive */
bool rng_chance(struct rng *rng, int per_mille);

/* Drawn per history, many of them zero, so that rare faults occur alone and in all combinations. */
struct fault_rates {
    int fault, kill, stop, pause, lapse, lost_answer; /* per mille of port calls */
    int orphan_lands;                                 /* per mille of jobs */
    int redelivery;                                   /* per mille, after an ack */
    int tick_skipped;                                 /* per mille of days */
    /* Mean time between two, or NEVER. */
    int64_t update_interval_us, replay_interval_us, backfill_interval_us, delete_interval_us,
        drop_interval_us, death_interval_us;
    int late, nightly, future; /* per mille of updates, of records, of updates */
    int silent;                /* per mille of updates: the version stays */
    int unindexed;             /* ... : lists have the version, searches never do */
    int cut;                   /* per mille of records sent: incomplete */
    int short_list,
        short_window; /* per mille of the pages of reconciliations, of others: the list ends there */
    int64_t old_us;   /* so long an older caseload commits */
    bool never_updated[SIM_STREAMS];
    bool sent_newer; /* a record is sent with a version that the search index does not have yet */
};

/* A flow of control: a coroutine. */
struct sim_thread {
    struct sim_worker *worker;
    struct progress progress;
    ucontext_t context;
    char *stack;
    int64_t wake_us; /* NEVER: it has ended, or waits for the others of its worker */
    bool is_waiting; /* for a wake */
    /* Of the executor; the first thread has none. */
    void (*work)(void *context, size_t thread);
    void *work_context;
};

/* Serves a message. */
struct sim_worker {
    struct sim *sim;
    struct executor executor;
    struct sim_thread threads[SIM_THREADS];
    bool is_locked; /* the executor's lock */
    bool is_busy;
    int64_t began_us;
    bool killed;
    bool was_short; /* one of its lists came short: the next tick reads it again */
    atomic_bool stop;
    char run_id[32];
    char ack_id[32];
    struct run_report report;
};

/* A row that was committed. Only a delete or drop of the history may remove it. */
struct seen_row {
    char *key;
    int64_t version_us;
    struct day day;
    int64_t serial;
};

struct seen_table {
    struct seen_row *rows;
    size_t count, capacity;
};

struct record_plan {
    char id[8];
    bool nightly;
    int64_t gone_us;     /* when it died the last time; 0: never */
    int64_t returned_us; /* and when it came back */
};

struct sim {
    struct rng rng;
    const struct design *design;
    struct fault_rates rates;
    int64_t now_us, end_us;
    const struct zone *zone;
    struct plan_settings plan;
    struct selection selections[SIM_SELECTIONS];
    struct record_plan records[SIM_STREAMS][SIM_RECORDS];
    size_t record_count[SIM_STREAMS];
    int64_t children; /* created so far, for their ids */
    struct fake_source source;
    struct fake_warehouse warehouse;
    struct fake_trigger trigger;
    ucontext_t scheduler;
    struct sim_worker workers[SIM_WORKERS];
    struct sim_thread *running;
    size_t threads; /* of each worker */
    struct extent batch;
    bool faults_off; /* set for the last tick */
    int64_t next_us[7];
    int64_t erased_us; /* the last delete or drop */
    int64_t runs;
    struct seen_table seen[4];
    int64_t serial_seen;
    size_t suspects_seen, dead; /* of the double's; rows that note deletions */
    int64_t asked_seen, declared_serial;
    size_t ledger_seen;
    int64_t *counts; /* EVENT_KINDS of them, summed over histories */
    FILE *trace;     /* NULL: silent */
    enum property broken;
    char problem[512];
};

const char *property_name(enum property property);
void sim_count(struct sim *sim, enum event event);
void sim_trace(struct sim *sim, const char *format, ...) PRINTF(2, 3);
/* The first failed property ends the history. */
void sim_fail(struct sim *sim, enum property property, const char *format, ...) PRINTF(3, 4);

/* workspace.c: the records of the source and how they change. */
void workspace_begin(struct sim *sim);
void workspace_update(struct sim *sim, size_t stream, size_t record, bool nightly);
void workspace_update_any(struct sim *sim);
void workspace_update_nightly(struct sim *sim);
/* A record dies or comes back, or lists or requests for it fail. */
void workspace_change_life(struct sim *sim);
/* All records that live are listed from now on, and each request is answered. */
void workspace_settle(struct sim *sim);
int64_t workspace_last_visible_us(const struct sim *sim);

/* workers.c: a model of worker.c around the real run. */
void workers_begin(struct sim *sim);
void workers_end(struct sim *sim);
void workers_start(struct sim *sim, struct sim_worker *worker); /* pulls a message and serves it */
void workers_resume(struct sim *sim, struct sim_thread *thread);
struct sim_thread *workers_next(struct sim *sim); /* the one that wakes first; NULL: none does */
bool workers_call(void *context, const char *name, struct error *err); /* hook of all ports */

/* check.c: the properties. */
/* After every event: double, lost, invented, torn. */
void check_rows(struct sim *sim);
/* Every believed claim is honest; of all streams, or of those with new claims. */
void check_claims(struct sim *sim, bool all);
void check_served(struct sim *sim, const struct sim_worker *worker, const struct request *request,
                  int64_t published_us);
void check_newest(struct sim *sim);
/* Of a row's text. -1: an incomplete reading. */
int check_content_of(const struct fake_row *row);

/* check_contents.c: the properties of readings of one version. */
void check_reading(struct sim *sim, const struct fake_table *table, size_t i);
void check_last_seen(struct sim *sim); /* before the last tick */
void check_contents_end(struct sim *sim, int64_t tick_us);
void check_listed(struct sim *sim, int64_t tick_us); /* after a list without faults */
void check_repeated(struct sim *sim);
void check_forget_day(struct sim *sim, size_t table, struct day day);
void check_forget_row(struct sim *sim, size_t table, int64_t serial);
void check_forget_table(struct sim *sim, size_t table);
void check_end(struct sim *sim);

/* check_deletions.c: what reconciliations declare. */
void check_declared(struct sim *sim);
void check_deletions_end(struct sim *sim);

/* history.c: one history from its seed. True: all properties held. */
struct history {
    uint64_t seed;
    const struct design *design;
    const struct zone *const *zones; /* as history_zones names them */
    char *const *stacks;             /* SIM_WORKERS * SIM_THREADS of SIM_STACK bytes */
    FILE *trace;
};

extern const char *const history_zones[];
extern const size_t history_zone_count;

bool history_run(const struct history *history, int64_t counts[EVENT_KINDS], enum property *out_broken,
                 char *out_problem, size_t size);

#endif
