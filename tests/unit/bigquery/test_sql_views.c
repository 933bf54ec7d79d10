/* SPDX-License-Identifier: Apache-2.0 */
/* test_sql_views.c - the statements of reconciliations and of what is derived, and the names of attributes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "fake_members.h"
#include "schema.h"
#include "sql_text.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct selection compared = {
    .stream = &fake_members_reconciliation,
    .tables = {&fake_members_ids, &fake_members_table, &fake_members_deleted},
    .table_count = RECONCILE_TABLES};

static struct buf new_text(void)
{
    struct buf text;
    buf_init(&text, LIMIT_SQL);
    return text;
}

/* --- Reconciliations --- */

static void lists_are_compared_in_a_transaction(void **state)
{
    (void)state;
    const char *const stages[LIMIT_TABLES + 1] = {"stage_p", "stage_a", "stage_g"};
    struct buf sql = new_text();
    sql_commit(&names, &compared, stages, NULL, &sql);
    assert_sendable(&sql);
    const char *const sequence[] = {
        "DECLARE n_0, n_1, n_2, n_rejected",
        "FROM `acme-data.desk_caseload.stage_p`);",
        "IF n_staged != @staged_0",
        "BEGIN TRANSACTION;",
        "UPDATE `acme-data.desk_caseload.lock_people`",
        "WHERE stream IN ('people') AND began_at > @began_at",
        "INSERT INTO `acme-data.desk.people` (",
        "INSERT INTO `acme-data.desk.people_deleted`",
        "DATE(@began_at, @timezone), m.`id`, @began_at, a.merged_into",
        "FROM `acme-data.desk.people`",
        ("SELECT DISTINCT `id` FROM `acme-data.desk_caseload.stage_p` UNION DISTINCT "
         "SELECT DISTINCT `id` FROM `acme-data.desk_caseload.stage_a`"),
        "FROM `acme-data.desk_caseload.stage_g`",
        "SET n_2 = @@row_count;",
        "DELETE FROM `acme-data.desk.people_deleted`",
        "AND `id` IN (SELECT DISTINCT `id` FROM `acme-data.desk_caseload.stage_p`",
        "INSERT INTO `acme-data.desk_caseload.missing`",
        "INSERT INTO `acme-data.desk_caseload.runs`",
        "FROM `acme-data.desk.people`",
        "COMMIT TRANSACTION;",
        "SET n_doubled = n_doubled + ("};
    assert_order(buf_string(&sql), sequence, COUNT(sequence));
    assert_null(strstr(buf_string(&sql), "desk.people_reconciliation")); /* a table that never is */
    assert_null(strstr(buf_string(&sql), "RAISE USING MESSAGE = 'caseload: people_reconciliation: the list"));
    buf_done(&sql);
}

static void a_list_of_records_is_a_reading(void **state)
{
    (void)state;
    const struct selection listed = {
        .stream = &fake_members_list,
        .tables = {&fake_members_table, &fake_members_table, &fake_members_deleted},
        .table_count = RECONCILE_TABLES};
    const char *const stages[LIMIT_TABLES + 1] = {"stage_p", "stage_a"};
    struct buf sql = new_text();
    sql_commit(&names, &listed, stages, NULL, &sql);
    assert_sendable(&sql);
    const char *const sequence[] = {
        "IF n_staged != @staged_0",
        "UPDATE `acme-data.desk_caseload.lock_people`",
        "IF(stream = 'people', from_date, DATE '0001-01-01') AS lo",
        "WHERE stream IN ('people', CONCAT('people', '_reconciliation')) AND began_at > @began_at",
        "SET (n_compared, n_differing) = (",
        "INSERT INTO `acme-data.desk.people` (",
        "FROM `acme-data.desk_caseload.stage_p`",
        "s.partition_date >= @lo",
        "AND n_differing = 0);",
        "INSERT INTO `acme-data.desk.people` (",
        "FROM `acme-data.desk_caseload.stage_a`",
        "INSERT INTO `acme-data.desk.people_deleted`",
        "FROM (SELECT d FROM UNNEST(days_0) AS d UNION ALL SELECT d FROM UNNEST(days_1) AS d)",
        "INSERT INTO `acme-data.desk_caseload.runs`",
        "COMMIT TRANSACTION;"};
    assert_order(buf_string(&sql), sequence, COUNT(sequence));
    buf_done(&sql);
}

static void an_empty_list_may_raise(void **state)
{
    (void)state;
    const char *const stages[LIMIT_TABLES + 1] = {NULL};
    struct buf sql = new_text();
    sql_commit(&names, &compared, stages, NULL, &sql);
    assert_sendable(&sql);
    const char *const sequence[] = {"BEGIN TRANSACTION;", "IF EXISTS (", "FROM `acme-data.desk.people`",
                                    "the list of all records is empty, but people holds",
                                    "COMMIT TRANSACTION;"};
    assert_order(buf_string(&sql), sequence, COUNT(sequence));
    assert_null(strstr(buf_string(&sql), "DELETE"));
    buf_reset(&sql);
    sql_state_text(&names, &(const struct selection *){&compared}, 1, &sql);
    assert_null(strstr(buf_string(&sql), "FROM `acme-data.desk.people")); /* its plan asks for no days */
    buf_done(&sql);
}

/* --- <table>_latest --- */

static void the_gone_are_left_out(void **state)
{
    (void)state;
    struct buf sql = new_text();
    sql_latest_text(&names, &(struct sql_latest){.table = &fake_members_table}, &sql);
    const char *const sequence[] = {
        "SELECT r.*\n", "PARTITION BY `id` ORDER BY `updated_at` DESC, _read_at DESC, _loaded_at DESC",
        "FROM `acme-data.desk.people_deleted`", "ON g.`id` = r.`id`",
        "WHERE g.missing IS NULL OR g.missing < r.`updated_at`"};
    assert_order(buf_string(&sql), sequence, COUNT(sequence));
    buf_reset(&sql);
    sql_latest_text(&names, &(struct sql_latest){.table = &fake_members_deleted}, &sql);
    assert_null(strstr(buf_string(&sql), "g.missing"));
    buf_reset(&sql);
    sql_latest_text(&names, &(struct sql_latest){.table = &fake_members_teams}, &sql);
    const char *const set[] = {"FROM `acme-data.desk.people_teams`", "FROM `acme-data.desk.people`",
                               "ON o.`id` = r.`person_id` AND o.newest = r.`person_updated_at`",
                               "ON g.`id` = r.`person_id`", "g.missing < r.`person_updated_at`"};
    assert_order(buf_string(&sql), set, COUNT(set));
    buf_done(&sql);
}

/* As a live table, which began with so many of the columns. */
static json_t *grown_from(size_t columns)
{
    struct table early = fake_members_table;
    struct error err = {0};
    bool changed = false;
    early.column_count = columns;
    json_t *fields = schema_data(&early), *wanted = schema_data(&fake_members_table);
    assert_true(schema_merge(fields, wanted, &changed, &err));
    json_decref(wanted);
    return fields;
}

static void later_columns_look_into_extra(void **state)
{
    (void)state;
    json_t *fields = grown_from(2);
    struct buf sql = new_text();
    json_array_append_new(fields, json_pack("{s:s, s:s}", "name", "theirs", "type", "STRING"));
    sql_latest_text(&names, &(struct sql_latest){.table = &fake_members_table, .fields = fields}, &sql);
    assert_has(buf_string(&sql), "COALESCE(r.`name`, JSON_VALUE(r.`_extra`, '$.\"name\"')) AS `name`");
    assert_has(buf_string(&sql),
               "SAFE.TIMESTAMP_SECONDS(SAFE_CAST(JSON_VALUE(r.`_extra`, '$.\"seen\"') AS INT64))");
    assert_has(
        buf_string(&sql),
        "STRUCT(COALESCE(r.`home`.`city`, JSON_VALUE(r.`_extra`, '$.\"home.city\"')) AS "
        "`city`, COALESCE(r.`home`.`zip`, SAFE_CAST(JSON_VALUE(r.`_extra`, '$.\"home.zip\"') AS INT64)) "
        "AS `zip`, r.`home`.`tags` AS `tags`)");
    assert_null(strstr(buf_string(&sql), "AS `custom_attributes`"));
    assert_null(strstr(buf_string(&sql), "AS `tags`,\n"));
    assert_null(strstr(buf_string(&sql), "theirs"));
    assert_null(strstr(buf_string(&sql), "AS `updated_at`"));
    json_decref(fields);
    /* Nothing was added: nothing is looked up. */
    fields = grown_from(fake_members_table.column_count);
    buf_reset(&sql);
    sql_latest_text(&names, &(struct sql_latest){.table = &fake_members_table, .fields = fields}, &sql);
    assert_null(strstr(buf_string(&sql), "REPLACE"));
    json_decref(fields);
    buf_done(&sql);
}

/* Others may have put a field into a record of ours, with any name. */
static void names_of_others_are_not_spliced(void **state)
{
    (void)state;
    json_t *fields = grown_from(2);
    json_t *home = schema_find(fields, "home");
    struct buf sql = new_text();
    json_array_append_new(json_object_get(home, "fields"),
                          json_pack("{s:s, s:s}", "name", "a`); DROP", "type", "STRING"));
    sql_latest_text(&names, &(struct sql_latest){.table = &fake_members_table, .fields = fields}, &sql);
    assert_null(strstr(buf_string(&sql), "DROP"));
    assert_null(strstr(buf_string(&sql), "STRUCT("));
    assert_has(buf_string(&sql), "AS `name`");
    json_decref(fields);
    buf_done(&sql);
}

/* Of all rows only the identity and times are read; of the days of new rows the rest. */
static void tables_are_changed_where_they_differ(void **state)
{
    (void)state;
    struct buf sql = new_text();
    json_t *fields = grown_from(2);
    json_array_append_new(fields, json_pack("{s:s, s:s}", "name", "a`); DROP", "type", "STRING"));
    struct sql_refresh refresh = {.stream = &fake_members, .table = &fake_members_table, .fields = fields};
    sql_latest_refresh_text(&names, &refresh, &sql);
    const char *const sequence[] = {
        "UPDATE `acme-data.desk_caseload.lock_people`",
        "SELECT 1 FROM (SELECT r.`id`, r.`updated_at`, r.`partition_date`, r.`_loaded_at`, r.`_read_at`",
        "DELETE FROM `acme-data.desk.people_latest` AS l",
        "v.`id` = l.`id` AND v.`updated_at` = l.`updated_at` AND v.`partition_date` = l.`partition_date`",
        "INSERT INTO `acme-data.desk.people_latest` (`partition_date`, `id`, `updated_at`, ",
        "SELECT v.`partition_date`, v.`id`, v.`updated_at`, ",
        "COALESCE(r.`name`",
        "AND partition_date IN UNNEST(these_days)",
        "ON v.`id` = l.`id`\n",
        "COMMIT TRANSACTION;"};
    assert_order(buf_string(&sql), sequence, COUNT(sequence));
    assert_null(strstr(buf_string(&sql), "DROP"));
    buf_reset(&sql);
    refresh.is_rebuilt = true;
    sql_latest_refresh_text(&names, &refresh, &sql);
    assert_has(buf_string(&sql), "WHERE l.partition_date IN UNNEST(these_days) AND TRUE;");
    json_decref(fields);
    buf_done(&sql);
}

/* A filter on the day reaches the scan of records that keep theirs; of a list, a constant does. */
static void windows_let_days_through(void **state)
{
    (void)state;
    struct table parts = fake_members_table;
    struct buf sql = new_text();
    parts.day_is_fixed = true;
    sql_latest_text(&names, &(struct sql_latest){.table = &parts}, &sql);
    assert_has(buf_string(&sql), "PARTITION BY `id`, `partition_date` ORDER BY");
    buf_reset(&sql);
    sql_latest_text(&names, &(struct sql_latest){.table = &fake_members_table}, &sql);
    assert_has(buf_string(&sql), "PARTITION BY `id` ORDER BY");
    buf_reset(&sql);
    sql_latest_text(&names, &(struct sql_latest){.table = &fake_members_teams}, &sql);
    assert_has(buf_string(&sql), "PARTITION BY `person_id`, `person_updated_at`, partition_date)");
    buf_reset(&sql);
    const struct sql_latest list = {.table = fake_members_attributes.table, .since = "2026-02-01"};
    sql_latest_text(&names, &list, &sql);
    const char *const bounds[] = {"partition_date >= DATE '2026-02-01'", "partition_date = (SELECT MAX",
                                  "partition_date >= DATE '2026-02-01')"};
    assert_order(buf_string(&sql), bounds, COUNT(bounds));
    buf_done(&sql);
}

/* --- <of>_custom --- */

static void literals_hold_anything(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"plan", "'plan'"},
                                           {"", "''"},
                                           {"it's", "'it\\'s'"},
                                           {"\\", "'\\\\'"},
                                           {"\\' OR 1=1", "'\\\\\\' OR 1=1'"},
                                           {"a\nb\x7f", "'a\\x0ab\\x7f'"},
                                           {"\xc3\xbc`\"", "'\xc3\xbc`\"'"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf text = new_text();
        sql_literal(&text, cases[i][0]);
        assert_string_equal(buf_string(&text), cases[i][1]);
        buf_done(&text);
    }
}

static void attributes_have_their_types(void **state)
{
    (void)state;
    static const struct custom_attribute list[] = {
        {"a", "string", "a"},   {"b", "integer", "b"}, {"c", "decimal", "c"},      {"d", "boolean", "d"},
        {"e", "datetime", "e"}, {"f", "list", "f"},    {"g", "relationship", "g"}, {"h", "unheard of", "h"}};
    struct buf sql = new_text();
    sql_custom_text(&names, fake_members_attributes.attributes, list, COUNT(list), &sql);
    const char *const sequence[] = {"SELECT `id`, `updated_at`",
                                    "COALESCE(JSON_VALUE(r.v0), IF(TO_JSON_STRING(r.v0) = 'null', NULL, "
                                    "TO_JSON_STRING(r.v0))) AS `a`",
                                    "SAFE_CAST(r.v1 AS INT64) AS `b`",
                                    "SAFE_CAST(r.v2 AS FLOAT64) AS `c`",
                                    "SAFE_CAST(r.v3 AS BOOL) AS `d`",
                                    "SAFE.TIMESTAMP_MILLIS(SAFE_CAST(r.v4 AS INT64))",
                                    "COALESCE(JSON_VALUE(r.v5), IF(TO_JSON_STRING(r.v5) = 'null', NULL, "
                                    "TO_JSON_STRING(r.v5))) AS `f`",
                                    ",\n       r.v6 AS `g`",
                                    "TO_JSON_STRING(r.v7))) AS `h`",
                                    ",\n               `custom_attributes`['a'] AS v0",
                                    "JSON_VALUE(`custom_attributes`['b']) AS v1",
                                    ",\n               `custom_attributes`['f'] AS v5",
                                    "FROM `acme-data.desk.people_latest`"};
    assert_order(buf_string(&sql), sequence, COUNT(sequence));
    buf_done(&sql);
}

/* The column of a name, after all were named. */
static const char *column_of(const struct custom_attribute *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(list[i].name, name)) return list[i].column;
    return "";
}

static void columns_are_safe_and_their_own(void **state)
{
    (void)state;
    static const char *const taken[] = {"id", "updated_at"};
    struct custom_attribute list[] = {
        {.name = "plan"},     {.name = "a b"},      {.name = "a_b"},  {.name = "2fa"}, {.name = "ID"},
        {.name = "\xc3\xbc"}, {.name = "_TABLE_x"}, {.name = "Plan"}, {.name = "a.b"}, {.name = "c_2fa"}};
    custom_name(list, COUNT(list), taken, COUNT(taken), NULL);
    assert_string_equal(column_of(list, COUNT(list), "Plan"), "Plan"); /* before "plan": P < p */
    assert_int_equal(strlen(column_of(list, COUNT(list), "plan")), strlen("plan_01234567"));
    assert_string_equal(column_of(list, COUNT(list), "a_b"), "a_b");
    assert_int_equal(strncmp(column_of(list, COUNT(list), "a b"), "a_b_", 4), 0);
    assert_int_equal(strncmp(column_of(list, COUNT(list), "a.b"), "a_b_", 4), 0);
    assert_string_equal(column_of(list, COUNT(list), "c_2fa"), "c_2fa");
    assert_int_equal(strncmp(column_of(list, COUNT(list), "2fa"), "c_2fa_", 6), 0);
    assert_int_equal(strncmp(column_of(list, COUNT(list), "ID"), "ID_", 3), 0);
    assert_string_equal(column_of(list, COUNT(list), "\xc3\xbc"), "c__");
    assert_string_equal(column_of(list, COUNT(list), "_TABLE_x"), "c__TABLE_x");
    for (size_t i = 0; i < COUNT(list); i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(strcasecmp(list[i].column, list[k].column), 0);
}

/* A name that was cut ends with a hash, even without another one like it. */
static void long_names_are_cut(void **state)
{
    (void)state;
    char text[401] = "";
    memset(text, 'x', 400);
    struct custom_attribute list[] = {{.name = text}};
    custom_name(list, 1, NULL, 0, NULL);
    assert_int_equal(strlen(list[0].column), 200 + strlen("_01234567"));
}

/* Each attribute keeps its column, in any order of the list. */
static void columns_are_remembered(void **state)
{
    (void)state;
    struct custom_attribute later[] = {{.name = "A B"}, {.name = "a_b"}, {.name = "a b"}};
    json_t *before = json_pack("[{s:s, s:s}, {s:s, s:s}]", "name", "a_b", "description", "a b", "name", "x`",
                               "description", "A B");
    custom_name(later, COUNT(later), NULL, 0, before);
    assert_string_equal(column_of(later, COUNT(later), "a b"), "a_b");
    assert_int_equal(strncmp(column_of(later, COUNT(later), "a_b"), "a_b_", 4), 0);
    assert_int_equal(strncmp(column_of(later, COUNT(later), "A B"), "A_B_", 4), 0);
    json_decref(before);
}

/* --- Schemas --- */

static void schemas_are_whole_resources(void **state)
{
    (void)state;
    json_t *schema = bigquery_schema(&fake_members_teams);
    assert_string_equal(json_text_at(schema, "timePartitioning.field"), "partition_date");
    assert_string_equal(json_string_value(json_array_get(json_at(schema, "clustering.fields"), 1)), "id");
    assert_int_equal(json_array_size(json_at(schema, "schema.fields")), 3 + 6);
    json_decref(schema);
}

static void a_reconciliation_keeps_its_subject(void **state)
{
    (void)state;
    const struct selection kept = tables_kept(&compared);
    assert_int_equal(kept.table_count, 2);
    assert_ptr_equal(kept.tables[0], &fake_members_table);
    assert_ptr_equal(kept.tables[1], &fake_members_deleted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_compared_in_a_transaction),
        cmocka_unit_test(a_list_of_records_is_a_reading),
        cmocka_unit_test(an_empty_list_may_raise),
        cmocka_unit_test(the_gone_are_left_out),
        cmocka_unit_test(later_columns_look_into_extra),
        cmocka_unit_test(names_of_others_are_not_spliced),
        cmocka_unit_test(tables_are_changed_where_they_differ),
        cmocka_unit_test(windows_let_days_through),
        cmocka_unit_test(literals_hold_anything),
        cmocka_unit_test(attributes_have_their_types),
        cmocka_unit_test(columns_are_safe_and_their_own),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(columns_are_remembered),
        cmocka_unit_test(schemas_are_whole_resources),
        cmocka_unit_test(a_reconciliation_keeps_its_subject),
    };
    return cmocka_run_group_tests_name("sql_views", tests, NULL, NULL);
}
