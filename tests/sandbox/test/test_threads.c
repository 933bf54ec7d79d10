/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets, and the lists that go with conversations. */
#include "test/workspace_fixture.h"

#include "base/mem.h"
#include "workspace/collection.h"

/* --- tickets --- */

#define SEARCH(relation, value, more)                                                                        \
    "{\"query\":{\"field\":\"updated_at\",\"operator\":\"" relation "\",\"value\":" value                    \
    "},\"sort\":{\"field\":\"updated_at\",\"order\":\"ascending\"}" more "}"

static void test_tickets_are_found_in_order(void **state)
{
    AUTO(mem_free) char *cursor = NULL;
    int64_t last_s = 0, count = 0, parts = 0, cut = 0, numbers = 0;
    do {
        AUTO(mem_free)
        char *body =
            mem_format(SEARCH(">", "0", ",\"pagination\":{\"per_page\":50%s%s%s}"),
                       cursor ? ",\"starting_after\":\"" : "", cursor ? cursor : "", cursor ? "\"" : "");
        AUTO(json_drop) json_t *page = post(state, "/tickets/search", body, 200);
        const json_t *tickets = json_object_get(page, "tickets");
        assert_int_equal(json_int_at(page, "total_count", 0), 120);
        for (size_t i = 0; i < json_array_size(tickets); i++, count++) {
            const json_t *ticket = json_array_get(tickets, i);
            const json_t *list = json_at(ticket, "ticket_parts.ticket_parts");
            size_t size = json_array_size(list);
            assert_true(json_int_at(ticket, "updated_at", 0) >= last_s && size <= 500);
            last_s = json_int_at(ticket, "updated_at", 0);
            parts += (int64_t)size;
            cut += json_int_at(ticket, "ticket_parts.total_count", 0) > (int64_t)size;
            for (size_t k = 0; k < size; k++)
                numbers += json_is_integer(json_object_get(json_array_get(list, k), "id"));
        }
        mem_free(&cursor);
        if (json_text_at(page, "pages.next.starting_after"))
            cursor = mem_text(json_text_at(page, "pages.next.starting_after"));
    } while (cursor);
    assert_int_equal(count, 120);
    assert_true(cut > 0 && parts > 500 && numbers > 0);
}

static void test_tickets_are_filtered_by_the_second(void **state)
{
    change(state, "{\"touch\":{\"kind\":\"tickets\",\"count\":7}}");
    AUTO(json_drop) json_t *at = post(state, "/tickets/search", SEARCH("=", "1772424000", ""), 200);
    AUTO(json_drop) json_t *behind = post(state, "/tickets/search", SEARCH(">", "1772424000", ""), 200);
    AUTO(json_drop) json_t *below = post(state, "/tickets/search", SEARCH("<", "1772423999", ""), 200);
    assert_int_equal(json_int_at(at, "total_count", 0), 7);
    assert_int_equal(json_int_at(behind, "total_count", -1), 0);
    assert_int_equal(json_int_at(below, "total_count", 0), 113);
    assert_int_equal(json_array_size(json_object_get(below, "tickets")), 20);
}

struct seen {
    int64_t places[64], updated_s[64];
    size_t count;
};

static void note_place(void *self, const struct child_key *key, int64_t place)
{
    struct seen *seen = self;
    if (seen->count == 64) return;
    seen->places[seen->count] = place;
    seen->updated_s[seen->count++] = key->updated_s;
}

/* Each touch adds a part; some edit or redact one, which then is another row. */
static void test_parts_grow_and_change(void **state)
{
    struct sandbox *sandbox = *state;
    struct collection *tickets = sandbox_collection(sandbox, "tickets");
    int64_t changed = 0, edited = 0;
    for (size_t number = 0; number < 40; number++) {
        char key[COLLECTION_KEY];
        collection_key(tickets, number, key);
        for (int i = 0; i < 4; i++) {
            struct seen before = {.count = 0}, after = {.count = 0};
            collection_children(tickets, number, note_place, &before);
            advance(state, 5);
            assert_true(collection_touch_one(tickets, key, virtual_clock_peek(sandbox->clock) / 1000000));
            collection_children(tickets, number, note_place, &after);
            if (before.count == 64) continue;
            assert_int_equal(after.count, before.count + 1);
            for (size_t k = 0; k < before.count; k++) {
                changed += before.places[k] != after.places[k];
                edited += before.updated_s[k] != after.updated_s[k];
            }
        }
    }
    assert_true(edited > 10 && changed > edited + 10); /* redacting one does not move its time */
}

/* --- conversations --- */

static void test_the_feed_of_the_deleted(void **state)
{
    refused(state, v15, "/conversations/deleted", 400, "intercom_version_invalid");
    AUTO(json_drop) json_t *none = get(state, "/conversations/deleted");
    assert_int_equal(json_int_at(none, "pages.total_pages", -1), 0);
    change(state, "{\"remove\":{\"kind\":\"conversations\",\"count\":50}}");
    advance(state, 100);
    change(state, "{\"remove\":{\"kind\":\"conversations\",\"count\":1}}");
    AUTO(json_drop) json_t *first = get(state, "/conversations/deleted?order=desc&per_page=50");
    AUTO(json_drop) json_t *second = get(state, "/conversations/deleted?order=desc&per_page=50&page=2");
    AUTO(json_drop) json_t *oldest = get(state, "/conversations/deleted?order=asc");
    const json_t *newest = json_array_get(json_object_get(first, "conversations"), 0);
    assert_int_equal(json_int_at(newest, "deleted_at", 0), START_S + 100);
    assert_true(json_is_boolean(json_object_get(newest, "metrics_retained")));
    assert_int_equal(json_array_size(json_object_get(first, "conversations")), 50);
    assert_int_equal(json_array_size(json_object_get(second, "conversations")), 1);
    assert_int_equal(json_int_at(first, "total_count", 0), 51);
    assert_non_null(strstr(json_string_value(json_at(first, "pages.next")), "order=desc&per_page=50&page=2"));
    assert_true(json_is_null(json_at(second, "pages.next")));
    assert_int_equal(json_array_size(json_object_get(oldest, "conversations")), 20);
    assert_int_equal(
        json_int_at(json_array_get(json_object_get(oldest, "conversations"), 0), "deleted_at", 0), START_S);
    AUTO(mem_free) char *target = mem_format("/conversations/%s", json_text_at(newest, "id"));
    refused(state, v16, target, 404, "not_found");
    refused(state, v16, "/conversations/deleted?per_page=61", 400, "parameter_invalid");
    refused(state, v16, "/conversations/deleted?order=up", 400, "parameter_invalid");
}

static void test_handling_events_never_change(void **state)
{
    struct sandbox *sandbox = *state;
    size_t events = 0;
    struct collection *conversations = sandbox_collection(sandbox, "conversations");
    for (size_t number = 0; number < 90; number++) {
        char id[COLLECTION_KEY];
        collection_key(conversations, number, id);
        AUTO(mem_free) char *target = mem_format("/conversations/%s/handling_events", id);
        AUTO(json_drop) json_t *before = get(state, target);
        (void)collection_touch(conversations, START_S + (int64_t)number, 10);
        AUTO(json_drop) json_t *after = get(state, target);
        assert_true(json_equal(before, after));
        const json_t *list = json_object_get(before, "handling_events");
        for (size_t i = 0; i < json_array_size(list); i++, events++) {
            for (size_t k = 0; k < i; k++) {
                const json_t *a = json_array_get(list, i), *b = json_array_get(list, k);
                assert_false(json_equal(json_object_get(a, "type"), json_object_get(b, "type")) &&
                             json_equal(json_object_get(a, "timestamp"), json_object_get(b, "timestamp")));
            }
        }
        if (number) continue;
        refused(state, HEADERS("2.14"), target, 400, "intercom_version_invalid");
        refused(state, v16, "/conversations/1/handling_events", 404, "not_found");
    }
    assert_true(events > 90);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, workspace_set_up, workspace_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_tickets_are_found_in_order),   TEST(test_tickets_are_filtered_by_the_second),
        TEST(test_parts_grow_and_change),        TEST(test_the_feed_of_the_deleted),
        TEST(test_handling_events_never_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
