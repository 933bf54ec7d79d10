/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/mem.h"
#include "core/plan.h"

struct day plan_settled_day(const struct plan_settings *settings, int64_t now_us)
{
    int64_t now_s = now_us / 1000000;
    return day_add(zone_day(settings->zone, now_s - (int64_t)settings->settle_minutes * 60), -1);
}

bool plan_covered(const struct state *state, const struct claim *claim, int64_t held)
{
    return claim->any && claim->committed_us > state->created_us && held >= claim->rows;
}

/* A claim is final when its fetch began late enough after the day for whatever the lookback allows for. */
static bool is_final(const struct plan_settings *settings, const struct claim *claim, struct day day)
{
    struct day hi_then = plan_settled_day(settings, claim->began_us);
    return day_compare(hi_then, day_add(day, settings->lookback_days - 1)) >= 0;
}

static void add_unit(struct plan *plan, struct unit unit)
{
    if ((plan->unit_count & (plan->unit_count - 1)) == 0)
        plan->units = mem_grow(plan->units, plan->unit_count ? 2 * plan->unit_count : 1, sizeof *plan->units);
    plan->units[plan->unit_count++] = unit;
}

static int days_between(struct day lo, struct day hi)
{
    return hi.n - lo.n + 1;
}

static int unit_days(const struct stream *stream)
{
    return stream->unit_days > 0 ? stream->unit_days : LIMIT_UNIT_DAYS;
}

static void add_day(struct plan *plan, const struct stream *stream, struct day day)
{
    struct unit *last = plan->unit_count ? &plan->units[plan->unit_count - 1] : NULL;
    if (last && day_compare(day_add(last->hi, 1), day) == 0 &&
        days_between(last->lo, day) <= unit_days(stream)) {
        last->hi = last->claim_hi = day;
        return;
    }
    add_unit(plan, (struct unit){.lo = day, .hi = day, .claim_hi = day});
}

/* The open end joins the last unit if that reaches up to it; its days that are not over are not claimed. */
static void add_open_end(struct plan *plan, const struct stream *stream, struct day start)
{
    struct unit *last = plan->unit_count ? &plan->units[plan->unit_count - 1] : NULL;
    struct day lo = day_max(start, day_add(plan->hi, 1));
    if (day_compare(lo, plan->today) > 0) return;
    if (last && day_compare(last->hi, plan->hi) == 0 &&
        days_between(last->lo, plan->today) <= unit_days(stream)) {
        last->hi = plan->today;
        last->open = true;
        return;
    }
    add_unit(plan, (struct unit){.lo = lo, .hi = plan->today, .open = true, .claim_hi = plan->hi});
}

static bool refuse_late(const char *key, struct day asked, struct day hi, struct error *err)
{
    char text[DAY_TEXT], last[DAY_TEXT];
    day_format(asked, text);
    day_format(hi, last);
    return error_set(
        err, ERROR_REQUEST,
        "\"%s\" is %s, but the last day that is over and settled is %s; request days up to it, or leave "
        "\"%s\" out",
        key, text, last, key);
}

/* Days that hold nothing are a slip of the pen: loading them would look like success. */
static bool check_dates(const struct plan_settings *settings, const struct request *request,
                        const struct plan *plan, struct error *err)
{
    char text[DAY_TEXT], limit[DAY_TEXT];
    if (day_compare(settings->start, plan->today) > 0) {
        day_format(settings->start, text);
        day_format(plan->today, limit);
        return error_set(
            err, ERROR_CONFIG,
            "start_date is %s, which is after today (%s by the warehouse's clock); set the first day "
            "to load",
            text, limit);
    }
    if (request->has_from && day_compare(request->from, settings->first_day) < 0) {
        day_format(request->from, text);
        day_format(settings->first_day, limit);
        return error_set(err, ERROR_REQUEST,
                         "\"from\" is %s, but the source holds nothing before %s; check the year", text,
                         limit);
    }
    return true;
}

static bool plan_tick(const struct plan_settings *settings, const struct stream *stream,
                      const struct state *state, const struct request *request, int64_t published_us,
                      struct plan *plan, struct error *err)
{
    struct day last = request->has_to ? request->to : plan->hi;
    if (day_compare(last, plan->hi) > 0) return refuse_late("to", last, plan->hi, err);
    for (struct day day = settings->start; day_compare(day, last) <= 0; day = day_add(day, 1)) {
        struct day_state known = state_day(state, day);
        bool covered = plan_covered(state, &known.newest, known.held) && known.lacks == 0;
        if (!covered) plan->uncovered++;
        if (!covered || !is_final(settings, &known.newest, day) || day.n > last.n - settings->lookback_days)
            add_day(plan, stream, day);
    }
    if (!request->has_to) add_open_end(plan, stream, settings->start);
    if (plan->uncovered == 0 && state->any_open_run && state->open_run_us >= published_us) {
        plan->unit_count = 0;
        plan->satisfied = true;
    }
    if (!request->has_to) plan->fresh_us = plan->satisfied ? state->open_run_us : state->now_us;
    return true;
}

static bool is_done(const struct state *state, const struct unit *unit)
{
    for (struct day day = unit->lo; day_compare(day, unit->hi) <= 0; day = day_add(day, 1)) {
        struct day_state known = state_day(state, day);
        if (!plan_covered(state, &known.own, known.held)) return false;
    }
    return true;
}

static bool plan_range(const struct stream *stream, const struct state *state, const struct request *request,
                       struct plan *plan, struct error *err)
{
    struct day to = request->has_to ? request->to : plan->hi;
    if (day_compare(to, plan->hi) > 0) return refuse_late("to", to, plan->hi, err);
    if (day_compare(request->from, to) > 0) return refuse_late("from", request->from, plan->hi, err);
    for (struct day lo = request->from; day_compare(lo, to) <= 0; lo = day_add(lo, unit_days(stream))) {
        struct day hi = day_min(day_add(lo, unit_days(stream) - 1), to);
        struct unit unit = {.lo = lo, .hi = hi, .claim_hi = hi};
        if (!is_done(state, &unit)) add_unit(plan, unit);
    }
    plan->satisfied = plan->unit_count == 0;
    return true;
}

static bool was_read(const struct state *state)
{
    return state->any_open_run && state->open_run_us > state->created_us;
}

/* The unit has no lower end that matters, and claims nothing. */
static void add_everything(const struct plan_settings *settings, struct plan *plan)
{
    struct day lo = day_min(settings->start, plan->today);
    add_unit(plan, (struct unit){.lo = lo, .hi = plan->today, .open = true, .claim_hi = day_add(lo, -1)});
}

/* Changes show late, and the source's clock may differ from the warehouse's. */
static int64_t children_since(const struct plan_settings *settings, const struct state *state)
{
    const struct scan_state *scan = &state->scan;
    int64_t days = settings->lookback_days > 1 ? settings->lookback_days : 1;
    bool are_known = scan->any_run && scan->run_us > state->created_us && !scan->is_unread_cut;
    int64_t since_s = are_known ? scan->run_us / 1000000 - days * 86400 : INT64_MIN;
    int64_t hole_s = scan->has_hole ? zone_start_s(settings->zone, scan->hole) : INT64_MAX;
    return hole_s < since_s ? hole_s : since_s;
}

static void plan_scan(const struct plan_settings *settings, const struct state *state, int64_t published_us,
                      struct plan *plan)
{
    plan->since_s = children_since(settings, state);
    plan->unread = state->scan.unread;
    plan->unread_count = state->scan.unread_count;
    if (was_read(state) && state->open_run_us >= published_us)
        plan->satisfied = true;
    else
        add_everything(settings, plan);
    plan->fresh_us = plan->satisfied ? state->open_run_us : state->now_us;
}

/* Every few days; a message about the past is no reason. */
static void plan_reconcile(const struct plan_settings *settings, const struct state *state,
                           const struct request *request, struct plan *plan)
{
    int64_t period_us = (int64_t)settings->reconcile_days * 86400 * 1000000;
    if (settings->reconcile_days == 0 || request->has_from || request->has_to)
        plan->skipped = true;
    else if (was_read(state) && state->now_us - state->open_run_us < period_us)
        plan->satisfied = true;
    else
        add_everything(settings, plan);
    if (!plan->skipped) plan->fresh_us = state->now_us; /* as fresh as is wanted */
}

/* The list of a day is complete once it was read on that day. */
static void plan_snapshot(const struct state *state, const struct request *request, struct plan *plan)
{
    struct day_state known = state_day(state, plan->today);
    if (request->has_from || request->has_to) {
        plan->skipped = true;
    } else if (plan_covered(state, &known.newest, known.held)) {
        plan->satisfied = true;
        plan->fresh_us = known.newest.began_us;
    } else {
        add_unit(plan, (struct unit){.lo = plan->today, .hi = plan->today, .claim_hi = plan->today});
        plan->fresh_us = state->now_us;
    }
}

bool plan_make(const struct plan_settings *settings, const struct stream *stream, const struct state *state,
               const struct request *request, int64_t published_us, struct plan *out_plan, struct error *err)
{
    *out_plan = (struct plan){
        .hi = plan_settled_day(settings, state->now_us),
        .today = zone_day(settings->zone, state->now_us / 1000000),
    };
    if (!check_dates(settings, request, out_plan, err)) return false;
    switch (stream->kind) {
    case STREAM_INCREMENTAL:
    case STREAM_EVENT:
        if (request->has_from) return plan_range(stream, state, request, out_plan, err);
        return plan_tick(settings, stream, state, request, published_us, out_plan, err);
    case STREAM_SCAN: plan_scan(settings, state, published_us, out_plan); return true;
    case STREAM_SNAPSHOT: plan_snapshot(state, request, out_plan); return true;
    case STREAM_RECONCILE: plan_reconcile(settings, state, request, out_plan); return true;
    }
    abort();
}

void plan_done(struct plan *plan)
{
    free(plan->units);
    *plan = (struct plan){0};
}

static struct window window_of(const struct plan_settings *settings, const struct unit *first,
                               const struct unit *last)
{
    return (struct window){
        .from_s = zone_start_s(settings->zone, first->lo),
        .to_s = last->open ? WINDOW_OPEN : zone_start_s(settings->zone, day_add(last->hi, 1)),
    };
}

struct window plan_window(const struct plan_settings *settings, const struct stream *stream,
                          const struct plan *plan, size_t first, size_t last)
{
    switch (stream->kind) {
    case STREAM_INCREMENTAL:
    case STREAM_EVENT:
    case STREAM_SNAPSHOT:
    case STREAM_RECONCILE: return window_of(settings, &plan->units[first], &plan->units[last]);
    case STREAM_SCAN:
        return (struct window){.from_s = plan->since_s,
                               .to_s = WINDOW_OPEN,
                               .unread = plan->unread,
                               .unread_count = plan->unread_count};
    }
    abort();
}

size_t plan_last_neighbour(const struct plan *plan, size_t first, size_t units)
{
    size_t last = first;
    while (last + 1 < plan->unit_count && last + 1 - first < units &&
           day_compare(day_add(plan->units[last].hi, 1), plan->units[last + 1].lo) == 0)
        last++;
    return last;
}
