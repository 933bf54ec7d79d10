/* SPDX-License-Identifier: Apache-2.0 */
/* Batches, snapshots, conflicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those before it */
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/store_fixture.h"

static const char make[] =
    "CREATE TABLE d.t (id STRING NOT NULL, n INT64, seen TIMESTAMP, day DATE, extra JSON,"
    " tags ARRAY<STRING>, who STRUCT<name STRING, ok BOOL>);"
    "CREATE TABLE d.lock (commits INT64); INSERT d.lock (commits) VALUES (0)";

static int set_up(void **state)
{
    struct store *store = fixture_open();
    assert_string_equal(fixture_run(store, make, NULL), "");
    *state = store;
    return 0;
}

static int tear_down(void **state)
{
    store_close(*state);
    return 0;
}

static json_t *one(const char *text)
{
    json_t *row = json_loads(text, 0, NULL);
    assert_non_null(row);
    return json_pack("[o]", row);
}

static void test_rows_of_every_type(void **state)
{
    struct store *store = *state;
    assert_string_equal(
        fixture_load(
            store, "d", "t",
            one("{\"id\": \"a\", \"n\": \"7\", \"seen\": \"2026-01-31T10:11:12.5Z\", \"day\": \"2026-01-31\","
                " \"extra\": {\"x\": [1, null]}, \"tags\": [\"p\", \"q\"], \"WHO\": {\"ok\": true}}"),
            false, false),
        "");
    assert_string_equal(fixture_run(store, "SELECT * FROM d.t", NULL),
                        "a|7|1769854272500000|2026-01-31|{\"x\":[1,null]}|[\"p\",\"q\"]|[null,\"true\"]\n");
    assert_string_equal(
        fixture_run(store, "SELECT who.ok, who.name IS NULL, tags[OFFSET(1)], extra.x[0] FROM d.t", NULL),
        "true|true|q|1\n");
    assert_int_equal(store_table_rows(store, "d", "t"), 1);
}

static void test_rows_that_do_not_fit(void **state)
{
    static const struct {
        const char *row, *message;
    } cases[] = {
        {"{\"n\": 1}", "invalid: Missing required field: id."},
        {"{\"id\": null}", "invalid: Only optional fields can be set to NULL. Field: id; Value: NULL"},
        {"{\"id\": \"a\", \"x\": 1}", "invalid: No such field: x."},
        {"{\"id\": \"a\", \"who\": {\"x\": 1}}", "invalid: No such field: who.x."},
        {"{\"id\": \"a\", \"n\": \"1x\"}",
         "invalid: Could not convert value to INT64. Field: n; Value: \"1x\""},
        {"{\"id\": \"a\", \"n\": 1.5}", "invalid: Could not convert value to INT64. Field: n; Value: 1.5"},
        {"{\"id\": \"a\", \"day\": \"2026-02-30\"}",
         "invalid: Could not convert value to DATE. Field: day; Value: \"2026-02-30\""},
        {"{\"id\": \"a\", \"seen\": \"noon\"}",
         "invalid: Could not convert value to TIMESTAMP. Field: seen; Value: \"noon\""},
        {"{\"id\": {\"x\": 1}}", "invalid: JSON object specified for non-record field: id"},
        {"{\"id\": [\"x\"]}", "invalid: Array specified for non-repeated field: id."},
        {"{\"id\": \"a\", \"tags\": \"x\"}",
         "invalid: Non-repeated value specified for repeated field: tags."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(fixture_load(*state, "d", "t", one(cases[i].row), false, false),
                            cases[i].message);
    assert_int_equal(store_table_rows(*state, "d", "t"), 0);
}

static void test_write_empty_and_truncate(void **state)
{
    assert_string_equal(fixture_load(*state, "d", "t", one("{\"id\": \"a\"}"), true, false), "");
    assert_string_equal(fixture_load(*state, "d", "t", one("{\"id\": \"b\"}"), true, false),
                        "duplicate: Already Exists: Table d.t");
    assert_string_equal(fixture_load(*state, "d", "t", one("{\"id\": \"c\"}"), false, true), "");
    assert_string_equal(fixture_run(*state, "SELECT id FROM d.t", NULL), "c\n");
}

static void test_batch_is_not_seen_before_its_commit(void **state)
{
    struct store_batch *batch = NULL;
    struct store_error err;
    int64_t rows = 0;
    assert_true(store_batch_new(*state, "d", "t", &batch, &err));
    for (int i = 0; i < 1234; i++) {
        json_t *row = json_pack("{s:s, s:i}", "id", "a", "n", i);
        assert_true(store_batch_add(batch, row, &err));
        json_decref(row);
    }
    assert_string_equal(fixture_run(*state, "SELECT COUNT(*) FROM d.t", NULL), "0\n");
    assert_true(store_batch_commit(batch, false, false, &rows, &err));
    assert_int_equal(rows, 1234);
    assert_string_equal(fixture_run(*state, "SELECT COUNT(*) FROM d.t", NULL), "1234\n");
    assert_true(store_batch_new(*state, "d", "t", &batch, &err));
    store_batch_drop(batch);
    assert_int_equal(store_table_rows(*state, "d", "t"), 1234);
}

static void test_transaction_reads_its_snapshot(void **state)
{
    const char *reader = "DECLARE a, b, c INT64;"
                         "BEGIN TRANSACTION;"
                         "SET a = (SELECT COUNT(*) FROM d.t);"
                         "SET b = (SELECT COUNT(*) FROM d.t);"
                         "INSERT d.t (id) VALUES ('own');"
                         "SET c = (SELECT COUNT(*) FROM d.t);"
                         "COMMIT TRANSACTION;"
                         "SELECT a, b, c, (SELECT COUNT(*) FROM d.t)";
    assert_string_equal(
        fixture_run_around(*state, reader, NULL, "SET b", "INSERT d.t (id) VALUES ('x'), ('y')", NULL),
        "0|0|1|3\n");
}

static void test_uncommitted_rows_are_not_seen(void **state)
{
    const char *writer =
        "BEGIN TRANSACTION; INSERT d.t (id) VALUES ('x'); UPDATE d.lock SET commits = 9 WHERE TRUE;"
        "COMMIT TRANSACTION";
    assert_string_equal(
        fixture_run_around(*state, writer, NULL, "COMMIT",
                           "CREATE TABLE d.seen AS SELECT COUNT(*) AS n, (SELECT MAX(commits) FROM"
                           " d.lock) AS c FROM d.t",
                           NULL),
        "");
    assert_string_equal(fixture_run(*state, "SELECT n, c FROM d.seen", NULL), "0|0\n");
    assert_string_equal(fixture_run(*state, "SELECT COUNT(*), (SELECT commits FROM d.lock) FROM d.t", NULL),
                        "1|9\n");
}

static const char union_without_lock[] = "BEGIN TRANSACTION;"
                                         "INSERT d.t (id) SELECT s.id FROM (SELECT 'k' AS id) AS s LEFT JOIN "
                                         "d.t AS k ON k.id = s.id WHERE k.id IS NULL;"
                                         "COMMIT TRANSACTION";
static const char union_with_lock[] = "BEGIN TRANSACTION;"
                                      "UPDATE d.lock SET commits = commits + 1 WHERE TRUE;"
                                      "INSERT d.t (id) SELECT s.id FROM (SELECT 'k' AS id) AS s LEFT JOIN "
                                      "d.t AS k ON k.id = s.id WHERE k.id IS NULL;"
                                      "COMMIT TRANSACTION";

static void test_inserts_never_conflict(void **state)
{
    assert_string_equal(
        fixture_run_around(*state, union_without_lock, NULL, "COMMIT", union_without_lock, NULL), "");
    assert_string_equal(fixture_run(*state, "SELECT id, COUNT(*) FROM d.t GROUP BY id", NULL), "k|2\n");
}

static void test_the_lock_cancels_the_later(void **state)
{
    /* The other commits between our BEGIN and our UPDATE: ours is the later. */
    assert_string_equal(
        fixture_run_around(*state, union_with_lock, NULL, "UPDATE", union_with_lock, NULL),
        "invalidQuery: Transaction is aborted due to concurrent update against table p:d.lock.");
    assert_string_equal(fixture_run(*state, "SELECT id, COUNT(*) FROM d.t GROUP BY id", NULL), "k|1\n");
    /* The other comes while we hold the claim: it is the later. */
    assert_string_equal(fixture_run_around(*state, union_with_lock, NULL, "COMMIT", union_with_lock, NULL),
                        "");
    assert_string_equal(fixture_run(*state, "SELECT COUNT(*), (SELECT commits FROM d.lock) FROM d.t", NULL),
                        "1|2\n");
}

static void test_what_fails_is_rolled_back(void **state)
{
    assert_string_equal(fixture_run(*state,
                                    "BEGIN TRANSACTION; INSERT d.t (id) VALUES ('x');"
                                    "UPDATE d.lock SET commits = 5 WHERE TRUE;"
                                    "RAISE USING MESSAGE = CONCAT('stop', ' here')",
                                    NULL),
                        "invalidQuery: stop here");
    assert_string_equal(fixture_run(*state, "BEGIN TRANSACTION; INSERT d.t (id) VALUES ('x')", NULL), "");
    assert_string_equal(fixture_run(*state, "INSERT d.t (id) SELECT CAST(NULL AS STRING)", NULL),
                        "invalidQuery: Required field id cannot be null");
    assert_string_equal(fixture_run(*state, "SELECT COUNT(*), (SELECT commits FROM d.lock) FROM d.t", NULL),
                        "0|0\n");
    assert_string_equal(fixture_run(*state, "UPDATE d.lock SET commits = 6 WHERE TRUE", NULL),
                        ""); /* it is free again */
}

static void test_update_and_delete_keep_what_others_read(void **state)
{
    const char *reader = "DECLARE a STRING; BEGIN TRANSACTION;"
                         "SET a = (SELECT MAX(id) FROM d.t); SELECT 1;"
                         "SELECT id, n FROM d.t ORDER BY id; COMMIT TRANSACTION";
    assert_string_equal(fixture_run(*state, "INSERT d.t (id, n) VALUES ('a', 1), ('b', 2), ('c', 3)", NULL),
                        "");
    assert_string_equal(
        fixture_run_around(*state, reader, NULL, "SELECT 1",
                           "UPDATE d.t SET n = n * 10, id = id || '!' WHERE n > 1; DELETE d.t WHERE n = 1",
                           NULL),
        "a|1\nb|2\nc|3\n");
    assert_string_equal(fixture_run(*state, "SELECT id, n FROM d.t ORDER BY id", NULL), "b!|20\nc!|30\n");
}

static const char delete_by_list[] = "BEGIN TRANSACTION;"
                                     "INSERT d.t (id, n) VALUES ('mine', 9);"
                                     "DELETE FROM d.t WHERE n < 9 AND id IN (SELECT id FROM d.list);"
                                     "COMMIT TRANSACTION";

static void given_list(struct store *store)
{
    assert_string_equal(fixture_run(store,
                                    "CREATE TABLE d.list (id STRING); INSERT d.list VALUES ('a'), ('c');"
                                    "INSERT d.t (id, n) VALUES ('a', 1), ('b', 2), ('c', 3)",
                                    NULL),
                        "");
}

static const char *ids(struct store *store)
{
    return fixture_run(store, "SELECT id FROM d.t ORDER BY id", NULL);
}

static void test_deletes_and_concurrent_writes(void **state)
{
    struct store *store = *state;
    given_list(store);
    /* Rows that come meanwhile conflict with nothing, and are not what the snapshot held. */
    assert_string_equal(
        fixture_run_around(store, delete_by_list, NULL, "DELETE", "INSERT d.t (id, n) VALUES ('a', 4)", NULL),
        "");
    assert_string_equal(ids(store), "a\nb\nmine\n");
    /* A deletion or update of other rows of the table meanwhile cancels the later of the two. */
    assert_string_equal(
        fixture_run_around(store, delete_by_list, NULL, "DELETE", "DELETE FROM d.t WHERE id = 'b'", NULL),
        "invalidQuery: Transaction is aborted due to concurrent update against table p:d.t.");
    assert_string_equal(ids(store), "a\nmine\n");
    assert_string_equal(fixture_run_around(store, delete_by_list, NULL, "COMMIT",
                                           "UPDATE d.t SET n = 5 WHERE id = 'mine'", NULL),
                        "");
    assert_string_equal(fixture_run(store, "SELECT id, n FROM d.t ORDER BY id", NULL), "mine|9\nmine|9\n");
    /* A table that changes by other means meanwhile: the same. */
    assert_string_equal(fixture_run_around(store, delete_by_list, NULL, "DELETE",
                                           "CREATE OR REPLACE TABLE d.t AS SELECT 'z' AS id, 1 AS n", NULL),
                        "invalidQuery: Transaction is aborted due to concurrent update against table p:d.t.");
    assert_string_equal(ids(store), "z\n");
}

static void test_a_deletion_that_is_rolled_back(void **state)
{
    struct store *store = *state;
    given_list(store);
    assert_string_equal(
        fixture_run(store,
                    "BEGIN TRANSACTION; DELETE FROM d.t WHERE NOT EXISTS (SELECT 1 FROM d.list"
                    " WHERE list.id = t.id); IF @@row_count = 1 THEN RAISE USING MESSAGE = 'one';"
                    " END IF; COMMIT TRANSACTION",
                    NULL),
        "invalidQuery: one");
    assert_string_equal(ids(store), "a\nb\nc\n");
}

static void test_a_table_is_replaced_whole(void **state)
{
    struct store *store = *state;
    given_list(store);
    assert_string_equal(
        fixture_run(store, "CREATE OR REPLACE TABLE d.list AS SELECT 1 / 0 AS id FROM d.t", NULL),
        "invalidQuery: division by zero: 1 / 0");
    assert_string_equal(fixture_run(store, "SELECT COUNT(*) FROM d.list", NULL), "2\n");
    for (int i = 0; i < 2; i++) /* twice: nothing of the first is in the way */
        assert_string_equal(
            fixture_run(store, "CREATE OR REPLACE TABLE d.list AS SELECT id, n FROM d.t WHERE n > 1", NULL),
            "");
    assert_string_equal(fixture_run(store, "SELECT id, n FROM d.list ORDER BY id", NULL), "b|2\nc|3\n");
    assert_string_equal(fixture_load(store, "d", "list", one("{\"id\": \"d\", \"n\": 4}"), false, false), "");
    assert_int_equal(store_table_rows(store, "d", "list"), 3);
    /* One that is held by a running transaction is not taken away from it. */
    assert_string_equal(fixture_run_around(store, delete_by_list, NULL, "COMMIT", "DROP TABLE d.t", NULL),
                        "");
    assert_string_equal(ids(store), "a\nmine\n");
    assert_string_equal(fixture_run_around(store, delete_by_list, NULL, "COMMIT",
                                           "CREATE OR REPLACE TABLE d.t AS SELECT 'other' AS id, 0 AS n",
                                           NULL),
                        "");
    assert_string_equal(ids(store), "a\nmine\nmine\n");
    /* Rows on their way into the old one are not lost without a word. */
    assert_string_equal(
        fixture_run_around(store, "BEGIN TRANSACTION; INSERT d.t (id) VALUES ('x'); COMMIT TRANSACTION", NULL,
                           "COMMIT", "CREATE OR REPLACE TABLE d.t AS SELECT 'new' AS id", NULL),
        "invalidQuery: Transaction is aborted due to concurrent update against table d.t.");
    assert_string_equal(ids(store), "new\n");
}

static void test_a_load_of_many_days(void **state)
{
    struct store *store = *state;
    json_t *days = json_array();
    assert_string_equal(fixture_run(store, "CREATE TABLE d.days (day DATE) PARTITION BY day", NULL), "");
    for (int i = 0; i < 4001; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "day",
                            json_sprintf("%04d-%02d-%02d", 2001 + i / 336, 1 + i / 28 % 12, 1 + i % 28));
        json_array_append_new(days, row);
    }
    assert_string_equal(
        fixture_load(store, "d", "days", json_incref(days), false, false),
        "invalidQuery: Too many partitions produced by query, allowed 4000, query produces at "
        "least 4001 partitions");
    assert_int_equal(store_table_rows(store, "d", "days"), 0);
    assert_int_equal(json_array_remove(days, 0), 0);
    assert_string_equal(fixture_load(store, "d", "days", days, false, false), "");
    assert_int_equal(store_table_rows(store, "d", "days"), 4000);
}

static void test_a_file_opened_again(void **state)
{
    char path[] = "/tmp/caseload-store-XXXXXX";
    struct error err;
    struct store_error problem;
    struct store *store = NULL;
    struct store_batch *batch = NULL;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_true(store_open(path, NULL, NULL, &store, &err));
    json_t *dataset = json_object();
    assert_true(store_dataset_put(store, "d", dataset));
    json_decref(dataset);
    assert_string_equal(fixture_run(store, make, NULL), "");
    assert_string_equal(fixture_load(store, "d", "t", one("{\"id\": \"a\"}"), false, false), "");
    assert_true(store_batch_new(store, "d", "t", &batch, &problem)); /* never committed: the process "dies" */
    store_batch_drop(batch);
    store_close(store);
    assert_true(store_open(path, NULL, NULL, &store, &err));
    assert_string_equal(fixture_run(store, "SELECT id, (SELECT commits FROM d.lock) FROM d.t", NULL),
                        "a|0\n");
    assert_string_equal(fixture_load(store, "d", "t", one("{\"id\": \"b\"}"), false, false), "");
    assert_int_equal(store_table_rows(store, "d", "t"), 2);
    store_close(store);
    (void)unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows_of_every_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_that_do_not_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_empty_and_truncate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_batch_is_not_seen_before_its_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_transaction_reads_its_snapshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_uncommitted_rows_are_not_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_inserts_never_conflict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_lock_cancels_the_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_fails_is_rolled_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_update_and_delete_keep_what_others_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deletes_and_concurrent_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_deletion_that_is_rolled_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_table_is_replaced_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_load_of_many_days, set_up, tear_down),
        cmocka_unit_test(test_a_file_opened_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
