/* SPDX-License-Identifier: Apache-2.0 */
/* sim.h - random histories of the heart: a world of records, a crew of workers, a warehouse, and what may go
 * wrong between them.
 *
 * Everything is a discrete event on one virtual clock, and every choice comes from one seeded die, so a seed
 * is a history. The workers run the real run_request, each on a stack of its own; every port call is a point
 * where time may pass, other workers may go on, the call may fail, or the worker may die.
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

#define SIM_WORKERS 3
#define SIM_STREAMS 2
#define SIM_RECORDS 7 /* of one stream, at most */
#define SIM_STACK   (256 * 1024)

/* What can happen; counted, so that a history that never meets a fault can't pass for a proof. */
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
    EVENT_TOUCH,
    EVENT_NIGHTLY_TOUCH,
    EVENT_CHILD,
    EVENT_CHILD_EDITED,
    EVENT_LATE,
    EVENT_LATE_BY_A_DAY,
    EVENT_FUTURE,
    EVENT_DAY_DELETED,
    EVENT_TABLE_DROPPED,
    EVENT_CLAIM_CHECKED,
    EVENT_KINDS
};

enum property {
    PROPERTY_NONE,
    PROPERTY_DOUBLE,
    PROPERTY_VANISHED,
    PROPERTY_INVENTED,
    PROPERTY_TORN,
    PROPERTY_CLAIM,
    PROPERTY_SERVED,
    PROPERTY_NEWEST,
    PROPERTY_STUCK,
    PROPERTIES
};

struct design {
    const char *name;
    enum fake_design warehouse;
    bool ack_first; /* the worker acks before it runs */
};

/* The die: splitmix64. */
struct dice {
    uint64_t state;
};

uint64_t dice_roll(struct dice *dice);
int64_t dice_below(struct dice *dice, int64_t bound);                 /* 0 .. bound-1 */
int64_t dice_between(struct dice *dice, int64_t least, int64_t most); /* inclusive */
bool dice_chance(struct dice *dice, int per_mille);

/* How one history goes. Each history draws its own, many of them zero: rare things then meet in all ways. */
struct habits {
    int fault, kill, stop, pause, lapse, lost_answer,
        orphan_lands;                                             /* per mille: of a port call, or of a job */
    int redelivery;                                               /* per mille, after an ack */
    int tick_skipped;                                             /* per mille of days */
    int64_t touch_us, replay_us, backfill_us, delete_us, drop_us; /* mean time between two; NEVER */
    int late, nightly, future; /* per mille of touches, of records, of touches */
    bool quiet[SIM_STREAMS];
    bool ahead; /* a record is sent with a version that a search does not know yet */
};

/* One worker: a coroutine while it serves, else nothing. */
struct hand {
    struct sim *sim;
    ucontext_t context;
    char *stack;
    int64_t began_us;
    int64_t wake_us; /* NEVER: it is not serving */
    bool dead;
    atomic_bool stop;
    char run_id[32];
    char ack_id[32];
    struct run_report report;
};

/* A row that was there: none may disappear but by a delete. */
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
};

struct sim {
    struct dice dice;
    const struct design *design;
    struct habits habits;
    int64_t now_us, end_us;
    const struct zone *zone;
    struct plan_settings plan;
    struct selection selections[SIM_STREAMS];
    struct record_plan records[SIM_STREAMS][SIM_RECORDS];
    size_t record_count[SIM_STREAMS];
    int64_t children; /* made so far, for their ids */
    struct fake_source source;
    struct fake_warehouse warehouse;
    struct fake_trigger trigger;
    ucontext_t scheduler;
    struct hand hands[SIM_WORKERS];
    struct hand *running;
    bool calm; /* no faults any more */
    int64_t next_us[6];
    int64_t erased_us; /* the last delete or drop */
    int64_t runs;
    struct seen_table seen[4];
    int64_t serial_seen;
    size_t ledger_seen;
    int64_t *counts; /* EVENT_KINDS of them, summed over histories */
    FILE *trace;     /* NULL: silent */
    enum property broken;
    char problem[512];
};

const char *property_name(enum property property);
void sim_count(struct sim *sim, enum event event);
void sim_say(struct sim *sim, const char *format, ...) PRINTF(2, 3);
/* The first broken property ends the history. */
void sim_break(struct sim *sim, enum property property, const char *format, ...) PRINTF(3, 4);

/* world.c: records and how they change. */
void world_begin(struct sim *sim);
void world_touch(struct sim *sim, size_t stream, size_t record, bool nightly);
void world_touch_any(struct sim *sim);
void world_nightly(struct sim *sim);
int64_t world_last_visible_us(const struct sim *sim);

/* crew.c: the workers. */
void crew_begin(struct sim *sim);
void crew_end(struct sim *sim);
void crew_start(struct sim *sim, struct hand *hand); /* it pulls a message and serves it */
void crew_resume(struct sim *sim, struct hand *hand);
bool crew_call(void *context, const char *name, struct error *err); /* the hook of all ports */

/* check.c: the properties. */
void check_rows(
    struct sim *sim); /* after every event: no double, none deleted_during_read, none invented, none torn */
/* Every believed claim is honest; of all streams, or of those with new claims. */
void check_claims(struct sim *sim, bool all);
void check_served(struct sim *sim, const struct hand *hand, const struct request *request,
                  int64_t published_us);
void check_newest(struct sim *sim);
void check_forget_day(struct sim *sim, size_t table, struct day day);
void check_forget_table(struct sim *sim, size_t table);
void check_end(struct sim *sim);

/* history.c: one history from its seed. True: all properties held. */
struct history {
    uint64_t seed;
    const struct design *design;
    const struct zone *const *zones; /* as history_zones names them */
    char *const *stacks;             /* SIM_WORKERS of SIM_STACK bytes */
    FILE *trace;
};

extern const char *const history_zones[];
extern const size_t history_zone_count;

bool history_run(const struct history *history, int64_t counts[EVENT_KINDS], enum property *out_broken,
                 char *out_problem, size_t size);

#endif
