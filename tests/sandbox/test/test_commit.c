/* SPDX-License-Identifier: Apache-2.0 */
/* The loader's own SQL, from src/bigquery/sql: the texts are filled here and run as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those before it */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test/store_fixture.h"

#define MOST 262144

/* `p.d.contacts` with a RECORD and a REPEATED one, its child `p.d.parts`, and what stands in `p.control`. */
static const char tables[] =
    "CREATE TABLE d.contacts (partition_date DATE NOT NULL, id STRING NOT NULL, updated_at TIMESTAMP "
    "NOT NULL, location STRUCT<city STRING, codes ARRAY<INT64>>, _extra JSON, _content INT64, _read_at "
    "TIMESTAMP, _loaded_at TIMESTAMP NOT NULL, _run_id STRING NOT NULL) PARTITION BY partition_date "
    "OPTIONS (require_partition_filter = TRUE);CREATE TABLE d.parts (partition_date DATE NOT NULL, id "
    "STRING NOT NULL, redacted BOOL NOT NULL, updated_at TIMESTAMP NOT NULL, created_at TIMESTAMP NOT "
    "NULL, _extra JSON, _content INT64, _read_at TIMESTAMP, _loaded_at TIMESTAMP NOT NULL, _run_id "
    "STRING NOT NULL) PARTITION BY partition_date;CREATE TABLE control.stage_0 (partition_date DATE "
    "NOT NULL, id STRING NOT NULL, updated_at TIMESTAMP NOT NULL, location STRUCT<city STRING, codes "
    "ARRAY<INT64>>, _extra JSON, _content INT64, _read_at TIMESTAMP NOT NULL, _seq INT64);CREATE TABLE "
    "control.stage_1 (partition_date DATE NOT NULL, id STRING NOT NULL, redacted BOOL NOT NULL, "
    "updated_at TIMESTAMP NOT NULL, created_at TIMESTAMP NOT NULL, _extra JSON, _content INT64, "
    "_read_at TIMESTAMP NOT NULL, _seq INT64);CREATE TABLE control.stage_r (id STRING, reason STRING "
    "NOT NULL, record STRING NOT NULL, content_hash STRING NOT NULL, cause STRING NOT NULL, _seq "
    "INT64);CREATE TABLE control.rejected (rejected_date DATE, stream STRING, from_date DATE, to_date "
    "DATE, id STRING, reason STRING, record STRING, content_hash STRING, run_id STRING, rejected_at "
    "TIMESTAMP, cause STRING, mended_at TIMESTAMP);CREATE TABLE control.runs (committed_at TIMESTAMP "
    "NOT NULL, stream STRING NOT NULL, from_date DATE, to_date DATE, open_ended BOOL, claimed "
    "ARRAY<STRUCT<day DATE, row_count INT64>>, added ARRAY<STRUCT<day DATE, row_count INT64>>, "
    "children ARRAY<STRUCT<child STRING, day DATE, row_count INT64, added INT64>>, run_id STRING, "
    "message_id STRING, fetch_began_at TIMESTAMP, fetched INT64, inserted INT64, content_changes INT64, "
    "rejected INT64, caseload_version STRING, workspace_id STRING, source_type STRING, timezone "
    "STRING, dataset STRING, incomplete BOOL, left_out ARRAY<STRING>, children_from DATE, digest INT64, held "
    "INT64, same_as TIMESTAMP);CREATE TABLE "
    "control.lock_contacts (workspace_id STRING "
    "NOT NULL, source_type STRING NOT NULL, timezone STRING NOT NULL, commits INT64, committed_at "
    "TIMESTAMP, dataset STRING, doubled INT64)";

static const char *const values[][2] = {
    {"counters", "n_0, n_1"},
    {"counter_sum", "n_0 + n_1"},
    {"table", "p.d.contacts"},
    {"runs", "p.control.runs"},
    {"reader", "@stream"},
    {"readers", "@stream"},
    {"from_day", ""},
    {"agreed", ""},
    {"lock", "p.control.lock_contacts"},
    {"stream", "contacts"},
    {"rejected", "p.control.rejected"},
    {"row", "`id`, `updated_at`"},
    {"newest_set", ""},
    {"version", "`id`, `updated_at`"},
    {"first_column", "`id`"},
    {"version_match", "k.`id` = s.`id` AND k.`updated_at` = s.`updated_at`"},
    {"repeated", "_content"},
    {"unclaimed", "DATE '0001-01-01'"},
    {"left_out", "''"},
    {"children_from", "CAST(NULL AS DATE)"},
    {"child_days", ""},
    {"children", "SELECT AS STRUCT 'parts' AS child, @lo AS day, 1 AS row_count, 1 AS added"},
    {"streams", "'contacts'"},
    {"held", "SELECT 'contacts' AS stream, partition_date AS day, COUNT(*) AS row_count FROM `p.d.contacts` "
             "WHERE partition_date >= @first_day GROUP BY partition_date"},
    {"child_names", "'parts'"},
    {"child_rows", "SELECT 'parts' AS child, DATE '2026-01-05' AS day, 1 AS row_count"}};

static const char *const contact_values[][2] = {
    {"stage", "p.control.stage_0"},
    {"target", "p.d.contacts"},
    {"staged", "staged_0"},
    {"name", "contacts"},
    {"misplaced",
     "partition_date IS DISTINCT FROM DATE(`updated_at`, @timezone) OR partition_date < @lo OR (NOT "
     "@open AND partition_date > @hi)"},
    {"keyless", "`id` IS NULL OR `updated_at` IS NULL"},
    {"day_match", " AND s.partition_date BETWEEN f.lo AND f.hi"},
    {"columns", "`partition_date`, `id`, `updated_at`, `location`, `_extra`, `_content`, `_read_at`"},
    {"staged_columns",
     "s.`partition_date`, s.`id`, s.`updated_at`, s.`location`, s.`_extra`, s.`_content`, s.`_read_at`"},
    {"counter", "n_0"},
    {"identity", "`id`"},
    {"days", ""},
    {"since", "0001-01-01"},
    {"newest", "`updated_at` DESC, _read_at DESC, _loaded_at DESC"},
    {"shown", "r.*"},
};

static const char *const part_values[][2] = {
    {"stage", "p.control.stage_1"},
    {"target", "p.d.parts"},
    {"staged", "staged_1"},
    {"name", "parts"},
    {"misplaced", "partition_date IS DISTINCT FROM DATE(`created_at`, @timezone)"},
    {"day_match", ""},
    {"columns",
     "`partition_date`, `id`, `redacted`, `updated_at`, `created_at`, `_extra`, `_content`, `_read_at`"},
    {"staged_columns", "s.`partition_date`, s.`id`, s.`redacted`, s.`updated_at`, s.`created_at`, "
                       "s.`_extra`, s.`_content`, s.`_read_at`"},
    {"counter", "n_1"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *value_of(const char *const table[][2], size_t count, const char *name, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(table[i][0]) == size && strncmp(table[i][0], name, size) == 0) return table[i][1];
    return NULL;
}

/* Adds the file's text with ${name} replaced from own, then from values. */
static void add_sql(struct buf *out, const char *file, const char *const own[][2], size_t own_count)
{
    AUTO(mem_free) char *path = mem_format("%s/%s.sql", SQL_FOLDER, file);
    char text[16384];
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    text[fread(text, 1, sizeof text - 1, stream)] = '\0';
    fclose(stream);
    const char *at = text;
    for (const char *open = strstr(at, "${"); open != NULL; open = strstr(at, "${")) {
        const char *close = strchr(open, '}');
        assert_non_null(close);
        size_t size = (size_t)(close - open) - 2;
        const char *value = value_of(own, own_count, open + 2, size);
        if (value == NULL) value = value_of(values, COUNT(values), open + 2, size);
        if (value == NULL) fail_msg("%s: nothing for %.*s", file, (int)size, open + 2);
        buf_add(out, at, (size_t)(open - at));
        buf_text(out, value);
        at = close + 1;
    }
    buf_format(out, "%s\n", at);
}

#define OWN_VALUES 32

/* The same for a commit, in which ${days} are the staged ones. */
static void add_commit_sql(struct buf *out, const char *file, const char *const own[][2], size_t own_count,
                           const char *days)
{
    const char *with_days[OWN_VALUES][2] = {{"days", days}};
    assert_true(own_count < OWN_VALUES);
    for (size_t i = 0; i < own_count; i++)
        memcpy(with_days[i + 1], own[i], sizeof with_days[i + 1]);
    add_sql(out, file, (const char *const(*)[2])with_days, own_count + 1);
}

static void build_commit(struct buf *out)
{
    buf_init(out, MOST);
    add_commit_sql(out, "commit_declare", NULL, 0, "days_0, days_1");
    add_commit_sql(out, "commit_check", contact_values, COUNT(contact_values), "days_0");
    add_commit_sql(out, "commit_check", part_values, COUNT(part_values), "days_1");
    add_sql(out, "commit_lock", NULL, 0);
    add_sql(out, "commit_later", NULL, 0);
    add_commit_sql(out, "commit_union", contact_values, COUNT(contact_values), "days_0");
    add_commit_sql(out, "commit_union", part_values, COUNT(part_values), "days_1");
    const char *const rejected[][2] = {{"stage", "p.control.stage_r"}};
    add_sql(out, "commit_rejected", rejected, 1);
    add_commit_sql(out, "commit_ledger", NULL, 0, "SELECT d FROM UNNEST(days_0) AS d");
    add_commit_sql(out, "commit_doubled", contact_values, COUNT(contact_values), "days_0");
    add_commit_sql(out, "commit_doubled", part_values, COUNT(part_values), "days_1");
    add_sql(out, "commit_result", NULL, 0);
    assert_false(out->full);
}

struct world {
    struct store *store;
    struct buf commit;
    int staged[3];
};

static json_t *parameters_of(const struct world *world, const char *workspace, const char *run)
{
    static const char *const names[] = {"staged_0", "staged_1", "staged_rejected"};
    json_t *parameters = json_array();
    const char *const plain[][3] = {{"workspace_id", "STRING", workspace},
                                    {"source_type", "STRING", "intercom"},
                                    {"timezone", "STRING", "America/New_York"},
                                    {"dataset", "STRING", "d"},
                                    {"stream", "STRING", "contacts"},
                                    {"lo", "DATE", "2026-01-05"},
                                    {"hi", "DATE", "2026-01-07"},
                                    {"claim_hi", "DATE", "2026-01-07"},
                                    {"open", "BOOL", "false"},
                                    {"run_id", "STRING", run},
                                    {"message_id", "STRING", "m1"},
                                    {"first_day", "DATE", "2011-01-01"},
                                    {"began_at", "TIMESTAMP", "2026-03-02 03:00:00+00"},
                                    {"alone_since", "TIMESTAMP", "2000-01-01 00:00:00+00"},
                                    {"fetched", "INT64", "9"},
                                    {"rejected_since", "DATE", "2026-01-01"},
                                    {"renewed_since", "DATE", "2026-01-01"},
                                    {"incomplete", "BOOL", "false"},
                                    {"digest", "INT64", "0"},
                                    {"held_from", "DATE", "9999-12-31"},
                                    {"version", "STRING", "test"}};
    for (size_t i = 0; i < COUNT(plain); i++)
        fixture_parameter(parameters, plain[i][0], plain[i][1], plain[i][2]);
    for (size_t i = 0; i < 3; i++) {
        AUTO(mem_free) char *count = mem_format("%d", world->staged[i]);
        fixture_parameter(parameters, names[i], "INT64", count);
    }
    return parameters;
}

static const char *commit_as(struct world *world, const char *workspace, const char *run)
{
    json_t *parameters = parameters_of(world, workspace, run);
    const char *shown = fixture_run(world->store, buf_string(&world->commit), parameters);
    json_decref(parameters);
    return shown;
}

static void stage(struct world *world, int table, const char *row)
{
    AUTO(mem_free) char *name = mem_format("stage_%s", table == 0 ? "0" : table == 1 ? "1" : "r");
    json_t *parsed = json_loads(row, 0, NULL);
    assert_non_null(parsed);
    assert_string_equal(fixture_load(world->store, "control", name, json_pack("[o]", parsed), false, false),
                        "");
    world->staged[table]++;
}

static void stage_contact(struct world *world, const char *id, const char *day, const char *updated, int seq)
{
    AUTO(mem_free)
    char *row = mem_format("{\"partition_date\": \"%s\", \"id\": \"%s\", \"updated_at\": \"%s\", "
                           "\"_read_at\": \"2026-03-02T03:00:00Z\", \"_seq\": %d, \"location\": {\"city\": "
                           "\"%d\", \"codes\": [1, 2]},"
                           " \"_extra\": {\"a.b\": [%d]}}",
                           day, id, updated, seq, seq, seq);
    stage(world, 0, row);
}

static int set_up(void **state)
{
    struct world *world = mem_zero(1, sizeof *world);
    world->store = fixture_open();
    build_commit(&world->commit);
    assert_string_equal(fixture_run(world->store, tables, NULL), "");
    struct buf seed;
    buf_init(&seed, MOST);
    add_sql(&seed, "lock_row", NULL, 0);
    json_t *parameters = parameters_of(world, "w1", "");
    assert_string_equal(fixture_run(world->store, buf_string(&seed), parameters), "");
    json_decref(parameters);
    buf_done(&seed);
    stage_contact(world, "a", "2026-01-05", "2026-01-06T02:00:00Z", 1); /* still the 5th in New York */
    stage_contact(world, "a", "2026-01-05", "2026-01-06T02:00:00Z", 2); /* doubled inside of the batch */
    stage_contact(world, "b", "2026-01-07", "2026-01-07T12:00:00Z", 3);
    stage(world, 1,
          "{\"partition_date\": \"2025-12-01\", \"id\": \"p1\", \"redacted\": false, \"_read_at\": "
          "\"2026-03-02T03:00:00Z\", \"_seq\": 1,"
          " \"created_at\": \"2025-12-01T12:00:00Z\", \"updated_at\": \"2026-01-06T02:00:00Z\"}");
    for (int i = 0; i < 2; i++)
        stage(world, 2,
              "{\"reason\":\"no id\",\"record\":\"{}\",\"content_hash\":\"0a\",\"cause\":\"source\"}");
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    store_close(world->store);
    buf_done(&world->commit);
    free(world);
    return 0;
}

#define COUNTS                                                                                               \
    "SELECT (SELECT COUNT(*) FROM d.contacts WHERE partition_date >= '2000-01-01'),"                         \
    " (SELECT COUNT(*) FROM d.parts), (SELECT COUNT(*) FROM control.rejected), (SELECT COUNT(*) FROM "       \
    "control.runs)"

static void test_commit(void **state)
{
    struct world *world = *state;
    assert_string_equal(commit_as(world, "w1", "r1"), "2|1|1|0|0|0|0|NULL\n");
    assert_string_equal(
        fixture_run(world->store,
                    "SELECT partition_date, id, location.city, _extra, _run_id FROM d.contacts WHERE"
                    " partition_date >= '2000-01-01' ORDER BY id",
                    NULL),
        "2026-01-05|a|2|{\"a.b\":[2]}|r1\n2026-01-07|b|3|{\"a.b\":[3]}|r1\n");
    assert_string_equal(
        fixture_run(world->store, "SELECT claimed, inserted, rejected, open_ended FROM control.runs", NULL),
        "[[\"2026-01-05\",\"1\"],[\"2026-01-06\",\"0\"],[\"2026-01-07\",\"1\"]]|3|1|false\n");
    assert_string_equal(fixture_run(world->store,
                                    "SELECT rejected_date, stream, from_date, reason FROM control.rejected",
                                    NULL),
                        "2026-03-01|contacts|2026-01-05|no id\n");
    assert_string_equal(fixture_run(world->store, "SELECT commits FROM control.lock_contacts", NULL), "1\n");
}

static void test_commit_again(void **state)
{
    struct world *world = *state;
    assert_string_equal(commit_as(world, "w1", "r1"), "2|1|1|0|0|0|0|NULL\n");
    assert_string_equal(commit_as(world, "w1", "r2"), "0|0|0|0|0|0|0|NULL\n");
    assert_string_equal(fixture_run(world->store, COUNTS, NULL), "2|1|1|2\n");
}

static void test_rows_already_there(void **state)
{
    struct world *world = *state;
    assert_string_equal(
        fixture_run(world->store,
                    "INSERT d.contacts (partition_date, id, updated_at, _loaded_at, _run_id) VALUES"
                    " ('2026-01-05', 'a', '2026-01-06 02:00:00+00', CURRENT_TIMESTAMP(), 'old')",
                    NULL),
        "");
    assert_string_equal(commit_as(world, "w1", "r1"), "1|1|1|0|0|0|0|NULL\n");
    assert_string_equal(fixture_run(world->store, COUNTS, NULL), "2|1|1|1\n");
}

static void test_doubled_rows_are_counted(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 2; i++)
        assert_string_equal(
            fixture_run(world->store,
                        "INSERT d.contacts (partition_date, id, updated_at, _loaded_at, _run_id) VALUES"
                        " ('2026-01-05', 'a', '2026-01-06 02:00:00+00', CURRENT_TIMESTAMP(), 'old')",
                        NULL),
            "");
    assert_string_equal(commit_as(world, "w1", "r1"), "1|1|1|1|0|0|0|NULL\n");
    for (int i = 0; i < 2; i++)
        assert_string_equal(
            fixture_run(
                world->store,
                "INSERT d.parts (partition_date, id, redacted, updated_at, created_at, _loaded_at, _run_id)"
                " VALUES ('2025-12-01', 'x', false, '2026-01-06 02:00:00+00', '2025-12-01 12:00:00+00',"
                " CURRENT_TIMESTAMP(), 'old')",
                NULL),
            "");
    assert_string_equal(commit_as(world, "w1", "r2"),
                        "0|0|0|2|0|0|0|NULL\n"); /* of parents and children together */
}

static void test_wrong_count(void **state)
{
    struct world *world = *state;
    world->staged[0]--;
    assert_string_equal(
        commit_as(world, "w1", "r1"),
        "invalidQuery: caseload: contacts: the staged row count differs from what was uploaded");
    world->staged[0]++;
    world->staged[2]++;
    assert_string_equal(
        commit_as(world, "w1", "r1"),
        "invalidQuery: caseload: rejected: the staged row count differs from what was uploaded");
    assert_string_equal(fixture_run(world->store, COUNTS, NULL), "0|0|0|0\n");
    assert_string_equal(fixture_run(world->store, "SELECT commits FROM control.lock_contacts", NULL), "0\n");
}

static void test_row_outside_of_its_unit(void **state)
{
    struct world *world = *state;
    stage_contact(world, "c", "2026-01-08", "2026-01-08T12:00:00Z", 4);
    assert_string_equal(commit_as(world, "w1", "r1"),
                        "invalidQuery: caseload: contacts: a staged row lies outside its unit or its day");
    assert_string_equal(fixture_run(world->store, COUNTS, NULL), "0|0|0|0\n");
}

static void test_foreign_workspace(void **state)
{
    struct world *world = *state;
    const char *shown = commit_as(world, "w2", "r1");
    assert_non_null(strstr(shown, "nothing was committed: the lock row is missing, doubled, or of another"));
    assert_string_equal(fixture_run(world->store, COUNTS, NULL), "0|0|0|0\n");
}

static void test_two_commits_at_once(void **state)
{
    struct world *world = *state;
    json_t *first = parameters_of(world, "w1", "r1"), *second = parameters_of(world, "w1", "r2");
    const char *text = buf_string(&world->commit);
    assert_string_equal(fixture_run_around(world->store, text, first, "UPDATE", text, second),
                        "invalidQuery: Transaction is aborted due to concurrent update against table "
                        "p:control.lock_contacts.");
    assert_string_equal(fixture_run(world->store, COUNTS, NULL), "2|1|1|1\n");
    json_decref(first);
    json_decref(second);
}

static void test_state_and_views(void **state)
{
    struct world *world = *state;
    struct buf text;
    assert_string_equal(commit_as(world, "w1", "r1"), "2|1|1|0|0|0|0|NULL\n");
    json_t *parameters = parameters_of(world, "w1", "");
    buf_init(&text, MOST);
    buf_text(&text, "SELECT * FROM (");
    add_sql(&text, "state", NULL, 0);
    buf_text(&text, ") ORDER BY stream, kind, day");
    assert_string_equal(fixture_run(world->store, buf_string(&text), parameters),
                        "|now|NULL|0|1772424000123456|NULL|NULL\n"
                        "contacts|claim|2026-01-05|1|1772424000123456|1772420400000000|NULL\n"
                        "contacts|claim|2026-01-06|0|1772424000123456|1772420400000000|NULL\n"
                        "contacts|claim|2026-01-07|1|1772424000123456|1772420400000000|NULL\n"
                        "contacts|held|2026-01-05|1|NULL|NULL|NULL\n"
                        "contacts|held|2026-01-07|1|NULL|NULL|NULL\n"
                        "contacts|last_held|NULL|0|1772424000123456|NULL|NULL\n"
                        "contacts|own|2026-01-05|1|1772424000123456|1772420400000000|NULL\n"
                        "contacts|own|2026-01-06|0|1772424000123456|1772420400000000|NULL\n"
                        "contacts|own|2026-01-07|1|1772424000123456|1772420400000000|NULL\n");
    buf_reset(&text);
    add_sql(&text, "adopt", contact_values, COUNT(contact_values));
    assert_string_equal(fixture_run(world->store, buf_string(&text), parameters), "0|0\n");
    buf_reset(&text);
    add_sql(&text, "ledger", NULL, 0);
    assert_string_equal(fixture_run(world->store, buf_string(&text), parameters), "1\n");
    buf_reset(&text);
    buf_text(&text, "CREATE OR REPLACE VIEW d.contacts_latest AS ");
    add_sql(&text, "latest", contact_values, COUNT(contact_values));
    assert_string_equal(fixture_run(world->store, buf_string(&text), NULL), "");
    assert_string_equal(
        fixture_run(world->store,
                    "INSERT d.contacts SELECT * REPLACE ('x' AS _run_id, TIMESTAMP_ADD(updated_at,"
                    " INTERVAL 1 SECOND) AS updated_at) FROM d.contacts WHERE partition_date ="
                    " '2026-01-05'",
                    NULL),
        "");
    assert_string_equal(
        fixture_run(world->store, "SELECT id, _run_id FROM d.contacts_latest ORDER BY id", NULL),
        "a|x\nb|r1\n");
    buf_reset(&text);
    add_sql(&text, "latest_day", contact_values, COUNT(contact_values));
    assert_string_equal(fixture_run(world->store, buf_string(&text), NULL),
                        "2026-01-07|b|1767787200000000|[\"3\",[\"1\",\"2\"]]|{\"a.b\":[3]}|NULL|"
                        "1772420400000000|1772424000123456|r1\n");
    buf_done(&text);
    json_decref(parameters);
}

/* The newest rows as a table, made twice. */
static void test_latest_table(void **state)
{
    struct world *world = *state;
    struct buf query, text;
    assert_string_equal(commit_as(world, "w1", "r1"), "2|1|1|0|0|0|0|NULL\n");
    buf_init(&query, MOST);
    buf_init(&text, MOST);
    add_sql(&query, "latest", contact_values, COUNT(contact_values));
    buf_format(
        &text,
        "CREATE OR REPLACE TABLE `p.d.contacts_latest` CLUSTER BY `id` OPTIONS (description = 'The newest "
        "version of each record', labels = [('app', 'caseload'), ('as_of', "
        "'1700000000000-1700000000001')]) AS %s",
        buf_string(&query));
    for (int i = 0; i < 2; i++)
        assert_string_equal(fixture_run(world->store, buf_string(&text), NULL), "");
    assert_string_equal(fixture_run(world->store,
                                    "SELECT id, _run_id, location.codes FROM d.contacts_latest ORDER BY id",
                                    NULL),
                        "a|r1|[\"1\",\"2\"]\nb|r1|[\"1\",\"2\"]\n");
    json_t *made = store_table(world->store, "d", "contacts_latest");
    const json_t *labels = json_object_get(made, "labels");
    assert_string_equal(json_string_value(json_object_get(labels, "as_of")), "1700000000000-1700000000001");
    assert_non_null(json_object_get(made, "clustering"));
    json_decref(made);
    buf_done(&query);
    buf_done(&text);
}

static void test_partition_filter(void **state)
{
    struct world *world = *state;
    assert_string_equal(
        fixture_run(world->store, "SELECT COUNT(*) FROM d.contacts", NULL),
        "invalidQuery: Cannot query over table 'p.d.contacts' without a filter over column(s) "
        "'partition_date' that can be used for partition elimination");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_commit_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_already_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_doubled_rows_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_row_outside_of_its_unit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_workspace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_commits_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_state_and_views, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_latest_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_partition_filter, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
