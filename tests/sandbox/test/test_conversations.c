/* SPDX-License-Identifier: Apache-2.0 */
/* Conversations and admins: the routes that show them, and the comparison that notices when one row is lost,
 * doubled or altered. */
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
#include "sandbox_internal.h"
#include "staged_row.h"
#include "store/store.h"
#include "test/client.h"
#include "test/compare_fixture.h"
#include "value_tree.h"
#include "workspace/collection.h"

#define FROM_S        INT64_C(1767571200) /* 2026-01-05 */
#define DAY_S         86400
#define LATER_S       (FROM_S + 20 * DAY_S)
#define CONVERSATIONS 30
#define LONG          510               /* parts: more than an answer holds */
#define LONG_ID       "215000000002910" /* number CONVERSATIONS */

static const char headers[] =
    "Authorization: Bearer sandbox-token\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
    "Intercom-Version: 2.16\r\n";

static int set_up(void **state)
{
    struct sandbox *sandbox;
    struct error err;
    if (!sandbox_start(&(struct sandbox_options){.seed = 3, .start_s = LATER_S}, &sandbox, &err)) return -1;
    *state = sandbox;
    struct collection *conversations = sandbox_collection(sandbox, "conversations");
    collection_fill_children(conversations, FROM_S, FROM_S + 9 * DAY_S, CONVERSATIONS,
                             (struct child_sizes){.children = 8, .body_bytes = 100});
    collection_fill_children(conversations, FROM_S, FROM_S + 9 * DAY_S, 1,
                             (struct child_sizes){.children = LONG, .body_bytes = 20});
    return 0;
}

static int tear_down(void **state)
{
    sandbox_stop(*state);
    return 0;
}

/* --- the routes --- */

static json_t *call(void **state, const char *method, const char *target, const char *body, int status)
{
    struct sandbox *sandbox = *state;
    struct answer answer = client_request(sandbox_http_port(sandbox), method, target, headers, body);
    if (answer.status != status)
        fail_msg("wanted %d for %s: %.400s", status, target, buf_string(&answer.all));
    json_t *reply = client_json(&answer);
    answer_done(&answer);
    return reply;
}

static json_t *search(void **state, const char *relation, int64_t at_s)
{
    AUTO(mem_free)
    char *body = mem_format("{\"query\":{\"field\":\"updated_at\",\"operator\":\"%s\",\"value\":%lld},"
                            "\"pagination\":{\"per_page\":150},"
                            "\"sort\":{\"field\":\"updated_at\",\"order\":\"ascending\"}}",
                            relation, (long long)at_s);
    return call(state, "POST", "/conversations/search", body, 200);
}

static void test_the_search_compares_seconds(void **state)
{
    AUTO(json_drop) json_t *all = search(state, ">", 0);
    const json_t *list = json_object_get(all, "conversations");
    assert_int_equal(json_array_size(list), CONVERSATIONS + 1);
    int64_t middle_s = json_int_at(json_array_get(list, CONVERSATIONS / 2), "updated_at", 0), above = 0,
            at_most = 0;
    for (size_t i = 0; i <= CONVERSATIONS; i++) {
        int64_t at_s = json_int_at(json_array_get(list, i), "updated_at", 0);
        above += at_s > middle_s;
        at_most += at_s <= middle_s;
        assert_null(json_at(json_array_get(list, i), "conversation_parts"));
    }
    AUTO(json_drop) json_t *newer = search(state, ">", middle_s);
    AUTO(json_drop) json_t *older = search(state, "<", middle_s);
    assert_int_equal(json_int_at(newer, "total_count", -1), above);
    assert_int_equal(json_int_at(older, "total_count", -1), at_most); /* as the live service turned out to */
}

static void test_a_thread_is_shown_whole(void **state)
{
    AUTO(json_drop) json_t *all = search(state, ">", 0);
    const json_t *item = json_array_get(json_object_get(all, "conversations"), 0);
    AUTO(mem_free) char *html = mem_format("/conversations/%s", json_text_at(item, "id"));
    AUTO(mem_free) char *plain = mem_format("%s?display_as=plaintext", html);
    AUTO(mem_free) char *odd = mem_format("%s?display_as=pdf", html);
    AUTO(json_drop) json_t *thread = call(state, "GET", plain, NULL, 200);
    AUTO(json_drop) json_t *marked = call(state, "GET", html, NULL, 200);
    json_decref(call(state, "GET", odd, NULL, 400));
    assert_string_equal(json_text_at(thread, "id"), json_text_at(item, "id"));
    assert_null(strstr(json_text_at(thread, "source.body"), "<p>"));
    assert_non_null(strstr(json_text_at(marked, "source.body"), "<p>"));
    assert_int_equal(json_array_size(json_at(thread, "conversation_parts.conversation_parts")),
                     json_int_at(thread, "statistics.count_conversation_parts", -1));
}

static void test_a_long_thread_is_cut_to_the_newest(void **state)
{
    AUTO(json_drop) json_t *thread = call(state, "GET", "/conversations/" LONG_ID, NULL, 200);
    const json_t *parts = json_at(thread, "conversation_parts.conversation_parts");
    assert_int_equal(json_array_size(parts), 500);
    assert_int_equal(json_int_at(thread, "conversation_parts.total_count", -1), LONG);
    for (size_t i = 1; i < 500; i++)
        assert_true(json_int_at(json_array_get(parts, i - 1), "created_at", 0) <=
                    json_int_at(json_array_get(parts, i), "created_at", 0));
}

static void test_what_is_gone_or_broken_is_not_shown(void **state)
{
    struct sandbox *sandbox = *state;
    json_decref(call(state, "GET", "/conversations/1", NULL, 404));
    assert_true(collection_break(sandbox_collection(sandbox, "conversations"), LONG_ID));
    json_decref(call(state, "GET", "/conversations/" LONG_ID, NULL, 500));
    collection_touch(sandbox_collection(sandbox, "conversations"), LATER_S, CONVERSATIONS + 1);
    json_decref(call(state, "GET", "/conversations/" LONG_ID, NULL, 200)); /* until it changes */
    assert_true(collection_remove(sandbox_collection(sandbox, "conversations"), LONG_ID, LATER_S));
    assert_false(collection_remove(sandbox_collection(sandbox, "conversations"), LONG_ID, LATER_S));
    json_decref(call(state, "GET", "/conversations/" LONG_ID, NULL, 404));
    AUTO(json_drop) json_t *all = search(state, ">", 0);
    assert_int_equal(json_int_at(all, "total_count", -1), CONVERSATIONS);
    collection_touch(sandbox_collection(sandbox, "conversations"), LATER_S + 1,
                     CONVERSATIONS + 1); /* not what is gone */
    collection_vanish_while_read(sandbox_collection(sandbox, "conversations"), 10);
    AUTO(json_drop) json_t *shown = search(state, ">", 0);
    AUTO(json_drop) json_t *left = search(state, ">", 0);
    assert_int_equal(json_array_size(json_object_get(shown, "conversations")), CONVERSATIONS);
    assert_int_equal(json_array_size(json_object_get(left, "conversations")), CONVERSATIONS - 3);
}

static void test_admins_are_a_list(void **state)
{
    struct sandbox *sandbox = *state;
    AUTO(json_drop) json_t *list = call(state, "GET", "/admins", NULL, 200);
    struct collection *admins = sandbox_collection(sandbox, "admins");
    assert_int_equal(collection_touch(admins, LATER_S, 1), 1);
    collection_fill(admins, FROM_S, FROM_S, 1);
    AUTO(json_drop) json_t *longer = call(state, "GET", "/admins", NULL, 200);
    assert_string_equal(json_text_at(list, "type"), "admin.list");
    size_t count = json_array_size(json_object_get(list, "admins")), changed = 0;
    assert_int_equal(json_array_size(json_object_get(longer, "admins")), count + 1);
    for (size_t i = 0; i < count; i++)
        changed += !json_equal(json_array_get(json_object_get(list, "admins"), i),
                               json_array_get(json_object_get(longer, "admins"), i));
    assert_int_equal(changed, 1);
}

/* --- comparing: tables of a few columns; the rest goes to _extra --- */

#define STAMP(n)                                                                                             \
    {                                                                                                        \
        .name = (n), .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED                                       \
    }
#define STRING(n)                                                                                            \
    {                                                                                                        \
        .name = (n), .type = COLUMN_STRING, .mode = COLUMN_REQUIRED                                          \
    }
static const struct column conversation_columns[] = {STRING("id"), STAMP("updated_at")};
static const struct column part_columns[] = {
    STRING("id"),
    STRING("conversation_id"),
    STAMP("created_at"),
    STAMP("updated_at"),
    {.name = "redacted", .type = COLUMN_BOOL, .mode = COLUMN_REQUIRED}};
static const struct column admin_columns[] = {STRING("id"), {.name = "email", .type = COLUMN_STRING}};
static const char *const key[] = {"id"};
static const struct table tables[] = {
    {.name = "conversations",
     .columns = conversation_columns,
     .column_count = 2,
     .key = key,
     .key_count = 1,
     .version = "updated_at",
     .day = "updated_at"},
    {.name = "conversation_parts",
     .columns = part_columns,
     .column_count = 5,
     .key = key,
     .key_count = 1,
     .version = "updated_at",
     .day = "created_at"},
    {.name = "admins", .columns = admin_columns, .column_count = 2, .key = key, .key_count = 1}};

static void make_table(struct store *store, const struct table *table)
{
    static const char *const types[] = {"STRING", "INTEGER", "FLOAT", "BOOLEAN", "TIMESTAMP"};
    struct store_error err;
    json_t *fields = json_pack("[{s:s,s:s},{s:s,s:s}]", "name", "partition_date", "type", "DATE", "name",
                               "_extra", "type", "JSON");
    for (size_t i = 0; i < table->column_count; i++)
        json_array_append_new(fields, json_pack("{s:s, s:s}", "name", table->columns[i].name, "type",
                                                types[table->columns[i].type]));
    json_t *dataset =
        json_pack("{s:{s:s, s:s}}", "datasetReference", "projectId", "sandbox", "datasetId", "intercom");
    json_t *resource =
        json_pack("{s:{s:s, s:s, s:s}, s:{s:o}, s:{s:s, s:s}}", "tableReference", "projectId", "sandbox",
                  "datasetId", "intercom", "tableId", table->name, "schema", "fields", fields,
                  "timePartitioning", "type", "DAY", "field", "partition_date");
    (void)store_dataset_put(store, "intercom", dataset); /* the first creates it */
    if (!store_table_put(store, "intercom", table->name, resource, &err)) fail_msg("%s", err.message);
    json_decref(dataset);
    json_decref(resource);
}

/* The expected rows of a table. */
static json_t *truth_rows(struct sandbox *sandbox, size_t index)
{
    bool has_children = strcmp(tables[index].name, "conversation_parts") == 0;
    const char *kind = has_children ? "conversations" : tables[index].name;
    struct collection *collection = sandbox_collection(sandbox, kind);
    json_t *rows = json_array();
    for (size_t number = 0; number < collection_ever(collection); number++) {
        size_t version;
        if (has_children) {
            AUTO(json_drop) json_t *children = compare_truth_children(sandbox, tables[index].name, number);
            json_array_extend(rows, children);
        } else {
            assert_true(collection_wanted(collection, number, &version));
            json_array_append_new(rows, compare_truth(sandbox, kind, number, version));
        }
    }
    return rows;
}

enum spoil { SPOIL_NOTHING, SPOIL_MISSING, SPOIL_DOUBLED, SPOIL_EXTRA, SPOIL_KEY, SPOIL_DAY, SPOILS };

static void load(struct sandbox *sandbox, const struct table *table, json_t *records, enum spoil spoil)
{
    struct store_batch *batch;
    struct store_error problem;
    struct error err;
    struct zone *zone;
    struct buf line;
    int64_t rows;
    buf_init(&line, LIMIT_ROW);
    make_table(sandbox->store, table);
    assert_true(zone_load("Etc/UTC", &zone, &err));
    assert_true(store_batch_new(sandbox->store, "intercom", table->name, &batch, &problem));
    for (size_t i = 0; i < json_array_size(records); i++) {
        struct row_facts facts;
        struct day today = {.n = (int)(LATER_S / DAY_S)};
        bool chosen = i == json_array_size(records) / 2;
        AUTO(value_drop) struct json_value *record = value_of_tree(json_array_get(records, i));
        if (row_build(table, record, &(struct row_context){.zone = zone, .today = today}, &line, &facts) !=
            ROW_BUILT)
            fail_msg("%s", facts.problem);
        AUTO(json_drop) json_t *row = NULL;
        assert_true(json_read(buf_string(&line), line.size, NULL, &row, &err));
        assert_true(staged_row_open(table, row));
        json_object_del(row, "_seq");
        json_object_del(row, "_read_at");
        if (chosen && spoil == SPOIL_EXTRA)
            json_object_set_new(json_object_get(row, "_extra"), "x", json_true());
        if (chosen && spoil == SPOIL_KEY) json_object_set_new(row, "id", json_string("1"));
        if (chosen && spoil == SPOIL_DAY)
            json_object_set_new(row, "partition_date", json_string("2020-01-01"));
        int copies = !chosen ? 1 : spoil == SPOIL_MISSING ? 0 : spoil == SPOIL_DOUBLED ? 2 : 1;
        for (int copy = 0; copy < copies; copy++)
            if (!store_batch_add(batch, row, &problem)) fail_msg("%s", problem.message);
    }
    assert_true(store_batch_commit(batch, false, false, &rows, &problem));
    zone_free(zone);
    buf_done(&line);
    json_decref(records);
}

static void expect(struct sandbox *sandbox, size_t index, size_t missing, size_t doubled, size_t altered)
{
    AUTO(json_drop) json_t *report = control_compare(&sandbox->control, NULL, "intercom", false);
    AUTO(mem_free) char *text = json_dumps(report, 0);
    const json_t *stream = NULL;
    for (size_t i = 0; i < json_array_size(json_object_get(report, "streams")); i++) {
        const json_t *one = json_array_get(json_object_get(report, "streams"), i);
        if (strcmp(json_text_at(one, "stream"), tables[index].name) == 0) stream = one;
    }
    bool equal = json_is_true(json_object_get(report, "equal"));
    if (!stream || json_object_get(stream, "error") || equal != (missing + doubled + altered == 0) ||
        json_array_size(json_object_get(stream, "missing")) != missing ||
        json_array_size(json_object_get(stream, "doubled")) != doubled ||
        json_array_size(json_object_get(stream, "altered")) != altered)
        fail_msg("%s: wanted %zu missing, %zu doubled, %zu altered: %.1000s", tables[index].name, missing,
                 doubled, altered, text);
}

static void load_all(struct sandbox *sandbox, size_t spoilt, enum spoil spoil)
{
    load(sandbox, &tables[0], truth_rows(sandbox, 0), spoilt == 0 ? spoil : SPOIL_NOTHING);
    load(sandbox, &tables[1], truth_rows(sandbox, 1), spoilt == 1 ? spoil : SPOIL_NOTHING);
    load(sandbox, &tables[2], truth_rows(sandbox, 2), spoilt == 2 ? spoil : SPOIL_NOTHING);
}

static void test_each_spoilt_row_is_noticed(void **state)
{
    (void)state;
    for (size_t table = 0; table < 3; table++) {
        for (enum spoil spoil = SPOIL_NOTHING; spoil < SPOILS; spoil++) {
            void *own = NULL;
            if (table == 2 && spoil == SPOIL_DAY) continue; /* a list may be of any day */
            assert_int_equal(set_up(&own), 0);
            load_all(own, table, spoil);
            bool altered = spoil == SPOIL_EXTRA || spoil == SPOIL_KEY || spoil == SPOIL_DAY;
            expect(own, table, spoil == SPOIL_MISSING || spoil == SPOIL_KEY, spoil == SPOIL_DOUBLED, altered);
            tear_down(&own);
        }
    }
}

static void test_the_newest_version_of_each_must_be_there(void **state)
{
    struct sandbox *sandbox = *state;
    load_all(sandbox, 0, SPOIL_NOTHING);
    (void)collection_touch(sandbox_collection(sandbox, "conversations"), LATER_S, 4);
    expect(sandbox, 0, 4, 0, 0);
    AUTO(json_drop) json_t *report = control_compare(&sandbox->control, NULL, "intercom", false);
    const json_t *parts = json_array_get(json_object_get(report, "streams"), 1);
    assert_true(json_array_size(json_object_get(parts, "missing")) >= 4); /* each version adds a part */
    assert_int_equal(json_array_size(json_object_get(parts, "altered")), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_the_search_compares_seconds),
        TEST(test_a_thread_is_shown_whole),
        TEST(test_a_long_thread_is_cut_to_the_newest),
        TEST(test_what_is_gone_or_broken_is_not_shown),
        TEST(test_admins_are_a_list),
        cmocka_unit_test(test_each_spoilt_row_is_noticed),
        TEST(test_the_newest_version_of_each_must_be_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
