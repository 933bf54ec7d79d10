/* SPDX-License-Identifier: Apache-2.0 */
/* test_sql.c - the statements: every placeholder filled, every part in its place; and times of tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api.h"
#include "schema.h"
#include "sql_text.h"
#include "table.h"

static const struct column ticket_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "order", .type = COLUMN_STRING},
};
static const struct column part_columns[] = {
    {.name = "ticket_id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "created_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "redacted", .type = COLUMN_BOOL, .mode = COLUMN_REQUIRED},
};
static const char *const ticket_key[] = {"id"};
static const char *const part_key[] = {"ticket_id", "id", "updated_at", "redacted"};

static const struct table parts = {.name = "parts",
                                   .columns = part_columns,
                                   .column_count = 5,
                                   .key = part_key,
                                   .key_count = 4,
                                   .version = "updated_at",
                                   .day = "created_at"};
static const struct table ticket = {.name = "tickets",
                                    .columns = ticket_columns,
                                    .column_count = 3,
                                    .key = ticket_key,
                                    .key_count = 1,
                                    .version = "updated_at",
                                    .day = "updated_at"};
static const struct table tag = {
    .name = "tags", .columns = ticket_columns, .column_count = 1, .key = ticket_key, .key_count = 1};
static const struct stream tickets = {
    .name = "tickets",
    .kind = STREAM_INCREMENTAL,
    .table = &ticket,
    .children = &(const struct child){&parts, CHILD_DEFAULT},
    .child_count = 1,
};
static const struct stream tags = {
    .name = "tags",
    .kind = STREAM_SNAPSHOT,
    .table = &tag,
};
static const struct selection both = {.stream = &tickets, .tables = {&ticket, &parts}, .table_count = 2};
static const struct selection lists = {.stream = &tags, .tables = {&tag}, .table_count = 1};

static char *script(const struct selection *selection, const char *const stages[LIMIT_TABLES + 1])
{
    struct buf sql;
    buf_init(&sql, LIMIT_SQL);
    sql_commit(&names, selection, stages, NULL, &sql);
    assert_sendable(&sql);
    assert_null(strstr(buf_string(&sql), "${"));
    return buf_take(&sql, NULL);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

static void nothing_staged_still_claims(void **state)
{
    (void)state;
    const char *const stages[LIMIT_TABLES + 1] = {NULL};
    char *sql = script(&both, stages);
    const char *const sequence[] = {
        "n_0, n_1, n_rejected, n_doubled, n_content_changes, n_compared, n_differing",
        "BEGIN TRANSACTION;",
        "UPDATE `acme-data.desk_caseload.lock_tickets`",
        "INSERT INTO `acme-data.desk_caseload.runs`",
        "FROM `acme-data.desk.tickets`",
        "@fetched, n_0 + n_1, n_content_changes, n_rejected, @version,",
        "COMMIT TRANSACTION;",
        "n_doubled AS doubled, n_content_changes AS content_changes,",
        "n_compared AS compared, n_differing AS refused_contents,"};
    assert_order(sql, sequence, sizeof sequence / sizeof *sequence);
    assert_int_equal(count_of(sql, "INSERT INTO"), 1);
    assert_null(strstr(sql, "stage_"));
    free(sql);
}

static void one_table_staged(void **state)
{
    (void)state;
    const char *const stages[LIMIT_TABLES + 1] = {"stage_a"};
    char *sql = script(&both, stages);
    const char *const sequence[] = {
        "COUNTIF(partition_date IS DISTINCT FROM DATE(`updated_at`, @timezone) OR "
        "partition_date < @lo OR (NOT @open AND "
        "partition_date > @hi))",
        "FROM `acme-data.desk_caseload.stage_a`);",
        "IF n_staged != @staged_0",
        "BEGIN TRANSACTION;",
        "UPDATE `acme-data.desk_caseload.lock_tickets`",
        "INSERT INTO `acme-data.desk.tickets` (`partition_date`, `id`, "
        "`updated_at`, `order`, `_extra`, `_content`, `_read_at`, _loaded_at, _run_id)",
        "SELECT s.`partition_date`, s.`id`, s.`updated_at`, s.`order`, "
        "PARSE_JSON(s.`_extra`, wide_number_mode => 'round'), s.`_content`, s.`_read_at`, "
        "CURRENT_TIMESTAMP(), @run_id",
        "PARTITION BY `id`, `updated_at` ORDER BY _content IS NULL, _read_at DESC, _seq DESC) = 1)",
        "SELECT `id`, `updated_at`, _content, _read_at",
        "PARTITION BY `id`, `updated_at` ORDER BY _read_at DESC",
        "ON k.`id` = s.`id` AND k.`updated_at` = s.`updated_at`",
        "WHERE k.`id` IS NULL",
        "f.began_at > s._read_at AND s.partition_date BETWEEN f.lo AND f.hi",
        "SET n_0 = n_0 + @@row_count;",
        "COMMIT TRANSACTION;",
        "SET n_doubled = n_doubled + ("};
    assert_order(sql, sequence, sizeof sequence / sizeof *sequence);
    assert_null(strstr(sql, "desk.parts"));
    free(sql);
}

static void parent_child_and_rejected(void **state)
{
    (void)state;
    const char *const stages[LIMIT_TABLES + 1] = {"stage_a", "stage_b", [SQL_STAGE_REJECTED] = "stage_r"};
    char *sql = script(&both, stages);
    const char *const sequence[] = {"@staged_0",
                                    "@staged_1",
                                    "BEGIN TRANSACTION;",
                                    "INSERT INTO `acme-data.desk.tickets`",
                                    "INSERT INTO `acme-data.desk.parts`",
                                    "@staged_rejected",
                                    "INSERT INTO `acme-data.desk_caseload.rejected`",
                                    "INSERT INTO `acme-data.desk_caseload.runs`",
                                    "COMMIT TRANSACTION;"};
    assert_order(sql, sequence, sizeof sequence / sizeof *sequence);
    /* The child's own days are checked, but it may be of any day; its version is not named twice. */
    assert_has(sql, "partition_date IS DISTINCT FROM DATE(`created_at`, @timezone)),");
    assert_has(sql, "PARTITION BY `ticket_id`, `id`, `updated_at` ORDER BY"); /* a flag is content */
    assert_int_equal(count_of(sql, "BETWEEN f.lo AND f.hi"), 1); /* a child's days are not its parent's */
    assert_int_equal(count_of(sql, "partition_date < @lo"), 1);
    assert_int_equal(count_of(sql, "SET n_doubled = n_doubled + ("), 2); /* of the parent and of the child */
    free(sql);
}

static void snapshots_are_keyed_by_their_day(void **state)
{
    (void)state;
    const char *const stages[LIMIT_TABLES + 1] = {"stage_t"};
    char *sql = script(&lists, stages);
    assert_has(sql, "COUNTIF(partition_date != @lo),");
    assert_has(sql, "PARTITION BY `id`, `partition_date` ORDER BY");
    assert_null(strstr(sql, "DATE(`"));
    free(sql);
}

static void scans_are_not_bounded(void **state)
{
    (void)state;
    struct stream scan = tickets;
    scan.kind = STREAM_SCAN;
    const struct selection selection = {.stream = &scan, .tables = {scan.table}, .table_count = 1};
    const char *const stages[LIMIT_TABLES + 1] = {"stage_a"};
    char *sql = script(&selection, stages);
    assert_null(strstr(sql, "partition_date < @lo"));
    assert_has(sql, "IS DISTINCT FROM DATE(`updated_at`, @timezone)),");
    free(sql);
}

static void addresses_have_no_path(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool good;
    } cases[] = {{"https://bigquery.googleapis.com", true},
                 {"http://127.0.0.1:9050", true},
                 {"http://127.0.0.1:9050/", false}, /* sessions would never be on "our" host */
                 {"https://peer.example/bigquery", false},
                 {"https://user@peer.example", false},
                 {"127.0.0.1:9050", false},
                 {"http://", false},
                 {NULL, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct bigquery_settings settings = {.base_url = cases[i].url,
                                                   .project = names.project,
                                                   .dataset = names.dataset,
                                                   .control_dataset = names.control,
                                                   .temporary_directory = "/tmp"};
        struct warehouse *warehouse = NULL;
        struct error err = {0};
        assert_int_equal(bigquery_new(&settings, &warehouse, &err), cases[i].good);
        if (warehouse)
            warehouse->ops->free(warehouse);
        else
            assert_int_equal(err.kind, ERROR_CONFIG);
    }
}

/* Times as BigQuery might send them; the undefined-behaviour sanitizer checks the arithmetic. */
static void births_of_tables_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us; /* -1: none */
    } cases[] = {{"0", 0},
                 {"1700000000123", INT64_C(1700000000123000)},
                 {"253402300799999", INT64_C(253402300799999000)},
                 {"253402300800000", -1},
                 {"9223372036854775807", -1},
                 {"-1", -1},
                 {"soon", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *resource = json_pack("{s:s}", "creationTime", cases[i].text);
        int64_t us = -1;
        assert_int_equal(table_created(resource, &us), cases[i].us >= 0);
        assert_int_equal(us, cases[i].us);
        json_decref(resource);
    }
}

static void other_statements_are_whole(void **state)
{
    (void)state;
    struct buf sql;
    buf_init(&sql, LIMIT_SQL);
    sql_latest_text(&names, &(struct sql_latest){.table = &parts}, &sql);
    assert_has(buf_string(&sql),
               "PARTITION BY `ticket_id`, `id` ORDER BY `updated_at` DESC, _read_at DESC, _loaded_at DESC");
    struct table events = parts; /* without ids of their own */
    events.is_named_by_version = true;
    sql_latest_text(&names, &(struct sql_latest){.table = &events}, &sql);
    assert_has(buf_string(&sql), "PARTITION BY `ticket_id`, `id`, `updated_at` ORDER BY `updated_at` DESC");
    sql_adopt_text(&names, &ticket, &sql);
    assert_has(buf_string(&sql),
               "COUNTIF(partition_date IS DISTINCT FROM DATE(`updated_at`, @timezone)) AS misplaced");
    assert_has(buf_string(&sql), "COUNTIF(`id` IS NULL OR `updated_at` IS NULL) AS keyless");
    sql_latest_text(&names, &(struct sql_latest){.table = &tag}, &sql);
    assert_has(buf_string(&sql), "AND partition_date = (SELECT MAX(partition_date)");
    assert_null(strstr(buf_string(&sql), "OVER ()")); /* one worker would have to hold all days */
    sql_adopt_text(&names, &tag, &sql);
    assert_has(buf_string(&sql), "COUNTIF(FALSE) AS misplaced");
    sql_state_text(&names, &(const struct selection *){&both}, 1, &sql);
    sql_ledger_text(&names, &sql);
    sql_provenance_text(&names, &sql);
    sql_lock_row_text(&names, &tickets, &sql);
    assert_null(strstr(buf_string(&sql), "${"));
    assert_null(strstr(buf_string(&sql), "--"));
    assert_false(sql.full);
    buf_done(&sql);
}

static void names_are_checked(void **state)
{
    (void)state;
    assert_true(sql_is_name("Acme_2"));
    static const char *const bad_names[] = {"acme-data", "", NULL, "a.b", "a`; DROP TABLE x", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++)
        assert_false(sql_is_name(bad_names[i]));
    static const char *const bad_projects[] = {
        "", NULL, "a.b", ":a", "a.com:", "a.com:b:c", "a`b:c", "a.com:b.c", "a/b.c:d", "a.com:b`; --"};
    assert_true(sql_is_project("acme-data"));
    assert_true(sql_is_project("example.com:acme-data"));
    for (size_t i = 0; i < sizeof bad_projects / sizeof *bad_projects; i++)
        assert_false(sql_is_project(bad_projects[i]));
}

/* Also in a build without assertions: a name that could end its quotes never reaches BigQuery. */
static void statements_with_bad_names_are_not_sent(void **state)
{
    (void)state;
    static const char *const bad_key[] = {"id` = '' OR `id"};
    struct table table = parts;
    struct stream stream = tickets;
    struct selection selection = {.stream = &stream, .tables = {&table}, .table_count = 1};
    const char *stages[LIMIT_TABLES + 1] = {"stage_a"};
    struct buf sql;
    buf_init(&sql, LIMIT_SQL);
    table.key = bad_key;
    table.key_count = 1;
    sql_commit(&names, &selection, stages, NULL, &sql);
    assert_not_sendable(&sql);
    sql_latest_text(&names, &(struct sql_latest){.table = &table}, &sql);
    assert_not_sendable(&sql);
    stream.table = &table;
    sql_latest_refresh_text(&names, &(struct sql_refresh){.stream = &stream, .table = &table}, &sql);
    assert_not_sendable(&sql);
    table = parts;
    table.name = "parts` -- ";
    sql_commit(&names, &selection, stages, NULL, &sql);
    assert_not_sendable(&sql);
    sql_adopt_text(&names, &table, &sql);
    assert_not_sendable(&sql);
    table = parts;
    stages[0] = "stage`";
    sql_commit(&names, &selection, stages, NULL, &sql);
    assert_not_sendable(&sql);
    stages[0] = "stage_a";
    stream.name = "tickets'; DROP TABLE x; --"; /* it stands within a literal */
    sql_commit(&names, &selection, stages, NULL, &sql);
    assert_not_sendable(&sql);
    const struct sql_names foreign = {.project = "a`.b", .dataset = "desk", .control = "desk_caseload"};
    sql_state_text(&foreign, &(const struct selection *){&both}, 1, &sql);
    assert_not_sendable(&sql);
    buf_done(&sql);
}

static void projects_of_a_domain_are_served(void **state)
{
    (void)state;
    const struct sql_names domain = {
        .project = "example.com:acme", .dataset = "desk", .control = "desk_caseload"};
    struct buf sql;
    buf_init(&sql, LIMIT_SQL);
    sql_state_text(&domain, &(const struct selection *){&both}, 1, &sql);
    assert_sendable(&sql);
    assert_has(buf_string(&sql), "FROM `example.com:acme.desk.tickets`");
    buf_done(&sql);
}

static void tokens_stay_on_their_host(void **state)
{
    (void)state;
    static const char google[] = "https://bigquery.googleapis.com", ours[] = "https://bq.example:8443",
                      emulator[] = "http://127.0.0.1:9050";
    static const struct {
        const char *base, *url;
        bool is_ours;
    } cases[] = {
        {google, "https://bigquery.googleapis.com/upload/x?upload_id=1", true},
        {google, "https://www.googleapis.com/upload/x?upload_id=1", true},
        {google, "https://WWW.GoogleAPIs.com:443/upload/x", true},
        {google, "https://bigquery.europe-west3.rep.googleapis.com/upload/x", true},
        {google, "https://bigquery-acme.p.googleapis.com/upload/x", true},
        {"https://bigquery-acme.p.googleapis.com", "https://www.googleapis.com/upload/x", true},
        {google, "http://bigquery.googleapis.com/upload/x", false},
        {google, "http://bigquery.googleapis.com:443/upload/x", false},
        {google, "https://bigquery.googleapis.com:8443/upload/x", false},
        {google, "https://bigquery.googleapis.com.evil.example/upload/x", false},
        {google, "https://evil-googleapis.com/upload/x", false},
        {google, "https://googleapis.com/upload/x", false},
        {google, "https://.googleapis.com/upload/x", false},
        {google, "https://www.googleapis.com./upload/x", false},
        {google, "https://bigquery.googleapis.com@evil.example/upload/x", false},
        {google, "https://evil.example\\@www.googleapis.com/upload/x", false},
        {google, "https://evil.example#@www.googleapis.com/upload/x", false},
        {google, "https://evil.example/www.googleapis.com/upload/x", false},
        {google, "https://user@www.googleapis.com/upload/x", false},
        {google, "https://user:word@bigquery.googleapis.com/upload/x", false},
        {google, "https://www.googleapis.com%2eevil.example/upload/x", false},
        {google, "https://w\xc3\xbc.googleapis.com/upload/x", false},
        {google, "ftp://www.googleapis.com/upload/x", false},
        {google, "/upload/x", false},
        {google, "", false},
        {ours, "https://bq.example:8443/upload/x", true},
        {ours, "https://BQ.example:8443/upload/x", true},
        {ours, "https://bq.example/upload/x", false},
        {ours, "https://www.googleapis.com/upload/x", false},
        {ours, "http://bq.example:8443/upload/x", false},
        {emulator, "http://127.0.0.1:9050/upload/x", true},
        {emulator, "http://127.0.0.1:90500/upload/x", false},
        {emulator, "http://127.0.0.1:905/upload/x", false},
        {emulator, "http://localhost:9050/upload/x", false},
        {emulator, "https://www.googleapis.com/upload/x", false},
        {"http://127.0.0.1", "http://127.0.0.1:80/upload/x", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (api_is_ours(cases[i].base, cases[i].url) != cases[i].is_ours)
            fail_msg("%s: %s", cases[i].base, cases[i].url);
}

static void only_what_is_new_may_be_unseen(void **state)
{
    (void)state;
    static struct bigquery bq;
    static const struct {
        const char *message;
        bool is_new;
    } cases[] = {{"Not found: Table acme-data:desk.fresh was not found in location EU", true},
                 {"Not found: Table example.com:acme:desk.fresh", true},
                 {"BigQuery job x failed: Not found: Dataset acme-data:fresh (notFound; ...)", true},
                 {"Not found: Table acme-data:desk.fresher was not found", false},
                 {"Not found: Table acme-data:fresh.runs was not found", false},
                 {"Not found: Table", true},
                 {"no explanation was given", true}};
    assert_false(api_is_new(&bq, cases[0].message));
    api_note_new(&bq, "fresh");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (api_is_new(&bq, cases[i].message) != cases[i].is_new) fail_msg("%s", cases[i].message);
}

static void reasons_say_what_to_do(void **state)
{
    (void)state;
    assert_int_equal(reason_of_job("backendError", ""), RETRY_NOW);
    assert_int_equal(reason_of_job("invalidQuery", "Query error: caseload: contacts"), RETRY_NEVER);
    assert_int_equal(
        reason_of_job("invalidQuery", "Transaction is aborted due to concurrent update against table x"),
        RETRY_NOW);
    assert_int_equal(reason_of_job("quotaExceeded", ""), RETRY_LATER);
    assert_int_equal(reason_of_job("neverHeardOf", ""), RETRY_NEVER);
    assert_int_equal(reason_kind("accessDenied"), ERROR_AUTH);
}

static void schemas_are_merged(void **state)
{
    (void)state;
    struct error err = {0};
    bool changed = true;
    json_t *wanted = schema_data(&parts), *same = json_deep_copy(wanted);
    assert_true(schema_merge(same, wanted, &changed, &err));
    assert_false(changed);
    /* A column of somebody else's stays, one of ours that is NULLABLE comes back. */
    json_t *other = json_pack("{s:s, s:s}", "name", "theirs", "type", "STRING");
    json_array_append_new(same, other);
    json_array_remove(same, 6); /* _extra */
    assert_true(schema_merge(same, wanted, &changed, &err));
    assert_true(changed);
    assert_int_equal(json_array_size(same), json_array_size(wanted) + 1);
    /* Another type, another mode, a REQUIRED column that is missing. */
    json_object_set_new(json_array_get(same, 1), "type", json_string("INT64"));
    assert_false(schema_merge(same, wanted, &changed, &err));
    assert_int_equal(err.kind, ERROR_REFUSED);
    assert_has(err.text, "column ticket_id is INTEGER");
    json_decref(same);
    same = json_deep_copy(wanted);
    json_object_set_new(json_array_get(same, 1), "mode", json_string("NULLABLE"));
    assert_false(schema_merge(same, wanted, &changed, &err));
    json_array_remove(same, 1);
    assert_false(schema_merge(same, wanted, &changed, &err));
    assert_has(err.text, "ticket_id is missing");
    json_decref(same);
    json_decref(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_staged_still_claims),
        cmocka_unit_test(one_table_staged),
        cmocka_unit_test(parent_child_and_rejected),
        cmocka_unit_test(snapshots_are_keyed_by_their_day),
        cmocka_unit_test(scans_are_not_bounded),
        cmocka_unit_test(addresses_have_no_path),
        cmocka_unit_test(births_of_tables_are_bounded),
        cmocka_unit_test(other_statements_are_whole),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(statements_with_bad_names_are_not_sent),
        cmocka_unit_test(projects_of_a_domain_are_served),
        cmocka_unit_test(tokens_stay_on_their_host),
        cmocka_unit_test(only_what_is_new_may_be_unseen),
        cmocka_unit_test(reasons_say_what_to_do),
        cmocka_unit_test(schemas_are_merged),
    };
    return cmocka_run_group_tests_name("sql", tests, NULL, NULL);
}
