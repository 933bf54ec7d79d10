/* SPDX-License-Identifier: Apache-2.0 */
/* history.c - one history: what the world, people and the crew do, in the order of one clock. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_streams.h"
#include "sim.h"

#define MOST_ATTEMPTS 7
#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))

/* Zones with daylight saving at midnight, half an hour of it, none, and one that skipped a whole day. */
const char *const history_zones[] = {"Etc/UTC",          "Europe/Berlin", "America/New_York",
                                     "America/Santiago", "Asia/Kolkata",  "Australia/Lord_Howe",
                                     "Asia/Beirut",      "Pacific/Apia",  "Pacific/Auckland"};
const size_t history_zone_count = COUNT(history_zones);

/* Days before which something happens to the clocks of some of these zones, and two quiet ones. */
static const char *const first_days[] = {"2024-03-05", "2024-03-20", "2024-09-01", "2024-10-20",
                                         "2011-12-20", "2024-06-01", "2023-12-15"};

/* What comes by itself. */
enum cause { CAUSE_TICK, CAUSE_TOUCH, CAUSE_REPLAY, CAUSE_BACKFILL, CAUSE_DELETE, CAUSE_DROP, CAUSES };
_Static_assert(CAUSES == sizeof((struct sim *)0)->next_us / sizeof(int64_t), "a time for each cause");

void sim_count(struct sim *sim, enum event event)
{
    sim->counts[event]++;
}

void sim_say(struct sim *sim, const char *format, ...)
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

static int sometimes(struct dice *dice, int most)
{
    return dice_chance(dice, 500) ? 0 : (int)dice_between(dice, 1, most);
}

static int64_t mean_us(struct dice *dice, int per_mille, int64_t least, int64_t most)
{
    return dice_chance(dice, per_mille) ? dice_between(dice, least, most) : NEVER;
}

static struct habits draw_habits(struct dice *dice)
{
    struct habits habits = {
        .fault = sometimes(dice, 20),
        .kill = sometimes(dice, 12),
        .stop = sometimes(dice, 10),
        .pause = sometimes(dice, 40),
        .lapse = sometimes(dice, 20),
        .lost_answer = sometimes(dice, 200),
        .orphan_lands = (int)dice_between(dice, 200, 1000),
        .redelivery = sometimes(dice, 200),
        .tick_skipped = sometimes(dice, 500),
        .touch_us = mean_us(dice, 950, 2 * HOUR, 2 * DAY),
        .replay_us = mean_us(dice, 500, DAY, 10 * DAY),
        .backfill_us = mean_us(dice, 500, DAY, 10 * DAY),
        .delete_us = mean_us(dice, 300, 2 * DAY, 15 * DAY),
        .drop_us = mean_us(dice, 200, 4 * DAY, 30 * DAY),
        .late = sometimes(dice, 1000),
        .nightly = sometimes(dice, 500),
        .future = dice_chance(dice, 200) ? 50 : 0,
        .ahead = dice_chance(dice, 500),
    };
    for (size_t s = 0; s < SIM_STREAMS; s++)
        habits.quiet[s] = dice_chance(dice, 100);
    return habits;
}

/* The time until something that happens every `mean` or so. */
static int64_t after(struct sim *sim, int64_t mean)
{
    return mean == NEVER ? NEVER : sim->now_us + 1 + dice_below(&sim->dice, 2 * mean);
}

/* Most ticks come in the early hours of the local day, some at any time. */
static int64_t next_tick_us(struct sim *sim)
{
    struct day next = day_add(zone_day(sim->zone, sim->now_us / SECOND), 1);
    int64_t at = zone_start_s(sim->zone, next) * SECOND;
    if (dice_chance(&sim->dice, 100)) return after(sim, 10 * HOUR);
    return at + dice_below(&sim->dice, dice_chance(&sim->dice, 700) ? 3 * HOUR : DAY);
}

static size_t publish(struct sim *sim, const char *data)
{
    char id[24];
    snprintf(id, sizeof id, "m%zu", sim->trigger.count);
    sim_say(sim, "message %s is published: %s", id, data);
    return fake_trigger_publish(&sim->trigger, id, data, sim->now_us);
}

static void do_tick(struct sim *sim)
{
    sim_count(sim, EVENT_DAY);
    if (dice_chance(&sim->dice, sim->habits.tick_skipped)) {
        sim_count(sim, EVENT_TICK_SKIPPED);
    } else {
        sim_count(sim, EVENT_TICK);
        (void)publish(sim, dice_chance(&sim->dice, 100) ? "{\"streams\":[\"tickets\"]}" : "");
    }
    world_nightly(sim);
}

static void do_backfill(struct sim *sim)
{
    struct day today = zone_day(sim->zone, sim->now_us / SECOND);
    struct day from = day_add(today, -(int)dice_between(&sim->dice, 1, 30));
    struct day to = day_add(from, (int)dice_below(&sim->dice, 20));
    char first[DAY_TEXT], last[DAY_TEXT], data[80];
    day_format(from, first);
    day_format(day_min(to, today), last);
    switch (dice_below(&sim->dice, 4)) {
    case 0: snprintf(data, sizeof data, "{\"from\":\"%s\"}", first); break;
    case 1: snprintf(data, sizeof data, "{\"to\":\"%s\"}", last); break;
    default: snprintf(data, sizeof data, "{\"from\":\"%s\",\"to\":\"%s\"}", first, last); break;
    }
    sim_count(sim, EVENT_BACKFILL);
    (void)publish(sim, data);
}

/* A burst of old messages, served once already or not. */
static void do_replay(struct sim *sim)
{
    for (int64_t n = dice_between(&sim->dice, 1, 3); n > 0 && sim->trigger.count > 0; n--) {
        struct fake_message *message =
            &sim->trigger.messages[dice_below(&sim->dice, (int64_t)sim->trigger.count)];
        message->acked = false;
        message->attempt = 0;
        message->due_us = sim->now_us;
        sim_say(sim, "message %s is replayed", message->id);
        sim_count(sim, EVENT_REPLAY);
    }
}

static const char *const table_names[] = {"people", "tickets", "replies"};

/* A day of a stream's own table: what is missing in a child's table alone is not noticed, by design. */
static void do_delete(struct sim *sim)
{
    size_t which = (size_t)dice_below(&sim->dice, 2);
    const struct fake_table *table = fake_warehouse_table(&sim->warehouse, table_names[which]);
    if (!table || table->count == 0) return;
    struct day day = table->rows[dice_below(&sim->dice, (int64_t)table->count)].day;
    char text[DAY_TEXT];
    day_format(day, text);
    sim_say(sim, "%s of %s is deleted", text, table->name);
    sim_count(sim, EVENT_DAY_DELETED);
    (void)fake_warehouse_delete_day(&sim->warehouse, table->name, day);
    check_forget_day(sim, which, day);
    sim->erased_us = sim->now_us;
}

static void do_drop(struct sim *sim)
{
    size_t which = (size_t)dice_below(&sim->dice, 3);
    sim_say(sim, "table %s is dropped", table_names[which]);
    sim_count(sim, EVENT_TABLE_DROPPED);
    fake_warehouse_drop(&sim->warehouse, table_names[which]);
    check_forget_table(sim, which);
    sim->erased_us = sim->now_us;
}

static void happen(struct sim *sim, enum cause cause)
{
    switch (cause) {
    case CAUSE_TICK:
        do_tick(sim);
        sim->next_us[cause] = next_tick_us(sim);
        return;
    case CAUSE_TOUCH:
        world_touch_any(sim);
        sim->next_us[cause] = after(sim, sim->habits.touch_us);
        return;
    case CAUSE_REPLAY:
        do_replay(sim);
        sim->next_us[cause] = after(sim, sim->habits.replay_us);
        return;
    case CAUSE_BACKFILL:
        do_backfill(sim);
        sim->next_us[cause] = after(sim, sim->habits.backfill_us);
        return;
    case CAUSE_DELETE:
        do_delete(sim);
        sim->next_us[cause] = after(sim, sim->habits.delete_us);
        return;
    case CAUSE_DROP:
        do_drop(sim);
        sim->next_us[cause] = after(sim, sim->habits.drop_us);
        return;
    case CAUSES: break;
    }
    abort();
}

/* A commit job whose client does not wait for it any more runs some time later, or never. */
static void schedule_orphans(struct sim *sim)
{
    for (size_t i = 0; i < sim->warehouse.job_count; i++) {
        struct fake_job *job = sim->warehouse.jobs[i];
        if (job->attended || job->due_us != 0) continue;
        sim_count(sim, EVENT_ORPHAN);
        job->due_us =
            sim->now_us + 1 + dice_below(&sim->dice, dice_chance(&sim->dice, 300) ? 3 * DAY : 30 * MINUTE);
    }
}

static void land(struct sim *sim, struct fake_job *job)
{
    struct error err;
    sim_say(sim, "an orphaned job of %s runs", job->run_id);
    if (!dice_chance(&sim->dice, sim->habits.orphan_lands)) {
        sim_count(sim, EVENT_ORPHAN_LOST);
        fake_warehouse_forget(&sim->warehouse, job);
    } else if (fake_warehouse_land(&sim->warehouse, job, NULL, &err)) {
        sim_count(sim, EVENT_ORPHAN_LANDED);
    } else {
        sim_count(sim, EVENT_ORPHAN_REFUSED);
    }
}

/* The next thing to happen; the first of equals. */
struct coming {
    int64_t at_us;
    struct hand *hand;
    struct fake_job *job;
    enum cause cause;
    bool message;
};

static void sooner(struct coming *coming, const struct coming *other)
{
    if (other->at_us < coming->at_us) *coming = *other;
}

static struct hand *idle_hand(struct sim *sim)
{
    for (size_t i = 0; i < SIM_WORKERS; i++)
        if (sim->hands[i].wake_us == NEVER) return &sim->hands[i];
    return NULL;
}

/* Messages that are never understood go to the dead letters, as a policy would have it. */
static bool is_waiting(const struct fake_message *message)
{
    return !message->acked && message->attempt < MOST_ATTEMPTS;
}

static struct coming look_ahead(struct sim *sim)
{
    struct coming coming = {.at_us = NEVER};
    for (size_t i = 0; i < SIM_WORKERS; i++)
        sooner(&coming, &(struct coming){.at_us = sim->hands[i].wake_us, .hand = &sim->hands[i]});
    for (size_t i = 0; i < sim->warehouse.job_count; i++)
        if (!sim->warehouse.jobs[i]->attended)
            sooner(&coming,
                   &(struct coming){.at_us = sim->warehouse.jobs[i]->due_us, .job = sim->warehouse.jobs[i]});
    if (!sim->calm)
        for (int i = 0; i < CAUSES; i++)
            sooner(&coming, &(struct coming){.at_us = sim->next_us[i], .cause = (enum cause)i});
    struct hand *idle = idle_hand(sim);
    for (size_t i = 0; idle && i < sim->trigger.count; i++)
        if (is_waiting(&sim->trigger.messages[i]))
            sooner(&coming,
                   &(struct coming){.at_us = sim->trigger.messages[i].due_us, .hand = idle, .message = true});
    return coming;
}

static void step(struct sim *sim, const struct coming *coming)
{
    size_t commits = sim->warehouse.ledger_count;
    int64_t erased_us = sim->erased_us;
    if (coming->at_us > sim->now_us) sim->now_us = coming->at_us;
    sim->now_us++;
    if (coming->job)
        land(sim, coming->job);
    else if (coming->message)
        crew_start(sim, coming->hand);
    else if (coming->hand)
        crew_resume(sim, coming->hand);
    else
        happen(sim, coming->cause);
    schedule_orphans(sim);
    sim->counts[EVENT_COMMIT] += (int64_t)(sim->warehouse.ledger_count - commits);
    check_rows(sim);
    check_claims(sim, sim->erased_us != erased_us);
}

/* Serves what is there, until nothing is. */
static void settle_down(struct sim *sim)
{
    for (int steps = 0; sim->broken == PROPERTY_NONE; steps++) {
        struct coming coming = look_ahead(sim);
        if (coming.at_us == NEVER) return;
        if (steps > 100000) sim_break(sim, PROPERTY_STUCK, "it does not come to rest");
        step(sim, &coming);
    }
}

/* All jobs end, everything becomes visible, and one bare tick is served without faults. */
static void finish(struct sim *sim)
{
    sim->calm = true;
    for (size_t i = 0; i < sim->trigger.count; i++)
        sim->trigger.messages[i].acked = true;
    settle_down(sim);
    int64_t visible_us = world_last_visible_us(sim);
    sim->now_us = (visible_us > sim->now_us ? visible_us : sim->now_us) + HOUR;
    for (size_t i = 0; i < sim->trigger.count; i++)
        sim->trigger.messages[i].acked = true;
    if (sim->broken != PROPERTY_NONE) return;
    size_t last = publish(sim, "");
    settle_down(sim);
    if (!sim->trigger.messages[last].acked || sim->trigger.messages[last].attempt > 1)
        sim_break(sim, PROPERTY_STUCK, "the last tick was not served at once");
    check_newest(sim);
}

static void begin(struct sim *sim, const struct history *history, int64_t *counts)
{
    struct dice *dice = &sim->dice;
    size_t zone = (size_t)dice_below(dice, (int64_t)history_zone_count);
    struct day first;
    if (!day_parse(first_days[dice_below(dice, COUNT(first_days))], &first)) abort();
    sim->design = history->design;
    sim->counts = counts;
    sim->trace = history->trace;
    sim->zone = history->zones[zone];
    sim->habits = draw_habits(dice);
    sim->now_us = zone_start_s(sim->zone, first) * SECOND + dice_below(dice, DAY);
    sim->end_us = sim->now_us + dice_between(dice, 20, 23) * DAY;
    sim->erased_us = INT64_MIN;
    sim->plan = (struct plan_settings){.zone = sim->zone,
                                       .start = day_add(first, (int)dice_between(dice, -16, 0)),
                                       .lookback_days = (int)dice_below(dice, 3),
                                       .settle_minutes = dice_chance(dice, 200) ? 0 : 60};
    sim->selections[0] = fake_selection(&fake_people);
    sim->selections[1] = fake_selection(&fake_tickets);
    const struct fake_hook hook = {.call = crew_call, .context = sim};
    fake_source_init(&sim->source);
    fake_warehouse_init(&sim->warehouse, &sim->now_us);
    fake_trigger_init(&sim->trigger);
    sim->source.hook = sim->warehouse.hook = sim->trigger.hook = hook;
    sim->source.now_us = sim->trigger.now_us = &sim->now_us;
    sim->source.page_size = (size_t)dice_between(dice, 1, 6);
    sim->source.by_id = dice_chance(dice, 200);
    sim->source.stale = dice_chance(dice, 500);
    sim->source.widen_s = dice_chance(dice, 300) ? dice_below(dice, 2 * DAY / SECOND) : 0;
    sim->warehouse.design = history->design->warehouse;
    sim->warehouse.zone = sim->zone;
    for (size_t i = 0; i < SIM_WORKERS; i++)
        sim->hands[i].stack = history->stacks[i];
    sim_say(sim, "zone %s, lookback %d, settle %d min, start %d days after the first", zone_name(sim->zone),
            sim->plan.lookback_days, sim->plan.settle_minutes, sim->plan.start.n - first.n);
}

bool history_run(const struct history *history, int64_t counts[EVENT_KINDS], enum property *out_broken,
                 char *out_problem, size_t size)
{
    struct sim *sim = mem_zero(1, sizeof *sim);
    sim->dice.state = history->seed * UINT64_C(0xd1342543de82ef95);
    begin(sim, history, counts);
    crew_begin(sim);
    world_begin(sim);
    sim->next_us[CAUSE_TICK] = after(sim, DAY / 2);
    sim->next_us[CAUSE_TOUCH] = after(sim, sim->habits.touch_us);
    sim->next_us[CAUSE_REPLAY] = after(sim, sim->habits.replay_us);
    sim->next_us[CAUSE_BACKFILL] = after(sim, sim->habits.backfill_us);
    sim->next_us[CAUSE_DELETE] = after(sim, sim->habits.delete_us);
    sim->next_us[CAUSE_DROP] = after(sim, sim->habits.drop_us);
    sim_count(sim, EVENT_HISTORY);
    while (sim->now_us < sim->end_us && sim->broken == PROPERTY_NONE) {
        struct coming coming = look_ahead(sim);
        step(sim, &coming);
    }
    if (sim->broken == PROPERTY_NONE) finish(sim);
    crew_end(sim);
    check_end(sim);
    *out_broken = sim->broken;
    snprintf(out_problem, size, "%s", sim->problem);
    fake_trigger_done(&sim->trigger);
    fake_warehouse_done(&sim->warehouse);
    fake_source_done(&sim->source);
    free(sim);
    return *out_broken == PROPERTY_NONE;
}
