/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "workspace/collection.h"
#include "workspace/template.h"

#define DAY_S   86400
#define START_S INT64_C(1772424000) /* 2026-03-02T04:00:00Z */

static int set_up(void **state)
{
    *state = workspace_new("intercom", 3, "sandbox1", START_S);
    return 0;
}

static int tear_down(void **state)
{
    workspace_free(*state);
    return 0;
}

static json_t *list_all(struct collection *collection)
{
    return collection_list(collection, &(struct collection_query){.by_arrival = true, .limit = SIZE_MAX},
                           NULL);
}

static bool holds_word(const json_t *value)
{
    AUTO(mem_free) char *text = json_dumps(value, JSON_ENCODE_ANY);
    return strstr(text, "\"$") || strstr(text, "{id}") || strstr(text, "{sequence}");
}

static void test_each_kind_has_some_records_and_the_seed_decides(void **state)
{
    (void)state; /* each service has a workspace of its own */
    for (const struct template_file *file = template_files; file->kind; file++) {
        struct workspace *first = workspace_new(file->service, 3, "sandbox1", START_S),
                         *same = workspace_new(file->service, 3, "sandbox1", START_S),
                         *other = workspace_new(file->service, 4, "sandbox1", START_S);
        struct collection *collection = workspace_find(first, file->kind);
        AUTO(json_drop) json_t *records = list_all(collection);
        AUTO(json_drop) json_t *again = list_all(workspace_find(same, file->kind));
        AUTO(json_drop) json_t *others = list_all(workspace_find(other, file->kind));
        assert_int_equal(json_array_size(records), collection_count(collection));
        assert_true(json_equal(records, again));
        if (json_array_size(records) > 0) assert_false(json_equal(records, others));
        if (holds_word(records)) fail_msg("%s: a word of the template was not understood", file->kind);
        for (size_t i = 0; i < collection_ever(collection); i++) { /* no key twice */
            char key[COLLECTION_KEY];
            collection_key(collection, i, key);
            assert_int_equal(collection_number(collection, key), i);
        }
        assert_null(workspace_find(first, "poems"));
        workspace_free(first);
        workspace_free(same);
        workspace_free(other);
    }
}

static void test_records_are_of_all_shapes(void **state)
{
    struct collection *collection = workspace_find(*state, "calls");
    collection_fill(collection, START_S - 20 * DAY_S, START_S, 300);
    AUTO(json_drop) json_t *records = list_all(collection);
    size_t texts = 0, nulls = 0, absent = 0;
    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *record = json_array_get(records, i);
        texts += json_is_string(json_object_get(record, "updated_at"));
        nulls += json_is_null(json_object_get(record, "contact_id"));
        absent += json_object_get(record, "duration") == NULL;
    }
    assert_in_range(texts, 50, 280);
    assert_in_range(nulls, 50, 200);
    assert_in_range(absent, 50, 200);
    AUTO(json_drop) json_t *macro = collection_get(workspace_find(*state, "macros"), "12001");
    const char *updated = json_text_at(macro, "updated_at");
    assert_string_equal(updated + strlen(updated) - 5, ".000Z");
}

static void test_a_touch_makes_a_version(void **state)
{
    struct collection *collection = workspace_find(*state, "articles");
    char key[COLLECTION_KEY];
    size_t more = 0, differences = 0;
    int64_t at_s = 0;
    assert_int_equal(collection_touch(collection, START_S, 10), 10);
    assert_true(collection_touch_one(collection, "39001", START_S + 1));
    assert_false(collection_touch_one(collection, "39001", START_S + 1)); /* not later */
    assert_false(collection_touch_one(collection, "nobody", START_S + 1));
    for (size_t i = 0; i < collection_ever(collection); i++) {
        size_t versions = collection_versions(collection, i);
        more += versions - 1;
        AUTO(json_drop) json_t *first = collection_version(collection, i, 0);
        AUTO(json_drop) json_t *last = collection_version(collection, i, versions - 1);
        at_s = collection_updated_s(collection, i, versions - 1);
        collection_key(collection, i, key);
        AUTO(json_drop) json_t *now = collection_get(collection, key);
        assert_true(json_equal(last, now));
        assert_int_equal(json_int_at(now, "updated_at", 0), at_s);
        assert_string_equal(json_text_at(now, "id"), json_text_at(first, "id"));
        assert_int_equal(json_int_at(now, "created_at", 0), json_int_at(first, "created_at", -1));
        const char *name;
        json_t *value;
        json_object_foreach (first, name, value)
            differences += versions > 1 && !json_equal(value, json_object_get(last, name));
    }
    assert_int_equal(more, 11);
    assert_in_range(differences, 5 * 10, 12 * 10); /* several each, but not all of them */
    assert_null(collection_version(collection, 0, 99));
}

static void test_a_touch_may_keep_the_time(void **state)
{
    struct workspace *workspace = workspace_new("comagic", 3, "sandbox1", START_S);
    struct collection *calls = workspace_find(workspace, "calls");
    (void)state;
    int64_t at_s = collection_updated_s(calls, 0, 0);
    size_t version;
    assert_false(collection_shown(calls, 0, &version));
    assert_int_equal(collection_touch(calls, START_S, 1000), collection_count(calls));
    assert_int_equal(collection_versions(calls, 0), 2);
    assert_int_equal(collection_updated_s(calls, 0, 1), at_s);
    AUTO(json_drop) json_t *before = collection_version(calls, 0, 0);
    AUTO(json_drop) json_t *after = collection_version(calls, 0, 1);
    assert_false(json_equal(before, after));
    json_t *listed = list_all(calls);
    json_drop(&listed);
    assert_true(collection_shown(calls, 0, &version));
    assert_int_equal(version, 1);
    workspace_free(workspace);
}

static void test_frozen_records_never_change(void **state)
{
    struct collection *collection = workspace_find(*state, "activity_logs");
    assert_int_equal(collection_touch(collection, START_S, 10), 0);
    AUTO(json_drop) json_t *event = json_pack("{s:s, s:I}", "id", "e", "created_at", (json_int_t)START_S);
    assert_true(collection_put(collection, event, 0));
    assert_false(collection_touch_one(collection, "e", START_S + DAY_S));
}

static void test_records_may_be_given(void **state)
{
    struct collection *collection = workspace_find(*state, "macros");
    AUTO(json_drop)
    json_t *given = json_pack("{s:s, s:s, s:n}", "id", "x1", "updated_at", "2026-03-01T00:00:00.000Z", "new");
    AUTO(json_drop) json_t *nameless = json_pack("{s:s}", "name", "x");
    size_t count = collection_count(collection);
    assert_false(collection_put(collection, nameless, START_S));
    assert_true(collection_put(collection, given, START_S));
    assert_false(collection_put(collection, given, START_S)); /* it says itself that it is not newer */
    assert_true(collection_touch_one(collection, "x1", START_S));
    AUTO(json_drop) json_t *now = collection_get(collection, "x1");
    assert_string_equal(json_text_at(now, "updated_at"), "2026-03-02T04:00:00Z");
    assert_true(json_is_null(json_object_get(now, "new")));
    assert_int_equal(collection_count(collection), count + 1);
    AUTO(json_drop)
    json_t *newest =
        collection_list(collection, &(struct collection_query){.descending = true, .limit = 1}, NULL);
    assert_true(json_equal(json_array_get(newest, 0), now));
}

static void test_what_is_removed_is_in_no_list(void **state)
{
    struct collection *collection = workspace_find(*state, "teams");
    size_t count = collection_count(collection);
    assert_true(collection_remove(collection, "814860", START_S));
    assert_false(collection_remove(collection, "814860", START_S));
    assert_int_equal(collection_remove_last(collection, 2, START_S), 2);
    AUTO(json_drop) json_t *records = list_all(collection);
    assert_int_equal(json_array_size(records), count - 3);
    assert_string_equal(json_text_at(json_array_get(records, 0), "id"), "814861");
    assert_null(collection_get(collection, "814860"));
    assert_int_equal(collection_versions(collection, 0), 1); /* for comparing it is there */
    assert_false(collection_is_here(collection, 0));
    assert_int_equal(collection_remove_last(collection, 99, START_S), count - 3);
}

/* --- orders and places --- */

static void make_three(struct collection *collection)
{
    static const int64_t times[][2] = {{100, 900}, {300, 500}, {200, 900}};
    (void)collection_remove_last(collection, 1000, START_S);
    for (size_t i = 0; i < 3; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        AUTO(json_drop)
        json_t *record = json_pack("{s:s, s:I, s:I}", "id", id, "created_at", (json_int_t)times[i][0],
                                   "updated_at", (json_int_t)times[i][1]);
        assert_true(collection_put(collection, record, 0));
    }
}

static void listed(struct collection *collection, struct collection_query query, const char *ids,
                   size_t total, bool more)
{
    struct collection_page page;
    char found[8] = "";
    AUTO(json_drop) json_t *records = collection_list(collection, &query, &page);
    for (size_t i = 0; i < json_array_size(records) && i < 7; i++)
        found[i] = json_text_at(json_array_get(records, i), "id")[0];
    assert_string_equal(found, ids);
    assert_int_equal(page.total, total);
    assert_int_equal(page.has_more, more);
    assert_string_equal(page.last_key, *ids ? ids + strlen(ids) - 1 : "");
}

static bool is_not_b(void *self, const json_t *record)
{
    (void)self;
    return strcmp(json_text_at(record, "id"), "b") != 0;
}

static void test_lists_are_in_order_and_cut(void **state)
{
    struct collection *collection = workspace_find(*state, "articles");
    make_three(collection);
    listed(collection, (struct collection_query){.by_arrival = true, .limit = 9}, "abc", 3, false);
    listed(collection, (struct collection_query){.by_arrival = true, .limit = 2}, "ab", 3, true);
    listed(collection, (struct collection_query){.by_arrival = true, .limit = 3}, "abc", 3, false);
    listed(collection, (struct collection_query){.by_arrival = true, .limit = 2, .offset = 2}, "c", 3, false);
    listed(collection, (struct collection_query){.by_arrival = true, .limit = 2, .offset = 7}, "", 3, false);
    listed(collection, (struct collection_query){.by_arrival = true, .limit = 2, .wanted = is_not_b}, "ac", 2,
           false);
    listed(collection,
           (struct collection_query){.by_arrival = true, .limit = 1, .offset = 1, .wanted = is_not_b}, "c", 2,
           false);
    listed(collection, (struct collection_query){.by_arrival = true, .limit = 1, .wanted = is_not_b}, "a", 2,
           true);
    struct collection_query query = {.limit = 9};
    listed(collection, query, "bac", 3, false);
    query.from_s = 500, query.to_s = 900;
    listed(collection, query, "b", 1, false);
    query = (struct collection_query){.limit = 9};
    query.descending = true;
    listed(collection, query, "cab", 3, false);
}

static void test_a_place_is_found_again(void **state)
{
    struct collection *collection = workspace_find(*state, "articles");
    make_three(collection);
    struct collection_query query = {.limit = 9, .after_key = "a", .after_s = 900};
    listed(collection, query, "c", 3, false);
    query.descending = true;
    listed(collection, query, "b", 3, false);
    query.from_s = 501, query.to_s = 1000;
    listed(collection, query, "", 2, false);
    assert_true(collection_touch_one(collection, "a", 2000)); /* it moved; its place is where it stood */
    query = (struct collection_query){.limit = 9, .after_key = "a", .after_s = 900};
    listed(collection, query, "ca", 3, false);
    assert_true(collection_remove(collection, "a", START_S));
    listed(collection, query, "c", 2, false);
    query = (struct collection_query){.by_arrival = true, .limit = 9, .after_key = "a"};
    listed(collection, query, "bc", 2, false);
}

static void test_lists_may_change_while_they_are_read(void **state)
{
    struct collection *collection = workspace_find(*state, "articles");
    make_three(collection);
    collection_touch_while_read(collection, 3);
    struct collection_query query = {.limit = 2, .now_s = START_S};
    listed(collection, query, "ba", 3, true);
    json_decref(collection_list(collection, &query, NULL)); /* the third is shown: one is touched */
    query.from_s = START_S, query.to_s = INT64_MAX;
    struct collection_page page;
    json_decref(collection_list(collection, &query, &page));
    assert_int_equal(page.total, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_each_kind_has_some_records_and_the_seed_decides),
        TEST(test_records_are_of_all_shapes),
        TEST(test_a_touch_makes_a_version),
        TEST(test_a_touch_may_keep_the_time),
        TEST(test_frozen_records_never_change),
        TEST(test_records_may_be_given),
        TEST(test_what_is_removed_is_in_no_list),
        TEST(test_lists_are_in_order_and_cut),
        TEST(test_a_place_is_found_again),
        TEST(test_lists_may_change_while_they_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
