/* SPDX-License-Identifier: Apache-2.0 */
/* Tables whose rows are records of a list: a row that is wrong or missing is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/json.h"
#include "test/compare_fixture.h"
#include "workspace/collection.h"

#define START_S INT64_C(1772424000) /* 2026-03-02T04:00:00Z */

#define TODAY 20514 /* 2026-03-02 */

static int set_up(void **state)
{
    return compare_open(3, state);
}

static json_t *list_all(struct collection *collection)
{
    return collection_list(collection, &(struct collection_query){.by_arrival = true, .limit = SIZE_MAX},
                           NULL);
}

/* The records that are there now, but for the first `skipped`. */
static void load_list(struct sandbox *sandbox, const char *name, size_t skipped, int day)
{
    AUTO(json_drop) json_t *records = list_all(sandbox_collection(sandbox, name));
    for (size_t i = skipped; i < json_array_size(records); i++)
        compare_load_on(sandbox, name, json_array_get(records, i), day);
}

static void test_versions_are_compared(void **state)
{
    struct sandbox *sandbox = *state;
    struct collection *collection = sandbox_collection(sandbox, "macros");
    (void)compare_need(sandbox, "macros");
    compare_expect(sandbox, "macros", collection_count(collection), 0, 0);
    AUTO(json_drop)
    json_t *records = collection_list(collection, &(struct collection_query){.limit = 999}, NULL);
    for (size_t i = 1; i < json_array_size(records); i++)
        compare_load_on(sandbox, "macros", json_array_get(records, i), TODAY);
    compare_expect(sandbox, "macros", 1, 0, 0); /* the oldest, too */
    compare_load_on(sandbox, "macros", json_array_get(records, 0), TODAY);
    compare_expect(sandbox, "macros", 0, 0, 0);
    assert_int_equal(collection_touch(collection, START_S, 4), 4);
    compare_expect(sandbox, "macros", 4, 0, 0); /* older versions may stay, new ones must come */
    AUTO(json_drop) json_t *first = collection_version(collection, 0, 0);
    compare_load_on(sandbox, "macros", first, TODAY);
    compare_expect(sandbox, "macros", 4, 1, 0);
    assert_int_equal(collection_remove_last(collection, 999, START_S), 19);
    compare_expect(sandbox, "macros", 0, 1, 0); /* what is gone is not missed, but it was there */
}

static void test_altered_rows_are_noticed(void **state)
{
    struct sandbox *sandbox = *state;
    struct collection *collection = sandbox_collection(sandbox, "macros");
    static const char *const members[] = {"name",        "body",       "visible_to_team_ids",
                                          "sandbox_new", "updated_at", "id"};
    (void)compare_need(sandbox, "macros");
    load_list(sandbox, "macros", 0, TODAY);
    collection_touch(collection, START_S, 19);
    load_list(sandbox, "macros", sizeof members / sizeof *members, TODAY);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        AUTO(json_drop) json_t *record = collection_version(collection, i, 1);
        json_object_set_new(record, members[i], json_string("2026-03-02T03:00:00Z"));
        compare_load_on(sandbox, "macros", record, TODAY);
    }
    compare_expect(sandbox, "macros", 2, 0, 6); /* of four the key is right */
}

static void test_events_before_the_first_are_not_missed(void **state)
{
    struct sandbox *sandbox = *state;
    struct collection *collection = sandbox_collection(sandbox, "activity_logs");
    AUTO(json_drop)
    json_t *records = collection_list(collection, &(struct collection_query){.limit = 999}, NULL);
    size_t count = json_array_size(records);
    (void)compare_need(sandbox, "activity_logs");
    for (size_t i = 10; i < count; i++) {
        if (i != 20) compare_load_on(sandbox, "activity_logs", json_array_get(records, i), TODAY);
    }
    compare_expect(sandbox, "activity_logs", 1, 0, 0);
    compare_load_on(sandbox, "activity_logs", json_array_get(records, 20), TODAY);
    compare_expect(sandbox, "activity_logs", 0, 0, 0);
}

static void test_snapshots_are_compared(void **state)
{
    struct sandbox *sandbox = *state;
    struct collection *collection = sandbox_collection(sandbox, "teams");
    (void)compare_need(sandbox, "teams");
    compare_expect(sandbox, "teams", 1, 0, 0);
    load_list(sandbox, "teams", 0, TODAY);
    compare_expect(sandbox, "teams", 0, 0, 0);
    assert_int_equal(collection_touch(collection, START_S, 2), 2);
    collection_fill(collection, START_S, START_S, 1);
    load_list(sandbox, "teams", 1, TODAY + 1);
    compare_expect(sandbox, "teams", 1, 0, 0);
    AUTO(json_drop) json_t *first = collection_version(collection, 0, collection_versions(collection, 0) - 1);
    compare_load_on(sandbox, "teams", first, TODAY + 1);
    compare_expect(sandbox, "teams", 0, 0, 0);
    compare_load_on(sandbox, "teams", first, TODAY + 1);
    compare_expect(sandbox, "teams", 0, 1, 0);
    json_object_set_new(first, "name", json_string("somebody else"));
    compare_load_on(sandbox, "teams", first, TODAY);
    compare_expect(sandbox, "teams", 0, 2, 1);
}

static void test_objects_of_other_types_are_not_missed(void **state)
{
    struct sandbox *sandbox = *state;
    struct collection *collection = sandbox_collection(sandbox, "custom_object_instances");
    AUTO(json_drop) json_t *records = list_all(collection);
    size_t orders = 0;
    (void)compare_need(sandbox, "custom_object_instances");
    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *record = json_array_get(records, i);
        bool order = strcmp(json_text_at(record, "type"), "Order") == 0;
        if (order && orders++ > 0) compare_load_on(sandbox, "custom_object_instances", record, TODAY);
    }
    compare_expect(sandbox, "custom_object_instances", 1, 0, 0);
    compare_load_on(sandbox, "custom_object_instances", json_array_get(records, 0), TODAY);
    compare_expect(sandbox, "custom_object_instances", 0, 0, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, compare_close)
    const struct CMUnitTest tests[] = {
        TEST(test_versions_are_compared),
        TEST(test_altered_rows_are_noticed),
        TEST(test_events_before_the_first_are_not_missed),
        TEST(test_snapshots_are_compared),
        TEST(test_objects_of_other_types_are_not_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
