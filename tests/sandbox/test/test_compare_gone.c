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
#include "test/client.h"
#include "test/compare_fixture.h"
#include "workspace/collection.h"

#define DAY_S   86400
#define START_S INT64_C(1772424000) /* 2026-03-02T04:00:00Z, where the clock begins */

static const char headers[] = "Authorization: Bearer sandbox-token\r\nAccept: application/json\r\n"
                              "Intercom-Version: 2.16\r\n";

/* --- the sandbox: few records, so that all are seen --- */

static int set_up(void **state)
{
    if (compare_open(9, state)) return -1;
    struct sandbox *sandbox = *state;
    (void)collection_remove_last(sandbox_collection(sandbox, "companies"), 218, START_S);
    (void)collection_remove_last(sandbox_collection(sandbox, "tickets"), 108, START_S);
    collection_fill(sandbox_collection(sandbox, "contacts"), START_S - 40 * DAY_S, START_S - 4 * DAY_S, 12);
    collection_fill_children(sandbox_collection(sandbox, "conversations"), START_S - 40 * DAY_S,
                             START_S - 4 * DAY_S, 12, (struct child_sizes){.children = 3, .body_bytes = 40});
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

/* Over all companies, to the end. */
static void scroll(struct sandbox *sandbox)
{
    char target[96] = "/companies/scroll";
    for (size_t count = 1; count > 0;) {
        struct answer answer = client_request(sandbox_http_port(sandbox), "GET", target, headers, NULL);
        assert_int_equal(answer.status, 200);
        AUTO(json_drop) json_t *page = client_json(&answer);
        count = json_array_size(json_object_get(page, "data"));
        snprintf(target, sizeof target, "/companies/scroll?scroll_param=%s",
                 json_text_at(page, "scroll_param"));
        answer_done(&answer);
    }
}

/* --- companies --- */

static void load_companies(struct sandbox *sandbox, size_t first, size_t end)
{
    struct collection *collection = sandbox_collection(sandbox, "companies");
    for (size_t number = first; number < end; number++)
        compare_load(sandbox, "companies",
                     collection_version(collection, number, collection_versions(collection, number) - 1));
}

static void test_companies(void **state)
{
    struct sandbox *sandbox = *state;
    struct collection *collection = sandbox_collection(sandbox, "companies");
    char key[COLLECTION_KEY];
    load_companies(sandbox, 1, 12);
    compare_expect(sandbox, "companies", 1, 0, 0);
    collection_key(collection, 0, key);
    assert_true(collection_remove(collection, key, START_S));
    compare_expect(sandbox, "companies", 0, 0, 0); /* no client ever saw it */
    collection_key(collection, 5, key);
    assert_int_equal(collection_touch(collection, START_S, 11), 11);
    scroll(sandbox);
    assert_true(collection_remove(collection, key, START_S));
    compare_expect(sandbox, "companies", 10, 0, 0); /* what was shown of it was too young to be loaded */
    advance(sandbox, 3 * DAY_S);
    collection_key(collection, 6, key);
    scroll(sandbox);
    assert_true(collection_remove(collection, key, now_s(sandbox)));
    compare_expect(sandbox, "companies", 10, 0, 0); /* that one had to be loaded, and is kept */
    load_companies(sandbox, 1, 12);
    compare_expect(sandbox, "companies", 0, 0, 0);
}

static json_t *segment_of(struct sandbox *sandbox, const json_t *segment, size_t number, int64_t at_s)
{
    char key[COLLECTION_KEY];
    json_t *row = json_deep_copy(segment);
    collection_key(sandbox_collection(sandbox, "companies"), number, key);
    json_object_set_new(row, "company_id", json_string(key));
    json_object_set_new(row, "company_updated_at", json_integer(at_s));
    return row;
}

static void load_segments(struct sandbox *sandbox, size_t number, size_t version, size_t skipped,
                          int64_t at_s)
{
    AUTO(json_drop)
    json_t *segments =
        collection_version_list(sandbox_collection(sandbox, "companies"), number, version, "segments");
    for (size_t i = skipped; i < json_array_size(segments); i++)
        compare_load(sandbox, "company_segments",
                     segment_of(sandbox, json_array_get(segments, i), number, at_s));
}

static void test_segments_of_companies(void **state)
{
    struct sandbox *sandbox = *state;
    struct collection *collection = sandbox_collection(sandbox, "companies");
    int64_t at_s = 0;
    size_t numbers[12], count = 0;
    for (size_t number = 0; number < 12; number++) {
        AUTO(json_drop)
        json_t *segments =
            collection_version_list(sandbox_collection(sandbox, "companies"), number, 0, "segments");
        at_s = collection_updated_s(collection, number, 0);
        if (json_array_size(segments) > 0) numbers[count++] = number;
        load_segments(sandbox, number, 0, count == 1 && numbers[0] == number, at_s);
    }
    assert_true(count > 3);
    compare_expect(sandbox, "company_segments", 1, 0, 0);
    at_s = collection_updated_s(collection, numbers[0], 0);
    AUTO(json_drop)
    json_t *first =
        collection_version_list(sandbox_collection(sandbox, "companies"), numbers[0], 0, "segments");
    json_t *row = segment_of(sandbox, json_array_get(first, 0), numbers[0], at_s);
    compare_load(sandbox, "company_segments", json_incref(row));
    compare_expect(sandbox, "company_segments", 0, 0, 0);
    compare_load(sandbox, "company_segments", json_deep_copy(row));
    compare_expect(sandbox, "company_segments", 0, 1, 0);
    json_object_set_new(row, "id", json_string("5f0c1e2aff"));
    compare_load(sandbox, "company_segments", row);
    compare_expect(sandbox, "company_segments", 0, 1, 1);
}

/* Between the scroll and the reading of its segments a company may change. */
static void test_segments_may_be_those_of_later(void **state)
{
    struct sandbox *sandbox = *state;
    struct collection *collection = sandbox_collection(sandbox, "companies");
    char key[COLLECTION_KEY];
    int64_t at_s;
    assert_int_equal(collection_remove_last(collection, 11, START_S), 11);
    collection_key(collection, 0, key);
    for (int64_t i = 0; i < 6; i++)
        assert_true(collection_touch_one(collection, key, START_S + i));
    at_s = collection_updated_s(collection, 0, 4);
    AUTO(json_drop)
    json_t *later = collection_version_list(sandbox_collection(sandbox, "companies"), 0, 6, "segments");
    load_segments(sandbox, 0, 6, 0, at_s);
    if (json_array_size(later) == 0) compare_need(sandbox, "company_segments");
    compare_expect(sandbox, "company_segments", json_array_size(later), 0, 0);
    load_segments(sandbox, 0, 6, 0, START_S + 5);
    compare_expect(sandbox, "company_segments", 0, 0, 0);
}

/* --- tickets --- */

static void load_parts(struct sandbox *sandbox, size_t number)
{
    AUTO(json_drop) json_t *rows = compare_truth_children(sandbox, "ticket_parts", number);
    for (size_t i = 0; i < json_array_size(rows); i++)
        compare_load(sandbox, "ticket_parts", json_incref(json_array_get(rows, i)));
}

static void test_tickets_and_their_parts(void **state)
{
    struct sandbox *sandbox = *state;
    struct collection *collection = sandbox_collection(sandbox, "tickets");
    size_t ever = collection_ever(collection), parts = 0;
    for (size_t number = 0; number < 12; number++) {
        json_t *row = compare_truth(sandbox, "tickets", number, 0);
        parts += (size_t)json_int_at(row, "parts_total", -100);
        if (number) compare_load(sandbox, "tickets", json_incref(row));
        json_decref(row);
        load_parts(sandbox, number);
    }
    assert_true(ever == 120 && parts > 10);
    compare_expect(sandbox, "tickets", 1, 0, 0);
    compare_expect(sandbox, "ticket_parts", 0, 0, 0);
    json_t *altered = compare_truth(sandbox, "tickets", 0, 0);
    json_object_set_new(altered, "parts_received", json_integer(99));
    compare_load(sandbox, "tickets", altered);
    compare_expect(sandbox, "tickets", 0, 0, 1);
    assert_int_equal(collection_touch(collection, START_S, 12), 12);
    AUTO(json_drop) json_t *report = control_compare(&sandbox->control, NULL, "intercom", false);
    assert_true(json_is_false(json_object_get(report, "equal")));
    for (size_t number = 0; number < 12;
         number++) /* parts that changed are other rows; the others are doubled */
        compare_load(sandbox, "tickets", compare_truth(sandbox, "tickets", number, 1));
    compare_expect(sandbox, "tickets", 0, 0, 1);
}

static void test_parts_that_are_wrong(void **state)
{
    struct sandbox *sandbox = *state;
    struct collection *collection = sandbox_collection(sandbox, "tickets");
    assert_int_equal(collection_remove_last(collection, 12, START_S), 12);
    AUTO(json_drop)
    json_t *given = json_loads(
        "{\"id\":\"t\",\"created_at\":1772000000,\"updated_at\":1772000000,\"ticket_parts\":{\"type\":\"l\","
        "\"total_count\":3,\"ticket_parts\":[{\"id\":7,\"created_at\":1772000000,\"updated_at\":1772000000,"
        "\"body\":\"a\"},{\"id\":\"8\",\"created_at\":1772000000,\"updated_at\":1772000001,\"redacted\":true}"
        "]}}",
        0, NULL);
    assert_true(collection_put(collection, given, START_S));
    compare_need(sandbox, "ticket_parts");
    compare_expect(sandbox, "ticket_parts", 2, 0, 0);
    load_parts(sandbox, collection_number(collection, "t"));
    compare_expect(sandbox, "ticket_parts", 0, 0, 0);
    AUTO(json_drop)
    json_t *parts = compare_truth_children(sandbox, "ticket_parts", collection_number(collection, "t"));
    json_t *part = json_incref(json_array_get(parts, 0));
    assert_int_equal(json_int_at(part, "part_index", 0), 2); /* the first was not shown */
    json_object_set_new(part, "body", json_string("b"));
    compare_load(sandbox, "ticket_parts", json_deep_copy(part));
    compare_expect(sandbox, "ticket_parts", 0, 1, 1);
    json_object_set_new(part, "redacted", json_true());
    compare_load(sandbox, "ticket_parts", part);
    compare_expect(sandbox, "ticket_parts", 0, 1, 2);
    AUTO(json_drop) json_t *row = compare_truth(sandbox, "tickets", collection_number(collection, "t"), 0);
    assert_int_equal(json_int_at(row, "parts_received", 0), 2);
    assert_true(json_is_true(json_object_get(row, "parts_truncated")));
}

/* --- what happened to conversations --- */

static void test_handling_events(void **state)
{
    struct sandbox *sandbox = *state;
    size_t loaded = 0;
    struct collection *conversations = sandbox_collection(sandbox, "conversations");
    for (size_t number = 0; number < 12; number++) {
        char id[COLLECTION_KEY];
        collection_key(conversations, number, id);
        AUTO(json_drop) json_t *events = collection_version_list(conversations, number, 0, "handling_events");
        for (size_t i = 0; i < json_array_size(events); i++) {
            json_t *event = json_incref(json_array_get(events, i));
            json_object_set_new(event, "conversation_id", json_string(id));
            if (loaded++)
                compare_load(sandbox, "handling_events", event);
            else
                json_decref(event);
        }
    }
    assert_true(loaded > 6);
    compare_expect(sandbox, "handling_events", 1, 0, 0);
    compare_load(sandbox, "handling_events",
                 json_pack("{s:s, s:s, s:s}", "conversation_id", "215000000000000", "type", "paused",
                           "timestamp", "2026-01-01T00:00:00Z"));
    compare_expect(sandbox, "handling_events", 1, 0, 1);
}

/* As the feed has it; number 0 is the oldest. */
static json_t *deletion(struct sandbox *sandbox, size_t number)
{
    struct answer answer =
        client_request(sandbox_http_port(sandbox), "GET", "/conversations/deleted?order=asc", headers, NULL);
    AUTO(json_drop) json_t *page = client_json(&answer);
    answer_done(&answer);
    return json_deep_copy(json_array_get(json_object_get(page, "conversations"), number));
}

static json_t *tombstone(const char *id, int64_t seen_s, const char *into, const char *source)
{
    return json_pack("{s:s, s:I, s:s*, s:s}", "id", id, "seen_missing_at", (json_int_t)seen_s, "merged_into",
                     into, "source", source);
}

static void test_the_feed_and_its_tombstones(void **state)
{
    struct sandbox *sandbox = *state;
    struct removal removal;
    assert_int_equal(collection_remove_some(sandbox_collection(sandbox, "conversations"), 3, START_S), 3);
    compare_load(sandbox, "deleted_conversations", deletion(sandbox, 0));
    compare_expect(sandbox, "deleted_conversations", 2, 0, 0); /* as old as one that is there */
    compare_load(sandbox, "deleted_conversations", deletion(sandbox, 1));
    compare_load(sandbox, "deleted_conversations", deletion(sandbox, 2));
    assert_int_equal(collection_remove_some(sandbox_collection(sandbox, "conversations"), 1, START_S + DAY_S),
                     1);
    advance(sandbox, DAY_S);
    compare_expect(sandbox, "deleted_conversations", 0, 0, 0); /* the last one may still come */
    advance(sandbox, 2 * DAY_S);
    compare_expect(sandbox, "deleted_conversations", 1, 0, 0);
    json_t *wrong = deletion(sandbox, 3);
    json_object_set_new(wrong, "metrics_retained",
                        json_boolean(!json_is_true(json_object_get(wrong, "metrics_retained"))));
    compare_load(sandbox, "deleted_conversations", wrong);
    compare_expect(sandbox, "deleted_conversations", 0, 0, 1);
    for (size_t i = 0; i < 3; i++) {
        collection_removal(sandbox_collection(sandbox, "conversations"), i, &removal);
        compare_load(sandbox, "conversations_deleted",
                     tombstone(removal.key, removal.at_s, NULL, "deleted feed"));
    }
    compare_expect(sandbox, "conversations_deleted", 1, 0, 0);
}

/* --- tombstones --- */

static void test_tombstones_of_contacts(void **state)
{
    struct sandbox *sandbox = *state;
    struct removal merged, deleted;
    char other[COLLECTION_KEY];
    assert_int_equal(collection_merge(sandbox_collection(sandbox, "contacts"), 1, START_S), 1);
    assert_int_equal(collection_remove_some(sandbox_collection(sandbox, "contacts"), 1, START_S), 1);
    collection_removal(sandbox_collection(sandbox, "contacts"), 0, &merged);
    collection_removal(sandbox_collection(sandbox, "contacts"), 1, &deleted);
    size_t number = 0;
    do {
        collection_key(sandbox_collection(sandbox, "contacts"), number, other);
    } while (strcmp(other, merged.into) == 0 ||
             !collection_is_here(sandbox_collection(sandbox, "contacts"), number++));
    compare_load(sandbox, "contacts_deleted", tombstone(merged.key, START_S, merged.into, "merge history"));
    compare_load(sandbox, "contacts_deleted", tombstone(merged.key, START_S + 1, NULL, "reconciliation"));
    compare_load(sandbox, "contacts_deleted", tombstone(deleted.key, START_S + 1, NULL, "reconciliation"));
    compare_load(sandbox, "contacts_deleted", tombstone(deleted.key, START_S - 60, NULL, "reconciliation"));
    compare_expect(sandbox, "contacts_deleted", 0, 0, 0); /* the last was read while it went */
    compare_load(sandbox, "contacts_deleted", tombstone(merged.key, START_S + 2, other, "merged"));
    compare_expect(sandbox, "contacts_deleted", 0, 0, 1);
    compare_load(sandbox, "contacts_deleted", tombstone(merged.key, START_S + 3, NULL, "merged"));
    compare_expect(sandbox, "contacts_deleted", 0, 0, 2);
    compare_load(sandbox, "contacts_deleted", tombstone(other, START_S + 4, NULL, "reconciliation"));
    compare_expect(sandbox, "contacts_deleted", 0, 0, 3); /* it is there */
    compare_load(sandbox, "contacts_deleted", tombstone(deleted.key, START_S + 5, merged.into, "merged"));
    compare_expect(sandbox, "contacts_deleted", 0, 0, 4);
    compare_load(sandbox, "contacts_deleted", tombstone(deleted.key, START_S + 6, NULL, "hearsay"));
    compare_expect(sandbox, "contacts_deleted", 0, 0, 5);
    assert_true(collection_remove(sandbox_collection(sandbox, "contacts"), other, START_S + 100));
    compare_expect(sandbox, "contacts_deleted", 0, 0, 5); /* it went later than it was said to be gone */
    assert_true(collection_restore(sandbox_collection(sandbox, "contacts"), deleted.key, START_S + 200));
    compare_expect(sandbox, "contacts_deleted", 0, 0, 5); /* it was gone then */
    compare_load(sandbox, "contacts_deleted", tombstone(deleted.key, START_S + 300, NULL, "reconciliation"));
    compare_expect(sandbox, "contacts_deleted", 0, 0, 6);
}

/* A merge that a client was shown must be recorded. */
static void test_shown_merges_are_missed(void **state)
{
    struct sandbox *sandbox = *state;
    struct removal merged;
    assert_int_equal(collection_merge(sandbox_collection(sandbox, "contacts"), 1, START_S), 1);
    collection_removal(sandbox_collection(sandbox, "contacts"), 0, &merged);
    compare_need(sandbox, "contacts_deleted");
    struct collection_query query = {.to_s = INT64_MAX, .limit = 100, .now_s = START_S, .expect = true};
    json_decref(collection_list(sandbox_collection(sandbox, "contacts"), &query, NULL));
    compare_expect(sandbox, "contacts_deleted", 0, 0, 0);
    query.form.history = true;
    json_decref(collection_list(sandbox_collection(sandbox, "contacts"), &query, NULL));
    compare_expect(sandbox, "contacts_deleted", 1, 0, 0);
    compare_load(sandbox, "contacts_deleted", tombstone(merged.key, START_S, merged.into, "merge history"));
    compare_expect(sandbox, "contacts_deleted", 0, 0, 0);
}

static void test_tombstones_of_companies(void **state)
{
    struct sandbox *sandbox = *state;
    char gone[COLLECTION_KEY], here[COLLECTION_KEY];
    struct collection *collection = sandbox_collection(sandbox, "companies");
    collection_key(collection, 3, gone);
    collection_key(collection, 4, here);
    assert_true(collection_remove(collection, gone, START_S));
    compare_load(sandbox, "companies_deleted", tombstone(gone, START_S, NULL, "reconciliation"));
    compare_expect(sandbox, "companies_deleted", 0, 0, 0);
    compare_load(sandbox, "companies_deleted", tombstone(here, START_S, NULL, "reconciliation"));
    compare_expect(sandbox, "companies_deleted", 0, 0, 1);
}

/* --- contacts: what is gone stays in the warehouse, and leaves what is newest --- */

static void show_all(struct sandbox *sandbox)
{
    struct collection_query query = {
        .to_s = INT64_MAX, .limit = 100, .now_s = now_s(sandbox), .expect = true};
    json_decref(collection_list(sandbox_collection(sandbox, "contacts"), &query, NULL));
}

static void test_what_was_loaded_in_time_stays(void **state)
{
    struct sandbox *sandbox = *state;
    compare_need(sandbox, "contacts");
    compare_expect(sandbox, "contacts", 12, 0, 0);
    assert_int_equal(collection_remove_some(sandbox_collection(sandbox, "contacts"), 2, START_S),
                     2); /* no client saw them */
    compare_expect(sandbox, "contacts", 10, 0, 0);
    show_all(sandbox);
    assert_int_equal(collection_remove_some(sandbox_collection(sandbox, "contacts"), 3, START_S),
                     3); /* they must have been loaded */
    compare_expect(sandbox, "contacts", 10, 0, 0);
    collection_touch(sandbox_collection(sandbox, "contacts"), START_S, 7);
    show_all(sandbox);
    assert_int_equal(collection_remove_some(sandbox_collection(sandbox, "contacts"), 7, START_S),
                     7); /* as they were before */
    compare_expect(sandbox, "contacts", 10, 0, 0);
    struct collection *contacts = sandbox_collection(sandbox, "contacts");
    for (size_t number = 0, version; number < 12; number++)
        assert_true(!collection_wanted(contacts, number, &version) ||
                    collection_updated_s(contacts, number, version) < START_S);
}

static void test_latest(void **state)
{
    struct sandbox *sandbox = *state;
    struct removal removal;
    for (size_t number = 0; number < 12; number++)
        compare_load(sandbox, "contacts_latest", compare_truth(sandbox, "contacts", number, 0));
    compare_expect(sandbox, "contacts_latest", 0, 0, 0);
    assert_int_equal(collection_remove_some(sandbox_collection(sandbox, "contacts"), 1, START_S), 1);
    collection_removal(sandbox_collection(sandbox, "contacts"), 0, &removal);
    compare_expect(sandbox, "contacts_latest", 0, 0, 0); /* nothing says so */
    compare_load(sandbox, "contacts_deleted", tombstone(removal.key, START_S, NULL, "reconciliation"));
    compare_expect(sandbox, "contacts_latest", 0, 0, 1);
    collection_touch(sandbox_collection(sandbox, "contacts"), START_S, 1);
    compare_expect(sandbox, "contacts_latest", 1, 0, 2); /* the newest is not there, an older one is */
    compare_load(sandbox, "contacts_latest",
                 json_pack("{s:s, s:i}", "id", "nobody", "updated_at", 1772000000));
    compare_expect(sandbox, "contacts_latest", 1, 0, 3);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, compare_close)
    const struct CMUnitTest tests[] = {
        TEST(test_companies),
        TEST(test_segments_of_companies),
        TEST(test_segments_may_be_those_of_later),
        TEST(test_tickets_and_their_parts),
        TEST(test_parts_that_are_wrong),
        TEST(test_handling_events),
        TEST(test_the_feed_and_its_tombstones),
        TEST(test_tombstones_of_contacts),
        TEST(test_shown_merges_are_missed),
        TEST(test_tombstones_of_companies),
        TEST(test_what_was_loaded_in_time_stays),
        TEST(test_latest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
