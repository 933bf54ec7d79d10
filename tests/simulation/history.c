/* SPDX-License-Identifier: Apache-2.0 */
/* history.c - one history: workspace, operators and workers in the order of one clock. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_streams.h"
#include "sim.h"

#define MAX_ATTEMPTS 7
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Zones whose daylight saving starts at midnight, is half an hour, or does not exist; one skipped a day. */
const char *const history_zones[] = {"Etc/UTC",          "Europe/Berlin", "America/New_York",
                                     "America/Santiago", "Asia/Kolkata",  "Australia/Lord_Howe",
                                     "Asia/Beirut",      "Pacific/Apia",  "Pacific/Auckland"};
const size_t history_zone_count = COUNT(history_zones);

/* Starts of periods in which some of these zones change their clocks, and two without a change. */
static const char *const first_days[] = {"2024-03-05", "2024-03-20", "2024-09-01", "2024-10-20",
                                         "2011-12-20", "2024-06-01", "2023-12-15"};

/* Causes of events that recur at random. */
enum cause {
    CAUSE_TICK,
    CAUSE_UPDATE,
    CAUSE_REPLAY,
    CAUSE_BACKFILL,
    CAUSE_DELETE,
    CAUSE_DROP,
    CAUSE_LIFE,
    CAUSES
};
_Static_assert(CAUSES == sizeof((struct sim *)0)->next_us / sizeof(int64_t), "a time for each cause");

void sim_count(struct sim *sim, enum event event)
{
    sim->counts[event]++;
}

void sim_trace(struct sim *sim, const char *format, ...)
{
    if (!sim->trace) return;
    char at[INSTANT_TEXT];
    va_list args;
    instant_format(sim->now_us, at);
    fprintf(sim->trace, "%-28s ", at);
    va_start(args, format);
    vfprintf(sim->trace, format, args);
    va_end(args);
    fputc('\n', sim->trace);
}

static int zero_or_rate(struct rng *rng, int most)
{
    return rng_chance(rng, 500) ? 0 : (int)rng_between(rng, 1, most);
}

static int64_t never_or_interval_us(struct rng *rng, int per_mille, int64_t least, int64_t most)
{
    return rng_chance(rng, per_mille) ? rng_between(rng, least, most) : NEVER;
}

static struct fault_rates draw_fault_rates(struct rng *rng)
{
    struct fault_rates rates = {
        .fault = zero_or_rate(rng, 20),
        .kill = zero_or_rate(rng, 12),
        .stop = zero_or_rate(rng, 10),
        .pause = zero_or_rate(rng, 40),
        .lapse = zero_or_rate(rng, 20),
        .lost_answer = zero_or_rate(rng, 200),
        .orphan_lands = (int)rng_between(rng, 200, 1000),
        .redelivery = zero_or_rate(rng, 200),
        .tick_skipped = zero_or_rate(rng, 500),
        .update_interval_us = never_or_interval_us(rng, 950, 2 * HOUR, 2 * DAY),
        .replay_interval_us = never_or_interval_us(rng, 500, DAY, 10 * DAY),
        .backfill_interval_us = never_or_interval_us(rng, 500, DAY, 10 * DAY),
        .delete_interval_us = never_or_interval_us(rng, 300, 2 * DAY, 15 * DAY),
        .drop_interval_us = never_or_interval_us(rng, 200, 4 * DAY, 30 * DAY),
        .death_interval_us = never_or_interval_us(rng, 600, DAY, 10 * DAY),
        .late = zero_or_rate(rng, 1000),
        .nightly = zero_or_rate(rng, 500),
        .future = rng_chance(rng, 200) ? 50 : 0,
        .sent_newer = rng_chance(rng, 500),
        .silent = zero_or_rate(rng, 900),
        .unindexed = rng_chance(rng, 300) ? 200 : 0,
        .cut = rng_chance(rng, 300) ? 60 : 0,
        .short_list = zero_or_rate(rng, 300),
        .short_window = rng_chance(rng, 300) ? 100 : 0,
        .old_us = rng_chance(rng, 200) ? rng_between(rng, DAY, 10 * DAY) : 0,
    };
    for (size_t s = 0; s < SIM_STREAMS; s++)
        rates.never_updated[s] = rng_chance(rng, 100);
    return rates;
}

/* The next time of an event with this mean interval. */
static int64_t time_after(struct sim *sim, int64_t mean)
{
    return mean == NEVER ? NEVER : sim->now_us + 1 + rng_below(&sim->rng, 2 * mean);
}

/* Most ticks are in the early hours of the local day. */
static int64_t next_tick_us(struct sim *sim)
{
    struct day next = day_add(zone_day(sim->zone, sim->now_us / SECOND), 1);
    int64_t at = zone_start_s(sim->zone, next) * SECOND;
    if (rng_chance(&sim->rng, 100)) return time_after(sim, 10 * HOUR);
    return at + rng_below(&sim->rng, rng_chance(&sim->rng, 700) ? 3 * HOUR : DAY);
}

static size_t publish(struct sim *sim, const char *data)
{
    char id[24];
    snprintf(id, sizeof id, "m%zu", sim->trigger.count);
    sim_trace(sim, "message %s is published: %s", id, data);
    return fake_trigger_publish(&sim->trigger, id, data, sim->now_us);
}

static void do_tick(struct sim *sim)
{
    sim_count(sim, EVENT_DAY);
    if (rng_chance(&sim->rng, sim->rates.tick_skipped)) {
        sim_count(sim, EVENT_TICK_SKIPPED);
    } else {
        sim_count(sim, EVENT_TICK);
        (void)publish(sim, rng_chance(&sim->rng, 100) ? "{\"streams\":[\"tickets\"]}" : "");
    }
    workspace_update_nightly(sim);
}

static void do_backfill(struct sim *sim)
{
    struct day today = zone_day(sim->zone, sim->now_us / SECOND);
    struct day from = day_add(today, -(int)rng_between(&sim->rng, 1, 30));
    struct day to = day_add(from, (int)rng_below(&sim->rng, 20));
    char first[DAY_TEXT], last[DAY_TEXT], data[80];
    day_format(from, first);
    day_format(day_min(to, today), last);
    switch (rng_below(&sim->rng, 4)) {
    case 0: snprintf(data, sizeof data, "{\"from\":\"%s\"}", first); break;
    case 1: snprintf(data, sizeof data, "{\"to\":\"%s\"}", last); break;
    default: snprintf(data, sizeof data, "{\"from\":\"%s\",\"to\":\"%s\"}", first, last); break;
    }
    sim_count(sim, EVENT_BACKFILL);
    (void)publish(sim, data);
}

/* Replays some old messages, acknowledged or not. */
static void do_replay(struct sim *sim)
{
    for (int64_t n = rng_between(&sim->rng, 1, 3); n > 0 && sim->trigger.count > 0; n--) {
        struct fake_message *message =
            &sim->trigger.messages[rng_below(&sim->rng, (int64_t)sim->trigger.count)];
        message->acked = false;
        message->attempt = 0;
        message->due_us = sim->now_us;
        sim_trace(sim, "message %s is replayed", message->id);
        sim_count(sim, EVENT_REPLAY);
    }
}

static const char *const table_names[] = {"staff", "tickets", "replies", "labels"};

/* Deletes a row of a stream's own table: a claim is broken by a single one. */
static void delete_row(struct sim *sim, size_t which, struct fake_table *table)
{
    size_t index = (size_t)rng_below(&sim->rng, (int64_t)table->count);
    sim_trace(sim, "a row of %s is deleted: %s", table->name, table->rows[index].key);
    sim_count(sim, EVENT_ROW_DELETED);
    check_forget_row(sim, which, table->rows[index].serial);
    fake_warehouse_delete_row(table, index);
    sim->erased_us = sim->now_us;
}

/* Deletes a day of a table, or a row. */
static void do_delete(struct sim *sim)
{
    size_t which = (size_t)rng_below(&sim->rng, 3);
    struct fake_table *table = fake_warehouse_table(&sim->warehouse, table_names[which]);
    if (!table || table->count == 0) return;
    if (rng_chance(&sim->rng, 300)) {
        delete_row(sim, which, table);
        return;
    }
    struct day day = table->rows[rng_below(&sim->rng, (int64_t)table->count)].day;
    char text[DAY_TEXT];
    day_format(day, text);
    sim_trace(sim, "%s of %s is deleted", text, table->name);
    sim_count(sim, EVENT_DAY_DELETED);
    (void)fake_warehouse_delete_day(&sim->warehouse, table->name, day);
    check_forget_day(sim, which, day);
    sim->erased_us = sim->now_us;
}

static void do_drop(struct sim *sim)
{
    size_t which = (size_t)rng_below(&sim->rng, 4);
    sim_trace(sim, "table %s is dropped", table_names[which]);
    sim_count(sim, EVENT_TABLE_DROPPED);
    fake_warehouse_drop(&sim->warehouse, table_names[which]);
    check_forget_table(sim, which);
    sim->erased_us = sim->now_us;
}

static void apply_cause(struct sim *sim, enum cause cause)
{
    switch (cause) {
    case CAUSE_TICK:
        do_tick(sim);
        sim->next_us[cause] = next_tick_us(sim);
        return;
    case CAUSE_UPDATE:
        workspace_update_any(sim);
        sim->next_us[cause] = time_after(sim, sim->rates.update_interval_us);
        return;
    case CAUSE_REPLAY:
        do_replay(sim);
        sim->next_us[cause] = time_after(sim, sim->rates.replay_interval_us);
        return;
    case CAUSE_BACKFILL:
        do_backfill(sim);
        sim->next_us[cause] = time_after(sim, sim->rates.backfill_interval_us);
        return;
    case CAUSE_DELETE:
        do_delete(sim);
        sim->next_us[cause] = time_after(sim, sim->rates.delete_interval_us);
        return;
    case CAUSE_DROP:
        do_drop(sim);
        sim->next_us[cause] = time_after(sim, sim->rates.drop_interval_us);
        return;
    case CAUSE_LIFE:
        workspace_change_life(sim);
        sim->next_us[cause] = time_after(sim, sim->rates.death_interval_us);
        return;
    case CAUSES: break;
    }
    abort();
}

/* A commit job whose client is gone runs some time later, or never. */
static void schedule_orphans(struct sim *sim)
{
    for (size_t i = 0; i < sim->warehouse.job_count; i++) {
        struct fake_job *job = sim->warehouse.jobs[i];
        if (job->attended || job->due_us != 0) continue;
        sim_count(sim, EVENT_ORPHAN);
        job->due_us =
            sim->now_us + 1 + rng_below(&sim->rng, rng_chance(&sim->rng, 300) ? 3 * DAY : 30 * MINUTE);
    }
}

static void run_orphan(struct sim *sim, struct fake_job *job)
{
    struct error err;
    sim_trace(sim, "an orphaned job of %s runs", job->run_id);
    if (!rng_chance(&sim->rng, sim->rates.orphan_lands)) {
        sim_count(sim, EVENT_ORPHAN_LOST);
        fake_warehouse_forget(&sim->warehouse, job);
    } else if (fake_warehouse_land(&sim->warehouse, job, NULL, &err)) {
        sim_count(sim, EVENT_ORPHAN_LANDED);
    } else {
        sim_count(sim, EVENT_ORPHAN_REFUSED);
    }
}

/* The next step; of several at the same time the first found. */
struct upcoming {
    int64_t at_us;
    struct sim_thread *thread; /* goes on */
    struct sim_worker *worker; /* takes a message */
    struct fake_job *job;
    enum cause cause;
};

static void take_earlier(struct upcoming *upcoming, const struct upcoming *other)
{
    if (other->at_us < upcoming->at_us) *upcoming = *other;
}

static struct sim_worker *idle_worker(struct sim *sim)
{
    for (size_t i = 0; i < SIM_WORKERS; i++)
        if (!sim->workers[i].is_busy) return &sim->workers[i];
    return NULL;
}

/* Models a dead-letter policy: after MAX_ATTEMPTS a message is not delivered again. */
static bool is_waiting(const struct fake_message *message)
{
    return !message->acked && message->attempt < MAX_ATTEMPTS;
}

static struct upcoming find_next_step(struct sim *sim)
{
    struct upcoming upcoming = {.at_us = NEVER};
    struct sim_thread *thread = workers_next(sim);
    if (thread) upcoming = (struct upcoming){.at_us = thread->wake_us, .thread = thread};
    for (size_t i = 0; i < sim->warehouse.job_count; i++)
        if (!sim->warehouse.jobs[i]->attended)
            take_earlier(&upcoming, &(struct upcoming){.at_us = sim->warehouse.jobs[i]->due_us,
                                                       .job = sim->warehouse.jobs[i]});
    if (!sim->faults_off)
        for (int i = 0; i < CAUSES; i++)
            take_earlier(&upcoming, &(struct upcoming){.at_us = sim->next_us[i], .cause = (enum cause)i});
    struct sim_worker *idle = idle_worker(sim);
    for (size_t i = 0; idle && i < sim->trigger.count; i++)
        if (is_waiting(&sim->trigger.messages[i]))
            take_earlier(&upcoming,
                         &(struct upcoming){.at_us = sim->trigger.messages[i].due_us, .worker = idle});
    return upcoming;
}

static void step(struct sim *sim, const struct upcoming *upcoming)
{
    size_t commits = sim->warehouse.ledger_count;
    int64_t erased_us = sim->erased_us;
    if (upcoming->at_us > sim->now_us) sim->now_us = upcoming->at_us;
    sim->now_us++;
    if (upcoming->job)
        run_orphan(sim, upcoming->job);
    else if (upcoming->worker)
        workers_start(sim, upcoming->worker);
    else if (upcoming->thread)
        workers_resume(sim, upcoming->thread);
    else
        apply_cause(sim, upcoming->cause);
    schedule_orphans(sim);
    sim->counts[EVENT_COMMIT] += (int64_t)(sim->warehouse.ledger_count - commits);
    if (sim->now_us < sim->warehouse.old_until_us)
        sim->counts[EVENT_OLD_COMMIT] += (int64_t)(sim->warehouse.ledger_count - commits);
    check_rows(sim);
    check_declared(sim);
    check_claims(sim, sim->erased_us != erased_us);
}

/* Steps until no message and no job is left. */
static void drain(struct sim *sim)
{
    for (int steps = 0; sim->broken == PROPERTY_NONE; steps++) {
        struct upcoming upcoming = find_next_step(sim);
        if (upcoming.at_us == NEVER) {
            for (size_t i = 0; i < SIM_WORKERS; i++)
                if (sim->workers[i].is_busy)
                    sim_fail(sim, PROPERTY_STUCK, "%s waits for ever", sim->workers[i].run_id);
            return;
        }
        if (steps > 100000) sim_fail(sim, PROPERTY_STUCK, "messages or jobs are left after 100,000 steps");
        step(sim, &upcoming);
    }
}

static void serve_tick(struct sim *sim)
{
    size_t last = publish(sim, "");
    drain(sim);
    if (!sim->trigger.messages[last].acked || sim->trigger.messages[last].attempt > 1)
        sim_fail(sim, PROPERTY_STUCK, "the last tick was not served at once");
}

static void reconcile_twice(struct sim *sim)
{
    if (sim->plan.reconcile_days == 0) return;
    workspace_settle(sim);
    for (int i = 0; i < 2 && sim->broken == PROPERTY_NONE; i++) {
        sim->now_us += sim->plan.reconcile_days * DAY;
        int64_t tick_us = sim->now_us;
        serve_tick(sim);
        check_listed(sim, tick_us);
    }
    check_deletions_end(sim);
}

/* Lets all jobs end and all versions become visible, then serves one tick without faults. */
static void run_to_rest(struct sim *sim)
{
    sim->faults_off = true;
    for (size_t i = 0; i < sim->trigger.count; i++)
        sim->trigger.messages[i].acked = true;
    drain(sim);
    int64_t visible_us = workspace_last_visible_us(sim);
    sim->now_us = (visible_us > sim->now_us ? visible_us : sim->now_us) + HOUR;
    for (size_t i = 0; i < sim->trigger.count; i++)
        sim->trigger.messages[i].acked = true;
    if (sim->broken != PROPERTY_NONE) return;
    check_last_seen(sim);
    int64_t tick_us = sim->now_us;
    serve_tick(sim);
    check_newest(sim);
    check_contents_end(sim, tick_us);
    reconcile_twice(sim);
    check_repeated(sim);
}

static bool is_cut(void *context)
{
    struct sim *sim = context;
    if (sim->faults_off || !rng_chance(&sim->rng, sim->rates.cut)) return false;
    sim_count(sim, EVENT_CUT);
    return true;
}

static bool is_short(void *context, bool is_list)
{
    struct sim *sim = context;
    int rate = is_list ? sim->rates.short_list : sim->rates.short_window;
    if (sim->faults_off || !rng_chance(&sim->rng, rate)) return false;
    sim_count(sim, is_list ? EVENT_SHORT_LIST : EVENT_SHORT_WINDOW);
    if (!is_list) sim->running->worker->was_short = true;
    return true;
}

/* The same stream with tables and a lock of its own, by their looks. */
static void ungroup(struct selection *selection)
{
    static struct stream stream;
    static struct table tables[RECONCILE_TABLES], lock;
    stream = *selection->stream;
    for (size_t i = 0; i < selection->table_count; i++) {
        tables[i] = *selection->tables[i];
        selection->tables[i] = &tables[i];
    }
    lock = (struct table){.name = "another"};
    stream.lock = &lock;
    selection->stream = &stream;
}

static void begin(struct sim *sim, const struct history *history, int64_t *counts)
{
    struct rng *rng = &sim->rng;
    size_t zone = (size_t)rng_below(rng, (int64_t)history_zone_count);
    struct day first;
    if (!day_parse(first_days[rng_below(rng, COUNT(first_days))], &first)) abort();
    sim->design = history->design;
    sim->counts = counts;
    sim->trace = history->trace;
    sim->zone = history->zones[zone];
    sim->rates = draw_fault_rates(rng);
    if (history->design->provoke) history->design->provoke(&sim->rates);
    sim->now_us = zone_start_s(sim->zone, first) * SECOND + rng_below(rng, DAY);
    sim->end_us = sim->now_us + rng_between(rng, 20, 23) * DAY;
    sim->erased_us = INT64_MIN;
    sim->plan =
        (struct plan_settings){.zone = sim->zone,
                               .start = day_add(first, (int)rng_between(rng, -16, 0)),
                               .lookback_days = (int)rng_below(rng, 3),
                               .settle_minutes = rng_chance(rng, 200) ? 0 : 60,
                               .reconcile_days = rng_chance(rng, 500) ? 0 : (int)rng_between(rng, 1, 5)};
    sim->selections[0] =
        (struct selection){.stream = &fake_staff, .tables = {fake_staff.table}, .table_count = 1};
    sim->selections[1] = fake_selection(&fake_desk);
    sim->selections[2] = fake_selection(&fake_staff_reconciliation);
    if (history->design->is_ungrouped) ungroup(&sim->selections[2]);
    sim->threads = (size_t)rng_between(rng, 1, SIM_THREADS);
    sim->batch = (struct extent){.units = rng_between(rng, 1, 12),
                                 .rows = rng_between(rng, 1, 40),
                                 .requests = rng_between(rng, 1, 20)};
    const struct fake_hook hook = {.call = workers_call, .context = sim};
    fake_source_init(&sim->source);
    fake_warehouse_init(&sim->warehouse, &sim->now_us);
    fake_trigger_init(&sim->trigger);
    sim->source.hook = sim->warehouse.hook = sim->trigger.hook = hook;
    sim->source.now_us = sim->trigger.now_us = &sim->now_us;
    sim->source.page_size = (size_t)rng_between(rng, 1, 6);
    sim->source.by_id = rng_chance(rng, 200);
    sim->source.shows_old_until_visible = rng_chance(rng, 500);
    sim->source.widen_s = rng_chance(rng, 300) ? rng_below(rng, 2 * DAY / SECOND) : 0;
    sim->source.is_cut = is_cut;
    sim->source.is_short = is_short;
    sim->source.is_silent = history->design->is_silent;
    sim->source.answers = history->design->answers;
    sim->source.is_unstamped = history->design->run_clock;
    sim->warehouse.keeps_landed = true;
    sim->warehouse.old_until_us = sim->now_us + sim->rates.old_us;
    sim->warehouse.design = history->design->warehouse;
    sim->warehouse.zone = sim->zone;
    for (size_t i = 0; i < SIM_WORKERS; i++)
        for (size_t k = 0; k < SIM_THREADS; k++)
            sim->workers[i].threads[k].stack = history->stacks[i * SIM_THREADS + k];
    sim_trace(sim, "zone %s, lookback %d, settle %d min, start %d days after the first", zone_name(sim->zone),
              sim->plan.lookback_days, sim->plan.settle_minutes, sim->plan.start.n - first.n);
}

bool history_run(const struct history *history, int64_t counts[EVENT_KINDS], enum property *out_broken,
                 char *out_problem, size_t size)
{
    struct sim *sim = mem_zero(1, sizeof *sim);
    sim->rng.state = history->seed * UINT64_C(0xd1342543de82ef95);
    begin(sim, history, counts);
    workers_begin(sim);
    workspace_begin(sim);
    sim->next_us[CAUSE_TICK] = time_after(sim, DAY / 2);
    sim->next_us[CAUSE_UPDATE] = time_after(sim, sim->rates.update_interval_us);
    sim->next_us[CAUSE_REPLAY] = time_after(sim, sim->rates.replay_interval_us);
    sim->next_us[CAUSE_BACKFILL] = time_after(sim, sim->rates.backfill_interval_us);
    sim->next_us[CAUSE_DELETE] = time_after(sim, sim->rates.delete_interval_us);
    sim->next_us[CAUSE_DROP] = time_after(sim, sim->rates.drop_interval_us);
    sim->next_us[CAUSE_LIFE] = time_after(sim, sim->rates.death_interval_us);
    sim_count(sim, EVENT_HISTORY);
    while (sim->now_us < sim->end_us && sim->broken == PROPERTY_NONE) {
        struct upcoming upcoming = find_next_step(sim);
        step(sim, &upcoming);
    }
    if (sim->broken == PROPERTY_NONE) run_to_rest(sim);
    workers_end(sim);
    check_end(sim);
    *out_broken = sim->broken;
    snprintf(out_problem, size, "%s", sim->problem);
    fake_trigger_done(&sim->trigger);
    fake_warehouse_done(&sim->warehouse);
    fake_source_done(&sim->source);
    free(sim);
    return *out_broken == PROPERTY_NONE;
}
