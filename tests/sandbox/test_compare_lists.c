/* Tables whose rows are records of a shelf: whatever they say wrongly, or do not say, is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "core/rows.h"
#include "internal.h"
#include "store.h"
#include "world.h"
#include "world_shelf.h"

#define DAY_S   86400
#define START_S INT64_C(1772424000) /* 2026-03-02T04:00:00Z */

static const struct column columns[] = {{.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
                                        {.name = "updated_at", .type = COLUMN_TIMESTAMP},
                                        {.name = "created_at", .type = COLUMN_TIMESTAMP},
                                        {.name = "name", .type = COLUMN_STRING}};
static const char *const keys[] = {"id"};
#define TABLE(...)                                                                                           \
    {                                                                                                        \
        .columns = columns, .column_count = 4, .key = keys, .key_count = 1, __VA_ARGS__                      \
    }
static const struct table macros = TABLE(.name = "macros", .version = "updated_at", .day = "updated_at");
static const struct table events =
    TABLE(.name = "activity_logs", .version = "created_at", .day = "created_at");
static const struct table teams = TABLE(.name = "teams");
static const struct table objects = TABLE(.name = "custom_object_instances");

#define TODAY 20514 /* 2026-03-02 */

static int64_t now_us(void *self)
{
    (void)self;
    return START_S * 1000000;
}

static void make_table(struct store *store, const char *name)
{
    static const char *const fields[][2] = {{"id", "STRING"},
                                            {"updated_at", "TIMESTAMP"},
                                            {"created_at", "TIMESTAMP"},
                                            {"name", "STRING"},
                                            {"partition_date", "DATE"},
                                            {"_extra", "JSON"},
                                            {"_loaded_at", "TIMESTAMP"},
                                            {"_run_id", "STRING"}};
    struct store_error err;
    json_t *schema = json_array();
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        json_array_append_new(schema, json_pack("{s:s, s:s}", "name", fields[i][0], "type", fields[i][1]));
    AUTO(json_drop)
    json_t *resource = json_pack("{s:{s:s, s:s, s:s}, s:{s:o}, s:{s:s, s:s}}", "tableReference", "projectId",
                                 "sandbox", "datasetId", "intercom", "tableId", name, "schema", "fields",
                                 schema, "timePartitioning", "type", "DAY", "field", "partition_date");
    if (!store_table_put(store, "intercom", name, resource, &err)) fail_msg("%s", err.message);
}

static int open_warehouse(void **state)
{
    struct sandbox *sandbox = mem_zero(1, sizeof *sandbox);
    struct error err;
    *state = sandbox;
    sandbox->shelves = shelves_new(3, "sandbox1", START_S);
    sandbox->world = world_new(3, "sandbox1");
    sandbox->talks = world_new_talks(3, "sandbox1");
    if (!store_open(NULL, now_us, NULL, &sandbox->store, &err)) return -1;
    AUTO(json_drop)
    json_t *dataset =
        json_pack("{s:{s:s, s:s}}", "datasetReference", "projectId", "sandbox", "datasetId", "intercom");
    return store_dataset_put(sandbox->store, "intercom", dataset) ? 0 : -1;
}

static int close_warehouse(void **state)
{
    struct sandbox *sandbox = *state;
    store_close(sandbox->store);
    shelves_free(sandbox->shelves);
    world_free(sandbox->world);
    world_free(sandbox->talks);
    free(sandbox);
    return 0;
}

/* The current records in an order, yours. */
static json_t *list(struct shelf *shelf, const struct shelf_query *query)
{
    struct shelf_page page;
    shelf_list(shelf, query, &page);
    return page.records;
}

static json_t *list_all(struct shelf *shelf)
{
    return list(shelf, &(struct shelf_query){.limit = SIZE_MAX});
}

/* Puts a record into its table, as it was read on that day. */
static void load(struct sandbox *sandbox, const struct table *table, const json_t *record, int day)
{
    struct row_facts facts;
    struct error err;
    struct store_error problem;
    struct store_batch *batch;
    struct zone *zone;
    int64_t rows;
    AUTO(buf_done) struct buf line;
    AUTO(json_drop) json_t *row = NULL;
    buf_init(&line, LIMIT_ROW);
    assert_true(zone_load("Etc/UTC", &zone, &err));
    assert_int_equal(row_build(table, record, zone, (struct day){.n = day}, 0, &line, &facts), ROW_BUILT);
    assert_true(json_read(buf_string(&line), line.size, NULL, &row, &err));
    json_object_del(row, "_seq");
    json_object_set_new(row, "_loaded_at", json_string("2026-03-02T04:00:00Z"));
    json_object_set_new(row, "_run_id", json_string("r"));
    assert_true(store_batch_new(sandbox->store, "intercom", table->name, &batch, &problem));
    if (!store_batch_add(batch, row, &problem)) fail_msg("%s", problem.message);
    assert_true(store_batch_commit(batch, false, false, &rows, &problem));
    zone_free(zone);
}

/* The records that are there now, but for the first `skipped`. */
static void load_list(struct sandbox *sandbox, const struct table *table, size_t skipped, int day)
{
    AUTO(json_drop) json_t *records = list_all(shelves_find(sandbox->shelves, table->name));
    for (size_t i = skipped; i < json_array_size(records); i++)
        load(sandbox, table, json_array_get(records, i), day);
}

static void expect(struct sandbox *sandbox, const char *table, size_t missing, size_t doubled, size_t altered)
{
    AUTO(json_drop) json_t *report = compare_dataset(sandbox, "intercom", false);
    AUTO(mem_free) char *text = json_dumps(report, 0);
    const json_t *streams = json_object_get(report, "streams"), *stream = NULL;
    for (size_t i = 0; i < json_array_size(streams); i++) {
        if (strcmp(json_text_at(json_array_get(streams, i), "stream"), table) == 0)
            stream = json_array_get(streams, i);
    }
    assert_non_null(stream);
    if (json_object_get(stream, "error") || json_array_size(json_object_get(stream, "missing")) != missing ||
        json_array_size(json_object_get(stream, "doubled")) != doubled ||
        json_array_size(json_object_get(stream, "altered")) != altered)
        fail_msg("wanted %zu missing, %zu doubled, %zu altered: %.2000s", missing, doubled, altered, text);
}

static void test_versions_are_compared(void **state)
{
    struct sandbox *sandbox = *state;
    struct shelf *shelf = shelves_find(sandbox->shelves, "macros");
    make_table(sandbox->store, "macros");
    expect(sandbox, "macros", shelf_count(shelf), 0, 0);
    AUTO(json_drop)
    json_t *records = list(shelf, &(struct shelf_query){.order = SHELF_BY_UPDATED, .limit = 999});
    for (size_t i = 1; i < json_array_size(records); i++)
        load(sandbox, &macros, json_array_get(records, i), TODAY);
    expect(sandbox, "macros", 1, 0, 0); /* the oldest, too */
    load(sandbox, &macros, json_array_get(records, 0), TODAY);
    expect(sandbox, "macros", 0, 0, 0);
    assert_int_equal(shelf_touch(shelf, START_S, 4), 4);
    expect(sandbox, "macros", 4, 0, 0); /* older versions may stay, new ones must come */
    AUTO(json_drop) json_t *first = shelf_version(shelf, 0, 0, NULL);
    load(sandbox, &macros, first, TODAY);
    expect(sandbox, "macros", 4, 1, 0);
    assert_int_equal(shelf_remove_some(shelf, 999), 19);
    expect(sandbox, "macros", 0, 1, 0); /* what is gone is not missed, but it was there */
}

static void test_altered_rows_are_noticed(void **state)
{
    struct sandbox *sandbox = *state;
    struct shelf *shelf = shelves_find(sandbox->shelves, "macros");
    static const char *const members[] = {"name",        "body",       "visible_to_team_ids",
                                          "sandbox_new", "updated_at", "id"};
    make_table(sandbox->store, "macros");
    load_list(sandbox, &macros, 0, TODAY);
    shelf_touch(shelf, START_S, 19);
    load_list(sandbox, &macros, sizeof members / sizeof *members, TODAY);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        AUTO(json_drop) json_t *record = shelf_version(shelf, i, 1, NULL);
        json_object_set_new(record, members[i], json_string("2026-03-02T03:00:00Z"));
        load(sandbox, &macros, record, TODAY);
    }
    expect(sandbox, "macros", 2, 0, 6); /* of four the key is right */
}

static void test_events_before_the_first_are_not_missed(void **state)
{
    struct sandbox *sandbox = *state;
    struct shelf *shelf = shelves_find(sandbox->shelves, "activity_logs");
    AUTO(json_drop)
    json_t *records = list(shelf, &(struct shelf_query){.order = SHELF_BY_CREATED, .limit = 999});
    size_t count = json_array_size(records);
    make_table(sandbox->store, "activity_logs");
    for (size_t i = 10; i < count; i++) {
        if (i != 20) load(sandbox, &events, json_array_get(records, i), TODAY);
    }
    expect(sandbox, "activity_logs", 1, 0, 0);
    load(sandbox, &events, json_array_get(records, 20), TODAY);
    expect(sandbox, "activity_logs", 0, 0, 0);
}

static void test_snapshots_are_compared(void **state)
{
    struct sandbox *sandbox = *state;
    struct shelf *shelf = shelves_find(sandbox->shelves, "teams");
    make_table(sandbox->store, "teams");
    expect(sandbox, "teams", 1, 0, 0);
    load_list(sandbox, &teams, 0, TODAY);
    expect(sandbox, "teams", 0, 0, 0);
    assert_int_equal(shelf_touch(shelf, START_S, 2), 2);
    shelf_fill(shelf, START_S, START_S, 1);
    load_list(sandbox, &teams, 1, TODAY + 1);
    expect(sandbox, "teams", 1, 0, 0);
    AUTO(json_drop) json_t *first = shelf_version(shelf, 0, shelf_versions(shelf, 0, NULL) - 1, NULL);
    load(sandbox, &teams, first, TODAY + 1);
    expect(sandbox, "teams", 0, 0, 0);
    load(sandbox, &teams, first, TODAY + 1);
    expect(sandbox, "teams", 0, 1, 0);
    json_object_set_new(first, "name", json_string("somebody else"));
    load(sandbox, &teams, first, TODAY);
    expect(sandbox, "teams", 0, 2, 1);
}

static void test_objects_of_other_types_are_not_missed(void **state)
{
    struct sandbox *sandbox = *state;
    struct shelf *shelf = shelves_find(sandbox->shelves, "custom_object_instances");
    AUTO(json_drop) json_t *records = list_all(shelf);
    size_t orders = 0;
    make_table(sandbox->store, "custom_object_instances");
    for (size_t i = 0; i < json_array_size(records); i++) {
        const json_t *record = json_array_get(records, i);
        bool order = strcmp(json_text_at(record, "type"), "Order") == 0;
        if (order && orders++ > 0) load(sandbox, &objects, record, TODAY);
    }
    expect(sandbox, "custom_object_instances", 1, 0, 0);
    load(sandbox, &objects, json_array_get(records, 0), TODAY);
    expect(sandbox, "custom_object_instances", 0, 0, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_warehouse, close_warehouse)
    const struct CMUnitTest tests[] = {
        TEST(test_versions_are_compared),
        TEST(test_altered_rows_are_noticed),
        TEST(test_events_before_the_first_are_not_missed),
        TEST(test_snapshots_are_compared),
        TEST(test_objects_of_other_types_are_not_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
