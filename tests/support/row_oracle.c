/* SPDX-License-Identifier: Apache-2.0 */
#include "row_oracle.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "row_oracle_value.h"

#define PATH_LIMIT (1 << 20)

struct check {
    const json_t *extra;
    struct buf path;
    size_t depth;
    struct row_verdict *verdict;
    bool is_strict;
    bool failed;
};

static const char *type_name(const json_t *column)
{
    return json_string_value(json_object_get(column, "type"));
}

static enum cell_type type_of(const json_t *column)
{
    return cell_type(type_name(column));
}

static bool is_repeated(const json_t *column)
{
    const char *mode = json_string_value(json_object_get(column, "mode"));

    return mode && strcmp(mode, "REPEATED") == 0;
}

static const char *member_of(const json_t *column)
{
    return json_string_value(json_object_get(column, "value_member"));
}

static bool carries(const json_t *value)
{
    return value && !json_is_null(value) &&
           ((!json_is_object(value) && !json_is_array(value)) || json_object_size(value) > 0 ||
            json_array_size(value) > 0);
}

/* The field that a column takes before all others. */
static const char *own_field(const json_t *column)
{
    const char *field = json_string_value(json_object_get(column, "field"));

    return field ? field : json_string_value(json_object_get(column, "name"));
}

const char *row_oracle_field(const json_t *column, const json_t *sent)
{
    const char *name = own_field(column);
    const json_t *others = json_object_get(column, "alternatives");

    if (carries(json_object_get(sent, name))) return name;
    for (size_t i = 0; i < json_array_size(others); i++) {
        const char *other = json_string_value(json_array_get(others, i));

        if (carries(json_object_get(sent, other))) return other;
    }
    return name;
}

static const json_t *find(const json_t *fields, const char *name)
{
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *column = json_array_get(fields, i);

        if (strcmp(json_string_value(json_object_get(column, "name")), name) == 0) return column;
    }
    return NULL;
}

static const json_t *find_field(const json_t *fields, const char *field)
{
    for (size_t i = 0; i < json_array_size(fields); i++)
        if (strcmp(own_field(json_array_get(fields, i)), field) == 0) return json_array_get(fields, i);
    return NULL;
}

/* The first problem is kept. */
static PRINTF(2, 3) void report(struct check *check, const char *format, ...)
{
    struct row_verdict *verdict = check->verdict;
    va_list args;
    int size;

    if (check->failed) return;
    check->failed = true;
    size = snprintf(verdict->problem, sizeof verdict->problem, "\"%.200s\": ", buf_string(&check->path));
    va_start(args, format);
    (void)vsnprintf(verdict->problem + size, sizeof verdict->problem - (size_t)size, format, args);
    va_end(args);
}

/* Returns what step_up cuts the path back to. */
static size_t step_down(struct check *check, const char *name)
{
    size_t before = check->path.size;

    if (check->depth++ > 0) buf_byte(&check->path, '.');
    for (; *name; name++) {
        if (*name == '.' || *name == '\\') buf_byte(&check->path, '\\');
        buf_byte(&check->path, *name);
    }
    return before;
}

static size_t step_into(struct check *check, size_t index)
{
    char number[32];

    (void)snprintf(number, sizeof number, "%zu", index);
    return step_down(check, number);
}

static void step_up(struct check *check, size_t before)
{
    buf_cut(&check->path, before);
    check->depth--;
}

static json_t *borrowed(const json_t *value)
{
    return (json_t *)(uintptr_t)value; /* jansson's iterators take no const, but change nothing */
}

static size_t leaves_of(const json_t *value)
{
    size_t leaves = 0;
    const char *name;
    json_t *member;

    if (json_is_null(value)) return 0;
    if (!json_is_object(value) && !json_is_array(value)) return 1;
    json_object_foreach (borrowed(value), name, member)
        leaves += leaves_of(member);
    for (size_t i = 0; i < json_array_size(value); i++)
        leaves += leaves_of(json_array_get(value, i));
    return leaves;
}

/* Each leaf of the value. */
static void expect_extra(struct check *check, const json_t *value)
{
    const json_t *found = json_object_get(check->extra, buf_string(&check->path));
    const char *name;
    json_t *member;
    size_t before;

    if (json_is_null(value)) return;
    if (!json_is_object(value) && !json_is_array(value)) {
        if (!found || !json_equal(found, value)) report(check, "is neither in its column nor in _extra");
        check->verdict->extra++;
        return;
    }
    json_object_foreach (borrowed(value), name, member) {
        before = step_down(check, name);
        expect_extra(check, member);
        step_up(check, before);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        before = step_into(check, i);
        expect_extra(check, json_array_get(value, i));
        step_up(check, before);
    }
}

static void check_object(struct check *check, const json_t *fields, const json_t *sent, const json_t *stored);
static void check_member(struct check *check, const json_t *column, const json_t *sent, const json_t *stored);

/* A record's one field came without the record. */
static void check_alone(struct check *check, const json_t *record, const json_t *sent, const json_t *stored)
{
    const char *name = member_of(record);

    if (json_object_size(stored) > 1) report(check, "holds more than was sent");
    check_member(check, find(json_object_get(record, "fields"), name), sent, json_object_get(stored, name));
}

/* A scalar came with an object around it. */
static void check_wrapped(struct check *check, const json_t *column, const json_t *sent, const json_t *stored)
{
    const json_t *value = json_object_get(sent, member_of(column));
    enum row_fit fit = value && !json_is_null(value) ? row_oracle_fit(type_name(column), value) : ROW_MISFITS;
    const char *name;
    json_t *member;
    size_t before;

    if (fit == ROW_FITS && !stored && check->is_strict) report(check, "fits its column, and is not there");
    if (stored && (fit == ROW_MISFITS || !cell_equals(type_of(column), stored, value)))
        report(check, "has another value in its column");
    check->verdict->columns += stored != NULL;
    json_object_foreach (borrowed(sent), name, member) {
        before = step_down(check, name);
        if (!stored || member != value) expect_extra(check, member);
        step_up(check, before);
    }
}

/* One value of a column's type; stored: what the column holds of it, or NULL. */
static void check_one(struct check *check, const json_t *column, const json_t *sent, const json_t *stored)
{
    enum row_fit fit;

    if (member_of(column) && (type_of(column) == CELL_RECORD) != json_is_object(sent)) {
        (type_of(column) == CELL_RECORD ? check_alone : check_wrapped)(check, column, sent, stored);
        return;
    }
    if (type_of(column) == CELL_RECORD && json_is_object(sent)) {
        check_object(check, json_object_get(column, "fields"), sent, stored);
        return;
    }
    fit = row_oracle_fit(type_name(column), sent);
    if (!stored) {
        if (fit == ROW_FITS && check->is_strict) report(check, "fits its column, and is not there");
        expect_extra(check, sent);
        return;
    }
    if (fit == ROW_MISFITS) report(check, "does not fit its column, and is there");
    if (!cell_equals(type_of(column), stored, sent)) report(check, "has another value in its column");
    check->verdict->columns += leaves_of(sent);
}

/* Is this element of a list in the column? Elements that may be in either place are looked up in _extra. */
static bool is_listed(const struct check *check, const json_t *column, const json_t *element)
{
    if (type_of(column) == CELL_RECORD) return json_is_object(element) || member_of(column);
    switch (row_oracle_fit(type_name(column), element)) {
    case ROW_FITS: return true;
    case ROW_MISFITS: return false;
    case ROW_PERHAPS: break;
    }
    return !json_object_get(check->extra, buf_string(&check->path));
}

static void check_list(struct check *check, const json_t *column, const json_t *sent, const json_t *stored)
{
    size_t at = 0; /* in the stored list */

    for (size_t i = 0; i < json_array_size(sent); i++) {
        const json_t *element = json_array_get(sent, i);
        size_t before = step_into(check, i);

        if (!json_is_null(element)) {
            bool listed = is_listed(check, column, element);

            check_one(check, column, element, listed ? json_array_get(stored, at) : NULL);
            at += listed;
        }
        step_up(check, before);
    }
    if (stored && json_array_size(stored) != at)
        report(check, "has %zu elements, where %zu were sent", json_array_size(stored), at);
}

static void check_member(struct check *check, const json_t *column, const json_t *sent, const json_t *stored)
{
    bool list = is_repeated(column);

    if (json_is_null(sent)) {
        if (stored) report(check, "is there, and was null");
    } else if (!column || (list && !json_is_array(sent))) {
        if (stored) report(check, "is there, and has no place there");
        expect_extra(check, sent);
    } else if (list) {
        check_list(check, column, sent, stored);
    } else {
        check_one(check, column, sent, stored);
    }
}

/* The column of its own that a field fills, or else one that has it as an alternative. */
static const json_t *column_of(const json_t *fields, const json_t *sent, const char *field)
{
    const json_t *own = find_field(fields, field);

    for (size_t i = 0; !own && i < json_array_size(fields); i++)
        if (strcmp(row_oracle_field(json_array_get(fields, i), sent), field) == 0)
            return json_array_get(fields, i);
    return own;
}

/* A column that holds what another one holds, as its own field is not there. */
static void check_copy(struct check *check, const json_t *column, const json_t *sent, const json_t *stored)
{
    struct row_verdict before = *check->verdict;

    if (!json_object_get(check->extra, buf_string(&check->path))) check_member(check, column, sent, stored);
    check->verdict->columns = before.columns; /* counted once */
    check->verdict->extra = before.extra;
}

static void check_object(struct check *check, const json_t *fields, const json_t *sent, const json_t *stored)
{
    const char *name;
    json_t *member;
    size_t before;

    if (stored && !json_is_object(stored)) report(check, "should be an object");
    json_object_foreach (borrowed(sent), name, member) {
        const json_t *column = column_of(fields, sent, name);
        const char *place = json_string_value(json_object_get(column, "name"));
        bool is_source = column && strcmp(row_oracle_field(column, sent), name) == 0;

        before = step_down(check, name);
        check_member(check, column, member, is_source ? json_object_get(stored, place) : NULL);
        step_up(check, before);
    }
    json_object_foreach (borrowed(stored), name, member) {
        const json_t *column = find(fields, name);
        const char *field = column ? row_oracle_field(column, sent) : name;

        before = step_down(check, field);
        if (column && strcmp(field, own_field(column)) != 0 && find_field(fields, field))
            check_copy(check, column, json_object_get(sent, field), member);
        if (!json_object_get(sent, field)) report(check, "is there, and was not sent");
        step_up(check, before);
    }
}

bool row_oracle_check(const json_t *schema, const json_t *sent, const json_t *row, bool is_strict,
                      struct row_verdict *out)
{
    const json_t *extra = json_object_get(row, "_extra");
    struct check check = {.extra = extra, .verdict = out, .is_strict = is_strict};
    json_t *columns = json_copy(borrowed(row));

    *out = (struct row_verdict){0};
    buf_init(&check.path, PATH_LIMIT);
    json_object_del(columns, "_extra");
    check_object(&check, schema, sent, columns);
    if (json_object_size(extra) != out->extra)
        report(&check, "_extra has %zu leaves, where %zu belong", json_object_size(extra), out->extra);
    if (out->columns + out->extra != leaves_of(sent))
        report(&check, "%zu leaves were sent, %zu are there", leaves_of(sent), out->columns + out->extra);
    buf_done(&check.path);
    json_decref(columns);
    return !check.failed;
}
