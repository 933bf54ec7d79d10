/* SPDX-License-Identifier: Apache-2.0 */
#include "table_oracle.h"

#include <stdio.h>
#include <string.h>

#include "staged_row.h"

static const char *const types[] = {
    [COLUMN_STRING] = "STRING",       [COLUMN_INT64] = "INT64", [COLUMN_FLOAT64] = "FLOAT64",
    [COLUMN_BOOL] = "BOOL",           [COLUMN_JSON] = "JSON",   [COLUMN_RECORD] = "RECORD",
    [COLUMN_TIMESTAMP] = "TIMESTAMP",
};

/* Yours. */
static json_t *schema_of(const struct column *columns, size_t count)
{
    json_t *schema = json_array();

    for (size_t i = 0; i < count; i++) {
        const char *const *other = columns[i].alternatives;
        json_t *others = json_array();

        for (; other && *other; other++)
            json_array_append_new(others, json_string(*other));
        json_array_append_new(schema,
                              json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:s*}", "name", columns[i].name,
                                        "field", column_field(&columns[i]), "type", types[columns[i].type],
                                        "mode", columns[i].mode == COLUMN_REPEATED ? "REPEATED" : "NULLABLE",
                                        "fields", schema_of(columns[i].fields, columns[i].field_count),
                                        "alternatives", others, "value_member", columns[i].value_member));
    }
    return schema;
}

static bool fail(struct row_verdict *verdict, const char *problem)
{
    (void)snprintf(verdict->problem, sizeof verdict->problem, "%s", problem);
    return false;
}

/* Checks the service columns, and takes them out of the row. */
static bool check_service(const struct table *table, json_t *row, const char *today,
                          struct row_verdict *verdict)
{
    static const char *const own[] = {COLUMN_PARTITION_DATE, COLUMN_SEQUENCE, COLUMN_READ_AT,
                                      COLUMN_CONTENT}; /* its hash: tests/unit/core/test_content.c */
    const char *instant = table->day ? json_string_value(json_object_get(row, table->day)) : today;
    const char *day = json_string_value(json_object_get(row, COLUMN_PARTITION_DATE));

    if (!instant || !day || strlen(day) != 10 || strncmp(day, instant, 10) != 0)
        return fail(verdict, COLUMN_PARTITION_DATE " is not the row's day");
    if (!json_is_integer(json_object_get(row, COLUMN_SEQUENCE)))
        return fail(verdict, COLUMN_SEQUENCE " is missing");
    if (!json_is_string(json_object_get(row, COLUMN_READ_AT)))
        return fail(verdict, COLUMN_READ_AT " is missing");
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        (void)json_object_del(row, own[i]);
    return true;
}

static bool lacks_version(const struct table *table, const struct column *column, const json_t *value)
{
    return table->version_may_lack && strcmp(column->name, table->version) == 0 &&
           (!value || json_is_null(value) || (json_is_object(value) && json_object_size(value) == 0) ||
            (json_is_array(value) && json_array_size(value) == 0));
}

/* ROW_FITS: it has all that a row needs. */
static enum row_fit fits_table(const struct table *table, const json_t *schema, const json_t *sent)
{
    enum row_fit all = json_is_object(sent) ? ROW_FITS : ROW_MISFITS;

    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        const json_t *value = json_object_get(sent, row_oracle_field(json_array_get(schema, i), sent));
        enum row_fit fit =
            value && !json_is_null(value) ? row_oracle_fit(types[column->type], value) : ROW_MISFITS;

        if (column->mode != COLUMN_REQUIRED || lacks_version(table, column, value)) continue;
        if (json_is_string(value) && json_string_length(value) == 0) fit = ROW_MISFITS;
        if (all == ROW_FITS || fit == ROW_MISFITS) all = fit;
    }
    return all;
}

/* A version of our own making is the beginning of today; it is taken out of the row. */
static bool check_version(const struct table *table, const json_t *schema, const json_t *sent, json_t *row,
                          const char *today, struct row_verdict *verdict)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        const json_t *value = json_object_get(sent, row_oracle_field(json_array_get(schema, i), sent));
        char midnight[32];

        if (!lacks_version(table, column, value)) continue;
        (void)snprintf(midnight, sizeof midnight, "%.10sT00:00:00Z", today);
        if (!json_is_string(json_object_get(row, column->name)) ||
            strncmp(json_string_value(json_object_get(row, column->name)), midnight, 19) != 0)
            return fail(verdict, "a record without version is not dated by the day of reading");
        (void)json_object_del(row, column->name);
    }
    return true;
}

bool table_oracle_row(const struct table *table, const json_t *sent, const char *row, const char *today,
                      struct row_verdict *out)
{
    json_error_t why;
    json_t *read = json_loads(row, JSON_REJECT_DUPLICATES, &why);
    json_t *schema = schema_of(table->columns, table->column_count);
    bool good;

    *out = (struct row_verdict){0};
    if (!read || strchr(row, '\n'))
        good = fail(out, read ? "the row has a line break" : why.text);
    else if (!staged_row_open(table, read))
        good = fail(out, "a JSON column holds no text of JSON");
    else if (fits_table(table, schema, sent) == ROW_MISFITS)
        good = fail(out, "is a row, and lacks what each row needs");
    else
        good = check_service(table, read, today, out) &&
               check_version(table, schema, sent, read, today, out) &&
               row_oracle_check(schema, sent, read, true, out);
    json_decref(schema);
    json_decref(read);
    return good;
}

bool table_oracle_reject(const struct table *table, const json_t *sent, const char *raw,
                         struct row_verdict *out)
{
    json_t *read = json_loads(raw, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    json_t *schema = schema_of(table->columns, table->column_count);
    enum row_fit fit = fits_table(table, schema, sent);
    bool is_whole = json_equal(read, sent);

    *out = (struct row_verdict){0};
    json_decref(read);
    json_decref(schema);
    if (!is_whole) return fail(out, "its raw text is not what was sent");
    return fit != ROW_FITS || fail(out, "it is a row, and was rejected");
}
