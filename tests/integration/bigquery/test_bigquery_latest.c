/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_latest.c - <table>_latest as a table holds what the view would show, after any history; and
 * it keeps what people have set on it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bigquery_fixture.h"
#include "fake_members.h"

#define COUNT(list)      (sizeof(list) / sizeof *(list))
#define ROUNDS           25
#define CHANGES          4 /* in a round, at most */
#define DAYS             9
#define REFRESH          "DECLARE stale_days"
#define INSERTED_COLUMNS "_content, _read_at, _loaded_at, _run_id"

/* --- People, their teams, and notes about them --- */

static const struct column note_columns[] = {
    {.name = "person_id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "created_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
};
static const char *const note_key[] = {"person_id", "id", "updated_at"};
static const struct table notes = {.name = "people_notes",
                                   .columns = note_columns,
                                   .column_count = COUNT(note_columns),
                                   .key = note_key,
                                   .key_count = COUNT(note_key),
                                   .version = "updated_at",
                                   .day = "created_at",
                                   .day_is_fixed = true,
                                   .parent = &fake_members_table,
                                   .parent_key = "person_id"};
static const struct selection people = {
    .stream = &fake_members,
    .tables = {&fake_members_table, &fake_members_teams, &fake_members_deleted, &notes},
    .table_count = 4};
static const struct selection list = {.stream = &fake_members_attributes, .table_count = 1};
static const char *const as_tables[] = {"people", "people_teams", "people_notes", "people_attributes"};

/* Another view of the same text beside each table. */
static void add_view(const struct bench *bench, const struct table *table)
{
    struct error err = {0};
    const struct sql_names names = {
        .project = "acme-data", .dataset = bench->dataset, .control = bench->control};
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    AUTO(mem_free) char *name = mem_format("%s_wanted", table->name);
    sql_latest_text(&names, &(struct sql_latest){.table = table}, &sql);
    AUTO(json_drop)
    json_t *view = json_pack("{s:{s:s, s:b}}", "view", "query", buf_string(&sql), "useLegacySql", 0);
    must(table_insert((struct bigquery *)bench->warehouse, bench->dataset, name, view, &err), &err);
}

static struct selection attributes(void)
{
    struct selection selection = list;
    selection.tables[0] = fake_members_attributes.table;
    return selection;
}

static void start(struct bench *out_bench)
{
    struct error err = {0};
    const struct selection lists = attributes();
    *out_bench = bench_new();
    struct bigquery *bq = (struct bigquery *)out_bench->warehouse;
    bq->settings.latest_tables = as_tables;
    bq->settings.latest_table_count = COUNT(as_tables);
    must(prepare(out_bench, &people, &err), &err);
    must(prepare(out_bench, &lists, &err), &err);
    add_view(out_bench, &fake_members_table);
    add_view(out_bench, &fake_members_teams);
    add_view(out_bench, &notes);
    add_view(out_bench, fake_members_attributes.table);
}

/* As a run does: what is refreshed is what prepare saw. */
static void refresh_all(const struct bench *bench)
{
    struct error err = {0};
    const struct selection lists = attributes();
    must(prepare(bench, &people, &err), &err);
    must(prepare(bench, &lists, &err), &err);
    refresh(bench, &people);
    refresh(bench, &lists);
}

static void assert_same(const struct bench *bench, const char *table, const char *columns, int round)
{
    const char *d = bench->dataset;
    int64_t kept = ask("SELECT COUNT(*) FROM `acme-data.%s.%s_latest`", d, table);
    int64_t wanted = ask("SELECT COUNT(*) FROM `acme-data.%s.%s_wanted`", d, table);
    int64_t other =
        ask("SELECT COUNT(*) FROM (SELECT %s FROM `acme-data.%s.%s_wanted` EXCEPT DISTINCT SELECT %s "
            "FROM `acme-data.%s.%s_latest`)",
            columns, d, table, columns, d, table);
    if (kept != wanted || other != 0)
        fail_msg("round %d, %s: %d rows, the view has %d, of which %d are others", round, table, (int)kept,
                 (int)wanted, (int)other);
}

static void assert_all_same(const struct bench *bench, int round)
{
    assert_same(bench, "people", "id, updated_at, name, partition_date, _content, _read_at, _loaded_at",
                round);
    assert_same(bench, "people_teams", "person_id, id, person_updated_at, _read_at, _loaded_at", round);
    assert_same(bench, "people_notes", "person_id, id, updated_at, partition_date, _read_at, _loaded_at",
                round);
    assert_same(bench, "people_attributes", "name, data_type, partition_date, _loaded_at", round);
}

/* --- Histories --- */

struct history {
    unsigned seed;
    int loaded; /* a row was stored so often */
};

static int any(struct history *history, int below)
{
    return rand_r(&history->seed) % below;
}

static char letter(struct history *history)
{
    return (char)('a' + any(history, 5));
}

/* "7, TIMESTAMP '...', TIMESTAMP '...', 'r'"; a row of an older build has no reading. */
static char *stored(struct history *history)
{
    int minute = history->loaded++;
    if (any(history, 5) == 0)
        return mem_format("NULL, NULL, TIMESTAMP '2026-03-01 %02d:%02d:01+00', 'r'", minute / 60,
                          minute % 60);
    return mem_format(
        "%d, TIMESTAMP '2026-03-01 %02d:%02d:00+00', TIMESTAMP '2026-03-01 %02d:%02d:01+00', 'r'",
        any(history, 3), any(history, 5), any(history, 60), minute / 60, minute % 60);
}

static void store_person(const struct bench *bench, struct history *history)
{
    AUTO(mem_free) char *times = stored(history);
    int on = 1 + any(history, DAYS);
    change("INSERT INTO `acme-data.%s.people` (partition_date, id, updated_at, name, " INSERTED_COLUMNS
           ") VALUES (DATE '2026-02-%02d', '%c', TIMESTAMP '2026-02-%02d 10:00:00+00', 'n%d', %s)",
           bench->dataset, on, letter(history), on, any(history, 3), times);
}

static void store_team(const struct bench *bench, struct history *history)
{
    AUTO(mem_free) char *times = stored(history);
    int on = 1 + any(history, DAYS);
    change("INSERT INTO `acme-data.%s.people_teams` (partition_date, person_id, id, "
           "person_updated_at, " INSERTED_COLUMNS
           ") VALUES (DATE '2026-02-%02d', '%c', '%c', TIMESTAMP '2026-02-%02d 10:00:00+00', %s)",
           bench->dataset, on, letter(history), letter(history), on, times);
}

/* A note keeps its day: that of its id. */
static void store_note(const struct bench *bench, struct history *history)
{
    AUTO(mem_free) char *times = stored(history);
    int id = any(history, 4), on = 1 + id;
    change("INSERT INTO `acme-data.%s.people_notes` (partition_date, person_id, id, created_at, "
           "updated_at, " INSERTED_COLUMNS
           ") VALUES (DATE '2026-02-%02d', '%c', '%d', TIMESTAMP '2026-02-%02d 09:00:00+00', "
           "TIMESTAMP '2026-02-%02d 10:00:00+00', %s)",
           bench->dataset, on, letter(history), id, on, 5 + any(history, DAYS), times);
}

static void store_deletion(const struct bench *bench, struct history *history)
{
    AUTO(mem_free) char *times = stored(history);
    int on = 1 + any(history, DAYS);
    change("INSERT INTO `acme-data.%s.people_deleted` (partition_date, id, seen_missing_at, " INSERTED_COLUMNS
           ") VALUES (DATE '2026-02-%02d', '%c', TIMESTAMP '2026-02-%02d 11:00:00+00', %s)",
           bench->dataset, on, letter(history), on, times);
}

static void store_attribute(const struct bench *bench, struct history *history)
{
    AUTO(mem_free) char *times = stored(history);
    change("INSERT INTO `acme-data.%s.people_attributes` (partition_date, name, data_type, " INSERTED_COLUMNS
           ") VALUES (DATE '2026-02-%02d', '%c', 't%d', %s)",
           bench->dataset, 1 + any(history, DAYS), letter(history), any(history, 2), times);
}

/* By people, or because a record that was noted as gone came back. */
static void delete_rows(const struct bench *bench, struct history *history)
{
    static const char *const from[][2] = {{"people", "id"},
                                          {"people_teams", "person_id"},
                                          {"people_notes", "person_id"},
                                          {"people_deleted", "id"}};
    size_t i = (size_t)any(history, COUNT(from));
    change("DELETE FROM `acme-data.%s.%s` WHERE partition_date >= DATE '2026-02-%02d' AND %s = '%c'",
           bench->dataset, from[i][0], 1 + any(history, DAYS), from[i][1], letter(history));
}

static void any_history_leaves_what_the_view_shows(void **unused)
{
    (void)unused;
    static void (*const changes[])(const struct bench *, struct history *) = {
        store_person, store_person,   store_team,      store_note,
        store_note,   store_deletion, store_attribute, delete_rows};
    struct history history = {.seed = 7};
    struct bench bench;
    start(&bench);
    for (int round = 0; round < ROUNDS; round++) {
        for (int left = 1 + any(&history, CHANGES); left > 0; left--)
            changes[any(&history, COUNT(changes))](&bench, &history);
        refresh_all(&bench);
        assert_all_same(&bench, round);
    }
    assert_true(ask("SELECT COUNT(*) FROM `acme-data.%s.people_latest`", bench.dataset) > 0);
    assert_true(ask("SELECT COUNT(*) FROM `acme-data.%s.people_notes_latest`", bench.dataset) > 0);
    bench_done(&bench);
}

/* --- What is kept --- */

static json_t *resource_of(const struct bench *bench, const char *name)
{
    struct error err = {0};
    json_t *resource = NULL;
    must(table_get((struct bigquery *)bench->warehouse, bench->dataset, name, &resource, &err), &err);
    assert_non_null(resource);
    return resource;
}

static void describe(const struct bench *bench)
{
    struct error err = {0};
    AUTO(json_drop) json_t *have = resource_of(bench, "people_latest");
    AUTO(json_drop) json_t *fields = json_deep_copy(json_at(have, "schema.fields"));
    json_t *name = schema_find(fields, "name");
    json_object_set_new(name, "description", json_string("of their own"));
    json_object_set_new(name, "policyTags",
                        json_pack("{s:[s]}", "names", "projects/p/locations/eu/taxonomies/1/policyTags/2"));
    AUTO(json_drop)
    json_t *body = json_pack("{s:s, s:{s:O}, s:{s:s}}", "description", "theirs", "schema", "fields", fields,
                             "labels", "team", "x");
    must(table_patch((struct bigquery *)bench->warehouse, bench->dataset, "people_latest", NULL, body, &err),
         &err);
}

static void what_people_set_stays(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct history history = {.seed = 3};
    struct bench bench;
    start(&bench);
    store_person(&bench, &history);
    refresh_all(&bench);
    json_t *made = resource_of(&bench, "people_latest");
    assert_string_equal(json_text_at(made, "timePartitioning.field"), "partition_date");
    assert_string_equal(
        json_text_at(schema_find(json_at(made, "schema.fields"), "_loaded_at"), "description"),
        "When the row was committed");
    describe(&bench);
    store_person(&bench, &history);
    refresh_all(&bench);
    assert_all_same(&bench, 0);
    json_t *kept = resource_of(&bench, "people_latest");
    const json_t *name = schema_find(json_at(kept, "schema.fields"), "name");
    assert_string_equal(json_text_at(kept, "creationTime"), json_text_at(made, "creationTime"));
    assert_string_equal(json_text_at(kept, "description"), "theirs");
    assert_string_equal(json_text_at(kept, "labels.team"), "x");
    assert_string_equal(json_text_at(name, "description"), "of their own");
    assert_int_equal(json_array_size(json_at(name, "policyTags.names")), 1);
    /* a view would show the column to everybody */
    struct bench other = bench_in(bench.dataset);
    assert_false(prepare(&other, &people, &err));
    assert_non_null(strstr(
        err.text, "people_latest is a table with a policy tag or description that is not caseload's (name)"));
    json_decref(made);
    json_decref(kept);
    bench_done(&other);
    bench_done(&bench);
}

/* Nor does a table in its place have what people have written on a view. */
static void a_view_with_descriptions_is_not_replaced(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    struct bigquery *bq = (struct bigquery *)bench.warehouse;
    must(prepare(&bench, &people, &err), &err);
    AUTO(json_drop) json_t *body = json_pack("{s:s}", "description", "theirs");
    must(table_patch(bq, bench.dataset, "people_latest", NULL, body, &err), &err);
    bq->settings.latest_tables = (const char *const[]){"people"};
    bq->settings.latest_table_count = 1;
    assert_false(bench.warehouse->ops->refresh(bench.warehouse, &people, &err));
    assert_non_null(strstr(err.text, "people_latest is a view with a policy tag or description that is not "
                                     "caseload's (its own), which a table in its place would not have"));
    AUTO(json_drop) json_t *kept = resource_of(&bench, "people_latest");
    assert_true(table_is_view(kept));
    bench_done(&bench);
}

/* A table of an older build says nothing of how its columns are made: its rows are written once more. */
static void columns_that_are_made_otherwise_are_written_again(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct history history = {.seed = 5};
    struct bench bench;
    start(&bench);
    for (int i = 0; i < 5; i++)
        store_person(&bench, &history);
    refresh_all(&bench);
    AUTO(json_drop) json_t *body = json_pack("{s:{s:n, s:n}}", "labels", "as_of", "definition");
    must(table_patch((struct bigquery *)bench.warehouse, bench.dataset, "people_latest", NULL, body, &err),
         &err);
    change("UPDATE `acme-data.%s.people_latest` SET name = 'spoiled' WHERE TRUE", bench.dataset);
    refresh_all(&bench);
    assert_all_same(&bench, 0);
    size_t refreshes = journal_count(REFRESH);
    refresh_all(&bench);
    assert_int_equal(journal_count(REFRESH), refreshes);
    bench_done(&bench);
}

/* --- The day before which a list's view does not look --- */

static struct bench prepared(const char *dataset)
{
    struct error err = {0};
    const struct selection lists = attributes();
    struct bench bench = bench_in(dataset);
    must(prepare(&bench, &lists, &err), &err);
    return bench;
}

static void assert_bound(const struct bench *bench, const char *bound)
{
    AUTO(json_drop) json_t *view = resource_of(bench, "people_attributes_latest");
    const char *query = json_text_at(view, "view.query");
    if (!strstr(query, bound)) fail_msg("no %s in %s", bound, query);
}

static void store_list(const struct bench *bench, const char *day)
{
    change("INSERT INTO `acme-data.%s.people_attributes` (partition_date, name, " INSERTED_COLUMNS
           ") VALUES (DATE '%s', 'plan', NULL, NULL, TIMESTAMP '2026-03-01 00:00:00+00', 'r')",
           bench->dataset, day);
}

static void a_list_has_a_lower_bound(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    const struct selection lists = attributes();
    must(prepare(&bench, &lists, &err), &err);
    assert_bound(&bench, "DATE '0001-01-01'"); /* nothing was read yet */
    store_list(&bench, "2026-01-20");
    store_list(&bench, "2026-02-20");
    struct bench second = prepared(bench.dataset);
    assert_bound(&bench, "DATE '2026-01-21'"); /* 30 days */
    size_t queries = journal_count("MAX(partition_date) AS newest"),
           patches = journal_count("\"tables.patch\"");
    store_list(&bench, "2026-02-28");
    struct bench third = prepared(bench.dataset); /* it need not be exact: it stays for 90 days */
    assert_bound(&bench, "DATE '2026-01-21'");
    assert_int_equal(journal_count("MAX(partition_date) AS newest"), queries);
    assert_int_equal(journal_count("\"tables.patch\""), patches);
    change("DELETE FROM `acme-data.%s.people_attributes` WHERE partition_date > DATE '2026-02-20'",
           bench.dataset);
    assert_int_equal(
        ask("SELECT COUNT(*) FROM `acme-data.%s.people_attributes_latest` WHERE partition_date = DATE "
            "'2026-02-20'",
            bench.dataset),
        1);
    bench_done(&third);
    bench_done(&second);
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_history_leaves_what_the_view_shows),
        cmocka_unit_test(what_people_set_stays),
        cmocka_unit_test(a_view_with_descriptions_is_not_replaced),
        cmocka_unit_test(a_list_has_a_lower_bound),
        cmocka_unit_test(columns_that_are_made_otherwise_are_written_again),
    };
    return cmocka_run_group_tests(tests, bench_start, bench_stop);
}
