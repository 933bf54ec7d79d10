/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "judge_value.h"

#define LONGEST_PATH (1 << 20)

struct judge {
    const json_t *extra;
    struct buf path;
    size_t depth;
    struct verdict *verdict;
    bool failed;
};

/* The first problem is kept. */
static PRINTF(2, 3) void blame(struct judge *judge, const char *format, ...)
{
    struct verdict *verdict = judge->verdict;
    va_list args;
    int size;

    if (judge->failed) return;
    judge->failed = true;
    size = snprintf(verdict->problem, sizeof verdict->problem, "\"%.200s\": ", buf_string(&judge->path));
    va_start(args, format);
    (void)vsnprintf(verdict->problem + size, sizeof verdict->problem - (size_t)size, format, args);
    va_end(args);
}

/* Returns what step_up cuts the path back to. */
static size_t step_down(struct judge *judge, const char *name)
{
    size_t before = judge->path.size;

    if (judge->depth++ > 0) buf_byte(&judge->path, '.');
    for (; *name; name++) {
        if (*name == '.' || *name == '\\') buf_byte(&judge->path, '\\');
        buf_byte(&judge->path, *name);
    }
    return before;
}

static size_t step_into(struct judge *judge, size_t index)
{
    char number[32];

    (void)snprintf(number, sizeof number, "%zu", index);
    return step_down(judge, number);
}

static void step_up(struct judge *judge, size_t before)
{
    buf_cut(&judge->path, before);
    judge->depth--;
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
static void expect_extra(struct judge *judge, const json_t *value)
{
    const json_t *found = json_object_get(judge->extra, buf_string(&judge->path));
    const char *name;
    json_t *member;
    size_t before;

    if (json_is_null(value)) return;
    if (!json_is_object(value) && !json_is_array(value)) {
        if (!found || !json_equal(found, value)) blame(judge, "is neither in its column nor in _extra");
        judge->verdict->extra++;
        return;
    }
    json_object_foreach (borrowed(value), name, member) {
        before = step_down(judge, name);
        expect_extra(judge, member);
        step_up(judge, before);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        before = step_into(judge, i);
        expect_extra(judge, json_array_get(value, i));
        step_up(judge, before);
    }
}

static void judge_object(struct judge *judge, const struct column *record, const json_t *sent,
                         const json_t *stored);

/* One value of a column's type; stored: what the column holds of it, or NULL. */
static void judge_one(struct judge *judge, const struct column *column, const json_t *sent,
                      const json_t *stored)
{
    enum fit fit;

    if (column->type == COLUMN_RECORD && json_is_object(sent)) {
        judge_object(judge, column, sent, stored);
        return;
    }
    fit = judge_fit(column->type, sent);
    if (!stored) {
        if (fit == FITS) blame(judge, "fits its column, and is not there");
        expect_extra(judge, sent);
        return;
    }
    if (fit == MISFITS) blame(judge, "does not fit its column, and is there");
    if (!judge_same(column->type, stored, sent)) blame(judge, "has another value in its column");
    judge->verdict->columns += leaves_of(sent);
}

/* Is this element of a list in the column? What may be there or not is asked from _extra. */
static bool is_listed(const struct judge *judge, const struct column *column, const json_t *element)
{
    if (column->type == COLUMN_RECORD) return json_is_object(element);
    switch (judge_fit(column->type, element)) {
    case FITS: return true;
    case MISFITS: return false;
    case PERHAPS: break;
    }
    return !json_object_get(judge->extra, buf_string(&judge->path));
}

static void judge_list(struct judge *judge, const struct column *column, const json_t *sent,
                       const json_t *stored)
{
    size_t at = 0; /* in the stored list */

    for (size_t i = 0; i < json_array_size(sent); i++) {
        const json_t *element = json_array_get(sent, i);
        size_t before = step_into(judge, i);

        if (!json_is_null(element)) {
            bool listed = is_listed(judge, column, element);

            judge_one(judge, column, element, listed ? json_array_get(stored, at) : NULL);
            at += listed;
        }
        step_up(judge, before);
    }
    if (stored && json_array_size(stored) != at)
        blame(judge, "has %zu elements, where %zu were sent", json_array_size(stored), at);
}

static const struct column *find(const struct column *record, const char *name)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (strcmp(record->fields[i].name, name) == 0) return &record->fields[i];
    return NULL;
}

static void judge_member(struct judge *judge, const struct column *column, const json_t *sent,
                         const json_t *stored)
{
    bool list = column && column->mode == COLUMN_REPEATED;

    if (json_is_null(sent)) {
        if (stored) blame(judge, "is there, and was null");
    } else if (!column || (list && !json_is_array(sent))) {
        if (stored) blame(judge, "is there, and has no place there");
        expect_extra(judge, sent);
    } else if (list) {
        judge_list(judge, column, sent, stored);
    } else {
        judge_one(judge, column, sent, stored);
    }
}

static void judge_object(struct judge *judge, const struct column *record, const json_t *sent,
                         const json_t *stored)
{
    const char *name;
    json_t *member;
    size_t before;

    if (stored && !json_is_object(stored)) blame(judge, "should be an object");
    json_object_foreach (borrowed(sent), name, member) {
        before = step_down(judge, name);
        judge_member(judge, find(record, name), member, json_object_get(stored, name));
        step_up(judge, before);
    }
    json_object_foreach (borrowed(stored), name, member) {
        before = step_down(judge, name);
        if (!json_object_get(sent, name)) blame(judge, "is there, and was not sent");
        step_up(judge, before);
    }
}

/* Takes the columns of caseload's own out of the row, and looks at them. */
static void judge_service(struct judge *judge, const struct table *table, json_t *row, const char *today)
{
    const char *instant = table->day ? json_string_value(json_object_get(row, table->day)) : today;
    const char *day = json_string_value(json_object_get(row, COLUMN_PARTITION_DATE));

    if (!instant || !day || strlen(day) != 10 || strncmp(day, instant, 10) != 0)
        blame(judge, "%s is %s, not the day of %s", COLUMN_PARTITION_DATE, day ? day : "missing",
              instant ? instant : "anything");
    if (!json_is_string(json_object_get(row, COLUMN_READ_AT))) blame(judge, COLUMN_READ_AT " is missing");
    if (!json_is_integer(json_object_get(row, COLUMN_SEQUENCE))) blame(judge, COLUMN_SEQUENCE " is missing");
    (void)json_object_del(row, COLUMN_PARTITION_DATE);
    (void)json_object_del(row, COLUMN_CONTENT); /* tests/unit/core/test_content.c */
    (void)json_object_del(row, COLUMN_READ_AT);
    (void)json_object_del(row, COLUMN_SEQUENCE);
    (void)json_object_del(row, COLUMN_EXTRA);
}

/* FITS: it has all that a row needs. */
static enum fit fits_table(const struct table *table, const json_t *sent)
{
    enum fit all = json_is_object(sent) ? FITS : MISFITS;

    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        const json_t *value = json_object_get(sent, column->name);
        enum fit fit = value && !json_is_null(value) ? judge_fit(column->type, value) : MISFITS;

        if (column->mode != COLUMN_REQUIRED) continue;
        if (json_is_string(value) && json_string_length(value) == 0) fit = MISFITS;
        if (all == FITS || fit == MISFITS) all = fit;
    }
    return all;
}

static bool judge_read(struct judge *judge, const struct table *table, const json_t *sent, json_t *row,
                       const char *today)
{
    const struct column whole = {.fields = table->columns, .field_count = table->column_count};
    struct verdict *verdict = judge->verdict;
    json_t *extra = json_incref(json_object_get(row, COLUMN_EXTRA));

    judge->extra = extra;
    if (fits_table(table, sent) == MISFITS) blame(judge, "is a row, and lacks what each row needs");
    judge_service(judge, table, row, today);
    judge_object(judge, &whole, sent, row);
    if (json_object_size(extra) != verdict->extra)
        blame(judge, "_extra has %zu leaves, where %zu belong", json_object_size(extra), verdict->extra);
    if (verdict->columns + verdict->extra != leaves_of(sent))
        blame(judge, "%zu leaves were sent, %zu are there", leaves_of(sent),
              verdict->columns + verdict->extra);
    json_decref(extra);
    return !judge->failed;
}

bool judge_row(const struct table *table, const json_t *sent, const char *row, const char *today,
               struct verdict *out)
{
    json_error_t why;
    json_t *read = json_loads(row, JSON_REJECT_DUPLICATES, &why);
    struct judge judge = {.verdict = out};
    bool good;

    buf_init(&judge.path, LONGEST_PATH);
    *out = (struct verdict){0};
    if (!read || strchr(row, '\n'))
        blame(&judge, "the row is no line of JSON: %s", read ? "a line break" : why.text);
    good = read && judge_read(&judge, table, sent, read, today);
    buf_done(&judge.path);
    json_decref(read);
    return good && !judge.failed;
}

bool judge_reject(const struct table *table, const json_t *sent, const char *raw, struct verdict *out)
{
    json_t *read = json_loads(raw, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    bool whole = json_equal(read, sent);
    bool reason = fits_table(table, sent) != FITS;

    *out = (struct verdict){0};
    json_decref(read);
    if (!whole) (void)snprintf(out->problem, sizeof out->problem, "its raw text is not what was sent");
    if (!reason) (void)snprintf(out->problem, sizeof out->problem, "it is a row, and was rejected");
    return whole && reason;
}
