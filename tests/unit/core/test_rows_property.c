/* SPDX-License-Identifier: Apache-2.0 */
/* test_rows_property.c - random records: each leaf is found again in exactly one place, a column or _extra.
 *
 * The table has columns of each type and mode; tests/property does the same with those of the sources.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "core/rows.h"
#include "rows_table.h"
#include "table_oracle.h"
#include "value_tree.h"

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
        struct row_facts facts;
        struct row_verdict verdict;

        json_object_set_new(record, "id", json_integer(i));
        json_object_set_new(record, "updated_at", json_integer(1769854272));
        json_object_set_new(record, "created_at", json_string("2026-01-31T10:11:12Z"));
        AUTO(value_drop) struct json_value *value = value_of_tree(record);
        assert_int_equal(row_build(&table, value,
                                   &(struct row_context){.zone = utc, .today = {1}, .sequence = i}, &text,
                                   &facts),
                         ROW_BUILT);
        if (!table_oracle_row(&table, record, buf_string(&text), "1970-01-02", &verdict))
            fail_msg("%s", verdict.problem);
        assert_int_equal(verdict.extra, facts.extra_leaves);
        assert_true(facts.type_mismatches <= facts.extra_leaves);
        extras += verdict.extra;
        stored += verdict.columns;
    }
    zone_free(utc);
    assert_true(extras > RECORDS && stored > 4 * RECORDS); /* the generator reaches both places */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_leaf_is_found_in_exactly_one_place)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
