/* test_rows_property.c - random records: each leaf is found again in exactly one place, a column or _extra.
 *
 * The judge knows the rules of placing only from the row: it asks where a leaf went, and demands that it is
 * there whole, that it is nowhere else, and that the row holds nothing that was not sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "core/rows.h"
#include "rows_table.h"

#define RECORDS 10000

static uint64_t seed = 7;

static uint32_t next(uint32_t bound)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % bound;
}

static json_t *random_scalar(void)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "12",
                                        "-0",
                                        "007",
                                        "1.5",
                                        "1e5",
                                        "true",
                                        "a.b\\c",
                                        "\x01\n\"",
                                        "2026-01-31T10:11:12.123456Z",
                                        "99999999999999999999",
                                        "\xE2\x82\xAC",
                                        "1769854272"};
    static const json_int_t integers[] = {
        0, 1, -7, 1769854272, 1769854272123, INT64_MAX, INT64_MIN, INT64_C(9007199254740993)};
    static const double reals[] = {0.5, 5.0, -1e300, 1e-320, 1769854272.5, 1e18, 0.1};

    switch (next(6)) {
    case 0: return json_null();
    case 1: return json_boolean(next(2));
    case 2: return json_integer(integers[next(COUNT(integers))]);
    case 3: return json_real(reals[next(COUNT(reals))]);
    default: return json_string(texts[next(COUNT(texts))]);
    }
}

/* Anything, mostly at the wrong place. */
static json_t *random_value(int depth)
{
    static const char *const names[] = {"id",  "n", "items", "tags", "new",    "a.b",
                                        "a\\", "a", "",      "0",    "_extra", "Name"};
    uint32_t kind = next(depth > 0 ? 6 : 4);
    json_t *value;

    if (kind < 4) return random_scalar();
    value = kind == 4 ? json_array() : json_object();
    for (uint32_t i = next(5); i > 0; i--) {
        if (kind == 4)
            json_array_append_new(value, random_value(depth - 1));
        else
            json_object_set_new(value, names[next(COUNT(names))], random_value(depth - 1));
    }
    return value;
}

static json_t *random_record(const struct column *fields, size_t count);

/* Mostly of the shape that the column expects. */
static json_t *random_column(const struct column *column)
{
    bool record = column->type == COLUMN_RECORD;
    json_t *list;

    if (next(4) == 0) return random_value(3);
    if (column->mode != COLUMN_REPEATED)
        return record ? random_record(column->fields, column->field_count) : random_scalar();
    list = json_array();
    for (uint32_t i = next(4); i > 0; i--)
        json_array_append_new(list, record && next(4) ? random_record(column->fields, column->field_count)
                                                      : random_value(1));
    return list;
}

static json_t *random_record(const struct column *fields, size_t count)
{
    json_t *strange = random_value(2);
    json_t *record = json_object();

    for (size_t i = 0; i < count; i++)
        if (next(2)) json_object_set_new(record, fields[i].name, random_column(&fields[i]));
    if (json_is_object(strange)) json_object_update_missing(record, strange);
    json_decref(strange);
    return record;
}

/* What the judge knows: the row's _extra, and how many leaves of either place it has found. */
struct judge {
    const json_t *extra;
    size_t in_extra;
    size_t in_columns;
};

static void child_path(char out[512], const char *path, const char *name)
{
    size_t at = path ? (size_t)snprintf(out, 512, "%s.", path) : 0;

    for (; *name; name++) {
        if (*name == '.' || *name == '\\') out[at++] = '\\';
        out[at++] = *name;
    }
    out[at] = '\0';
}

static void expect_in_extra(struct judge *judge, const json_t *value, const char *path)
{
    json_t *borrowed = (json_t *)(uintptr_t)value;
    char below[512], number[32];
    const char *name;
    json_t *member;

    if (json_is_object(value)) {
        json_object_foreach (borrowed, name, member) {
            child_path(below, path, name);
            expect_in_extra(judge, member, below);
        }
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            (void)snprintf(number, sizeof number, "%zu", i);
            child_path(below, path, number);
            expect_in_extra(judge, json_array_get(value, i), below);
        }
    } else if (!json_is_null(value)) {
        const json_t *found = json_object_get(judge->extra, path);

        if (!found || !json_equal(found, value)) fail_msg("%s is not in _extra", path);
        judge->in_extra++;
    }
}

static double number_of(const json_t *value)
{
    return json_is_string(value) ? strtod(json_string_value(value), NULL) : json_number_value(value);
}

/* A text's bytes, a number's or boolean's JSON text. */
static void text_of(const json_t *value, struct buf *out)
{
    buf_reset(out);
    if (json_is_string(value))
        (void)buf_text(out, json_string_value(value));
    else
        (void)json_write(out, value);
}

/* The column's value means the record's value. */
static bool means(enum column_type type, const json_t *stored, const json_t *sent)
{
    AUTO(buf_done) struct buf a;
    AUTO(buf_done) struct buf b;
    int64_t left, right;

    buf_init(&a, 1000);
    buf_init(&b, 1000);
    switch (type) {
    case COLUMN_STRING:
        text_of(sent, &a);
        return json_is_string(stored) && strcmp(json_string_value(stored), buf_string(&a)) == 0;
    case COLUMN_INT64:
        text_of(stored, &a);
        text_of(sent, &b);
        if (json_is_real(sent)) return number_of(stored) == number_of(sent);
        return strcmp(buf_string(&a), buf_string(&b)) == 0;
    case COLUMN_FLOAT64: return json_is_number(stored) && number_of(stored) == number_of(sent);
    case COLUMN_BOOL: return json_is_boolean(stored) && json_equal(stored, sent);
    case COLUMN_TIMESTAMP:
        return json_is_string(stored) && row_instant(stored, &left) && row_instant(sent, &right) &&
               left == right;
    case COLUMN_JSON: return json_equal(stored, sent);
    case COLUMN_RECORD: break;
    }
    return false;
}

static void judge_fields(struct judge *judge, const struct column *record, const json_t *sent,
                         const json_t *stored, const char *path);

/* One value of a column's type. stored is NULL if the row does not hold it. */
static void judge_value(struct judge *judge, const struct column *column, const json_t *sent,
                        const json_t *stored, const char *path)
{
    if (column->type == COLUMN_RECORD && json_is_object(sent)) {
        judge_fields(judge, column, sent, stored, path);
    } else if (!stored) {
        expect_in_extra(judge, sent, path);
    } else {
        if (!means(column->type, stored, sent)) fail_msg("%s holds another value", path);
        assert_null(json_object_get(judge->extra, path));
        judge->in_columns++;
    }
}

static void judge_list(struct judge *judge, const struct column *column, const json_t *sent,
                       const json_t *stored, const char *path)
{
    size_t at = 0; /* in the stored list */

    for (size_t i = 0; i < json_array_size(sent); i++) {
        const json_t *element = json_array_get(sent, i);
        bool nested = json_is_object(element) || json_is_array(element);
        bool inside;
        char number[32], below[512];

        (void)snprintf(number, sizeof number, "%zu", i);
        child_path(below, path, number);
        if (json_is_null(element)) continue;
        if (column->type == COLUMN_RECORD)
            inside = json_is_object(element);
        else
            inside = column->type == COLUMN_JSON || (!nested && !json_object_get(judge->extra, below));
        judge_value(judge, column, element, inside ? json_array_get(stored, at) : NULL, below);
        at += inside;
    }
    assert_int_equal(json_array_size(stored), at);
}

static void judge_fields(struct judge *judge, const struct column *record, const json_t *sent,
                         const json_t *stored, const char *path)
{
    json_t *borrowed = (json_t *)(uintptr_t)sent;
    const char *name;
    json_t *member;

    json_object_foreach (borrowed, name, member) {
        const struct column *column = NULL;
        const json_t *found = json_object_get(stored, name);
        char below[512];

        for (size_t i = 0; i < record->field_count; i++)
            if (strcmp(record->fields[i].name, name) == 0) column = &record->fields[i];
        child_path(below, path, name);
        if (json_is_null(member)) continue;
        if (!column)
            expect_in_extra(judge, member, below);
        else if (column->mode == COLUMN_REPEATED && json_is_array(member))
            judge_list(judge, column, member, found, below);
        else if (column->mode == COLUMN_REPEATED)
            expect_in_extra(judge, member, below);
        else
            judge_value(judge, column, member, found, below);
    }
}

/* Leaves that the row holds under the columns; a JSON column counts as one. */
static size_t stored_leaves(const struct column *fields, size_t count, const json_t *stored)
{
    size_t leaves = 0;

    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(stored, fields[i].name);
        size_t values = fields[i].mode == COLUMN_REPEATED ? json_array_size(value) : value ? 1 : 0;

        for (size_t j = 0; j < values; j++) {
            const json_t *one = fields[i].mode == COLUMN_REPEATED ? json_array_get(value, j) : value;

            leaves += fields[i].type == COLUMN_RECORD
                          ? stored_leaves(fields[i].fields, fields[i].field_count, one)
                          : 1;
        }
    }
    return leaves;
}

static void test_every_leaf_is_found_in_exactly_one_place(void **state)
{
    AUTO(buf_done) struct buf text;
    size_t extras = 0, stored = 0;
    struct zone *utc;
    struct error err;

    (void)state;
    buf_init(&text, LIMIT_ROW);
    assert_true(zone_load("Etc/UTC", &utc, &err));
    for (int i = 0; i < RECORDS; i++) {
        AUTO(json_drop) json_t *record = random_record(columns, COUNT(columns));
        AUTO(json_drop) json_t *row = NULL;
        struct judge judge = {.extra = NULL};
        struct row_facts facts;

        json_object_set_new(record, "id", json_integer(i));
        json_object_set_new(record, "updated_at", json_integer(1769854272));
        json_object_set_new(record, "created_at", json_string("2026-01-31T10:11:12Z"));
        assert_int_equal(row_build(&table, record, utc, (struct day){.n = 1}, i, &text, &facts), ROW_BUILT);
        assert_null(strchr(text.data, '\n'));
        assert_true(json_read(text.data, text.size, NULL, &row, &err));
        judge.extra = json_object_get(row, "_extra");
        judge_fields(&judge, &(struct column){.fields = columns, .field_count = COUNT(columns)}, record, row,
                     NULL);
        assert_int_equal(judge.in_extra, json_object_size(judge.extra)); /* nothing was made up */
        assert_int_equal(judge.in_extra, facts.extra_leaves);
        assert_int_equal(judge.in_columns, stored_leaves(columns, COUNT(columns), row));
        assert_true(facts.misfits <= facts.extra_leaves);
        extras += judge.in_extra;
        stored += judge.in_columns;
    }
    zone_free(utc);
    assert_true(extras > RECORDS && stored > 4 * RECORDS); /* the generator reaches both places */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_leaf_is_found_in_exactly_one_place)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
