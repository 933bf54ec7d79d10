/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as streams: schema, key, records, and what a catalog selects of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_streams.h"
#include "schema.h"
#include "singer/singer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct column inner[] = {
    {.name = "at", .type = COLUMN_TIMESTAMP},
    {.name = "any", .type = COLUMN_JSON},
    {.name = "size", .type = COLUMN_INT64},
};
static const struct column columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED, .description = "The id"},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "size", .type = COLUMN_INT64},
    {.name = "part", .type = COLUMN_FLOAT64},
    {.name = "flag", .type = COLUMN_BOOL},
    {.name = "any", .type = COLUMN_JSON},
    {.name = "all", .type = COLUMN_JSON, .mode = COLUMN_REPEATED},
    {.name = "sizes", .type = COLUMN_INT64, .mode = COLUMN_REPEATED},
    {.name = "one", .type = COLUMN_RECORD, .fields = inner, .field_count = COUNT(inner)},
    {.name = "many",
     .type = COLUMN_RECORD,
     .mode = COLUMN_REPEATED,
     .fields = inner,
     .field_count = COUNT(inner)},
};
static const char *const key[] = {"id"};
static const struct table things = {.name = "things",
                                    .columns = columns,
                                    .column_count = COUNT(columns),
                                    .key = key,
                                    .key_count = 1,
                                    .version = "updated_at",
                                    .day = "updated_at"};
static const struct stream thing_stream = {.name = "things", .kind = STREAM_INCREMENTAL, .table = &things};

static const struct stream *const all[] = {
    &thing_stream, &fake_tickets, &fake_staff, &fake_staff_reconciliation, &fake_leavers, &fake_teams};
static const struct singer_streams streams = {all, COUNT(all)};

static void require_json(const json_t *value, const char *wanted)
{
    AUTO(json_drop) json_t *expected = json_loads(wanted, JSON_DECODE_ANY, NULL);
    if (json_equal(value, expected)) return;
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    fail_msg("%s, not %s", text, wanted);
}

static void a_row_becomes_a_record(void **state)
{
    static const char row[] =
        "{\"partition_date\":\"2026-01-02\",\"id\":\"1\",\"updated_at\":\"2026-01-02T03:04:05Z\","
        "\"size\":\"9007199254740993\",\"part\":1e300,\"flag\":true,\"any\":\"{\\\"a\\\":[1,null]}\","
        "\"all\":[\"7\",\"\\\"x\\\"\"],\"sizes\":[1,\"-9223372036854775808\"],\"one\":{\"any\":\"[]\","
        "\"size\":3},"
        "\"many\":[{\"at\":\"2026-01-02T03:04:05Z\",\"any\":\"false\"}],\"_extra\":\"{\\\"b.c\\\":1}\","
        "\"_content\":\"77\",\"_read_at\":\"2026-01-03T00:00:00.000001Z\",\"_seq\":5}";
    json_t *record = NULL;
    AUTO(json_drop) json_t *read_at = NULL;
    struct error err;
    (void)state;
    if (!schema_record(&things, row, strlen(row), &record, &read_at, &err)) fail_msg("%s", err.text);
    require_json(record,
                 "{\"partition_date\":\"2026-01-02\",\"id\":\"1\",\"updated_at\":\"2026-01-02T03:04:05Z\","
                 "\"size\":9007199254740993,\"part\":1e300,\"flag\":true,\"any\":{\"a\":[1,null]},"
                 "\"all\":[7,\"x\"],\"sizes\":[1,-9223372036854775808],\"one\":{\"any\":[],\"size\":3},"
                 "\"many\":[{\"at\":\"2026-01-02T03:04:05Z\",\"any\":false}],\"_extra\":{\"b.c\":1}}");
    require_json(read_at, "\"2026-01-03T00:00:00.000001Z\"");
    AUTO(json_drop)
    json_t *left_out = json_loads("{\"size\":null,\"many\":{\"at\":null},\"one\":{\"any\":null}}", 0, NULL);
    schema_prune_record(record, left_out);
    assert_null(json_object_get(record, "size"));
    require_json(json_object_get(record, "many"), "[{\"any\":false}]");
    require_json(json_object_get(record, "one"), "{\"size\":3}");
    json_decref(record);
    static const char bad[] = "{\"id\":\"1\",\"size\":\"1x\"}";
    assert_false(schema_record(&things, bad, strlen(bad), &record, &read_at, &err));
    assert_non_null(strstr(err.text, "\"size\""));
}

static void a_table_becomes_a_schema(void **state)
{
    AUTO(json_drop) json_t *schema = schema_make(&things);
    (void)state;
    assert_string_equal(json_text_at(schema, "type"), "object");
    require_json(json_at(schema, "properties.id"), "{\"type\":\"string\",\"description\":\"The id\"}");
    require_json(json_at(schema, "properties.updated_at"), "{\"type\":\"string\",\"format\":\"date-time\"}");
    require_json(json_at(schema, "properties.size"), "{\"type\":[\"null\",\"integer\"]}");
    require_json(json_at(schema, "properties.part"), "{\"type\":[\"null\",\"number\"]}");
    require_json(json_at(schema, "properties.flag"), "{\"type\":[\"null\",\"boolean\"]}");
    require_json(json_at(schema, "properties.sizes"),
                 "{\"type\":[\"null\",\"array\"],\"items\":{\"type\":[\"null\",\"integer\"]}}");
    require_json(json_at(schema, "properties.many.items.properties.at"),
                 "{\"type\":[\"null\",\"string\"],\"format\":\"date-time\"}");
    require_json(json_at(schema, "properties.partition_date.format"), "\"date\"");
    AUTO(json_drop) json_t *left_out = json_loads("{\"size\":null,\"many\":{\"at\":null}}", 0, NULL);
    schema_prune(schema, left_out);
    assert_null(json_at(schema, "properties.size"));
    assert_null(json_at(schema, "properties.many.items.properties.at"));
    assert_non_null(json_at(schema, "properties.many.items.properties.any"));
}

/* The newest version of a record replaces the others; two events are two records. */
static void a_key_names_a_record(void **state)
{
    const char *const event_key[] = {"id", "updated_at", "flag"};
    struct table table = things;
    (void)state;
    table.key = event_key;
    table.key_count = 3;
    table.is_named_by_version = true;
    AUTO(json_drop) json_t *of_event = schema_key(&table);
    require_json(of_event, "[\"id\",\"updated_at\"]");
    table.is_named_by_version = false;
    AUTO(json_drop) json_t *of_version = schema_key(&table);
    require_json(of_version, "[\"id\"]");
    assert_true(schema_is_automatic(&table, "flag") && schema_is_automatic(&table, "updated_at"));
    assert_false(schema_is_automatic(&table, "size"));
}

/* --- catalogs --- */

static size_t warnings;

static void count_warning(const char *text)
{
    (void)text;
    warnings++;
}

static bool read_catalog(const char *text, struct singer_catalog *out, struct error *err)
{
    AUTO(json_drop) json_t *catalog = json_loads(text, 0, NULL);
    assert_non_null(catalog);
    warnings = 0;
    return singer_catalog_read(catalog, &streams, count_warning, out, err);
}

static void require_names(const struct singer_catalog *catalog, const char *wanted)
{
    char text[512] = "";
    for (size_t i = 0; i < catalog->name_count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", catalog->names[i]);
    assert_string_equal(text, wanted);
}

/* clang-format off */
#define ENTRY(name, ...) "{\"tap_stream_id\":\"" name "\",\"metadata\":[" __VA_ARGS__ "]}"
#define META(crumb, data) "{\"breadcrumb\":[" crumb "],\"metadata\":{" data "}}"
#define SELECTED(name) ENTRY(name, META("", "\"selected\":true"))

static const struct {
    const char *entries;
    const char *names;    /* of the streams to load; NULL: it is refused ... */
    const char *selected; /* ... with this text */
    size_t warnings;
} cases[] = {
    {SELECTED("things"), "things ", "{\"things\":{}}", 0},
    {"{\"tap_stream_id\":\"things\",\"schema\":{\"selected\":true}}", "things ", "{\"things\":{}}", 0},
    {ENTRY("things", META("", "\"selected-by-default\":true")), "things ", "{\"things\":{}}", 0},
    {ENTRY("things", META("", "\"selected-by-default\":true,\"selected\":false")) "," SELECTED("teams"),
     "teams ", "{\"teams\":{}}", 0},
    {ENTRY("things", META("", "\"selected\":\"false\"")) "," SELECTED("teams"), "teams ", "{\"teams\":{}}", 1},
    {ENTRY("things", META("", "\"selected\":null")), NULL, "selects no stream", 0},
    {ENTRY("things", META("", "\"selected\":1")), NULL, "\"selected\" of things as a stream is neither true", 0},
    {ENTRY("things",
           META("", "\"selected\":true") ","
           META("\"properties\",\"id\"", "\"selected\":false") ","
           META("\"properties\",\"size\"", "\"selected\":false") ","
           META("\"properties\",\"part\"", "\"selected-by-default\":false") ","
           META("\"properties\",\"flag\"", "\"inclusion\":\"unsupported\",\"selected\":true") ","
           META("\"properties\",\"one\",\"properties\",\"at\"", "\"selected\":false") ","
           META("\"properties\",\"many\",\"items\",\"properties\",\"size\"", "\"selected\":false") ","
           META("\"properties\",\"_extra\"", "\"selected\":false") ","
           META("\"properties\",\"gone\"", "\"selected\":true") ","
           META("\"properties\",\"old\"", "")),
     "things ",
     "{\"things\":{\"size\":null,\"part\":null,\"flag\":null,\"one\":{\"at\":null},\"many\":{\"size\":null},"
     "\"_extra\":null}}",
     1},
    {SELECTED("replies"), "tickets replies ", "{\"replies\":{}}", 0}, /* a child alone */
    {SELECTED("staff_gone"), "staff ", "{\"staff_gone\":{}}", 0},     /* the first of two that fill it */
    {SELECTED("staff_gone") "," SELECTED("leavers"), "leavers ", "{\"staff_gone\":{},\"leavers\":{}}", 0},
    {SELECTED("rejected"), NULL, "selects no stream", 0},
    {SELECTED("staff_reconciliation"), NULL, "no stream of this source", 0},
    {SELECTED("thing"), NULL, "\"thing\", which is no stream of this source", 0},
    {ENTRY("thing", "") "," SELECTED("teams"), "teams ", "{\"teams\":{}}", 0},
    {SELECTED("teams") "," SELECTED("teams"), NULL, "is there twice", 0},
    {"{}", NULL, "has no \"tap_stream_id\"", 0},
    {"7", NULL, "has no \"tap_stream_id\"", 0},
    {ENTRY("things", "7"), NULL, "metadata[0] of things is not", 0},
};
/* clang-format on */

static void a_catalog_selects(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(mem_free) char *text = mem_format("{\"streams\":[%s]}", cases[i].entries);
        struct singer_catalog catalog;
        struct error err;
        bool done = read_catalog(text, &catalog, &err);
        if (done != (cases[i].names != NULL)) fail_msg("%s: %s", text, done ? "taken" : err.text);
        if (done) {
            require_names(&catalog, cases[i].names);
            require_json(catalog.selected, cases[i].selected);
        } else {
            assert_int_equal(err.kind, ERROR_CONFIG);
            if (!strstr(err.text, cases[i].selected)) fail_msg("%s", err.text);
        }
        assert_int_equal(warnings, cases[i].warnings);
        singer_catalog_done(&catalog);
    }
}

static void what_is_discovered_can_be_selected(void **state)
{
    struct selection by_default = fake_selection(&fake_tickets);
    AUTO(json_drop) json_t *found = singer_discover(&streams, &by_default, 1);
    struct singer_catalog catalog;
    struct error err;
    (void)state;
    if (!singer_catalog_read(found, &streams, NULL, &catalog, &err)) fail_msg("%s", err.text);
    require_names(&catalog, "tickets replies ");
    assert_int_equal(json_object_size(catalog.selected), 3); /* tickets, replies, rejected */
    assert_int_equal(json_object_size(json_object_get(catalog.selected, "tickets")), 0);
    singer_catalog_done(&catalog);
    const json_t *things_entry = json_array_get(json_object_get(found, "streams"), 0);
    require_json(json_array_get(json_object_get(things_entry, "metadata"), 0),
                 "{\"breadcrumb\":[],\"metadata\":{\"inclusion\":\"available\",\"selected-by-default\":false,"
                 "\"table-key-properties\":[\"id\"],\"forced-replication-method\":\"INCREMENTAL\","
                 "\"valid-replication-keys\":[\"updated_at\"]}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_becomes_a_record),
        cmocka_unit_test(a_table_becomes_a_schema),
        cmocka_unit_test(a_key_names_a_record),
        cmocka_unit_test(a_catalog_selects),
        cmocka_unit_test(what_is_discovered_can_be_selected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
