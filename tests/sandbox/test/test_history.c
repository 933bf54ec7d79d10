/* SPDX-License-Identifier: Apache-2.0 */
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
#include "workspace/collection.h"

#define DAY_S   86400
#define FROM_S  INT64_C(1767571200) /* 2026-01-05 */
#define TO_S    (FROM_S + 55 * DAY_S)
#define LATER_S (TO_S + 10 * DAY_S)

static struct collection *contacts_of(void *workspace)
{
    return workspace_find(workspace, "contacts");
}

static int set_up(void **state)
{
    *state = workspace_new("intercom", 7, "sandbox1", FROM_S);
    collection_fill(contacts_of(*state), FROM_S, TO_S, 2000);
    return 0;
}

static int tear_down(void **state)
{
    workspace_free(*state);
    return 0;
}

static int64_t updated(const json_t *record)
{
    return json_int_at(record, "updated_at", -1);
}

/* The first page of a window; yours. */
static json_t *search(void *workspace, int64_t from_s, int64_t to_s, size_t limit, size_t *out_total)
{
    struct collection_page page;
    struct collection_query query = {.from_s = from_s, .to_s = to_s, .limit = limit};
    json_t *records = collection_list(contacts_of(workspace), &query, &page);
    *out_total = page.total;
    return records;
}

static size_t count(void *workspace, int64_t from_s, int64_t to_s)
{
    size_t total;
    json_decref(search(workspace, from_s, to_s, 1, &total));
    return total;
}

/* Everything in pages of `limit`; yours. */
static json_t *read_all(void *workspace, int64_t from_s, int64_t to_s, size_t limit, int64_t now_s)
{
    json_t *all = json_array();
    struct collection_query query = {.from_s = from_s, .to_s = to_s, .limit = limit, .now_s = now_s};
    struct collection_page found = {.has_more = true};
    while (found.has_more) {
        char id[COLLECTION_KEY];
        if (json_array_size(all)) {
            snprintf(id, sizeof id, "%s", found.last_key);
            query.after_key = id;
            query.after_s = found.last_s;
        }
        AUTO(json_drop) json_t *page = collection_list(contacts_of(workspace), &query, &found);
        assert_true(json_array_size(page) <= limit);
        json_array_extend(all, page);
    }
    return all;
}

static void test_equal_seeds_make_equal_records(void **state)
{
    void *same, *other = workspace_new("intercom", 8, "sandbox1", FROM_S);
    assert_int_equal(set_up(&same), 0);
    collection_fill(contacts_of(other), FROM_S, TO_S, 2000);
    collection_touch(contacts_of(*state), LATER_S, 100);
    collection_touch(contacts_of(same), LATER_S, 100);
    AUTO(json_drop) json_t *a = read_all(*state, 0, INT64_MAX, 150, 0);
    AUTO(json_drop) json_t *b = read_all(same, 0, INT64_MAX, 150, 0);
    AUTO(json_drop) json_t *c = read_all(other, 0, INT64_MAX, 150, 0);
    assert_int_equal(json_array_size(a), 2000);
    assert_true(json_equal(a, b));
    assert_false(json_equal(a, c));
    workspace_free(same);
    workspace_free(other);
}

static void test_pages_are_in_order_and_complete_whatever_their_size(void **state)
{
    AUTO(json_drop) json_t *whole = read_all(*state, 0, INT64_MAX, 5000, 0);
    AUTO(json_drop) json_t *paged = read_all(*state, 0, INT64_MAX, 7, 0);
    assert_true(json_equal(whole, paged));
    int ties = 0;
    for (size_t i = 1; i < json_array_size(whole); i++) {
        const json_t *a = json_array_get(whole, i - 1), *b = json_array_get(whole, i);
        ties += updated(a) == updated(b);
        assert_true(updated(a) < updated(b) ||
                    (updated(a) == updated(b) && strcmp(json_text_at(a, "id"), json_text_at(b, "id")) < 0));
    }
    assert_true(ties > 20);
}

static void test_windows_are_half_open_and_counted(void **state)
{
    AUTO(json_drop) json_t *all = read_all(*state, 0, INT64_MAX, 5000, 0);
    int64_t from_s = updated(json_array_get(all, 500)), to_s = updated(json_array_get(all, 900));
    size_t total;
    int64_t expected = 0;
    for (size_t i = 0; i < json_array_size(all); i++)
        expected += updated(json_array_get(all, i)) >= from_s && updated(json_array_get(all, i)) < to_s;
    AUTO(json_drop) json_t *some = search(*state, from_s, to_s, 10, &total);
    assert_int_equal(total, expected);
    assert_int_equal(json_array_size(some), 10);
    assert_int_equal(updated(json_array_get(some, 0)), from_s);
    assert_int_equal(count(*state, to_s, from_s), 0);
}

static void test_descending_is_the_reverse(void **state)
{
    AUTO(json_drop) json_t *all = read_all(*state, 0, INT64_MAX, 5000, 0);
    struct collection_query query = {.to_s = INT64_MAX, .limit = 30, .descending = true};
    struct collection_page found;
    AUTO(json_drop) json_t *first = collection_list(contacts_of(*state), &query, &found);
    char id[COLLECTION_KEY];
    snprintf(id, sizeof id, "%s", found.last_key);
    query.after_key = id;
    query.after_s = found.last_s;
    AUTO(json_drop) json_t *second = collection_list(contacts_of(*state), &query, &found);
    json_array_extend(first, second);
    for (size_t i = 0; i < 60; i++)
        assert_true(json_equal(json_array_get(first, i), json_array_get(all, 1999 - i)));
}

static void test_some_days_are_empty_and_edges_are_used(void **state)
{
    size_t empty = 0, edges = 0;
    for (int64_t day = FROM_S; day <= TO_S; day += DAY_S) {
        empty += count(*state, day, day + DAY_S) == 0;
        edges += count(*state, day, day + 1) + count(*state, day + DAY_S - 1, day + DAY_S);
    }
    assert_true(empty >= 1 && empty < 20);
    assert_true(edges > 50);
}

static size_t count_versions(void *workspace)
{
    size_t versions = 0;
    for (size_t i = 0; i < collection_ever(contacts_of(workspace)); i++)
        versions += collection_versions(contacts_of(workspace), i);
    return versions;
}

static void test_a_touch_makes_a_new_version_and_keeps_the_old(void **state)
{
    struct collection *contacts = contacts_of(*state);
    collection_touch(contacts, LATER_S, 25);
    assert_int_equal(count(*state, LATER_S, LATER_S + 1), 25);
    AUTO(json_drop) json_t *all = read_all(*state, 0, INT64_MAX, 5000, 0);
    assert_int_equal(json_array_size(all), 2000);
    assert_int_equal(count_versions(*state), 2025);
    for (size_t i = 0; i < 2000; i++) {
        size_t newest;
        char key[COLLECTION_KEY];
        assert_true(collection_wanted(contacts, i, &newest));
        int64_t newest_s = collection_updated_s(contacts, i, newest);
        assert_int_equal(newest, collection_versions(contacts, i) - 1);
        assert_int_equal(collection_version_at(contacts, i, newest_s), newest);
        assert_int_equal(collection_version_at(contacts, i, newest_s + 1), newest + 1);
        AUTO(json_drop) json_t *version = collection_version(contacts, i, newest);
        collection_key(contacts, i, key);
        assert_int_equal(updated(version), newest_s);
        assert_string_equal(json_text_at(version, "id"), key);
    }
    collection_touch(contacts, LATER_S, 5000); /* the same second: a record has one version there */
    assert_int_equal(count(*state, LATER_S, LATER_S + 1), 2000);
    assert_int_equal(count_versions(*state), 4000);
}

static void test_records_move_while_they_are_read(void **state)
{
    collection_touch_while_read(contacts_of(*state), 40);
    AUTO(json_drop) json_t *seen = read_all(*state, 0, TO_S + DAY_S, 50, LATER_S);
    size_t moved = count(*state, LATER_S, LATER_S + 1);
    assert_true(moved >= 30);
    assert_int_equal(json_array_size(seen) + moved, 2000); /* only records not yet read have moved */
}

static void test_given_records(void **state)
{
    struct collection *contacts = contacts_of(*state);
    size_t total, wanted;
    AUTO(json_drop)
    json_t *record = json_pack("{s:s, s:I, s:I, s:s}", "id", "mine", "created_at", (json_int_t)FROM_S,
                               "updated_at", (json_int_t)LATER_S, "name", "first");
    assert_true(collection_put(contacts, record, 0));
    assert_false(collection_put(contacts, record, 0)); /* not newer */
    json_object_set_new(record, "updated_at", json_integer(LATER_S + 5));
    assert_true(collection_put(contacts, record, 0)); /* a second version */
    collection_touch(contacts, LATER_S + 10, 5000);
    size_t number = collection_number(contacts, "mine");
    AUTO(json_drop) json_t *newest = collection_version(contacts, number, 2);
    AUTO(json_drop) json_t *first = collection_version(contacts, number, 0);
    assert_string_equal(json_text_at(newest, "name"), "first");
    assert_int_equal(updated(newest), LATER_S + 10);
    assert_int_equal(updated(first), LATER_S);
    AUTO(json_drop) json_t *keyless = json_pack("{s:s}", "name", "no key");
    assert_true(collection_put(contacts, keyless, LATER_S + 10));
    assert_false(collection_wanted(contacts, number + 1, &wanted));
    AUTO(json_drop) json_t *all = search(*state, LATER_S + 10, INT64_MAX, 5000, &total);
    assert_int_equal(total, 2002);
    int found = 0;
    for (size_t i = 0; i < json_array_size(all); i++)
        found += json_equal(json_array_get(all, i), keyless);
    assert_int_equal(found, 1);
    AUTO(json_drop) json_t *text = json_string("no object");
    assert_false(collection_put(contacts, text, 0));
}

/* The generated records must contain the values that break loaders. */
static void test_contacts_are_odd_enough(void **state)
{
    int misfits = 0, cut = 0, unknown = 0, missing = 0, nulls = 0, numbers = 0, texts = 0, dotted = 0,
        large = 0;
    AUTO(json_drop) json_t *all = read_all(*state, 0, INT64_MAX, 5000, 0);
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *contact = json_array_get(all, i);
        misfits += json_is_string(json_object_get(contact, "unsubscribed_from_emails"));
        cut += json_is_true(json_at(contact, "tags.has_more"));
        assert_true(json_array_size(json_at(contact, "tags.data")) <= 10);
        unknown += json_object_get(contact, "engagement") != NULL;
        missing += json_object_get(contact, "ios_device") == NULL;
        nulls += json_is_null(json_object_get(contact, "name"));
        numbers += json_is_integer(json_object_get(contact, "owner_id"));
        texts += json_is_string(json_object_get(contact, "owner_id"));
        json_t *custom = json_object_get(contact, "custom_attributes");
        dotted += json_object_get(custom, "plan.tier") != NULL;
        large += json_object_get(custom, "story") != NULL;
        assert_int_equal(strlen(json_text_at(contact, "id")), 24);
    }
    assert_true(misfits && cut && unknown && missing && nulls && numbers && texts && dotted && large);
    assert_true(misfits < 100 && unknown < 400 && large < 100);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_equal_seeds_make_equal_records),
        TEST(test_pages_are_in_order_and_complete_whatever_their_size),
        TEST(test_windows_are_half_open_and_counted),
        TEST(test_descending_is_the_reverse),
        TEST(test_some_days_are_empty_and_edges_are_used),
        TEST(test_a_touch_makes_a_new_version_and_keeps_the_old),
        TEST(test_records_move_while_they_are_read),
        TEST(test_given_records),
        TEST(test_contacts_are_odd_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
