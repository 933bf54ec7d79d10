/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_schema.c - tables of an earlier version of ours: columns are added, rows stay as they are,
 * and <table>_latest shows the old rows' values, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bigquery_fixture.h"
#include "sources/sources.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* --- The same table three times --- */

static const struct column city_columns[] = {{.name = "city", .type = COLUMN_STRING}};
static const struct column place_columns[] = {
    {.name = "city", .type = COLUMN_STRING},
    {.name = "zip", .type = COLUMN_INT64},
};
static const struct column visit_columns[] = {
    {.name = "since", .type = COLUMN_TIMESTAMP},
    {.name = "place", .type = COLUMN_RECORD, .fields = place_columns, .field_count = 2},
    {.name = "tags", .type = COLUMN_STRING, .mode = COLUMN_REPEATED},
    {.name = "raw", .type = COLUMN_JSON},
};

static const struct column note_columns[] = {
    {.name = "on", .type = COLUMN_RECORD, .fields = place_columns, .field_count = 2},
    {.name = "raws", .type = COLUMN_JSON, .mode = COLUMN_REPEATED},
};

#define ID                                                                                                   \
    {                                                                                                        \
        .name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED                                         \
    }
#define UPDATED                                                                                              \
    {                                                                                                        \
        .name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED                              \
    }

static const struct column early_columns[] = {
    ID, UPDATED, {.name = "home", .type = COLUMN_RECORD, .fields = city_columns, .field_count = 1}};
static const struct column late_columns[] = {
    ID,
    {.name = "name", .type = COLUMN_STRING},
    UPDATED,
    {.name = "home", .type = COLUMN_RECORD, .fields = place_columns, .field_count = 2},
    {.name = "count", .type = COLUMN_INT64},
    {.name = "share", .type = COLUMN_FLOAT64},
    {.name = "open", .type = COLUMN_BOOL},
    {.name = "seen", .type = COLUMN_TIMESTAMP},
    {.name = "visit", .type = COLUMN_RECORD, .fields = visit_columns, .field_count = 4},
    {.name = "tags", .type = COLUMN_STRING, .mode = COLUMN_REPEATED},
    {.name = "raw", .type = COLUMN_JSON},
    {.name = "notes",
     .type = COLUMN_RECORD,
     .mode = COLUMN_REPEATED,
     .fields = note_columns,
     .field_count = COUNT(note_columns)},
};
static const struct column wrong_columns[] = {ID, UPDATED, {.name = "home", .type = COLUMN_STRING}};
static const char *const id_key[] = {"id"};

#define THINGS(list)                                                                                         \
    {                                                                                                        \
        .name = "things", .columns = (list), .column_count = COUNT(list), .key = id_key, .key_count = 1,     \
        .version = "updated_at", .day = "updated_at"                                                         \
    }

static const struct table early_table = THINGS(early_columns), late_table = THINGS(late_columns),
                          wrong_table = THINGS(wrong_columns);
static const struct stream early_stream = {.name = "things", .kind = STREAM_SCAN, .table = &early_table},
                           late_stream = {.name = "things", .kind = STREAM_SCAN, .table = &late_table},
                           wrong_stream = {.name = "things", .kind = STREAM_SCAN, .table = &wrong_table};
static const struct selection early = {.stream = &early_stream, .tables = {&early_table}, .table_count = 1},
                              late = {.stream = &late_stream, .tables = {&late_table}, .table_count = 1},
                              misfit = {.stream = &wrong_stream, .tables = {&wrong_table}, .table_count = 1};

#define ROW(id, more)                                                                                        \
    "{\"id\":\"" id "\",\"updated_at\":\"2026-02-03T10:00:00Z\",\"partition_date\":\"2026-02-03\"," more "}"

static const struct row early_rows[] = {
    {0, ROW("old", "\"home\":{\"city\":\"Bonn\"},\"_extra\":{\"name\":\"Ann\",\"count\":7,\"share\":1.5,"
                   "\"open\":true,\"seen\":1770000000,\"visit.since\":\"2026-01-02T03:04:05Z\","
                   "\"visit.place.city\":\"Rome\",\"visit.place.zip\":\"12\",\"tags.0\":\"x\","
                   "\"home.zip\":53111},\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":0")},
    {0, ROW("odd", "\"_extra\":{\"name\":5,\"count\":\"many\",\"share\":\"x\",\"open\":\"perhaps\","
                   "\"seen\":\"2026-01-02T03:04:05Z\",\"visit.since\":99999999999999999},\"_read_at\":\"2026-"
                   "03-01T00:00:00Z\",\"_seq\":1")},
    {0, ROW("bare", "\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":2")},
};
static const struct row late_rows[] = {
    {0,
     ROW("new", "\"name\":\"Bo\",\"count\":1,\"share\":0.5,\"open\":false,\"seen\":"
                "\"2026-02-03T10:00:00Z\",\"visit\":{\"since\":\"2026-02-03T10:00:00Z\",\"place\":{\"city\":"
                "\"Oslo\",\"zip\":3},\"tags\":[\"t\"],\"raw\":{\"a\":1}},\"tags\":[\"u\"],\"raw\":[2],"
                "\"notes\":[{\"on\":{\"zip\":4},\"raws\":[67.174118,{\"b\":\"\\\"\"}]},{\"on\":{\"zip\":5}}],"
                "\"_extra\":{\"count\":9},\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":0")},
};

static struct bench grown(void)
{
    struct bench bench = bench_new();
    struct commit commit = commit_of(3, 3);
    put_rows(&bench, &early, early_rows, COUNT(early_rows), &commit);
    put_rows(&bench, &late, late_rows, COUNT(late_rows), &commit);
    return bench;
}

static void assert_one(const struct bench *bench, const char *where)
{
    int64_t count = ask("SELECT COUNT(*) FROM `acme-data.%s.things_latest` WHERE %s", bench->dataset, where);
    if (count != 1) fail_msg("%lld rows: %s", (long long)count, where);
}

/* --- Growing --- */

static void old_rows_show_new_columns(void **unused)
{
    (void)unused;
    struct bench bench = grown();
    assert_one(&bench, "id = 'old' AND name = 'Ann' AND count = 7 AND share = 1.5 AND open AND seen = "
                       "TIMESTAMP '2026-02-02 02:40:00+00' AND home.city = 'Bonn'");
    assert_one(&bench, "id = 'old' AND visit.since = TIMESTAMP '2026-01-02 03:04:05+00' AND visit.place.city "
                       "= 'Rome' AND visit.place.zip = 12 AND ARRAY_LENGTH(tags) = 0");
    assert_one(&bench, "id = 'odd' AND name = '5' AND count IS NULL AND share IS NULL AND open IS NULL AND "
                       "seen = TIMESTAMP '2026-01-02 03:04:05+00' AND visit.since IS NULL");
    assert_one(&bench, "id = 'bare' AND name IS NULL AND count IS NULL AND visit IS NULL");
    assert_one(&bench,
               "id = 'new' AND name = 'Bo' AND count = 1 AND share = 0.5 AND NOT open AND "
               "visit.place.zip = 3 AND ARRAY_LENGTH(visit.tags) = 1 AND JSON_VALUE(raw, '$[0]') = '2'");
    bench_done(&bench);
}

/* In records and in lists, too; the order of lists stays. */
static void json_is_made_of_text_at_each_level(void **unused)
{
    (void)unused;
    struct bench bench = grown();
    assert_one(&bench, "id = 'new' AND JSON_VALUE(visit.raw, '$.a') = '1' AND ARRAY_LENGTH(notes) = 2 AND "
                       "notes[OFFSET(0)].on.zip = 4 AND notes[OFFSET(1)].on.zip = 5 AND "
                       "ARRAY_LENGTH(notes[OFFSET(1)].raws) = 0");
    assert_one(&bench, "id = 'new' AND JSON_VALUE(notes[OFFSET(0)].raws[OFFSET(0)]) = '67.17411800000001' "
                       "AND JSON_VALUE(notes[OFFSET(0)].raws[OFFSET(1)], '$.b') = '\"'");
    assert_one(&bench, "id = 'bare' AND ARRAY_LENGTH(notes) = 0 AND visit IS NULL");
    bench_done(&bench);
}

/* The table itself: rows as they were, columns behind those that were there, all NULLABLE. */
static void rows_are_not_touched(void **unused)
{
    (void)unused;
    struct bench bench = grown();
    assert_int_equal(
        ask("SELECT COUNT(*) FROM `acme-data.%s.things` WHERE partition_date >= DATE "
            "'0001-01-01' AND id = 'old' AND name IS NULL AND visit IS NULL AND home.zip IS NULL "
            "AND JSON_VALUE(_extra, '$.name') = 'Ann'",
            bench.dataset),
        1);
    assert_int_equal(rows_in(&bench, "things"), 4);
    bench_done(&bench);
}

static void a_view_follows_in_a_new_process_only_if_it_differs(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = grown();
    size_t patches = journal_count("\"tables.patch\""), inserts = journal_count("\"tables.insert\"");
    assert_int_equal(patches, 3); /* the table, its view, and the label that says so */
    struct bench other = bench_in(bench.dataset);
    must(prepare(&other, &late, &err), &err);
    assert_int_equal(journal_count("\"tables.patch\""), patches);
    assert_int_equal(journal_count("\"tables.insert\""), inserts);
    bench_done(&other);
    bench_done(&bench);
}

static json_t *resource_of(const struct bench *bench, const char *name)
{
    struct error err = {0};
    json_t *resource = NULL;
    must(table_get((struct bigquery *)bench->warehouse, bench->dataset, name, &resource, &err), &err);
    assert_non_null(resource);
    return resource;
}

/* Somebody changes the view, or the table in its place, between our look and our change. */
static void a_lost_race_is_run_again(void **unused)
{
    (void)unused;
    for (int is_table = 0; is_table < 2; is_table++) {
        struct error err = {0};
        struct bench bench = bench_new();
        struct bigquery *bq = (struct bigquery *)bench.warehouse;
        bq->settings.latest_tables = (const char *const[]){"things"};
        bq->settings.latest_table_count = (size_t)is_table;
        struct commit commit = commit_of(3, 3);
        put_rows(&bench, &early, early_rows, COUNT(early_rows), &commit);
        refresh(&bench, &early);
        fault("bigquery tables.patch 2 status 412 reason=conditionNotMet"); /* the first is the table's */
        must(prepare(&bench, &late, &err), &err);
        put_rows(&bench, &late, late_rows, COUNT(late_rows), &commit);
        refresh(&bench, &late);
        fault(NULL);
        AUTO(json_drop) json_t *latest = resource_of(&bench, "things_latest");
        if (is_table) assert_non_null(schema_find(json_at(latest, "schema.fields"), "share"));
        assert_one(&bench, "id = 'old' AND name = 'Ann' AND share = 1.5");
        assert_one(&bench, "id = 'new' AND name = 'Bo' AND share = 0.5");
        bench_done(&bench);
    }
}

/* A view of somebody's own: no label of ours. */
static void foreign_views_are_left_alone(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    struct bigquery *bq = (struct bigquery *)bench.warehouse;
    json_t *view = json_pack("{s:{s:s, s:b}}", "view", "query", "SELECT 42 AS answer", "useLegacySql", 0);
    must(table_insert(bq, bench.dataset, "things_latest", view, &err), &err);
    must(prepare(&bench, &late, &err), &err);
    assert_int_equal(ask("SELECT answer FROM `acme-data.%s.things_latest`", bench.dataset), 42);
    bq->settings.latest_tables = (const char *const[]){"things"};
    bq->settings.latest_table_count = 1;
    must(prepare(&bench, &late, &err), &err);
    refresh(&bench, &late);
    assert_int_equal(ask("SELECT answer FROM `acme-data.%s.things_latest`", bench.dataset), 42);
    json_decref(view);
    bench_done(&bench);
}

/* --- Columns of others, other types --- */

static void add_theirs(const struct bench *bench)
{
    struct error err = {0};
    struct bigquery *bq = (struct bigquery *)bench->warehouse;
    json_t *have = NULL;
    must(table_get(bq, bench->dataset, "things", &have, &err), &err);
    json_t *fields = json_deep_copy(json_at(have, "schema.fields"));
    json_array_append_new(fields, json_pack("{s:s, s:s}", "name", "theirs", "type", "STRING"));
    json_t *body = json_pack("{s:{s:o}}", "schema", "fields", fields);
    must(table_patch(bq, bench->dataset, "things", NULL, body, &err), &err);
    json_decref(body);
    json_decref(have);
}

static void columns_of_others_are_left_alone(void **unused)
{
    (void)unused;
    struct bench bench = bench_new();
    struct commit commit = commit_of(3, 3);
    put_rows(&bench, &early, early_rows, COUNT(early_rows), &commit);
    add_theirs(&bench);
    put_rows(&bench, &late, late_rows, COUNT(late_rows), &commit);
    assert_one(&bench, "id = 'old' AND theirs IS NULL AND name = 'Ann'");
    bench_done(&bench);
}

static char *differences(const struct bench *bench, const struct selection *selection, bool *out_differs)
{
    struct error err = {0};
    struct buf text;
    buf_init(&text, 65536);
    must(bigquery_schema_diff(bench->warehouse, selection, &text, out_differs, &err), &err);
    char *taken = buf_take(&text, NULL);
    return taken ? taken : mem_text("");
}

static void assert_differs(const struct bench *bench, const struct selection *selection, const char *wanted)
{
    bool differs = false;
    char *text = differences(bench, selection, &differs);
    assert_string_equal(text, wanted);
    assert_int_equal(differs, *wanted != '\0');
    free(text);
}

static void differences_are_named(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    assert_differs(&bench, &early, "things: the table is missing: it will be created\n");
    must(prepare(&bench, &early, &err), &err);
    assert_differs(&bench, &early, "");
    add_theirs(&bench);
    assert_differs(&bench, &early, "things.theirs: STRING NULLABLE is not one of ours: left alone\n");
    assert_differs(&bench, &misfit,
                   "things.home: is RECORD NULLABLE, must be STRING NULLABLE: refused\n"
                   "things.theirs: STRING NULLABLE is not one of ours: left alone\n");
    bool differs = false;
    char *text = differences(&bench, &late, &differs);
    assert_non_null(strstr(text, "things.name: STRING NULLABLE is missing: it will be added\n"));
    assert_non_null(strstr(text, "things.home.zip: INTEGER NULLABLE is missing: it will be added\n"));
    assert_non_null(strstr(text, "things.tags: STRING REPEATED is missing: it will be added\n"));
    free(text);
    size_t patches = journal_count("\"tables.patch\"");
    assert_int_equal(patches, 1); /* add_theirs: looking changes nothing */
    assert_false(prepare(&bench, &misfit, &err));
    assert_non_null(strstr(err.text, "column home is RECORD NULLABLE but must be STRING NULLABLE"));
    bench_done(&bench);
}

static void another_partitioning_is_named(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    json_t *plain = json_pack("{s:{s:[{s:s, s:s}]}}", "schema", "fields", "name", "id", "type", "STRING");
    must(table_insert((struct bigquery *)bench.warehouse, bench.dataset, "things", plain, &err), &err);
    bool differs = false;
    char *text = differences(&bench, &early, &differs);
    assert_true(differs);
    assert_non_null(strstr(text, "things: it has to be partitioned by day on partition_date"));
    free(text);
    json_decref(plain);
    bench_done(&bench);
}

/* --- The real tables --- */

/* As an early version may have had it: what names a row, and its day. */
static size_t keep_needed(const struct table *table, struct column out[64])
{
    size_t count = 0;
    for (size_t i = 0; i < table->column_count && count < 64; i++)
        if (table->columns[i].mode == COLUMN_REQUIRED) out[count++] = table->columns[i];
    return count;
}

static void prepare_early(const struct bench *bench, const struct stream *stream,
                          const struct selection *selection)
{
    struct error err = {0};
    struct column columns[LIMIT_TABLES][64];
    struct table tables[LIMIT_TABLES];
    struct selection needed = *selection;
    for (size_t i = 0; i < selection->table_count; i++) {
        tables[i] = *selection->tables[i];
        tables[i].column_count = keep_needed(selection->tables[i], columns[i]);
        tables[i].columns = columns[i];
        needed.tables[i] = &tables[i];
    }
    if (stream->kind != STREAM_RECONCILE) must(prepare(bench, &needed, &err), &err);
    table_cache_clear((struct bigquery *)bench->warehouse);
}

/* Every column of every table is one that was added later, and is looked up in _extra. */
static void all_tables_grow(void **unused)
{
    (void)unused;
    struct error err = {0};
    const struct source_type *type = source_type_find("intercom");
    struct bench bench = bench_new();
    for (size_t i = 0; i < type->stream_count; i++) {
        const struct stream *stream = type->streams[i];
        struct selection selection = {.stream = stream, .tables = {stream->table}, .table_count = 1};
        for (size_t k = 0; k < stream->child_count; k++)
            selection.tables[selection.table_count++] = stream->children[k].table;
        prepare_early(&bench, stream, &selection);
        must(prepare(&bench, &selection, &err), &err);
        const struct selection kept = tables_kept(&selection);
        for (size_t k = 0; k < kept.table_count; k++)
            assert_int_equal(
                ask("SELECT COUNT(*) FROM `acme-data.%s.%s_latest`", bench.dataset, kept.tables[k]->name), 0);
        assert_differs(&bench, &selection, "");
    }
    bench_done(&bench);
}

/* Sends a PATCH to the sandbox's BigQuery as a person would. */
static void patch(const char *path, const char *body)
{
    AUTO(mem_free) char *url = mem_format("../bigquery/v2/projects/acme-data/datasets/%s", path);
    free(control_call("PATCH", url, body));
}

/* The remedy that the text names is enough, and loses no row. */
static void expirations_are_refused_until_removed(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct committed committed;
    struct bench bench = bench_new();
    must(load_unit(&bench, &committed, &err), &err);
    patch(bench.dataset, "{\"defaultTableExpirationMs\": \"3600000\"}");
    assert_false(bigquery_check(bench.warehouse, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_non_null(strstr(err.text, "remove it (bq update"));
    patch(bench.dataset, "{\"defaultTableExpirationMs\": null}");
    must(bigquery_check(bench.warehouse, &err), &err);
    AUTO(mem_free) char *table = mem_format("%s/tables/tickets", bench.dataset);
    patch(table, "{\"timePartitioning\": {\"type\": \"DAY\", \"field\": \"partition_date\", "
                 "\"expirationMs\": \"86400000000\"}}");
    assert_false(prepare(&bench, &both, &err));
    assert_non_null(strstr(err.text, "remove the partition expiration"));
    patch(table, "{\"timePartitioning\": {\"type\": \"DAY\", \"field\": \"partition_date\", "
                 "\"expirationMs\": null}}");
    must(prepare(&bench, &both, &err), &err);
    assert_unit_once(&bench);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expirations_are_refused_until_removed),
        cmocka_unit_test(old_rows_show_new_columns),
        cmocka_unit_test(json_is_made_of_text_at_each_level),
        cmocka_unit_test(rows_are_not_touched),
        cmocka_unit_test(a_view_follows_in_a_new_process_only_if_it_differs),
        cmocka_unit_test(a_lost_race_is_run_again),
        cmocka_unit_test(foreign_views_are_left_alone),
        cmocka_unit_test(columns_of_others_are_left_alone),
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test(another_partitioning_is_named),
        cmocka_unit_test(all_tables_grow),
    };
    return cmocka_run_group_tests_name("bigquery_schema", tests, bench_start, bench_stop);
}
