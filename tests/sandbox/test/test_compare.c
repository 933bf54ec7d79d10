/* SPDX-License-Identifier: Apache-2.0 */
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
#include "value_tree.h"
#include "workspace/collection.h"

#define FROM_S   INT64_C(1767571200) /* 2026-01-05 */
#define DAY_S    86400
#define LATER_S  (FROM_S + 20 * DAY_S)
#define CONTACTS 120

/* A small table with every kind of column; what it lacks goes to _extra. */
static const struct column item_columns[] = {{.name = "id", .type = COLUMN_STRING},
                                             {.name = "type", .type = COLUMN_STRING},
                                             {.name = "url", .type = COLUMN_STRING}};
static const struct column list_columns[] = {{.name = "data",
                                              .type = COLUMN_RECORD,
                                              .mode = COLUMN_REPEATED,
                                              .fields = item_columns,
                                              .field_count = 3},
                                             {.name = "total_count", .type = COLUMN_INT64},
                                             {.name = "has_more", .type = COLUMN_BOOL}};
static const struct column columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "last_seen_at", .type = COLUMN_TIMESTAMP},
    {.name = "name", .type = COLUMN_STRING},
    {.name = "owner_id", .type = COLUMN_STRING},
    {.name = "email_domain", .type = COLUMN_STRING},
    {.name = "has_hard_bounced", .type = COLUMN_BOOL},
    {.name = "unsubscribed_from_emails", .type = COLUMN_BOOL},
    {.name = "custom_attributes", .type = COLUMN_JSON},
    {.name = "tags", .type = COLUMN_RECORD, .fields = list_columns, .field_count = 3}};
static const char *const key[] = {"id"};
static const struct table table = {.name = "contacts",
                                   .columns = columns,
                                   .column_count = sizeof columns / sizeof *columns,
                                   .key = key,
                                   .key_count = 1,
                                   .version = "updated_at",
                                   .day = "updated_at"};

static json_t *schema_of(const struct column *of, size_t count)
{
    static const char *const types[] = {"STRING",    "INTEGER", "FLOAT", "BOOLEAN",
                                        "TIMESTAMP", "JSON",    "RECORD"};
    static const char *const modes[] = {"NULLABLE", "REQUIRED", "REPEATED"};
    json_t *fields = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *field = json_pack("{s:s, s:s, s:s}", "name", of[i].name, "type", types[of[i].type], "mode",
                                  modes[of[i].mode]);
        if (of[i].type == COLUMN_RECORD)
            json_object_set_new(field, "fields", schema_of(of[i].fields, of[i].field_count));
        json_array_append_new(fields, field);
    }
    return fields;
}

static void make_table(struct store *store)
{
    struct store_error err;
    json_t *fields = schema_of(columns, table.column_count);
    static const char *const service[][2] = {{"partition_date", "DATE"},  {"_extra", "JSON"},
                                             {"_content", "INTEGER"},     {"_read_at", "TIMESTAMP"},
                                             {"_loaded_at", "TIMESTAMP"}, {"_run_id", "STRING"}};
    for (size_t i = 0; i < sizeof service / sizeof *service; i++)
        json_array_append_new(fields, json_pack("{s:s, s:s}", "name", service[i][0], "type", service[i][1]));
    json_t *dataset =
        json_pack("{s:{s:s, s:s}}", "datasetReference", "projectId", "sandbox", "datasetId", "intercom");
    json_t *resource =
        json_pack("{s:{s:s, s:s, s:s}, s:{s:o}, s:{s:s, s:s}}", "tableReference", "projectId", "sandbox",
                  "datasetId", "intercom", "tableId", "contacts", "schema", "fields", fields,
                  "timePartitioning", "type", "DAY", "field", "partition_date");
    assert_true(store_dataset_put(store, "intercom", dataset));
    if (!store_table_put(store, "intercom", "contacts", resource, &err)) fail_msg("%s", err.message);
    json_decref(dataset);
    json_decref(resource);
}

static int set_up(void **state)
{
    struct sandbox *sandbox;
    struct error err;
    if (!sandbox_start(&(struct sandbox_options){.seed = 11}, &sandbox, &err)) return -1;
    *state = sandbox;
    collection_fill(sandbox_collection(sandbox, "contacts"), FROM_S, FROM_S + 9 * DAY_S, CONTACTS);
    make_table(sandbox->store);
    return 0;
}

static int tear_down(void **state)
{
    sandbox_stop(*state);
    return 0;
}

/* --- loading, with one row spoilt --- */

enum spoil {
    SPOIL_NOTHING,
    SPOIL_MISSING,
    SPOIL_DOUBLED,
    SPOIL_NAME,
    SPOIL_LETTER,
    SPOIL_NULL,
    SPOIL_INVENTED,
    SPOIL_BOOL,
    SPOIL_JSON,
    SPOIL_NESTED,
    SPOIL_EXTRA_LESS,
    SPOIL_EXTRA_MORE,
    SPOIL_EXTRA_TWICE,
    SPOIL_VERSION,
    SPOIL_ID,
    SPOIL_DAY,
    SPOILS
};

static void spoil_row(json_t *row, enum spoil spoil)
{
    json_t *extra = json_object_get(row, "_extra");
    switch (spoil) {
    case SPOIL_NAME: json_object_set_new(row, "name", json_string("somebody else")); break;
    case SPOIL_LETTER: json_object_set_new(row, "email_domain", json_string("Example.com")); break;
    case SPOIL_NULL: json_object_del(row, "has_hard_bounced"); break;
    case SPOIL_INVENTED: json_object_set_new(row, "unsubscribed_from_emails", json_true()); break;
    case SPOIL_BOOL:
        json_object_set(row, "has_hard_bounced",
                        json_is_true(json_object_get(row, "has_hard_bounced")) ? json_false() : json_true());
        break;
    case SPOIL_JSON:
        json_object_set_new(json_object_get(row, "custom_attributes"), "monthly_spend", json_real(0.5));
        break;
    case SPOIL_NESTED:
        json_object_set_new(json_object_get(row, "tags"), "total_count", json_integer(77));
        break;
    case SPOIL_EXTRA_LESS: json_object_del(extra, "workspace_id"); break;
    case SPOIL_EXTRA_MORE: json_object_set_new(extra, "avatar.size", json_integer(3)); break;
    case SPOIL_EXTRA_TWICE: json_object_set(extra, "id", json_object_get(row, "id")); break;
    case SPOIL_VERSION: json_object_set_new(row, "updated_at", json_string("2026-01-05T00:00:00.5Z")); break;
    case SPOIL_ID: json_object_set_new(row, "id", json_string("nobody")); break;
    case SPOIL_DAY: json_object_set_new(row, "partition_date", json_string("2025-12-01")); break;
    case SPOIL_NOTHING:
    case SPOIL_MISSING:
    case SPOIL_DOUBLED:
    case SPOILS: break;
    }
}

struct loading {
    struct store_batch *batch;
    struct zone *zone;
    struct buf line;
    enum spoil spoil;
    int64_t from_s; /* versions from then on */
    int seen;
};

static void load_version(struct loading *loading, const json_t *version)
{
    struct row_facts facts;
    struct error err;
    struct store_error problem;
    if (json_int_at(version, "updated_at", 0) < loading->from_s) return;
    AUTO(value_drop) struct json_value *record = value_of_tree(version);
    assert_int_equal(row_build(&table, record, &(struct row_context){.zone = loading->zone, .today = {0}},
                               &loading->line, &facts),
                     ROW_BUILT);
    AUTO(json_drop) json_t *row = NULL;
    assert_true(json_read(buf_string(&loading->line), loading->line.size, NULL, &row, &err));
    assert_true(staged_row_open(&table, row));
    json_object_del(row, "_seq");
    json_object_set_new(row, "_loaded_at", json_string("2026-03-02T04:00:00Z"));
    json_object_set_new(row, "_run_id", json_string("r"));
    bool chosen = loading->seen++ == CONTACTS / 2;
    if (chosen) spoil_row(row, loading->spoil);
    for (int i = chosen && loading->spoil == SPOIL_MISSING   ? 1
                 : chosen && loading->spoil == SPOIL_DOUBLED ? -1
                                                             : 0;
         i < 1; i++) {
        if (!store_batch_add(loading->batch, row, &problem)) fail_msg("%s", problem.message);
    }
}

static void load(struct sandbox *sandbox, int64_t from_s, enum spoil spoil)
{
    struct loading loading = {.spoil = spoil, .from_s = from_s};
    struct store_error problem;
    struct error err;
    int64_t rows;
    buf_init(&loading.line, LIMIT_ROW);
    assert_true(zone_load("Etc/UTC", &loading.zone, &err));
    assert_true(store_batch_new(sandbox->store, "intercom", "contacts", &loading.batch, &problem));
    struct collection *contacts = sandbox_collection(sandbox, "contacts");
    for (size_t number = 0; number < collection_ever(contacts); number++) {
        for (size_t v = 0; v < collection_versions(contacts, number); v++) {
            AUTO(json_drop) json_t *version = collection_version(contacts, number, v);
            load_version(&loading, version);
        }
    }
    assert_true(store_batch_commit(loading.batch, false, false, &rows, &problem));
    zone_free(loading.zone);
    buf_done(&loading.line);
}

static void expect(struct sandbox *sandbox, size_t missing, size_t doubled, size_t altered)
{
    AUTO(json_drop) json_t *report = control_compare(&sandbox->control, NULL, "intercom", false);
    AUTO(mem_free) char *text = json_dumps(report, 0);
    const json_t *stream = json_array_get(json_object_get(report, "streams"), 0);
    bool equal = json_is_true(json_object_get(report, "equal"));
    if (json_object_get(stream, "error") || equal != (missing + doubled + altered == 0) ||
        json_array_size(json_object_get(stream, "missing")) != missing ||
        json_array_size(json_object_get(stream, "doubled")) != doubled ||
        json_array_size(json_object_get(stream, "altered")) != altered)
        fail_msg("wanted %zu missing, %zu doubled, %zu altered: %.1000s", missing, doubled, altered, text);
}

/* --- the tests --- */

static void test_all_that_was_said_is_equal(void **state)
{
    load(*state, 0, SPOIL_NOTHING);
    expect(*state, 0, 0, 0);
}

static void test_old_versions_may_stay_and_new_ones_must_come(void **state)
{
    struct sandbox *sandbox = *state;
    load(sandbox, 0, SPOIL_NOTHING);
    collection_touch(sandbox_collection(sandbox, "contacts"), LATER_S, 7);
    expect(sandbox, 7, 0, 0);
    load(sandbox, LATER_S, SPOIL_NOTHING);
    expect(sandbox, 0, 0, 0);
}

static void test_each_spoilt_row_is_noticed(void **state)
{
    (void)state;
    for (enum spoil spoil = SPOIL_MISSING; spoil < SPOILS; spoil++) {
        void *own = NULL;
        assert_int_equal(set_up(&own), 0);
        load(own, 0, spoil);
        bool lost = spoil == SPOIL_MISSING || spoil == SPOIL_VERSION || spoil == SPOIL_ID;
        expect(own, lost, spoil == SPOIL_DOUBLED, spoil != SPOIL_MISSING && spoil != SPOIL_DOUBLED);
        tear_down(&own);
    }
}

static void test_an_empty_table_lacks_everything(void **state)
{
    expect(*state, 20, 0, 0); /* as many as are listed */
}

static void test_a_table_that_is_not_there_is_not_equal(void **state)
{
    struct sandbox *sandbox = *state;
    AUTO(json_drop) json_t *report = control_compare(&sandbox->control, NULL, "elsewhere", false);
    assert_true(json_is_false(json_object_get(report, "equal")));
    assert_non_null(json_text_at(json_array_get(json_object_get(report, "streams"), 0), "error"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_all_that_was_said_is_equal),
        TEST(test_old_versions_may_stay_and_new_ones_must_come),
        TEST(test_each_spoilt_row_is_noticed),
        TEST(test_an_empty_table_lacks_everything),
        TEST(test_a_table_that_is_not_there_is_not_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
