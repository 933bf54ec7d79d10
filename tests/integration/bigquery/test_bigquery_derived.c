/* SPDX-License-Identifier: Apache-2.0 */
/* test_bigquery_derived.c - what is derived after a run: <table>_latest as a table, and <of>_custom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bigquery_fixture.h"
#include "staged_row.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* --- <table>_latest as a table --- */

#define REFRESHES "DECLARE stale_days" /* once in each refresh that looks at rows */

static const char *const as_tables[] = {"tickets"};

static void want_tables(const struct bench *bench, bool tables)
{
    struct bigquery *bq = (struct bigquery *)bench->warehouse;
    bq->settings.latest_tables = as_tables;
    bq->settings.latest_table_count = tables ? COUNT(as_tables) : 0;
}

static void put_ticket(const struct bench *bench, const char *id, int on)
{
    struct error err = {0};
    struct committed committed = {0};
    must(prepare(bench, &both, &err), &err);
    struct load *load = begin(bench, &both);
    must(ticket(load, id, on, 0, &err), &err);
    struct commit commit = commit_of(3, 5);
    must(bench->warehouse->ops->commit(load, &commit, &committed, &err), &err);
}

static json_t *resource_of(const struct bench *bench, const char *name)
{
    struct error err = {0};
    json_t *resource = NULL;
    must(table_get((struct bigquery *)bench->warehouse, bench->dataset, name, &resource, &err), &err);
    return resource;
}

static void assert_kind(const struct bench *bench, const char *name, const char *kind)
{
    json_t *resource = resource_of(bench, name);
    assert_string_equal(json_text_at(resource, "type"), kind);
    json_decref(resource);
}

static int64_t tickets_shown(const struct bench *bench)
{
    return ask("SELECT COUNT(*) FROM `acme-data.%s.tickets_latest`", bench->dataset);
}

/* A new process on the same dataset. */
static struct bench again(const struct bench *bench, bool tables)
{
    struct error err = {0};
    struct bench other = bench_in(bench->dataset);
    want_tables(&other, tables);
    must(prepare(&other, &both, &err), &err);
    return other;
}

static void a_table_follows_what_was_inserted(void **unused)
{
    (void)unused;
    struct bench bench = bench_new();
    want_tables(&bench, true);
    put_ticket(&bench, "a", 3);
    refresh(&bench, &both);
    assert_kind(&bench, "tickets_latest", "TABLE");
    assert_kind(&bench, "parts_latest", "VIEW");
    assert_int_equal(tickets_shown(&bench), 1);
    json_t *resource = resource_of(&bench, "tickets_latest");
    assert_string_equal(json_text_at(resource, "labels.app"), "caseload");
    assert_string_equal(json_string_value(json_array_get(json_at(resource, "clustering.fields"), 0)), "id");
    json_decref(resource);
    put_ticket(&bench, "a", 4);
    put_ticket(&bench, "b", 4);
    assert_int_equal(tickets_shown(&bench), 1); /* until it is refreshed */
    refresh(&bench, &both);
    assert_int_equal(tickets_shown(&bench), 2);
    assert_int_equal(
        ask("SELECT COUNT(*) FROM `acme-data.%s.tickets_latest` WHERE partition_date = DATE '2026-02-04'",
            bench.dataset),
        2);
    bench_done(&bench);
}

static void nothing_new_costs_next_to_nothing(void **unused)
{
    (void)unused;
    struct bench bench = bench_new();
    want_tables(&bench, true);
    put_ticket(&bench, "a", 3);
    refresh(&bench, &both);
    size_t refreshes = journal_count(REFRESHES);
    assert_true(refreshes > 0);
    refresh(&bench, &both);
    put_ticket(&bench, "a", 3); /* known already: nothing is inserted */
    refresh(&bench, &both);
    struct bench other = again(&bench, true);
    size_t gets = journal_count("\"tables.get\"");
    refresh(&other, &both);
    assert_true(journal_count("\"tables.get\"") - gets <= 2);
    assert_int_equal(journal_count(REFRESHES), refreshes);
    bench_done(&other);
    bench_done(&bench);
}

/* The run ended between its commit and its refresh. */
static void the_next_run_makes_up_for_it(void **unused)
{
    (void)unused;
    struct bench bench = bench_new();
    want_tables(&bench, true);
    put_ticket(&bench, "a", 3);
    refresh(&bench, &both);
    put_ticket(&bench, "b", 4);
    struct bench other = again(&bench, true);
    refresh(&other, &both);
    assert_int_equal(tickets_shown(&other), 2);
    bench_done(&other);
    bench_done(&bench);
}

static void a_view_becomes_a_table_and_back(void **unused)
{
    (void)unused;
    struct bench bench = bench_new();
    put_ticket(&bench, "a", 3);
    refresh(&bench, &both);
    assert_kind(&bench, "tickets_latest", "VIEW");
    struct bench table = again(&bench, true);
    refresh(&table, &both);
    assert_kind(&bench, "tickets_latest", "TABLE");
    assert_int_equal(tickets_shown(&bench), 1);
    struct bench view = again(&bench, false);
    refresh(&view, &both);
    assert_kind(&bench, "tickets_latest", "VIEW");
    assert_int_equal(tickets_shown(&bench), 1);
    bench_done(&view);
    bench_done(&table);
    bench_done(&bench);
}

static void a_foreign_table_is_left_alone(void **unused)
{
    (void)unused;
    struct error err = {0};
    struct bench bench = bench_new();
    json_t *theirs = json_pack("{s:{s:[{s:s, s:s}]}}", "schema", "fields", "name", "mine", "type", "STRING");
    must(table_insert((struct bigquery *)bench.warehouse, bench.dataset, "tickets_latest", theirs, &err),
         &err);
    put_ticket(&bench, "a", 3);
    refresh(&bench, &both);
    want_tables(&bench, true);
    refresh(&bench, &both);
    assert_int_equal(ask("SELECT COUNT(mine) FROM `acme-data.%s.tickets_latest`", bench.dataset), 0);
    json_decref(theirs);
    bench_done(&bench);
}

/* --- <of>_custom --- */

static const struct column member_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "custom_attributes", .type = COLUMN_JSON},
};
static const struct column list_columns[] = {
    {.name = "full_name", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "label", .type = COLUMN_STRING},
    {.name = "data_type", .type = COLUMN_STRING},
    {.name = "custom", .type = COLUMN_BOOL},
};
static const char *const id_key[] = {"id"}, *const full_name_key[] = {"full_name"};
static const struct table members = {.name = "members",
                                     .columns = member_columns,
                                     .column_count = COUNT(member_columns),
                                     .key = id_key,
                                     .key_count = 1,
                                     .version = "updated_at",
                                     .day = "updated_at"};
static const struct table member_list = {.name = "member_attributes",
                                         .columns = list_columns,
                                         .column_count = COUNT(list_columns),
                                         .key = full_name_key,
                                         .key_count = 1};
static const struct attribute_list attribute_list = {
    .of = &members, .values = "custom_attributes", .name = "label", .type = "data_type", .custom = "custom"};
static const struct stream member_stream = {.name = "members", .kind = STREAM_SCAN, .table = &members},
                           list_stream = {.name = "member_attributes",
                                          .kind = STREAM_SNAPSHOT,
                                          .table = &member_list,
                                          .attributes = &attribute_list};
static const struct selection member_selection = {
    .stream = &member_stream, .tables = {&members}, .table_count = 1};
static const struct selection list_selection = {
    .stream = &list_stream, .tables = {&member_list}, .table_count = 1};

struct defined {
    const char *name, *type;
};

static void write_json(struct load *load, json_t *row)
{
    struct error err = {0};
    char *plain = json_dumps(row, JSON_COMPACT);
    char *text = staged_row_closed(load->selection->tables[0], plain);
    must(load->bq->warehouse.ops->write(load, 0, text, strlen(text), &err), &err);
    free(text);
    free(plain);
    json_decref(row);
}

/* The list as it is on that day, with one built-in attribute; then what is derived from it. */
static void put_list(const struct bench *bench, int on, const struct defined *list, size_t count)
{
    struct error err = {0};
    struct committed committed = {0};
    char date[DAY_TEXT];
    must(prepare(bench, &list_selection, &err), &err);
    struct load *load = begin(bench, &list_selection);
    day_format(day(on), date);
    for (size_t i = 0; i <= count; i++) {
        bool ours = i < count;
        char full_name[16];
        snprintf(full_name, sizeof full_name, "%zu", i);
        write_json(load, json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:i}", "full_name", full_name, "label",
                                   ours ? list[i].name : "email", "data_type", ours ? list[i].type : "string",
                                   "custom", ours, "partition_date", date, "_read_at", "2026-03-01T00:00:00Z",
                                   "_seq", (int)i));
    }
    struct commit commit = commit_of(on, on);
    must(bench->warehouse->ops->commit(load, &commit, &committed, &err), &err);
    refresh(bench, &list_selection);
}

static void put_member(const struct bench *bench, const char *id, json_t *attributes)
{
    struct error err = {0};
    struct committed committed = {0};
    must(prepare(bench, &member_selection, &err), &err);
    struct load *load = begin(bench, &member_selection);
    write_json(load, json_pack("{s:s, s:s, s:o, s:s, s:s, s:i}", "id", id, "updated_at",
                               "2026-02-03T10:00:00Z", "custom_attributes", attributes, "partition_date",
                               "2026-02-03", "_read_at", "2026-03-01T00:00:00Z", "_seq", 0));
    struct commit commit = commit_of(3, 3);
    must(bench->warehouse->ops->commit(load, &commit, &committed, &err), &err);
}

static void assert_custom(const struct bench *bench, const char *where)
{
    int64_t count = ask("SELECT COUNT(*) FROM `acme-data.%s.members_custom` WHERE %s", bench->dataset, where);
    if (count != 1) fail_msg("%lld rows: %s", (long long)count, where);
}

static void attributes_are_typed_columns(void **unused)
{
    (void)unused;
    static const struct defined list[] = {{"plan", "string"},   {"seats", "integer"}, {"score", "float"},
                                          {"price", "decimal"}, {"vip", "boolean"},   {"born", "date"},
                                          {"since", "date"},    {"next", "datetime"}, {"away", "date"},
                                          {"hobbies", "list"},  {"files", "files"},   {"what", "hologram"}};
    struct bench bench = bench_new();
    put_member(&bench, "a",
               json_pack("{s:s, s:i, s:f, s:s, s:b, s:I, s:I, s:s, s:s, s:[s,s], s:{s:i}, s:i}", "plan",
                         "pro", "seats", 5, "score", 2.5, "price", "9.75", "vip", 1, "born",
                         (json_int_t)-86400, "since", (json_int_t)1770000000123, "next",
                         "2026-02-03T10:00:00Z", "away", "soon", "hobbies", "x", "y", "files", "n", 1, "what",
                         3));
    put_member(&bench, "b",
               json_pack("{s:i, s:s, s:s, s:s, s:I, s:n}", "plan", 7, "seats", "many", "vip", "perhaps",
                         "born", "2026-02-03", "since", (json_int_t)9223372036854775807LL, "hobbies"));
    put_list(&bench, 5, list, COUNT(list));
    assert_custom(&bench, "id = 'a' AND updated_at = TIMESTAMP '2026-02-03 10:00:00+00' AND plan = 'pro' AND "
                          "seats = 5 AND score = 2.5 AND price = 9.75 AND vip");
    assert_custom(&bench,
                  "id = 'a' AND born = TIMESTAMP '1969-12-31 00:00:00+00' AND since = TIMESTAMP "
                  "'2026-02-02 02:40:00.123+00' AND next = TIMESTAMP '2026-02-03 10:00:00+00' AND away "
                  "IS NULL");
    assert_custom(&bench, "id = 'a' AND hobbies = '[\"x\",\"y\"]' AND JSON_VALUE(files, '$.n') = '1' "
                          "AND what = '3'");
    assert_custom(
        &bench,
        "id = 'b' AND plan = '7' AND hobbies IS NULL AND seats IS NULL AND score IS NULL AND vip IS NULL AND "
        "born = TIMESTAMP '2026-02-03 00:00:00+00' AND since IS NULL");
    json_t *resource = resource_of(&bench, "members_custom");
    assert_null(schema_find(json_at(resource, "schema.fields"), "email")); /* built in */
    json_decref(resource);
    bench_done(&bench);
}

static const struct defined hostile[] = {
    {"it's", "string"},
    {"a\"b", "string"},
    {"back\\slash\\", "string"},
    {"`; DROP TABLE x; --", "string"},
    {"line\nbreak\ttab\r", "string"},
    {"$.plan", "string"},
    {"${latest}", "string"},
    {"a.b[0]['c']", "string"},
    {"\xc3\xbc\xc3\xb1\xc3\xaf"
     "code \xf0\x9f\x8e\x9f",
     "string"},
    {"2fa", "string"},
    {"_PARTITIONTIME", "string"},
    {"id", "string"},
    {"Updated_At", "string"},
    {"Plan", "string"},
    {"plan", "string"},
    {"PLAN", "string"},
    {"select", "string"},
    {"v0", "string"},
    {"a b", "string"},
    {"a-b", "string"},
    {"'''", "string"},
    {"%s%n", "string"},
    {"\x01\x7f", "string"},
    {" ", "string"},
};

static void any_name_becomes_a_column(void **unused)
{
    (void)unused;
    char longs[2][401] = {{0}}, text[16];
    struct defined list[COUNT(hostile) + 2];
    memcpy(list, hostile, sizeof hostile);
    for (size_t i = 0; i < 2; i++) {
        memset(longs[i], 'x', 400);
        longs[i][399] = (char)('a' + i);
        list[COUNT(hostile) + i] = (struct defined){longs[i], "string"};
    }
    json_t *values = json_object();
    for (size_t i = 0; i < COUNT(list); i++) {
        snprintf(text, sizeof text, "value %zu", i);
        json_object_set_new(values, list[i].name, json_string(text));
    }
    struct bench bench = bench_new();
    put_member(&bench, "a", values);
    put_list(&bench, 5, list, COUNT(list));
    json_t *resource = resource_of(&bench, "members_custom");
    const json_t *fields = json_at(resource, "schema.fields");
    assert_int_equal(json_array_size(fields), COUNT(list) + 2);
    for (size_t i = 0; i < COUNT(list); i++) {
        const char *column = NULL;
        for (size_t k = 2; k < json_array_size(fields); k++) {
            const char *told = json_text_at(json_array_get(fields, k), "description");
            if (told && !strcmp(told, list[i].name)) column = json_text_at(json_array_get(fields, k), "name");
        }
        if (!column) fail_msg("no column for: %s", list[i].name);
        assert_true(sql_is_name(column) && strlen(column) <= 300 && *column != '_');
        assert_int_equal(ask("SELECT COUNT(*) FROM `acme-data.%s.members_custom` WHERE `%s` = 'value %zu'",
                             bench.dataset, column, i),
                         1);
    }
    json_decref(resource);
    bench_done(&bench);
}

static void columns_stay_when_others_come(void **unused)
{
    (void)unused;
    static const struct defined first[] = {{"b c", "string"}, {"plan", "integer"}};
    static const struct defined second[] = {
        {"B_C", "string"}, {"b c", "string"}, {"b-c", "string"}, {"PLAN", "string"}, {"plan", "string"}};
    struct bench bench = bench_new();
    put_member(
        &bench, "a",
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "b c", "1", "B_C", "2", "b-c", "3", "plan", "4", "PLAN", "5"));
    put_list(&bench, 5, first, COUNT(first));
    assert_custom(&bench, "b_c = '1' AND plan = 4");
    put_list(&bench, 6, second, COUNT(second));
    assert_custom(&bench, "b_c = '1' AND plan = '4'");
    json_t *before = resource_of(&bench, "members_custom");
    struct bench other = bench_in(bench.dataset);
    struct error err = {0};
    must(prepare(&other, &list_selection, &err),
         &err); /* the list has a day now: its own view gets a bound */
    size_t patches = journal_count("\"tables.patch\"");
    put_list(&other, 7, second, COUNT(second));
    assert_int_equal(journal_count("\"tables.patch\""), patches); /* nothing differs */
    json_t *after = resource_of(&bench, "members_custom");
    assert_true(json_equal(json_at(before, "schema"), json_at(after, "schema")));
    assert_int_equal(json_array_size(json_at(after, "schema.fields")), 2 + COUNT(second));
    json_decref(before);
    json_decref(after);
    /* An attribute that is on the list no longer has no column. */
    put_list(&other, 8, first, 1);
    json_t *fewer = resource_of(&bench, "members_custom");
    assert_int_equal(json_array_size(json_at(fewer, "schema.fields")), 3);
    json_decref(fewer);
    bench_done(&other);
    bench_done(&bench);
}

#define CROWD 150

/* A view has at most 256 K characters: columns that are there stay, and the last of the others are left out.
 */
static void attributes_that_do_not_fit_are_left_out(void **unused)
{
    (void)unused;
    static char texts[CROWD][5000];
    struct defined list[CROWD + 1];
    for (size_t i = 0; i < CROWD; i++) {
        snprintf(texts[i], sizeof texts[i], "attribute %03zu %04000d", i, 0);
        list[i] = (struct defined){texts[i], i % 2 ? "date" : "string"};
    }
    list[CROWD] = (struct defined){"A new one", "string"};
    struct bench bench = bench_new();
    put_member(&bench, "a", json_pack("{s:s, s:s}", texts[0], "first", "A new one", "new"));
    put_list(&bench, 5, list, CROWD);
    json_t *before = resource_of(&bench, "members_custom");
    const json_t *fields = json_at(before, "schema.fields");
    size_t columns = json_array_size(fields);
    assert_true(columns > CROWD / 4 && columns < CROWD);
    char where[512]; /* the keys are two */
    snprintf(where, sizeof where, "%s = 'first'", json_text_at(json_array_get(fields, 2), "name"));
    assert_custom(&bench, where);
    put_list(&bench, 6, list, CROWD + 1);
    json_t *after = resource_of(&bench, "members_custom");
    for (size_t i = 0; i < columns; i++)
        assert_non_null(
            schema_find(json_at(after, "schema.fields"), json_text_at(json_array_get(fields, i), "name")));
    put_list(&bench, 7, list + CROWD, 1);
    assert_custom(&bench, "A_new_one = 'new'");
    json_decref(before);
    json_decref(after);
    bench_done(&bench);
}

static void begin_run(const struct bench *bench, const struct selection *selection)
{
    struct error err = {0};
    struct state state = {0};
    const struct warehouse_ops *ops = bench->warehouse->ops;
    must(prepare(bench, selection, &err), &err);
    must(ops->state(bench->warehouse, &selection, 1, "m", &state, &err), &err);
    state_done(&state);
}

static void a_list_alone_makes_no_view(void **unused)
{
    (void)unused;
    static const struct defined list[] = {{"plan", "string"}};
    struct bench bench = bench_new();
    put_list(&bench, 5, list, 1);
    json_t *none = resource_of(&bench, "members_custom");
    assert_null(none);
    put_member(&bench, "a", json_pack("{s:s}", "plan", "pro"));
    refresh(&bench, &list_selection); /* the next run: nothing of the list is new */
    assert_custom(&bench, "plan = 'pro'");
    begin_run(&bench, &list_selection);
    refresh(&bench, &list_selection);
    for (int process = 0; process < 2; process++) {
        struct bench next = bench_in(bench.dataset);
        begin_run(&next, &list_selection);
        size_t queries = journal_count("\"jobs.query\""), gets = journal_count("\"tables.get\"");
        assert_true(queries > 0);
        refresh(&next, &list_selection); /* the list is as it was: nothing is even looked at */
        assert_int_equal(journal_count("\"jobs.query\""), queries);
        assert_int_equal(journal_count("\"tables.get\""), gets);
        if (process == 0) { /* a newer list is */
            static const struct defined longer[] = {{"plan", "string"}, {"seats", "integer"}};
            put_list(&bench, 6, longer, 2);
            begin_run(&next, &list_selection);
            refresh(&next, &list_selection);
            assert_custom(&bench, "plan = 'pro' AND seats IS NULL");
        }
        bench_done(&next);
    }
    bench_done(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_follows_what_was_inserted),
        cmocka_unit_test(nothing_new_costs_next_to_nothing),
        cmocka_unit_test(the_next_run_makes_up_for_it),
        cmocka_unit_test(a_view_becomes_a_table_and_back),
        cmocka_unit_test(a_foreign_table_is_left_alone),
        cmocka_unit_test(attributes_are_typed_columns),
        cmocka_unit_test(any_name_becomes_a_column),
        cmocka_unit_test(columns_stay_when_others_come),
        cmocka_unit_test(attributes_that_do_not_fit_are_left_out),
        cmocka_unit_test(a_list_alone_makes_no_view),
    };
    return cmocka_run_group_tests_name("bigquery_derived", tests, bench_start, bench_stop);
}
