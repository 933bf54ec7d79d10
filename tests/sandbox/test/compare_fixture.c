/* SPDX-License-Identifier: Apache-2.0 */
/* compare_fixture.c - small tables, each with what its rows are known by; the rest of a record goes to
 * _extra.
 */
#include "test/compare_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "core/rows.h"
#include "intercom/service.h"
#include "oracle/oracle.h"
#include "staged_row.h"
#include "store/store.h"
#include "value_tree.h"

#define ID                                                                                                   \
    {                                                                                                        \
        .name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED                                         \
    }
#define TEXT(n)                                                                                              \
    {                                                                                                        \
        .name = (n), .type = COLUMN_STRING                                                                   \
    }
#define TIME(n)                                                                                              \
    {                                                                                                        \
        .name = (n), .type = COLUMN_TIMESTAMP                                                                \
    }
#define FLAG(n)                                                                                              \
    {                                                                                                        \
        .name = (n), .type = COLUMN_BOOL                                                                     \
    }
#define COLUMNS(...)                                                                                         \
    .columns = (const struct column[]){__VA_ARGS__},                                                         \
    .column_count = sizeof((const struct column[]){__VA_ARGS__}) / sizeof(struct column)
#define LISTED COLUMNS(ID, TIME("updated_at"), TIME("created_at"), TEXT("name"))

static const char *const keys[] = {"id"};

static const struct table tables[] = {
    {.name = "contacts", .version = "updated_at", .day = "updated_at", COLUMNS(ID, TIME("updated_at"))},
    {.name = "companies", .version = "updated_at", .day = "updated_at", COLUMNS(ID, TIME("updated_at"))},
    {.name = "company_segments",
     .version = "company_updated_at",
     .day = "company_updated_at",
     COLUMNS(ID, TEXT("company_id"), TIME("company_updated_at"))},
    {.name = "tickets", .version = "updated_at", .day = "updated_at", COLUMNS(ID, TIME("updated_at"))},
    {.name = "ticket_parts",
     .version = "updated_at",
     .day = "created_at",
     COLUMNS(ID, TEXT("ticket_id"), TIME("created_at"), TIME("updated_at"), FLAG("redacted"))},
    {.name = "handling_events",
     .version = "timestamp",
     .day = "timestamp",
     COLUMNS(TEXT("conversation_id"), TEXT("type"), TIME("timestamp"))},
    {.name = "deleted_conversations",
     .version = "deleted_at",
     .day = "deleted_at",
     COLUMNS(ID, TIME("deleted_at"), FLAG("metrics_retained"))},
    {.name = "contacts_deleted",
     .version = "seen_missing_at",
     .day = "seen_missing_at",
     COLUMNS(ID, TIME("seen_missing_at"), TEXT("merged_into"), TEXT("source"))},
    {.name = "conversations_deleted",
     .version = "seen_missing_at",
     .day = "seen_missing_at",
     COLUMNS(ID, TIME("seen_missing_at"), TEXT("merged_into"), TEXT("source"))},
    {.name = "companies_deleted",
     .version = "seen_missing_at",
     .day = "seen_missing_at",
     COLUMNS(ID, TIME("seen_missing_at"), TEXT("merged_into"), TEXT("source"))},
    {.name = "contacts_latest",
     .version = "updated_at",
     .day = "updated_at",
     COLUMNS(ID, TIME("updated_at"))},
    {.name = "macros", .version = "updated_at", .day = "updated_at", LISTED},
    {.name = "activity_logs", .version = "created_at", .day = "created_at", LISTED},
    {.name = "teams", LISTED},
    {.name = "custom_object_instances", LISTED},
};

#define TABLES (sizeof tables / sizeof *tables)

int compare_open(uint64_t seed, void **state)
{
    struct sandbox *sandbox;
    struct error err;
    if (!sandbox_start(&(struct sandbox_options){.seed = seed}, &sandbox, &err)) return -1;
    *state = sandbox;
    AUTO(json_drop)
    json_t *dataset =
        json_pack("{s:{s:s, s:s}}", "datasetReference", "projectId", "sandbox", "datasetId", "intercom");
    return store_dataset_put(sandbox->store, "intercom", dataset) ? 0 : -1;
}

int compare_close(void **state)
{
    sandbox_stop(*state);
    return 0;
}

static void make_table(struct store *store, const struct table *table)
{
    static const char *const types[] = {"STRING",    "INTEGER", "FLOAT", "BOOLEAN",
                                        "TIMESTAMP", "JSON",    "RECORD"};
    static const char *const service[][2] = {{"partition_date", "DATE"},  {"_extra", "JSON"},
                                             {"_content", "INTEGER"},     {"_read_at", "TIMESTAMP"},
                                             {"_loaded_at", "TIMESTAMP"}, {"_run_id", "STRING"}};
    struct store_error err;
    json_t *fields = json_array();
    for (size_t i = 0; i < table->column_count; i++)
        json_array_append_new(fields, json_pack("{s:s, s:s}", "name", table->columns[i].name, "type",
                                                types[table->columns[i].type]));
    for (size_t i = 0; i < sizeof service / sizeof *service; i++)
        json_array_append_new(fields, json_pack("{s:s, s:s}", "name", service[i][0], "type", service[i][1]));
    AUTO(json_drop)
    json_t *resource =
        json_pack("{s:{s:s, s:s, s:s}, s:{s:o}, s:{s:s, s:s}}", "tableReference", "projectId", "sandbox",
                  "datasetId", "intercom", "tableId", table->name, "schema", "fields", fields,
                  "timePartitioning", "type", "DAY", "field", "partition_date");
    if (!store_table_put(store, "intercom", table->name, resource, &err)) fail_msg("%s", err.message);
}

const struct table *compare_need(struct sandbox *sandbox, const char *name)
{
    size_t i = 0;
    while (i < TABLES && strcmp(tables[i].name, name) != 0)
        i++;
    assert_true(i < TABLES);
    AUTO(json_drop) json_t *there = store_table(sandbox->store, "intercom", name);
    if (!there) make_table(sandbox->store, &tables[i]);
    return &tables[i];
}

void compare_load_on(struct sandbox *sandbox, const char *name, const json_t *record, int day)
{
    struct table table = *compare_need(sandbox, name);
    struct row_facts facts;
    struct error err;
    struct store_error problem;
    struct store_batch *batch;
    struct zone *zone;
    int64_t rows;
    AUTO(buf_done) struct buf line;
    AUTO(json_drop) json_t *row = NULL;
    AUTO(value_drop) struct json_value *value = value_of_tree(record);
    buf_init(&line, LIMIT_ROW);
    table.key = keys;
    table.key_count = json_object_get(record, "id") ? 1 : 0;
    assert_true(zone_load("Etc/UTC", &zone, &err));
    assert_int_equal(
        row_build(&table, value, &(struct row_context){.zone = zone, .today = {day}}, &line, &facts),
        ROW_BUILT);
    assert_true(json_read(buf_string(&line), line.size, NULL, &row, &err));
    assert_true(staged_row_open(&table, row));
    json_object_del(row, "_seq");
    json_object_set_new(row, "_loaded_at", json_integer(virtual_clock_peek(sandbox->clock) / 1000000));
    json_object_set_new(row, "_run_id", json_string("r"));
    assert_true(store_batch_new(sandbox->store, "intercom", name, &batch, &problem));
    if (!store_batch_add(batch, row, &problem)) fail_msg("%s", problem.message);
    assert_true(store_batch_commit(batch, false, false, &rows, &problem));
    zone_free(zone);
}

void compare_load(struct sandbox *sandbox, const char *name, json_t *record)
{
    compare_load_on(sandbox, name, record, 0); /* its tables' days are columns */
    json_decref(record);
}

static const struct oracle_table *find_truth(const char *name)
{
    const struct oracle_table *table = intercom_service.truth;
    while (table->name && strcmp(table->name, name) != 0)
        table++;
    assert_non_null(table->name);
    return table;
}

json_t *compare_truth(struct sandbox *sandbox, const char *name, size_t number, size_t version)
{
    const struct oracle_table *table = find_truth(name);
    json_t *body = collection_version(sandbox_collection(sandbox, name), number, version);
    assert_non_null(body);
    return table->row ? table->row(body) : body;
}

struct children {
    const struct oracle_table *table;
    json_t *keys; /* [[parent, id, updated, redacted, place], ..] */
};

static void add_key(void *self, const struct child_key *key, int64_t place)
{
    struct children *children = self;
    json_array_append_new(children->keys,
                          json_pack("[s, s, I, b, I]", key->parent, key->id, (json_int_t)key->updated_s,
                                    key->is_redacted, (json_int_t)place));
}

json_t *compare_truth_children(struct sandbox *sandbox, const char *name, size_t number)
{
    struct children children = {.table = find_truth(name), .keys = json_array()};
    struct collection *collection = sandbox_collection(sandbox, children.table->kind);
    json_t *rows = json_array(), *own;
    size_t index;
    collection_children(collection, number, add_key, &children);
    json_array_foreach (children.keys, index, own) {
        struct child_record child;
        struct child_key key = {.parent = json_string_value(json_array_get(own, 0)),
                                .id = json_string_value(json_array_get(own, 1)),
                                .updated_s = json_integer_value(json_array_get(own, 2)),
                                .is_redacted = json_is_true(json_array_get(own, 3))};
        assert_true(collection_child(collection, &key, &child));
        assert_int_equal(child.place, json_integer_value(json_array_get(own, 4)));
        json_array_append_new(rows, children.table->child_row(&child, key.parent));
        json_decref(child.body);
    }
    json_decref(children.keys);
    return rows;
}

void compare_expect(struct sandbox *sandbox, const char *name, size_t missing, size_t doubled, size_t altered)
{
    AUTO(json_drop)
    json_t *report = control_compare(&sandbox->control, NULL, "intercom", strstr(name, "_latest") != NULL);
    const json_t *streams = json_object_get(report, "streams"), *stream = NULL;
    for (size_t i = 0; i < json_array_size(streams); i++) {
        if (strcmp(json_text_at(json_array_get(streams, i), "stream"), name) == 0)
            stream = json_array_get(streams, i);
    }
    assert_non_null(stream);
    AUTO(mem_free) char *text = json_dumps(stream, 0);
    if (json_object_get(stream, "error") || json_array_size(json_object_get(stream, "missing")) != missing ||
        json_array_size(json_object_get(stream, "doubled")) != doubled ||
        json_array_size(json_object_get(stream, "altered")) != altered)
        fail_msg("wanted %zu missing, %zu doubled, %zu altered: %.2000s", missing, doubled, altered, text);
}
