/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "singer/singer.h"
#include "spans.h"

#define PLACE_LIMIT 192

static bool bad_member(const char *place, const char *wanted, struct error *err)
{
    return error_set(err, ERROR_CONFIG,
                     "the state: %s is not %s; use a state as it was written, or leave --state out to send "
                     "everything again",
                     place, wanted);
}

static bool make_object(json_t *parent, const char *name, struct error *err)
{
    json_t *value = json_object_get(parent, name);
    if (!value || json_is_null(value)) json_object_set_new(parent, name, json_object());
    return !value || json_is_null(value) || json_is_object(value) || bad_member(name, "an object", err);
}

bool singer_state_init(struct singer_state *state, const json_t *given, const struct plan_settings *plan,
                       struct error *err)
{
    *state = (struct singer_state){.value = given ? json_deep_copy(given) : json_object(), .plan = plan};
    if (!json_is_object(state->value)) return bad_member("the whole", "an object", err);
    if (json_text_at(state->value, "type"))
        return error_set(err, ERROR_CONFIG,
                         "the state is a whole message; give its member \"value\", as a target writes it");
    return make_object(state->value, "bookmarks", err) && make_object(state->value, "caseload", err);
}

void singer_state_done(struct singer_state *state)
{
    json_decref(state->value);
    state->value = NULL;
}

static bool same_member(json_t *about, const char *name, const char *text, struct error *err)
{
    const char *known = json_text_at(about, name);
    if (!known) {
        json_object_set_new(about, name, json_string(text));
        return true;
    }
    if (strcmp(known, text) == 0) return true;
    return error_set(
        err, ERROR_CONFIG,
        "the state is of %s \"%.64s\", but this is \"%.64s\"; use the state of this configuration, or "
        "leave --state out to send everything",
        name, known, text);
}

bool singer_state_identify(struct singer_state *state, const struct source_identity *identity,
                           struct error *err)
{
    json_t *about = json_object_get(state->value, "caseload");
    return same_member(about, "source", identity->type, err) &&
           same_member(about, "workspace", identity->workspace, err) &&
           same_member(about, "timezone", zone_name(state->plan->zone), err);
}

/* --- reading --- */

/* The column whose value is the bookmark by convention; NULL: there is none. */
static const char *replication_key(const struct stream *stream)
{
    return stream_is_windowed(stream) ? stream->table->version : NULL;
}

static const json_t *bookmark_of(const struct singer_state *state, const struct stream *stream)
{
    return json_object_get(json_object_get(state->value, "bookmarks"), stream->name);
}

/* *out_us stays if the member is absent. */
static bool read_instant(const json_t *bookmark, const char *stream, const char *member, bool *out_is_there,
                         int64_t *out_us, struct error *err)
{
    const json_t *value = json_object_get(bookmark, member);
    const char *text = json_string_value(value);
    char place[PLACE_LIMIT];
    *out_is_there = value && !json_is_null(value);
    if (!*out_is_there) return true;
    (void)snprintf(place, sizeof place, "bookmarks.%s.%s", stream, member);
    return (text && instant_parse(text, json_string_length(value), out_us)) ||
           bad_member(place, "a time such as \"2026-03-02T00:00:00Z\"", err);
}

static bool read_spans(const struct singer_state *state, const struct stream *stream, struct spans *out,
                       struct error *err)
{
    const json_t *bookmark = bookmark_of(state, stream), *days = json_object_get(bookmark, "days");
    const char *key = replication_key(stream);
    char place[PLACE_LIMIT];
    bool is_bounded = false;
    int64_t until_us = 0;
    *out = (struct spans){.list = NULL};
    (void)snprintf(place, sizeof place, "bookmarks.%s", stream->name);
    if (bookmark && !json_is_object(bookmark)) return bad_member(place, "an object", err);
    if (key && !read_instant(bookmark, stream->name, key, &is_bounded, &until_us, err)) return false;
    if (!spans_read(days, place, out, err)) return false;
    if (!is_bounded) return true;
    struct day until = zone_day(state->plan->zone, until_us / 1000000 - (until_us % 1000000 < 0));
    if (!days && !spans_put(out, (struct span){.lo = state->plan->start,
                                               .hi = day_add(until, -1),
                                               .lookback_days = state->plan->lookback_days}))
        return bad_member(place, "an object", err);
    spans_cut(out, until);
    return true;
}

/* The fetch began when this many days after the day were over: see plan.h. */
static int64_t began_us(const struct plan_settings *plan, struct day day, int lookback_days)
{
    int64_t start_s = zone_start_s(plan->zone, day_add(day, lookback_days));
    return (start_s + (int64_t)plan->settle_minutes * 60) * 1000000;
}

static unsigned lacking(const struct singer_scope *scope, const json_t *left_out)
{
    const struct selection *selection = scope->selection;
    unsigned lacks = 0;
    for (size_t i = 0; i < json_array_size(left_out); i++)
        for (unsigned k = 0; k < selection->table_count; k++)
            if (strcmp(selection->tables[k]->name, json_string_value(json_array_get(left_out, i))) == 0)
                lacks |= 1U << k;
    return lacks & scope->sent;
}

/* The days of the span that a plan may look at. */
static void add_days(const struct plan_settings *plan, const struct singer_scope *scope,
                     const struct span *span, struct state *out)
{
    struct day today = zone_day(plan->zone, out->now_us / 1000000);
    struct day lo = day_max(span->lo, plan->start), hi = day_min(span->hi, today);
    if (day_compare(lo, hi) > 0) return;
    out->days = mem_grow(out->days, out->day_count + (size_t)(hi.n - lo.n) + 1, sizeof *out->days);
    for (struct day day = lo; day_compare(day, hi) <= 0; day = day_add(day, 1)) {
        int64_t began = began_us(plan, day, span->lookback_days);
        out->days[out->day_count++] =
            (struct day_state){.day = day,
                               .held = HELD_UNKNOWN,
                               .newest = {.any = true, .began_us = began, .committed_us = began},
                               .lacks = lacking(scope, span->left_out)};
    }
}

static bool read_scan(const json_t *bookmark, const char *stream, struct scan_state *out, struct error *err)
{
    const json_t *unread = json_object_get(bookmark, "unread");
    if (!read_instant(bookmark, stream, "children_read_at", &out->any_run, &out->run_us, err)) return false;
    for (size_t i = 0; i < json_array_size(unread); i++)
        if (json_is_string(json_array_get(unread, i)))
            scan_state_add_unread(out, json_string_value(json_array_get(unread, i)));
    return true;
}

bool singer_state_read(const struct singer_state *state, const struct singer_scope *scope,
                       struct state *out_state, struct error *err)
{
    const struct stream *stream = scope->selection->stream;
    const json_t *bookmark = bookmark_of(state, stream);
    struct spans spans;
    if (!read_spans(state, stream, &spans, err)) return false;
    for (size_t i = 0; i < spans.count && stream_claims_days(stream); i++)
        add_days(state->plan, scope, &spans.list[i], out_state);
    spans_done(&spans);
    return read_instant(bookmark, stream->name, "read_at", &out_state->any_open_run, &out_state->open_run_us,
                        err) &&
           (stream->kind != STREAM_SCAN || read_scan(bookmark, stream->name, &out_state->scan, err));
}

/* --- committing --- */

static bool is_unclaimed(const struct commit *commit, struct day day)
{
    for (size_t i = 0; i < commit->unclaimed_count; i++)
        if (day_compare(commit->unclaimed[i], day) == 0) return true;
    return false;
}

/* A day that was read later than the setting asks for is like the others that are final. */
static int final_lookback(const struct plan_settings *plan, const struct commit *commit, struct day day)
{
    int days = plan_settled_day(plan, commit->began_us).n - day.n + 1;
    return days < 0 ? 0 : days > plan->lookback_days ? plan->lookback_days : days;
}

/* Tables that the catalog does not select are lacking once it does. */
static json_t *names_left_out(const struct singer_scope *scope, const struct commit *commit)
{
    json_t *names = json_array();
    for (size_t i = 0; i < scope->selection->table_count; i++)
        if (!(scope->sent & 1U << i))
            json_array_append_new(names, json_string(scope->selection->tables[i]->name));
    for (size_t i = 0; i < commit->left_out_count; i++)
        json_array_append_new(names, json_string(commit->left_out[i]->name));
    return names;
}

/* The source's clock is heard in whole seconds, so with a fraction a later run could note an earlier time. */
static void set_instant(json_t *bookmark, const char *member, int64_t us)
{
    char text[INSTANT_TEXT];
    instant_format(us - us % 1000000, text);
    json_object_set_new(bookmark, member, json_string(text));
}

static bool claim_days(const struct singer_state *state, const struct stream *stream,
                       const struct commit *commit, json_t *left_out, json_t *bookmark, struct error *err)
{
    const struct plan_settings *plan = state->plan;
    const char *key = replication_key(stream);
    struct spans spans;
    if (!read_spans(state, stream, &spans, err)) return false;
    bool fits = true;
    for (struct day day = commit->unit.lo; fits && day_compare(day, commit->unit.claim_hi) <= 0;
         day = day_add(day, 1)) {
        if (is_unclaimed(commit, day)) continue;
        fits = spans_put(&spans, (struct span){.lo = day,
                                               .hi = day,
                                               .lookback_days = final_lookback(plan, commit, day),
                                               .left_out = json_array_size(left_out) > 0 ? left_out : NULL});
    }
    json_object_set_new(bookmark, "days", spans_write(&spans));
    if (key && spans.count > 0)
        set_instant(bookmark, key,
                    zone_start_s(plan->zone, day_add(spans.list[spans.count - 1].hi, 1)) * 1000000);
    spans_done(&spans);
    return fits || error_set(err, ERROR_LIMIT, "the state of %s has more than %d ranges of days",
                             stream->name, LIMIT_SINGER_SPANS);
}

static void note_scan(const struct commit *commit, bool has_children, const json_t *unread, json_t *bookmark)
{
    json_t *known = json_object_get(bookmark, "unread");
    if (!commit->is_incomplete || !json_is_array(known)) {
        known = json_array();
        json_object_set_new(bookmark, "unread", known);
    }
    for (size_t i = 0; i < json_array_size(unread) && json_array_size(known) <= LIMIT_UNREAD; i++)
        json_array_append(known, json_array_get(unread, i)); /* one too many says that there are more */
    if (!commit->is_incomplete && has_children) set_instant(bookmark, "children_read_at", commit->began_us);
    if (json_array_size(known) == 0) json_object_del(bookmark, "unread");
}

bool singer_state_commit(struct singer_state *state, const struct singer_scope *scope,
                         const struct commit *commit, const json_t *unread, struct error *err)
{
    const struct stream *stream = scope->selection->stream;
    AUTO(json_drop) json_t *left_out = names_left_out(scope, commit);
    json_t *bookmarks = json_object_get(state->value, "bookmarks");
    json_t *bookmark = json_object_get(bookmarks, stream->name);
    if (!bookmark) {
        bookmark = json_object();
        json_object_set_new(bookmarks, stream->name, bookmark);
    }
    if (stream_claims_days(stream) && !claim_days(state, stream, commit, left_out, bookmark, err))
        return false;
    if (stream->kind == STREAM_SCAN) note_scan(commit, json_array_size(left_out) == 0, unread, bookmark);
    if (commit->unit.open && !commit->is_incomplete) set_instant(bookmark, "read_at", commit->began_us);
    json_object_set_new(state->value, "currently_syncing", json_string(stream->name));
    return true;
}

int64_t singer_state_next_version(struct singer_state *state, const char *stream, int64_t now_us)
{
    json_t *versions = json_object_get(state->value, "activate_versions");
    int64_t version = now_us / 1000;
    if (!json_is_object(versions)) {
        versions = json_object();
        json_object_set_new(state->value, "activate_versions", versions);
    }
    int64_t known = json_integer_value(json_object_get(versions, stream));
    if (version <= known && known < INT64_MAX) version = known + 1;
    json_object_set_new(versions, stream, json_integer(version));
    return version;
}

void singer_state_end(struct singer_state *state)
{
    json_object_del(state->value, "currently_syncing");
}

const char *singer_current_stream(const json_t *state)
{
    return json_text_at(state, "currently_syncing");
}
