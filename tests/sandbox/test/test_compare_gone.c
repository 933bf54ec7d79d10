/* SPDX-License-Identifier: Apache-2.0 */
/* Companies, tickets and what belongs to them; the deleted, and the newest: whatever the warehouse says
 * wrongly, or does not say, is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "sandbox_internal.h"
#include "store/store.h"
#include "test/compare_fixture.h"
#include "workspace/companies.h"
#include "workspace/tickets.h"
#include "workspace/world.h"

#define DAY_S   86400
#define START_S INT64_C(1772424000) /* 2026-03-02T04:00:00Z, where the clock begins */

/* --- the sandbox: few records, so that all are seen --- */

static int set_up(void **state)
{
    if (room_open(9, state)) return -1;
    struct sandbox *sandbox = *state;
    (void)shelf_remove_some(shelves_find(sandbox->shelves, "companies"), 218);
    (void)shelf_remove_some(shelves_find(sandbox->shelves, "tickets"), 108);
    world_fill(sandbox->world, START_S - 40 * DAY_S, START_S - 4 * DAY_S, 12);
    world_fill_talks(sandbox->talks, START_S - 40 * DAY_S, START_S - 4 * DAY_S, 12, 3, 40);
    return 0;
}

static int64_t now_s(struct sandbox *sandbox)
{
    return virtual_clock_peek(sandbox->clock) / 1000000;
}

static void advance(struct sandbox *sandbox, int64_t seconds)
{
    virtual_clock_advance(sandbox->clock, seconds * 1000000);
}

static void scroll(struct sandbox *sandbox)
{
    char param[SCROLL_PARAM];
    size_t count;
    json_t *page;
    const char *open = NULL;
    do {
        assert_int_equal(
            companies_scroll(sandbox->companies, open, virtual_clock_peek(sandbox->clock), &page, param),
            SCROLL_GOES_ON);
        open = param;
        count = json_array_size(page);
        json_decref(page);
    } while (count > 0);
}

/* --- companies --- */

static void load_companies(struct sandbox *sandbox, size_t first, size_t end)
{
    struct shelf *shelf = shelves_find(sandbox->shelves, "companies");
    for (size_t number = first; number < end; number++)
        room_load(sandbox, "companies",
                  shelf_version(shelf, number, shelf_versions(shelf, number, NULL) - 1, NULL));
}

static void test_companies(void **state)
{
    struct sandbox *sandbox = *state;
    struct shelf *shelf = shelves_find(sandbox->shelves, "companies");
    char key[SHELF_KEY];
    load_companies(sandbox, 1, 12);
    room_expect(sandbox, "companies", 1, 0, 0);
    shelf_key(shelf, 0, key);
    assert_true(companies_remove(sandbox->companies, key, START_S));
    room_expect(sandbox, "companies", 0, 0, 0); /* nobody ever saw it */
    shelf_key(shelf, 5, key);
    assert_int_equal(shelf_touch(shelf, START_S, 11), 11);
    scroll(sandbox);
    assert_true(companies_remove(sandbox->companies, key, START_S));
    room_expect(sandbox, "companies", 10, 0, 0); /* what was shown of it was too young to be loaded */
    advance(sandbox, 3 * DAY_S);
    shelf_key(shelf, 6, key);
    scroll(sandbox);
    assert_true(companies_remove(sandbox->companies, key, now_s(sandbox)));
    room_expect(sandbox, "companies", 10, 0, 0); /* that one had to be loaded, and is kept */
    load_companies(sandbox, 1, 12);
    room_expect(sandbox, "companies", 0, 0, 0);
}

static json_t *segment_of(struct sandbox *sandbox, const json_t *segment, size_t number, int64_t at_s)
{
    char key[SHELF_KEY];
    json_t *row = json_deep_copy(segment);
    shelf_key(shelves_find(sandbox->shelves, "companies"), number, key);
    json_object_set_new(row, "company_id", json_string(key));
    json_object_set_new(row, "company_updated_at", json_integer(at_s));
    return row;
}

static void load_segments(struct sandbox *sandbox, size_t number, size_t version, size_t skipped,
                          int64_t at_s)
{
    AUTO(json_drop) json_t *segments = companies_segments_of(sandbox->companies, number, version);
    for (size_t i = skipped; i < json_array_size(segments); i++)
        room_load(sandbox, "company_segments",
                  segment_of(sandbox, json_array_get(segments, i), number, at_s));
}

static void test_segments_of_companies(void **state)
{
    struct sandbox *sandbox = *state;
    struct shelf *shelf = shelves_find(sandbox->shelves, "companies");
    int64_t at_s = 0;
    size_t numbers[12], count = 0;
    for (size_t number = 0; number < 12; number++) {
        AUTO(json_drop) json_t *segments = companies_segments_of(sandbox->companies, number, 0);
        json_decref(shelf_version(shelf, number, 0, &at_s));
        if (json_array_size(segments) > 0) numbers[count++] = number;
        load_segments(sandbox, number, 0, count == 1 && numbers[0] == number, at_s);
    }
    assert_true(count > 3);
    room_expect(sandbox, "company_segments", 1, 0, 0);
    json_decref(shelf_version(shelf, numbers[0], 0, &at_s));
    AUTO(json_drop) json_t *first = companies_segments_of(sandbox->companies, numbers[0], 0);
    json_t *row = segment_of(sandbox, json_array_get(first, 0), numbers[0], at_s);
    room_load(sandbox, "company_segments", json_incref(row));
    room_expect(sandbox, "company_segments", 0, 0, 0);
    room_load(sandbox, "company_segments", json_deep_copy(row));
    room_expect(sandbox, "company_segments", 0, 1, 0);
    json_object_set_new(row, "id", json_string("5f0c1e2aff"));
    room_load(sandbox, "company_segments", row);
    room_expect(sandbox, "company_segments", 0, 1, 1);
}

/* Between the scroll and the reading of its segments a company may change. */
static void test_segments_may_be_those_of_later(void **state)
{
    struct sandbox *sandbox = *state;
    struct shelf *shelf = shelves_find(sandbox->shelves, "companies");
    char key[SHELF_KEY];
    int64_t at_s;
    assert_int_equal(shelf_remove_some(shelf, 11), 11);
    shelf_key(shelf, 0, key);
    for (int64_t i = 0; i < 6; i++)
        assert_true(shelf_touch_one(shelf, key, START_S + i));
    json_decref(shelf_version(shelf, 0, 4, &at_s));
    AUTO(json_drop) json_t *later = companies_segments_of(sandbox->companies, 0, 6);
    load_segments(sandbox, 0, 6, 0, at_s);
    if (json_array_size(later) == 0) room_need(sandbox, "company_segments");
    room_expect(sandbox, "company_segments", json_array_size(later), 0, 0);
    load_segments(sandbox, 0, 6, 0, START_S + 5);
    room_expect(sandbox, "company_segments", 0, 0, 0);
}

/* --- tickets --- */

static void load_part(void *self, const struct ticket_part *part, int64_t place)
{
    struct sandbox *sandbox = self;
    int64_t own;
    json_t *row = ticket_part_row(shelves_find(sandbox->shelves, "tickets"), part, &own);
    assert_int_equal(own, place);
    room_load(sandbox, "ticket_parts", row);
}

static void test_tickets_and_their_parts(void **state)
{
    struct sandbox *sandbox = *state;
    struct shelf *shelf = shelves_find(sandbox->shelves, "tickets");
    size_t ever = shelf_ever(shelf), parts = 0;
    for (size_t number = 0; number < 12; number++) {
        json_t *row = ticket_row(shelf, number, 0);
        parts += (size_t)json_int_at(row, "parts_total", -100);
        if (number) room_load(sandbox, "tickets", json_incref(row));
        json_decref(row);
        ticket_parts(shelf, number, load_part, sandbox);
    }
    assert_true(ever == 120 && parts > 10);
    room_expect(sandbox, "tickets", 1, 0, 0);
    room_expect(sandbox, "ticket_parts", 0, 0, 0);
    json_t *altered = ticket_row(shelf, 0, 0);
    json_object_set_new(altered, "parts_received", json_integer(99));
    room_load(sandbox, "tickets", altered);
    room_expect(sandbox, "tickets", 0, 0, 1);
    assert_int_equal(shelf_touch(shelf, START_S, 12), 12);
    AUTO(json_drop) json_t *report = compare_dataset(sandbox, "intercom", false);
    assert_true(json_is_false(json_object_get(report, "equal")));
    for (size_t number = 0; number < 12;
         number++) /* parts that changed are other rows; the others are doubled */
        room_load(sandbox, "tickets", ticket_row(shelf, number, 1));
    room_expect(sandbox, "tickets", 0, 0, 1);
}

static void test_parts_that_are_wrong(void **state)
{
    struct sandbox *sandbox = *state;
    struct shelf *shelf = shelves_find(sandbox->shelves, "tickets");
    assert_int_equal(shelf_remove_some(shelf, 12), 12);
    AUTO(json_drop)
    json_t *given = json_loads(
        "{\"id\":\"t\",\"created_at\":1772000000,\"updated_at\":1772000000,\"ticket_parts\":{\"type\":\"l\","
        "\"total_count\":3,\"ticket_parts\":[{\"id\":7,\"created_at\":1772000000,\"updated_at\":1772000000,"
        "\"body\":\"a\"},{\"id\":\"8\",\"created_at\":1772000000,\"updated_at\":1772000001,\"redacted\":true}"
        "]}}",
        0, NULL);
    assert_true(shelf_put(shelf, given, START_S));
    room_need(sandbox, "ticket_parts");
    room_expect(sandbox, "ticket_parts", 2, 0, 0);
    ticket_parts(shelf, shelf_number(shelf, "t"), load_part, sandbox);
    room_expect(sandbox, "ticket_parts", 0, 0, 0);
    int64_t place;
    json_t *part = ticket_part_row(
        shelf, &(struct ticket_part){.ticket = "t", .id = "7", .updated_s = 1772000000}, &place);
    assert_int_equal(json_int_at(part, "part_index", 0), 2); /* the first was not shown */
    json_object_set_new(part, "body", json_string("b"));
    room_load(sandbox, "ticket_parts", json_deep_copy(part));
    room_expect(sandbox, "ticket_parts", 0, 1, 1);
    json_object_set_new(part, "redacted", json_true());
    room_load(sandbox, "ticket_parts", part);
    room_expect(sandbox, "ticket_parts", 0, 1, 2);
    AUTO(json_drop) json_t *row = ticket_row(shelf, shelf_number(shelf, "t"), 0);
    assert_int_equal(json_int_at(row, "parts_received", 0), 2);
    assert_true(json_is_true(json_object_get(row, "parts_truncated")));
}

/* --- what happened to conversations --- */

static void test_handling_events(void **state)
{
    struct sandbox *sandbox = *state;
    size_t loaded = 0;
    for (int64_t number = 0; number < 12; number++) {
        char id[WORLD_ID];
        int64_t updated_s;
        (void)world_newest(sandbox->talks, number, id, &updated_s);
        AUTO(json_drop) json_t *events = world_handling_events(sandbox->talks, id, false);
        for (size_t i = 0; i < json_array_size(events); i++) {
            json_t *event = json_incref(json_array_get(events, i));
            json_object_set_new(event, "conversation_id", json_string(id));
            if (loaded++)
                room_load(sandbox, "handling_events", event);
            else
                json_decref(event);
        }
    }
    assert_true(loaded > 6);
    room_expect(sandbox, "handling_events", 1, 0, 0);
    room_load(sandbox, "handling_events",
              json_pack("{s:s, s:s, s:s}", "conversation_id", "215000000000000", "type", "paused",
                        "timestamp", "2026-01-01T00:00:00Z"));
    room_expect(sandbox, "handling_events", 1, 0, 1);
}

static json_t *deletion(struct sandbox *sandbox, int64_t number)
{
    struct world_removal removal;
    world_removal(sandbox->talks, number, &removal);
    return json_pack("{s:s, s:s, s:b, s:I}", "type", "conversation", "id", removal.id, "metrics_retained",
                     world_retains_metrics(sandbox->talks, removal.id), "deleted_at",
                     (json_int_t)removal.at_s);
}

static json_t *tombstone(const char *id, int64_t seen_s, const char *into, const char *source)
{
    return json_pack("{s:s, s:I, s:s*, s:s}", "id", id, "seen_missing_at", (json_int_t)seen_s, "merged_into",
                     into, "source", source);
}

static void test_the_feed_and_its_tombstones(void **state)
{
    struct sandbox *sandbox = *state;
    struct world_removal removal;
    assert_int_equal(world_remove_some(sandbox->talks, 3, START_S), 3);
    room_load(sandbox, "deleted_conversations", deletion(sandbox, 0));
    room_expect(sandbox, "deleted_conversations", 2, 0, 0); /* as old as one that is there */
    room_load(sandbox, "deleted_conversations", deletion(sandbox, 1));
    room_load(sandbox, "deleted_conversations", deletion(sandbox, 2));
    assert_int_equal(world_remove_some(sandbox->talks, 1, START_S + DAY_S), 1);
    advance(sandbox, DAY_S);
    room_expect(sandbox, "deleted_conversations", 0, 0, 0); /* the last one may still come */
    advance(sandbox, 2 * DAY_S);
    room_expect(sandbox, "deleted_conversations", 1, 0, 0);
    json_t *wrong = deletion(sandbox, 3);
    json_object_set_new(wrong, "metrics_retained",
                        json_boolean(!json_is_true(json_object_get(wrong, "metrics_retained"))));
    room_load(sandbox, "deleted_conversations", wrong);
    room_expect(sandbox, "deleted_conversations", 0, 0, 1);
    for (int64_t i = 0; i < 3; i++) {
        world_removal(sandbox->talks, i, &removal);
        room_load(sandbox, "conversations_deleted",
                  tombstone(removal.id, removal.at_s, NULL, "deleted feed"));
    }
    room_expect(sandbox, "conversations_deleted", 1, 0, 0);
}

/* --- tombstones --- */

static void test_tombstones_of_contacts(void **state)
{
    struct sandbox *sandbox = *state;
    struct world_removal merged, deleted;
    char id[WORLD_ID], other[WORLD_ID];
    int64_t updated_s;
    assert_int_equal(world_merge(sandbox->world, 1, START_S), 1);
    assert_int_equal(world_remove_some(sandbox->world, 1, START_S), 1);
    world_removal(sandbox->world, 0, &merged);
    world_removal(sandbox->world, 1, &deleted);
    bool found = false;
    for (int64_t number = 0; number < 12 && !found; number++) {
        (void)world_newest(sandbox->world, number, id, &updated_s);
        found = strcmp(id, merged.into) != 0 && world_is_here(sandbox->world, number);
    }
    snprintf(other, sizeof other, "%s", id);
    room_load(sandbox, "contacts_deleted", tombstone(merged.id, START_S, merged.into, "merge history"));
    room_load(sandbox, "contacts_deleted", tombstone(merged.id, START_S + 1, NULL, "reconciliation"));
    room_load(sandbox, "contacts_deleted", tombstone(deleted.id, START_S + 1, NULL, "reconciliation"));
    room_load(sandbox, "contacts_deleted", tombstone(deleted.id, START_S - 60, NULL, "reconciliation"));
    room_expect(sandbox, "contacts_deleted", 0, 0, 0); /* the last was read while it went */
    room_load(sandbox, "contacts_deleted", tombstone(merged.id, START_S + 2, other, "merged"));
    room_expect(sandbox, "contacts_deleted", 0, 0, 1);
    room_load(sandbox, "contacts_deleted", tombstone(merged.id, START_S + 3, NULL, "merged"));
    room_expect(sandbox, "contacts_deleted", 0, 0, 2);
    room_load(sandbox, "contacts_deleted", tombstone(other, START_S + 4, NULL, "reconciliation"));
    room_expect(sandbox, "contacts_deleted", 0, 0, 3); /* it is there */
    room_load(sandbox, "contacts_deleted", tombstone(deleted.id, START_S + 5, merged.into, "merged"));
    room_expect(sandbox, "contacts_deleted", 0, 0, 4);
    room_load(sandbox, "contacts_deleted", tombstone(deleted.id, START_S + 6, NULL, "hearsay"));
    room_expect(sandbox, "contacts_deleted", 0, 0, 5);
    assert_true(world_remove(sandbox->world, other, START_S + 100));
    room_expect(sandbox, "contacts_deleted", 0, 0, 5); /* it went later than it was said to be gone */
    assert_true(world_restore(sandbox->world, deleted.id, START_S + 200));
    room_expect(sandbox, "contacts_deleted", 0, 0, 5); /* it was gone then */
    room_load(sandbox, "contacts_deleted", tombstone(deleted.id, START_S + 300, NULL, "reconciliation"));
    room_expect(sandbox, "contacts_deleted", 0, 0, 6);
}

/* Whoever was told of a merge, has to tell. */
static void test_told_merges_are_missed(void **state)
{
    struct sandbox *sandbox = *state;
    struct world_removal merged;
    struct world_found found;
    AUTO(buf_done) struct buf text;
    buf_init(&text, 1024 * 1024);
    assert_int_equal(world_merge(sandbox->world, 1, START_S), 1);
    world_removal(sandbox->world, 0, &merged);
    room_need(sandbox, "contacts_deleted");
    struct world_query query = {.to_s = INT64_MAX, .limit = 100, .now_s = START_S, .out = &text};
    world_find(sandbox->world, &query, &found);
    room_expect(sandbox, "contacts_deleted", 0, 0, 0);
    query.history = true;
    world_find(sandbox->world, &query, &found);
    room_expect(sandbox, "contacts_deleted", 1, 0, 0);
    room_load(sandbox, "contacts_deleted", tombstone(merged.id, START_S, merged.into, "merge history"));
    room_expect(sandbox, "contacts_deleted", 0, 0, 0);
}

static void test_tombstones_of_companies(void **state)
{
    struct sandbox *sandbox = *state;
    char gone[SHELF_KEY], here[SHELF_KEY];
    struct shelf *shelf = shelves_find(sandbox->shelves, "companies");
    shelf_key(shelf, 3, gone);
    shelf_key(shelf, 4, here);
    assert_true(companies_remove(sandbox->companies, gone, START_S));
    room_load(sandbox, "companies_deleted", tombstone(gone, START_S, NULL, "reconciliation"));
    room_expect(sandbox, "companies_deleted", 0, 0, 0);
    room_load(sandbox, "companies_deleted", tombstone(here, START_S, NULL, "reconciliation"));
    room_expect(sandbox, "companies_deleted", 0, 0, 1);
}

/* --- contacts: what is gone stays in the warehouse, and leaves what is newest --- */

static void show_all(struct sandbox *sandbox)
{
    struct world_found found;
    AUTO(buf_done) struct buf text;
    buf_init(&text, 1024 * 1024);
    struct world_query query = {.to_s = INT64_MAX, .limit = 100, .now_s = now_s(sandbox), .out = &text};
    world_find(sandbox->world, &query, &found);
}

static void test_what_was_loaded_in_time_stays(void **state)
{
    struct sandbox *sandbox = *state;
    room_need(sandbox, "contacts");
    room_expect(sandbox, "contacts", 12, 0, 0);
    assert_int_equal(world_remove_some(sandbox->world, 2, START_S), 2); /* nobody saw them */
    room_expect(sandbox, "contacts", 10, 0, 0);
    show_all(sandbox);
    assert_int_equal(world_remove_some(sandbox->world, 3, START_S), 3); /* they must have been loaded */
    room_expect(sandbox, "contacts", 10, 0, 0);
    world_touch(sandbox->world, START_S, 7);
    show_all(sandbox);
    assert_int_equal(world_remove_some(sandbox->world, 7, START_S), 7); /* as they were before */
    room_expect(sandbox, "contacts", 10, 0, 0);
    for (int64_t number = 0; number < 12; number++) {
        char id[WORLD_ID];
        int64_t updated_s;
        (void)world_newest(sandbox->world, number, id, &updated_s);
        assert_true(!id[0] || updated_s < START_S);
    }
}

struct loading {
    struct sandbox *sandbox;
    const char *table;
};

static void load_newest(void *self, const json_t *version, bool newest, bool served)
{
    struct loading *loading = self;
    (void)served;
    if (newest) room_load(loading->sandbox, loading->table, json_deep_copy(version));
}

static void test_latest(void **state)
{
    struct sandbox *sandbox = *state;
    struct world_removal removal;
    struct loading loading = {.sandbox = sandbox, .table = "contacts_latest"};
    world_versions(sandbox->world, load_newest, &loading);
    room_expect(sandbox, "contacts_latest", 0, 0, 0);
    assert_int_equal(world_remove_some(sandbox->world, 1, START_S), 1);
    world_removal(sandbox->world, 0, &removal);
    room_expect(sandbox, "contacts_latest", 0, 0, 0); /* nobody knows */
    room_load(sandbox, "contacts_deleted", tombstone(removal.id, START_S, NULL, "reconciliation"));
    room_expect(sandbox, "contacts_latest", 0, 0, 1);
    world_touch(sandbox->world, START_S, 1);
    room_expect(sandbox, "contacts_latest", 1, 0, 2); /* the newest is not there, an older one is */
    room_load(sandbox, "contacts_latest", json_pack("{s:s, s:i}", "id", "nobody", "updated_at", 1772000000));
    room_expect(sandbox, "contacts_latest", 1, 0, 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, room_close)
    const struct CMUnitTest tests[] = {
        TEST(test_companies),
        TEST(test_segments_of_companies),
        TEST(test_segments_may_be_those_of_later),
        TEST(test_tickets_and_their_parts),
        TEST(test_parts_that_are_wrong),
        TEST(test_handling_events),
        TEST(test_the_feed_and_its_tombstones),
        TEST(test_tombstones_of_contacts),
        TEST(test_told_merges_are_missed),
        TEST(test_tombstones_of_companies),
        TEST(test_what_was_loaded_in_time_stays),
        TEST(test_latest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
