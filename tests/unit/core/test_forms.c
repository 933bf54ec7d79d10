/* SPDX-License-Identifier: Apache-2.0 */
/* test_forms.c - fields that come under two names or in two forms, and records without a version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/json_value.h"
#include "core/rows.h"
#include "staged_row.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct column person_columns[] = {
    {.name = "id", .type = COLUMN_STRING},
    {.name = "name", .type = COLUMN_STRING},
};

static const struct column people_columns[] = {
    {.name = "total", .type = COLUMN_INT64},
    {.name = "people",
     .type = COLUMN_RECORD,
     .mode = COLUMN_REPEATED,
     .fields = person_columns,
     .field_count = COUNT(person_columns),
     .alternatives = (const char *const[]){"admins", "data", NULL},
     .value_member = "id"},
};

static const struct column columns[] = {
    {.name = "id",
     .type = COLUMN_STRING,
     .mode = COLUMN_REQUIRED,
     .alternatives = (const char *const[]){"full_name", NULL}},
    {.name = "updated_at",
     .type = COLUMN_TIMESTAMP,
     .mode = COLUMN_REQUIRED,
     .alternatives = (const char *const[]){"created_at", NULL}},
    {.name = "created_at", .type = COLUMN_TIMESTAMP},
    {.name = "avatar", .type = COLUMN_STRING, .value_member = "url"},
    {.name = "owner",
     .type = COLUMN_RECORD,
     .fields = person_columns,
     .field_count = COUNT(person_columns),
     .value_member = "id"},
    {.name = "team",
     .type = COLUMN_RECORD,
     .fields = people_columns,
     .field_count = COUNT(people_columns),
     .value_member = "people"},
    {.name = "size", .type = COLUMN_INT64, .alternatives = (const char *const[]){"created_at", NULL}},
};

static const char *const key[] = {"id"};

static const struct table table = {.name = "things",
                                   .columns = columns,
                                   .column_count = COUNT(columns),
                                   .key = key,
                                   .key_count = COUNT(key),
                                   .version = "updated_at",
                                   .day = "updated_at",
                                   .version_may_lack = true};

static struct zone *berlin;

/* The record has the id 7, updated_at 86400, and these members; the row has these columns. */
static const struct {
    const char *members, *row;
    int extra, type_mismatches;
} examples[] = {
    /* a scalar, alone or in an object */
    {"\"avatar\":\"a\"", ",\"avatar\":\"a\"", 0, 0},
    {"\"avatar\":{\"type\":\"avatar\",\"url\":\"a\"}",
     ",\"avatar\":\"a\",\"_extra\":{\"avatar.type\":\"avatar\"}", 1, 0},
    {"\"avatar\":{\"type\":\"x\",\"url\":null}", ",\"_extra\":{\"avatar.type\":\"x\"}", 1, 1},
    {"\"avatar\":{\"url\":{\"a\":1}}", ",\"_extra\":{\"avatar.url.a\":1}", 1, 1},
    {"\"avatar\":[\"a\"]", ",\"_extra\":{\"avatar.0\":\"a\"}", 1, 1},
    /* a record, whole or by one field */
    {"\"owner\":{\"id\":5,\"name\":\"x\"}", ",\"owner\":{\"id\":\"5\",\"name\":\"x\"}", 0, 0},
    {"\"owner\":5", ",\"owner\":{\"id\":\"5\"}", 0, 0},
    {"\"owner\":[5]", ",\"_extra\":{\"owner.0\":5}", 1, 1},
    /* a list, in its record or alone, under each of its names, and its elements in both forms */
    {"\"team\":{\"people\":[{\"id\":1}]}", ",\"team\":{\"people\":[{\"id\":\"1\"}]}", 0, 0},
    {"\"team\":{\"admins\":[{\"id\":1}]}", ",\"team\":{\"people\":[{\"id\":\"1\"}]}", 0, 0},
    {"\"team\":{\"people\":[],\"data\":[2,{\"id\":1,\"x\":[3]}]}",
     ",\"team\":{\"people\":[{\"id\":\"2\"},{\"id\":\"1\"}]},\"_extra\":{\"team.data.1.x.0\":3}", 1, 0},
    {"\"team\":[{\"id\":1},{\"x\":3}]",
     ",\"team\":{\"people\":[{\"id\":\"1\"},{}]},\"_extra\":{\"team.1.x\":3}", 1, 0},
    {"\"team\":\"x\"", ",\"_extra\":{\"team\":\"x\"}", 1, 1},
    /* both names at once: the first counts, nothing is lost */
    {"\"team\":{\"admins\":[1],\"people\":[2]}",
     ",\"team\":{\"people\":[{\"id\":\"2\"}]},\"_extra\":{\"team.admins.0\":1}", 1, 0},
    {"\"full_name\":\"a.b\"", ",\"_extra\":{\"full_name\":\"a.b\"}", 1, 0},
    /* a field that is a column of its own fills both; it is not in _extra of one that it does not fit */
    {"\"created_at\":5", ",\"created_at\":\"1970-01-01T00:00:05Z\",\"size\":5", 0, 0},
    {"\"created_at\":\"1970-01-01T00:00:05Z\"", ",\"created_at\":\"1970-01-01T00:00:05Z\"", 0, 0},
    {"\"created_at\":\"soon\"", ",\"_extra\":{\"created_at\":\"soon\"}", 1, 1},
    {"\"created_at\":5,\"size\":6", ",\"created_at\":\"1970-01-01T00:00:05Z\",\"size\":6", 0, 0},
};

static void build(const char *record, struct buf *row, struct row_facts *out_facts)
{
    const struct row_context context = {.zone = berlin, .today = {20}};
    struct error err;
    AUTO(value_drop) struct json_value *value = NULL;
    if (!value_read(record, strlen(record), false, NULL, &value, &err)) fail_msg("%s: %s", record, err.text);
    if (row_build(&table, value, &context, row, out_facts) != ROW_BUILT)
        fail_msg("%s: %s", record, out_facts->problem);
}

static void test_both_forms_fill_the_column(void **state)
{
    (void)state;
    AUTO(buf_done)
    struct buf row = buf_limited(LIMIT_ROW), text = buf_limited(LIMIT_ROW), opened = buf_limited(LIMIT_ROW);
    for (size_t i = 0; i < COUNT(examples); i++) {
        struct row_facts facts;
        buf_reset(&text);
        buf_format(&text, "{\"id\":\"7\",\"updated_at\":86400,%s}", examples[i].members);
        build(text.data, &row, &facts);
        buf_reset(&text);
        buf_format(
            &text,
            "{\"partition_date\":\"1970-01-02\",\"id\":\"7\",\"updated_at\":\"1970-01-02T00:00:00Z\"%s,"
            "\"_read_at\":\"1970-01-01T00:00:00Z\",\"_seq\":0}",
            examples[i].row);
        assert_true(staged_row_text(&table, buf_string(&row), &opened));
        assert_string_equal(buf_string(&opened), buf_string(&text));
        assert_int_equal(facts.extra_leaves, examples[i].extra);
        assert_int_equal(facts.type_mismatches, examples[i].type_mismatches);
    }
}

/* Keys and versions, and the day that follows from them. today is the 21st of January 1970. */
static const struct {
    const char *record, *id, *day, *version;
} identities[] = {
    {"{\"id\":3,\"full_name\":\"a.b\",\"updated_at\":0}", "3", "1970-01-01", "1970-01-01T00:00:00Z"},
    {"{\"full_name\":\"a.b\",\"updated_at\":\"1970-01-02T23:30:00Z\"}", "a.b", "1970-01-03",
     "1970-01-02T23:30:00Z"},
    {"{\"id\":\"3\",\"updated_at\":null,\"created_at\":-86400}", "3", "1969-12-31", "1969-12-31T00:00:00Z"},
    {"{\"id\":\"3\",\"updated_at\":null}", "3", "1970-01-21", "1970-01-20T23:00:00Z"},
    {"{\"id\":\"3\"}", "3", "1970-01-21", "1970-01-20T23:00:00Z"},
};

static void test_keys_and_versions_have_alternatives(void **state)
{
    (void)state;
    AUTO(buf_done) struct buf row = {0};
    buf_init(&row, LIMIT_ROW);
    for (size_t i = 0; i < COUNT(identities); i++) {
        struct row_facts facts;
        char version[INSTANT_TEXT];
        build(identities[i].record, &row, &facts);
        AUTO(json_drop) json_t *built = json_loads(buf_string(&row), 0, NULL);
        instant_format(facts.version_us, version);
        assert_string_equal(facts.id, identities[i].id);
        assert_string_equal(json_text_at(built, "id"), identities[i].id);
        assert_string_equal(json_text_at(built, "partition_date"), identities[i].day);
        assert_string_equal(json_text_at(built, "updated_at"), identities[i].version);
        assert_string_equal(version, identities[i].version);
    }
}

static void test_a_version_that_is_there_must_be_readable(void **state)
{
    (void)state;
    const struct row_context context = {.zone = berlin, .today = {20}};
    struct row_facts facts;
    AUTO(buf_done) struct buf row = {0};
    AUTO(value_drop) struct json_value *record = value_new(VALUE_OBJECT);
    value_set_text(record, "id", "3");
    value_set_text(record, "updated_at", "soon");
    buf_init(&row, LIMIT_ROW);
    assert_int_equal(row_build(&table, record, &context, &row, &facts), ROW_REJECTED);
    assert_non_null(strstr(facts.problem, "\"updated_at\""));
}

static int load_zone(void **state)
{
    (void)state;
    struct error err;
    return zone_load("Europe/Berlin", &berlin, &err) ? 0 : -1;
}

static int free_zone(void **state)
{
    (void)state;
    zone_free(berlin);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_forms_fill_the_column),
        cmocka_unit_test(test_keys_and_versions_have_alternatives),
        cmocka_unit_test(test_a_version_that_is_there_must_be_readable),
    };
    return cmocka_run_group_tests(tests, load_zone, free_zone);
}
