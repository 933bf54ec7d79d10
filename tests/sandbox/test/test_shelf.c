/* SPDX-License-Identifier: Apache-2.0 */
/* Shelves: what is on them, and what becomes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "workspace/shelf.h"
#include "workspace/template.h"

#define DAY_S   86400
#define START_S INT64_C(1772424000) /* 2026-03-02T04:00:00Z */

static int set_up(void **state)
{
    *state = shelves_new(3, "sandbox1", START_S);
    return 0;
}

static int tear_down(void **state)
{
    shelves_free(*state);
    return 0;
}

static json_t *list_all(struct shelf *shelf)
{
    return shelf_records(shelf, &(struct shelf_query){.limit = SIZE_MAX});
}

static bool holds_word(const json_t *value)
{
    AUTO(mem_free) char *text = json_dumps(value, JSON_ENCODE_ANY);
    return strstr(text, "\"$") || strstr(text, "{id}") || strstr(text, "{sequence}");
}

static void test_each_kind_has_some_records_and_the_seed_decides(void **state)
{
    struct shelves *same = shelves_new(3, "sandbox1", START_S), *other = shelves_new(4, "sandbox1", START_S);
    for (const struct template_file *file = template_files; file->kind; file++) {
        struct shelf *shelf = shelves_find(*state, file->kind);
        AUTO(json_drop) json_t *records = list_all(shelf);
        AUTO(json_drop) json_t *again = list_all(shelves_find(same, file->kind));
        AUTO(json_drop) json_t *others = list_all(shelves_find(other, file->kind));
        assert_int_equal(json_array_size(records), shelf_count(shelf));
        assert_true(json_equal(records, again));
        if (json_array_size(records) > 0) assert_false(json_equal(records, others));
        if (holds_word(records)) fail_msg("%s: a word of the template was not understood", file->kind);
        for (size_t i = 0; i < shelf_ever(shelf); i++) { /* no key twice */
            char key[SHELF_KEY];
            shelf_key(shelf, i, key);
            assert_int_equal(shelf_number(shelf, key), i);
        }
    }
    assert_null(shelves_find(*state, "poems"));
    shelves_free(same);
    shelves_free(other);
}

static void test_records_are_of_all_shapes(void **state)
{
    struct shelf *shelf = shelves_find(*state, "calls");
    shelf_fill(shelf, START_S - 20 * DAY_S, START_S, 300);
    AUTO(json_drop) json_t *records = list_all(shelf);
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
    AUTO(json_drop) json_t *macro = shelf_get(shelves_find(*state, "macros"), "12001");
    const char *updated = json_text_at(macro, "updated_at");
    assert_string_equal(updated + strlen(updated) - 5, ".000Z");
}

static void test_a_touch_makes_a_version(void **state)
{
    struct shelf *shelf = shelves_find(*state, "articles");
    char key[SHELF_KEY];
    size_t more = 0, differences = 0;
    int64_t at_s = 0;
    assert_int_equal(shelf_touch(shelf, START_S, 10), 10);
    assert_true(shelf_touch_one(shelf, "39001", START_S + 1));
    assert_false(shelf_touch_one(shelf, "39001", START_S + 1)); /* not later */
    assert_false(shelf_touch_one(shelf, "nobody", START_S + 1));
    for (size_t i = 0; i < shelf_ever(shelf); i++) {
        size_t versions = shelf_versions(shelf, i, NULL);
        more += versions - 1;
        AUTO(json_drop) json_t *first = shelf_version(shelf, i, 0, NULL);
        AUTO(json_drop) json_t *last = shelf_version(shelf, i, versions - 1, &at_s);
        shelf_key(shelf, i, key);
        AUTO(json_drop) json_t *now = shelf_get(shelf, key);
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
    assert_null(shelf_version(shelf, 0, 99, NULL));
}

static void test_frozen_records_never_change(void **state)
{
    struct shelf *shelf = shelves_find(*state, "activity_logs");
    assert_int_equal(shelf_touch(shelf, START_S, 10), 0);
    AUTO(json_drop) json_t *event = json_pack("{s:s, s:I}", "id", "e", "created_at", (json_int_t)START_S);
    assert_true(shelf_put(shelf, event, 0));
    assert_false(shelf_touch_one(shelf, "e", START_S + DAY_S));
}

static void test_records_may_be_given(void **state)
{
    struct shelf *shelf = shelves_find(*state, "macros");
    AUTO(json_drop)
    json_t *given = json_pack("{s:s, s:s, s:n}", "id", "x1", "updated_at", "2026-03-01T00:00:00.000Z", "new");
    AUTO(json_drop) json_t *nameless = json_pack("{s:s}", "name", "x");
    size_t count = shelf_count(shelf);
    assert_false(shelf_put(shelf, nameless, START_S));
    assert_true(shelf_put(shelf, given, START_S));
    assert_false(shelf_put(shelf, given, START_S)); /* it says itself that it is not newer */
    assert_true(shelf_touch_one(shelf, "x1", START_S));
    AUTO(json_drop) json_t *now = shelf_get(shelf, "x1");
    assert_string_equal(json_text_at(now, "updated_at"), "2026-03-02T04:00:00Z");
    assert_true(json_is_null(json_object_get(now, "new")));
    assert_int_equal(shelf_count(shelf), count + 1);
    AUTO(json_drop)
    json_t *newest = shelf_records(
        shelf, &(struct shelf_query){.order = SHELF_BY_UPDATED, .descending = true, .limit = 1});
    assert_true(json_equal(json_array_get(newest, 0), now));
}

static void test_what_is_removed_is_in_no_list(void **state)
{
    struct shelf *shelf = shelves_find(*state, "teams");
    size_t count = shelf_count(shelf);
    bool current = true;
    assert_true(shelf_remove(shelf, "814860"));
    assert_false(shelf_remove(shelf, "814860"));
    assert_int_equal(shelf_remove_some(shelf, 2), 2);
    AUTO(json_drop) json_t *records = list_all(shelf);
    assert_int_equal(json_array_size(records), count - 3);
    assert_string_equal(json_text_at(json_array_get(records, 0), "id"), "814861");
    assert_null(shelf_get(shelf, "814860"));
    assert_int_equal(shelf_versions(shelf, 0, &current), 1); /* for comparing it is there */
    assert_false(current);
    assert_int_equal(shelf_remove_some(shelf, 99), count - 3);
}

/* --- orders and places --- */

static void make_three(struct shelf *shelf)
{
    static const int64_t times[][2] = {{100, 900}, {300, 500}, {200, 900}};
    shelf_remove_some(shelf, 1000);
    for (size_t i = 0; i < 3; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        AUTO(json_drop)
        json_t *record = json_pack("{s:s, s:I, s:I}", "id", id, "created_at", (json_int_t)times[i][0],
                                   "updated_at", (json_int_t)times[i][1]);
        assert_true(shelf_put(shelf, record, 0));
    }
}

static void listed(struct shelf *shelf, struct shelf_query query, const char *ids, size_t total, bool more)
{
    struct shelf_page page;
    char found[8] = "";
    shelf_list(shelf, &query, &page);
    for (size_t i = 0; i < json_array_size(page.records) && i < 7; i++)
        found[i] = json_text_at(json_array_get(page.records, i), "id")[0];
    json_decref(page.records);
    assert_string_equal(found, ids);
    assert_int_equal(page.total, total);
    assert_int_equal(page.more, more);
    assert_string_equal(page.last_key, *ids ? ids + strlen(ids) - 1 : "");
}

static bool is_not_b(void *self, const json_t *record)
{
    (void)self;
    return strcmp(json_text_at(record, "id"), "b") != 0;
}

static void test_lists_are_in_order_and_cut(void **state)
{
    struct shelf *shelf = shelves_find(*state, "articles");
    make_three(shelf);
    listed(shelf, (struct shelf_query){.limit = 9}, "abc", 3, false);
    listed(shelf, (struct shelf_query){.limit = 2}, "ab", 3, true);
    listed(shelf, (struct shelf_query){.limit = 3}, "abc", 3, false);
    listed(shelf, (struct shelf_query){.limit = 2, .offset = 2}, "c", 3, false);
    listed(shelf, (struct shelf_query){.limit = 2, .offset = 7}, "", 3, false);
    listed(shelf, (struct shelf_query){.limit = 2, .wanted = is_not_b}, "ac", 2, false);
    listed(shelf, (struct shelf_query){.limit = 1, .offset = 1, .wanted = is_not_b}, "c", 2, false);
    listed(shelf, (struct shelf_query){.limit = 1, .wanted = is_not_b}, "a", 2, true);
    struct shelf_query query = {.order = SHELF_BY_CREATED, .limit = 9};
    listed(shelf, query, "acb", 3, false);
    query.from_s = 200, query.to_s = 300;
    listed(shelf, query, "c", 1, false);
    query = (struct shelf_query){.order = SHELF_BY_UPDATED, .limit = 9};
    listed(shelf, query, "bac", 3, false);
    query.descending = true;
    listed(shelf, query, "cab", 3, false);
}

static void test_a_place_is_found_again(void **state)
{
    struct shelf *shelf = shelves_find(*state, "articles");
    make_three(shelf);
    struct shelf_query query = {.order = SHELF_BY_UPDATED, .limit = 9, .after_key = "a", .after_s = 900};
    listed(shelf, query, "c", 3, false);
    query.descending = true;
    listed(shelf, query, "b", 3, false);
    query.from_s = 501, query.to_s = 1000;
    listed(shelf, query, "", 2, false);
    assert_true(shelf_touch_one(shelf, "a", 2000)); /* it moved; its place is where it stood */
    query = (struct shelf_query){.order = SHELF_BY_UPDATED, .limit = 9, .after_key = "a", .after_s = 900};
    listed(shelf, query, "ca", 3, false);
    assert_true(shelf_remove(shelf, "a"));
    listed(shelf, query, "c", 2, false);
    query = (struct shelf_query){.limit = 9, .after_key = "a"};
    listed(shelf, query, "bc", 2, false);
}

static void test_lists_may_change_while_they_are_read(void **state)
{
    struct shelf *shelf = shelves_find(*state, "articles");
    make_three(shelf);
    shelf_touch_while_read(shelf, 3);
    struct shelf_query query = {.order = SHELF_BY_UPDATED, .limit = 2, .now_s = START_S};
    listed(shelf, query, "ba", 3, true);
    json_decref(shelf_records(shelf, &query)); /* the third is shown: one is touched */
    query.from_s = START_S, query.to_s = INT64_MAX;
    struct shelf_page page;
    shelf_list(shelf, &query, &page);
    assert_int_equal(page.total, 1);
    json_decref(page.records);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_each_kind_has_some_records_and_the_seed_decides),
        TEST(test_records_are_of_all_shapes),
        TEST(test_a_touch_makes_a_version),
        TEST(test_frozen_records_never_change),
        TEST(test_records_may_be_given),
        TEST(test_what_is_removed_is_in_no_list),
        TEST(test_lists_are_in_order_and_cut),
        TEST(test_a_place_is_found_again),
        TEST(test_lists_may_change_while_they_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
