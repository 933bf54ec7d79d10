/* SPDX-License-Identifier: Apache-2.0 */
/* test_rows.c - records and the rows they become, as data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/json_value.h"
#include "core/rows.h"
#include "rows_table.h"
#include "staged_row.h"

static const struct column list_columns[] = {{.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED}};

static const struct table list = {
    .name = "lists", .columns = list_columns, .column_count = 1, .key = key, .key_count = COUNT(key)};

static struct zone *utc, *berlin;

static struct json_value *read_json(const char *text)
{
    struct error err;
    struct json_value *value;

    if (!value_read(text, strlen(text), false, NULL, &value, &err)) fail_msg("%s: %s", text, err.text);
    return value;
}

/* The record is {"id":"7","updated_at":86400,"created_at":0, and these members}; so is the expected row. */
static const struct {
    const char *members, *row;
    int extra, type_mismatches;
} examples[] = {
    {"\"name\":\"x\"", ",\"name\":\"x\"", 0, 0},
    {"\"name\":null,\"owner\":null,\"items\":null,\"any\":null,\"new\":null", "", 0, 0},
    {"\"owner\":{},\"items\":[],\"tags\":[null],\"new\":{\"a\":[{}]}", "", 0, 0},
    {"\"any\":{}", ",\"any\":{}", 0, 0},
    {"\"any\":[null,{\"a.b\":null}]", ",\"any\":[null,{\"a.b\":null}]", 0, 0},
    /* STRING */
    {"\"name\":5", ",\"name\":\"5\"", 0, 0},
    {"\"name\":200963802864963", ",\"name\":\"200963802864963\"", 0, 0},
    {"\"name\":true", ",\"name\":\"true\"", 0, 0},
    {"\"name\":1.50", ",\"name\":\"1.5\"", 0, 0},
    {"\"name\":\"\"", ",\"name\":\"\"", 0, 0},
    {"\"name\":\"a\\n\\u0001\\\"\"", ",\"name\":\"a\\n\\u0001\\\"\"", 0, 0},
    {"\"name\":{\"a\":1}", ",\"_extra\":{\"name.a\":1}", 1, 1},
    {"\"name\":[1,[2]]", ",\"_extra\":{\"name.0\":1,\"name.1.0\":2}", 2, 2},
    /* INT64: beyond 2^53 as text, which BigQuery takes */
    {"\"n\":-7", ",\"n\":-7", 0, 0},
    {"\"n\":9007199254740991", ",\"n\":9007199254740991", 0, 0},
    {"\"n\":9007199254740992", ",\"n\":\"9007199254740992\"", 0, 0},
    {"\"n\":9223372036854775807", ",\"n\":\"9223372036854775807\"", 0, 0},
    {"\"n\":-9223372036854775808", ",\"n\":\"-9223372036854775808\"", 0, 0},
    {"\"n\":9223372036854775808", ",\"_extra\":{\"n\":\"9223372036854775808\"}", 1, 1},
    {"\"n\":\"12\"", ",\"n\":12", 0, 0},
    {"\"n\":\"0\"", ",\"n\":0", 0, 0},
    {"\"n\":\"-0\"", ",\"_extra\":{\"n\":\"-0\"}", 1, 1},
    {"\"n\":\"007\"", ",\"_extra\":{\"n\":\"007\"}", 1, 1},
    {"\"n\":\"+7\"", ",\"_extra\":{\"n\":\"+7\"}", 1, 1},
    {"\"n\":\" 7\"", ",\"_extra\":{\"n\":\" 7\"}", 1, 1},
    {"\"n\":\"7 \"", ",\"_extra\":{\"n\":\"7 \"}", 1, 1},
    {"\"n\":\"\"", ",\"_extra\":{\"n\":\"\"}", 1, 1},
    {"\"n\":\"-\"", ",\"_extra\":{\"n\":\"-\"}", 1, 1},
    {"\"n\":5.0", ",\"n\":5", 0, 0},
    {"\"n\":5.5", ",\"_extra\":{\"n\":5.5}", 1, 1},
    {"\"n\":1e19", ",\"_extra\":{\"n\":1e+19}", 1, 1},
    {"\"n\":true", ",\"_extra\":{\"n\":true}", 1, 1},
    /* FLOAT64 */
    {"\"x\":0.1", ",\"x\":0.1", 0, 0},
    {"\"x\":3", ",\"x\":3", 0, 0},
    {"\"x\":9007199254740993", ",\"_extra\":{\"x\":9007199254740993}", 1, 1},
    {"\"x\":9223372036854775807", ",\"_extra\":{\"x\":9223372036854775807}", 1, 1},
    {"\"x\":\"1.50\"", ",\"x\":1.50", 0, 0},
    {"\"x\":\"-2e3\"", ",\"x\":-2e3", 0, 0},
    {"\"x\":\"0.1234567890123456789\"", ",\"_extra\":{\"x\":\"0.1234567890123456789\"}", 1, 1},
    {"\"x\":\"1e999\"", ",\"_extra\":{\"x\":\"1e999\"}", 1, 1},
    {"\"x\":\"1e-999\"", ",\"_extra\":{\"x\":\"1e-999\"}", 1, 1},
    {"\"x\":\"0x10\"", ",\"_extra\":{\"x\":\"0x10\"}", 1, 1},
    {"\"x\":\"nan\"", ",\"_extra\":{\"x\":\"nan\"}", 1, 1},
    {"\"x\":\"1,5\"", ",\"_extra\":{\"x\":\"1,5\"}", 1, 1},
    {"\"x\":false", ",\"_extra\":{\"x\":false}", 1, 1},
    /* BOOL */
    {"\"ok\":false", ",\"ok\":false", 0, 0},
    {"\"ok\":\"true\"", ",\"_extra\":{\"ok\":\"true\"}", 1, 1},
    {"\"ok\":1", ",\"_extra\":{\"ok\":1}", 1, 1},
    /* TIMESTAMP */
    {"\"at\":1769854272", ",\"at\":\"2026-01-31T10:11:12Z\"", 0, 0},
    {"\"at\":1769854272000", ",\"at\":\"2026-01-31T10:11:12Z\"", 0, 0},
    {"\"at\":1769854272123", ",\"at\":\"2026-01-31T10:11:12.123000Z\"", 0, 0},
    {"\"at\":1769854272.25", ",\"at\":\"2026-01-31T10:11:12.250000Z\"", 0, 0},
    {"\"at\":\"1769854272\"", ",\"at\":\"2026-01-31T10:11:12Z\"", 0, 0},
    {"\"at\":\"1769854272.5\"", ",\"at\":\"2026-01-31T10:11:12.500000Z\"", 0, 0},
    {"\"at\":\"2026-01-31T12:11:12.000+02:00\"", ",\"at\":\"2026-01-31T10:11:12Z\"", 0, 0},
    {"\"at\":-1", ",\"at\":\"1969-12-31T23:59:59Z\"", 0, 0},
    {"\"at\":-62135596800", ",\"at\":\"0001-01-01T00:00:00Z\"", 0, 0},
    {"\"at\":-62135596801", ",\"_extra\":{\"at\":-62135596801}", 1, 1},
    {"\"at\":253402300799999", ",\"at\":\"9999-12-31T23:59:59.999000Z\"", 0, 0},
    {"\"at\":253402300800000", ",\"_extra\":{\"at\":253402300800000}", 1, 1},
    {"\"at\":1e300", ",\"_extra\":{\"at\":1e+300}", 1, 1},
    {"\"at\":\"2026-01-31\"", ",\"_extra\":{\"at\":\"2026-01-31\"}", 1, 1},
    {"\"at\":\"soon\"", ",\"_extra\":{\"at\":\"soon\"}", 1, 1},
    {"\"at\":true", ",\"_extra\":{\"at\":true}", 1, 1},
    /* unknown members, and names that need care */
    {"\"new\":{\"a\":1,\"b\":[true,null,\"x\"]}",
     ",\"_extra\":{\"new.a\":1,\"new.b.0\":true,\"new.b.2\":\"x\"}", 3, 0},
    {"\"a.b\":1,\"a\":{\"b\":2,\"\":3}", ",\"_extra\":{\"a\\\\.b\":1,\"a.b\":2,\"a.\":3}", 3, 0},
    {"\"a\\\\\":{\"b\":1},\"a\\\\.b\":2", ",\"_extra\":{\"a\\\\\\\\.b\":1,\"a\\\\\\\\\\\\.b\":2}", 2, 0},
    {"\"\":0", ",\"_extra\":{\"\":0}", 1, 0},
    {"\"Name\":1", ",\"_extra\":{\"Name\":1}", 1, 0},
    {"\"partition_date\":\"x\",\"_extra\":{\"a\":1},\"_seq\":9",
     ",\"_extra\":{\"partition_date\":\"x\",\"_extra.a\":1,\"_seq\":9}", 3, 0},
    /* RECORD */
    {"\"owner\":{\"id\":1,\"active\":true,\"new\":\"x\"}",
     ",\"owner\":{\"id\":\"1\",\"active\":true},\"_extra\":{\"owner.new\":\"x\"}", 1, 0},
    {"\"owner\":{\"active\":\"yes\"}", ",\"_extra\":{\"owner.active\":\"yes\"}", 1, 1},
    {"\"owner\":\"bob\"", ",\"_extra\":{\"owner\":\"bob\"}", 1, 1},
    {"\"owner\":[{\"id\":1}]", ",\"_extra\":{\"owner.0.id\":1}", 1, 1},
    {"\"owner\":{\"items\":[{\"id\":1,\"labels\":[\"a\",{\"b\":1}]}],\"more\":[]}",
     ",\"owner\":{\"items\":[{\"id\":\"1\",\"labels\":[\"a\"]}],\"more\":[]},"
     "\"_extra\":{\"owner.items.0.labels.1.b\":1}",
     1, 1},
    /* REPEATED: positions are those of the list as it was sent */
    {"\"tags\":[\"a\",1,true]", ",\"tags\":[\"a\",\"1\",\"true\"]", 0, 0},
    {"\"tags\":\"a\"", ",\"_extra\":{\"tags\":\"a\"}", 1, 1},
    {"\"numbers\":[1,null,\"x\",[4],5]",
     ",\"numbers\":[1,5],\"_extra\":{\"numbers.2\":\"x\",\"numbers.3.0\":4}", 2, 2},
    {"\"numbers\":[\"x\"]", ",\"_extra\":{\"numbers.0\":\"x\"}", 1, 1},
    {"\"items\":[{\"id\":\"a\"},\"b\",{\"color\":\"red\"},{\"id\":\"c\"}]",
     ",\"items\":[{\"id\":\"a\"},{},{\"id\":\"c\"}],\"_extra\":{\"items.1\":\"b\",\"items.2.color\":\"red\"}",
     2, 1},
    {"\"items\":{\"data\":[{\"id\":1}]}", ",\"_extra\":{\"items.data.0.id\":1}", 1, 1},
    {"\"anys\":[[],{},1,null]", ",\"anys\":[[],{},1]", 0, 0},
};

static void test_examples(void **state)
{
    AUTO(buf_done) struct buf row;
    AUTO(buf_done) struct buf text;
    AUTO(buf_done) struct buf opened = buf_limited(LIMIT_ROW);

    (void)state;
    buf_init(&row, LIMIT_ROW);
    buf_init(&text, LIMIT_ROW);
    for (size_t i = 0; i < COUNT(examples); i++) {
        AUTO(value_drop) struct json_value *record = NULL;
        struct row_facts facts;

        buf_reset(&text);
        buf_format(&text, "{\"id\":\"7\",\"updated_at\":86400,\"created_at\":0,%s}", examples[i].members);
        record = read_json(text.data);
        assert_int_equal(row_build(&table, record,
                                   &(struct row_context){.zone = utc, .today = {1}, .sequence = 3}, &row,
                                   &facts),
                         ROW_BUILT);
        buf_reset(&text);
        buf_format(
            &text,
            "{\"partition_date\":\"1970-01-01\",\"id\":\"7\",\"updated_at\":\"1970-01-02T00:00:00Z\","
            "\"created_at\":\"1970-01-01T00:00:00Z\"%s,\"_read_at\":\"1970-01-01T00:00:00Z\",\"_seq\":3}",
            examples[i].row);
        if (strcmp(buf_string(&row), buf_string(&text)) != 0) {
            assert_true(staged_row_text(&table, buf_string(&row), &opened));
            assert_string_equal(buf_string(&opened), buf_string(&text));
        }
        assert_int_equal(facts.extra_leaves, examples[i].extra);
        assert_int_equal(facts.type_mismatches, examples[i].type_mismatches);
        assert_true(facts.version_us == INT64_C(86400000000));
        assert_string_equal(facts.id, "7");
    }
}

/* JSON columns hold texts: what is in them, and in the strings in them, is escaped once more. */
static void test_json_is_staged_as_text(void **state)
{
    static const struct {
        const char *members, *row;
    } cases[] = {
        {"\"any\":67.174118", "\"any\":\"67.174118\""},
        {"\"any\":1.10", "\"any\":\"1.1\""},
        {"\"any\":12345678901234567.89", "\"any\":\"\\\"12345678901234567.89\\\"\""},
        {"\"any\":\"a\\\"b\\\\c\\n\"", "\"any\":\"\\\"a\\\\\\\"b\\\\\\\\c\\\\n\\\"\""},
        {"\"anys\":[{\"a\":\"\"},[],0.1]", "\"anys\":[\"{\\\"a\\\":\\\"\\\"}\",\"[]\",\"0.1\"]"},
        {"\"owner\":{\"more\":{\"b\":false}}", "\"owner\":{\"more\":\"{\\\"b\\\":false}\"}"},
        {"\"new\":67.174118", "\"_extra\":\"{\\\"new\\\":67.174118}\""},
    };
    AUTO(buf_done) struct buf row = buf_limited(LIMIT_ROW), text = buf_limited(LIMIT_ROW);
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct row_facts facts;
        buf_reset(&text);
        buf_format(&text, "{\"id\":\"7\",\"updated_at\":86400,\"created_at\":0,%s}", cases[i].members);
        AUTO(value_drop) struct json_value *record = read_json(text.data);
        const struct row_context context = {.zone = utc, .today = {1}};
        assert_int_equal(row_build(&table, record, &context, &row, &facts), ROW_BUILT);
        if (!strstr(buf_string(&row), cases[i].row)) fail_msg("%s: %s", cases[i].row, buf_string(&row));
    }
}

static const struct {
    const char *record, *problem, *id;
} rejects[] = {
    {"[]", "object", ""},
    {"\"x\"", "object", ""},
    {"{}", "\"id\" is missing", ""},
    {"{\"id\":null,\"updated_at\":1,\"created_at\":1}", "\"id\" is null", ""},
    {"{\"id\":\"\",\"updated_at\":1,\"created_at\":1}", "\"id\" is an empty text", ""},
    {"{\"id\":{\"a\":1},\"updated_at\":1,\"created_at\":1}", "\"id\" can't be read: it is an object", ""},
    {"{\"id\":7,\"created_at\":1}", "\"updated_at\" can't be read: it is missing", "7"},
    {"{\"id\":\"a\",\"updated_at\":\"soon\",\"created_at\":1}", "\"updated_at\"", "a"},
    {"{\"id\":\"a\",\"updated_at\":1,\"created_at\":false}", "\"created_at\" can't be read: it is a boolean",
     "a"},
    {"{\"id\":\"a\",\"updated_at\":1,\"created_at\":\"9999-12-31T23:30:00Z\"}", "years 0001 to 9999", "a"},
};

static void test_rejects(void **state)
{
    AUTO(buf_done) struct buf row;

    (void)state;
    buf_init(&row, LIMIT_ROW);
    for (size_t i = 0; i < COUNT(rejects); i++) {
        AUTO(value_drop) struct json_value *record = read_json(rejects[i].record);
        struct row_facts facts;

        assert_int_equal(row_build(&table, record,
                                   &(struct row_context){.zone = berlin, .today = {1}, .sequence = 3}, &row,
                                   &facts),
                         ROW_REJECTED);
        if (!strstr(facts.problem, rejects[i].problem)) fail_msg("%s: %s", rejects[i].record, facts.problem);
        assert_string_equal(facts.id, rejects[i].id);
        assert_int_equal(row.size, 0);
    }
}

static void test_a_row_over_the_ceiling_is_rejected(void **state)
{
    AUTO(value_drop)
    struct json_value *record = read_json("{\"id\":\"7\",\"updated_at\":1,\"created_at\":1,\"name\":\"abc\","
                                          "\"new\":\"def\",\"items\":[{\"id\":1}]}");
    AUTO(buf_done) struct buf row;
    struct row_facts facts;
    size_t size;

    (void)state;
    buf_init(&row, LIMIT_ROW);
    assert_int_equal(row_build(&table, record,
                               &(struct row_context){.zone = utc, .today = {1}, .sequence = 3}, &row, &facts),
                     ROW_BUILT);
    size = row.size;
    for (size_t limit = 0; limit <= size; limit++) {
        buf_done(&row);
        buf_init(&row, limit);
        assert_int_equal(row_build(&table, record,
                                   &(struct row_context){.zone = utc, .today = {1}, .sequence = 3}, &row,
                                   &facts),
                         limit == size ? ROW_BUILT : ROW_REJECTED);
        if (limit < size) assert_non_null(strstr(facts.problem, "bytes"));
    }
}

/* A long key above many leaves is a long path for each: once it is clear that they do not fit, none is built.
 */
static void test_a_long_path_is_not_built_for_ever(void **state)
{
    enum { KEY = 1024 * 1024, LEAVES = 200 };
    struct json_value *record = read_json("{\"id\":\"7\",\"updated_at\":86400,\"created_at\":0}");
    struct json_value *leaves = document_add(record->document, VALUE_ARRAY);
    char *longest = malloc(KEY + 1);
    struct row_facts facts;
    struct buf row;

    (void)state;
    assert_non_null(longest);
    memset(longest, 'k', KEY);
    longest[KEY] = '\0';
    for (int i = 0; i < LEAVES; i++)
        value_append(leaves, document_add_integer(record->document, i));
    value_set(record, longest, leaves);
    buf_init(&row, LIMIT_ROW);
    assert_int_equal(row_build(&table, record,
                               &(struct row_context){.zone = utc, .today = {1}, .sequence = 3}, &row, &facts),
                     ROW_REJECTED);
    assert_true(facts.extra_leaves <= LIMIT_ROW / KEY);
    buf_done(&row);
    value_drop(&record);
    free(longest);
}

static void test_days_are_local(void **state)
{
    AUTO(value_drop)
    struct json_value *record = read_json("{\"id\":\"7\",\"updated_at\":1,\"created_at\":-0.5}");
    AUTO(buf_done) struct buf row;
    struct row_facts facts;

    (void)state;
    buf_init(&row, LIMIT_ROW);
    assert_int_equal(
        row_build(&table, record, &(struct row_context){.zone = utc, .today = {9}}, &row, &facts), ROW_BUILT);
    assert_int_equal(facts.day.n, -1);
    assert_int_equal(
        row_build(&table, record, &(struct row_context){.zone = berlin, .today = {9}}, &row, &facts),
        ROW_BUILT);
    assert_int_equal(facts.day.n, 0);
    assert_non_null(strstr(buf_string(&row), "\"partition_date\":\"1970-01-01\""));
    /* a table without times takes the day of reading */
    assert_int_equal(
        row_build(&list, record, &(struct row_context){.zone = berlin, .today = {9}}, &row, &facts),
        ROW_BUILT);
    assert_int_equal(facts.day.n, 9);
    assert_true(facts.version_us == 0);
    assert_string_equal(buf_string(&row), "{\"partition_date\":\"1970-01-10\",\"id\":\"7\",\"_extra\":"
                                          "\"{\\\"updated_at\\\":1,\\\"created_at\\\":-0.5}\",\"_read_at\":"
                                          "\"1970-01-01T00:00:00Z\",\"_seq\":0}");
}

static void test_a_long_id_is_cut_between_characters(void **state)
{
    AUTO(value_drop) struct json_value *record = NULL;
    AUTO(buf_done) struct buf row;
    AUTO(buf_done) struct buf text;
    struct row_facts facts;

    (void)state;
    buf_init(&row, LIMIT_ROW);
    buf_init(&text, LIMIT_ROW);
    buf_text(&text, "{\"id\":\"");
    for (int i = 0; i < 100; i++)
        buf_text(&text, "\xC3\xA4");
    buf_text(&text, "\"}");
    record = read_json(text.data);
    assert_int_equal(row_build(&list, record, &(struct row_context){.zone = utc, .today = {9}}, &row, &facts),
                     ROW_BUILT);
    assert_int_equal(strlen(facts.id), LIMIT_NAME - 2);
}

static void test_content_and_time_of_reading(void **state)
{
    AUTO(value_drop) struct json_value *record = read_json("{\"id\":\"1\"}");
    AUTO(buf_done) struct buf row;
    struct row_facts facts;
    const struct row_context context = {
        .zone = utc, .today = {0}, .sequence = 4, .read_us = 1500000, .content = record};

    (void)state;
    buf_init(&row, LIMIT_ROW);
    assert_int_equal(row_build(&list, record, &context, &row, &facts), ROW_BUILT);
    assert_string_equal(
        buf_string(&row),
        "{\"partition_date\":\"1970-01-01\",\"id\":\"1\",\"_content\":\"5949239232030767698\","
        "\"_read_at\":\"1970-01-01T00:00:01.500000Z\",\"_seq\":4}");
}

static int load_zones(void **state)
{
    struct error err;

    (void)state;
    return zone_load("Etc/UTC", &utc, &err) && zone_load("Europe/Berlin", &berlin, &err) ? 0 : -1;
}

static int free_zones(void **state)
{
    (void)state;
    zone_free(utc);
    zone_free(berlin);
    return 0;
}

/* --- a source that names its fields otherwise --- */

static const struct column person_fields[] = {
    {.name = "full_name", .field = "fullName", .type = COLUMN_STRING}};

static const struct column renamed_columns[] = {
    {.name = "call_id", .field = "callId", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "changed_at", .field = "changedAt", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "callers",
     .field = "calledBy",
     .type = COLUMN_RECORD,
     .mode = COLUMN_REPEATED,
     .fields = person_fields,
     .field_count = COUNT(person_fields)},
};
static const char *const renamed_key[] = {"call_id"};
static const struct table renamed = {.name = "calls",
                                     .columns = renamed_columns,
                                     .column_count = COUNT(renamed_columns),
                                     .key = renamed_key,
                                     .key_count = COUNT(renamed_key),
                                     .version = "changed_at",
                                     .day = "changed_at"};

static void test_fields_may_have_other_names(void **state)
{
    static const struct {
        const char *record, *expected; /* a part of the row, or of the problem */
        enum row_outcome outcome;
    } cases[] = {
        {"{\"callId\":7,\"changedAt\":86400,\"calledBy\":[{\"fullName\":\"A\",\"full_name\":\"B\"},3]}",
         "{\"partition_date\":\"1970-01-02\",\"call_id\":\"7\",\"changed_at\":\"1970-01-02T00:00:00Z\","
         "\"callers\":[{\"full_name\":\"A\"}],"
         "\"_extra\":{\"calledBy.0.full_name\":\"B\",\"calledBy.1\":3}",
         ROW_BUILT},
        {"{\"callId\":7,\"changedAt\":86400,\"call_id\":8}", "\"_extra\":{\"call_id\":8}", ROW_BUILT},
        {"{\"call_id\":7,\"changedAt\":86400}", "it can't be keyed: \"call_id\" is missing", ROW_REJECTED},
        {"{\"callId\":7,\"changed_at\":86400}", "\"changed_at\" can't be read", ROW_REJECTED},
        {"{\"callId\":[7],\"changedAt\":86400}", "\"call_id\" can't be read: it is a list", ROW_REJECTED},
    };
    AUTO(buf_done) struct buf row;
    AUTO(buf_done) struct buf opened = buf_limited(LIMIT_ROW);

    (void)state;
    buf_init(&row, LIMIT_ROW);
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO(value_drop) struct json_value *record = read_json(cases[i].record);
        const struct row_context context = {.zone = utc, .today = {1}};
        struct row_facts facts;

        assert_int_equal(row_build(&renamed, record, &context, &row, &facts), cases[i].outcome);
        bool is_built = cases[i].outcome == ROW_BUILT;
        assert_true(!is_built || staged_row_text(&renamed, buf_string(&row), &opened));
        if (!strstr(is_built ? buf_string(&opened) : facts.problem, cases[i].expected))
            fail_msg("%s%s", buf_string(&row), facts.problem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_json_is_staged_as_text),
        cmocka_unit_test(test_rejects),
        cmocka_unit_test(test_a_row_over_the_ceiling_is_rejected),
        cmocka_unit_test(test_a_long_path_is_not_built_for_ever),
        cmocka_unit_test(test_fields_may_have_other_names),
        cmocka_unit_test(test_days_are_local),
        cmocka_unit_test(test_content_and_time_of_reading),
        cmocka_unit_test(test_a_long_id_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, load_zones, free_zones);
}
