/* SPDX-License-Identifier: Apache-2.0 */
/* row.c - record and row are both taken apart into leaves with a path, sorted, and laid side by side.
 *
 * A path is made of object keys (dots and backslashes in them escaped by a backslash) and list positions,
 * joined by dots. A column of type JSON is one leaf, whole.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "oracle/row.h"

#define PATH_LIMIT   65536
#define MILLISECONDS 1e11 /* larger "seconds" are milliseconds */

enum rule {
    RULE_EXACT,
    RULE_WHOLE,
    RULE_STRING,
    RULE_INT64,
    RULE_FLOAT64,
    RULE_BOOL,
    RULE_TIMESTAMP,
    RULE_UNKNOWN
};

struct leaf {
    char *path;
    json_t *value; /* a reference */
    enum rule rule;
};

struct leaves {
    struct leaf *items;
    size_t count, capacity;
};

static void leaves_done(struct leaves *leaves)
{
    for (size_t i = 0; i < leaves->count; i++) {
        free(leaves->items[i].path);
        json_decref(leaves->items[i].value);
    }
    free(leaves->items);
}

/* Takes the reference. */
static void leaves_add(struct leaves *leaves, const char *path, json_t *value, enum rule rule)
{
    if (leaves->count == leaves->capacity) {
        leaves->capacity = leaves->capacity ? leaves->capacity * 2 : 128;
        leaves->items = mem_grow(leaves->items, leaves->capacity, sizeof *leaves->items);
    }
    leaves->items[leaves->count++] = (struct leaf){.path = mem_text(path), .value = value, .rule = rule};
}

static int leaf_order(const void *a, const void *b)
{
    const struct leaf *left = a, *right = b;
    return strcmp(left->path, right->path);
}

/* Lengthens the path by a key and returns its former size, to which it is cut again later. */
static size_t path_enter(struct buf *path, const char *key)
{
    size_t size = path->size;
    if (size) buf_byte(path, '.');
    for (; *key; key++) {
        if (*key == '.' || *key == '\\') buf_byte(path, '\\');
        buf_byte(path, *key);
    }
    return size;
}

static size_t path_enter_index(struct buf *path, size_t index)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", index);
    return path_enter(path, text);
}

static void path_leave(struct buf *path, size_t size)
{
    if (path->data) path->data[size] = '\0';
    path->size = size;
}

/* --- the record --- */

static bool is_whole(const struct leaves *row, const char *path)
{
    for (size_t i = 0; i < row->count; i++) {
        if (row->items[i].rule == RULE_WHOLE && strcmp(row->items[i].path, path) == 0) return true;
    }
    return false;
}

/* row tells which columns are taken whole. */
static void take_record(json_t *value, struct buf *path, const struct leaves *row, struct leaves *out)
{
    const char *key;
    json_t *member;
    size_t index;
    if (path->size && is_whole(row, path->data)) {
        leaves_add(out, path->data, json_incref(value), RULE_WHOLE);
    } else if (json_is_object(value)) {
        json_object_foreach (value, key, member) {
            size_t size = path_enter(path, key);
            take_record(member, path, row, out);
            path_leave(path, size);
        }
    } else if (json_is_array(value)) {
        json_array_foreach (value, index, member) {
            size_t size = path_enter_index(path, index);
            take_record(member, path, row, out);
            path_leave(path, size);
        }
    } else if (!json_is_null(value)) {
        leaves_add(out, buf_string(path), json_incref(value), RULE_EXACT);
    }
}

/* --- the row --- */

static enum rule rule_of(const char *type)
{
    static const struct {
        const char *type;
        enum rule rule;
    } rules[] = {{"STRING", RULE_STRING},   {"INT64", RULE_INT64},         {"INTEGER", RULE_INT64},
                 {"FLOAT64", RULE_FLOAT64}, {"FLOAT", RULE_FLOAT64},       {"BOOL", RULE_BOOL},
                 {"BOOLEAN", RULE_BOOL},    {"TIMESTAMP", RULE_TIMESTAMP}, {"JSON", RULE_WHOLE}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (type && strcmp(rules[i].type, type) == 0) return rules[i].rule;
    }
    return RULE_UNKNOWN;
}

static json_t *parse_json(const json_t *text)
{
    json_t *value = NULL;
    struct error err;
    if (json_is_string(text) &&
        json_read(json_string_value(text), json_string_length(text), NULL, &value, &err))
        return value;
    return json_string("unreadable JSON");
}

static void take_row(const json_t *fields, const json_t *row, struct buf *path, struct leaves *out);

static void take_cell(const json_t *field, json_t *cell, struct buf *path, struct leaves *out)
{
    const char *type = json_text_at(field, "type");
    const json_t *fields = json_object_get(field, "fields");
    enum rule rule = rule_of(type);
    if (json_is_null(cell) || !cell) return;
    if (fields)
        take_row(fields, cell, path, out);
    else if (rule == RULE_WHOLE)
        leaves_add(out, buf_string(path), parse_json(cell), rule);
    else
        leaves_add(out, buf_string(path), json_incref(cell), rule);
}

static void take_field(const json_t *field, json_t *cell, struct buf *path, struct leaves *out)
{
    const char *mode = json_text_at(field, "mode");
    size_t index, size = path_enter(path, json_text_at(field, "name"));
    json_t *item;
    if (mode && strcmp(mode, "REPEATED") == 0) {
        json_array_foreach (cell, index, item) {
            size_t inner = path_enter_index(path, index);
            take_cell(field, json_object_get(item, "v"), path, out);
            path_leave(path, inner);
        }
    } else {
        take_cell(field, cell, path, out);
    }
    path_leave(path, size);
}

static void take_extra(const json_t *cell, struct leaves *out)
{
    if (!cell || json_is_null(cell)) return;
    AUTO(json_drop) json_t *extra = parse_json(cell);
    const char *key;
    json_t *value;
    json_object_foreach (extra, key, value) {
        leaves_add(out, key, json_incref(value), RULE_EXACT);
    }
    if (!json_is_object(extra)) leaves_add(out, "_extra", json_incref(extra), RULE_UNKNOWN);
}

static bool is_service(const char *name)
{
    static const char *const names[] = {"partition_date", "_content", "_read_at",
                                        "_loaded_at",     "_run_id",  "_seq"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i], name) == 0) return true;
    }
    return false;
}

static void take_row(const json_t *fields, const json_t *row, struct buf *path, struct leaves *out)
{
    const json_t *cells = json_object_get(row, "f");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        const char *name = json_text_at(field, "name");
        json_t *cell = json_object_get(json_array_get(cells, i), "v");
        if (!name || (path->size == 0 && is_service(name))) continue;
        if (path->size == 0 && strcmp(name, "_extra") == 0)
            take_extra(cell, out);
        else
            take_field(field, cell, path, out);
    }
}

const char *row_cell(const json_t *fields, const json_t *row, const char *name)
{
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const char *own = json_text_at(json_array_get(fields, i), "name");
        if (own && strcmp(own, name) == 0)
            return json_string_value(json_object_get(json_array_get(json_object_get(row, "f"), i), "v"));
    }
    return NULL;
}

/* --- side by side --- */

/* Seconds, milliseconds, text of them, or RFC 3339. */
static bool read_instant(const json_t *value, int64_t *out_us)
{
    const char *text = json_string_value(value);
    double seconds = json_number_value(value);
    if (text && instant_parse(text, strlen(text), out_us)) return true;
    if (text) {
        char *end;
        seconds = strtod(text, &end);
        if (end == text || *end) return false;
    } else if (!json_is_number(value)) {
        return false;
    }
    double scale = fabs(seconds) >= MILLISECONDS ? 1e3 : 1e6;
    if (json_is_integer(value) && fabs(seconds) < 9e15)
        *out_us = json_integer_value(value) * (int64_t)scale;
    else if (fabs(seconds * scale) < 9e18)
        *out_us = llround(seconds * scale);
    else
        return false;
    return true;
}

/* said: what the record has; cell: the column's text. */
static bool same_scalar(enum rule rule, const json_t *said, const char *cell)
{
    char text[32];
    int64_t at_us;
    bool is_text = json_is_string(said), is_bool = json_is_boolean(said);
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(said));
    const char *word = is_bool && json_is_true(said) ? "true" : "false";
    switch (rule) {
    case RULE_STRING:
        return strcmp(cell, is_text   ? json_string_value(said)
                            : is_bool ? word
                                      : text) == 0 &&
               !json_is_real(said);
    case RULE_INT64: return json_is_integer(said) && strcmp(cell, text) == 0;
    case RULE_FLOAT64:
        return json_is_number(said) && fabs(strtod(cell, NULL) - json_number_value(said)) <= 0.0;
    case RULE_BOOL: return is_bool && strcmp(cell, word) == 0;
    case RULE_TIMESTAMP:
        if (!read_instant(said, &at_us)) return false;
        snprintf(text, sizeof text, "%lld", (long long)at_us);
        return strcmp(cell, text) == 0;
    case RULE_EXACT:
    case RULE_WHOLE:
    case RULE_UNKNOWN: return false;
    }
    return false;
}

static bool same_leaf(const struct leaf *said, const struct leaf *cell)
{
    if (cell->rule == RULE_EXACT || cell->rule == RULE_WHOLE)
        return said->rule == cell->rule && json_equal(said->value, cell->value);
    return said->rule == RULE_EXACT && json_is_string(cell->value) &&
           same_scalar(cell->rule, said->value, json_string_value(cell->value));
}

static bool same_leaves(const struct leaves *record, const struct leaves *row, char *out_why, size_t why_size)
{
    for (size_t i = 0; i < record->count || i < row->count; i++) {
        const struct leaf *said = i < record->count ? &record->items[i] : NULL;
        const struct leaf *cell = i < row->count ? &row->items[i] : NULL;
        int order = !said ? 1 : !cell ? -1 : leaf_order(said, cell);
        if (order == 0 && same_leaf(said, cell)) continue;
        const char *problem = order < 0   ? "is not in the row"
                              : order > 0 ? "is in the row, but was never said"
                                          : "differs";
        AUTO(mem_free)
        char *value = json_dumps((order > 0 ? cell : said)->value, JSON_ENCODE_ANY | JSON_COMPACT);
        snprintf(out_why, why_size, "%s %s: %s", (order > 0 ? cell : said)->path, problem,
                 value ? value : "?");
        return false;
    }
    return true;
}

bool row_equals(const json_t *record, const json_t *fields, const json_t *row, char *out_why, size_t why_size)
{
    AUTO(leaves_done) struct leaves said = {.count = 0};
    AUTO(leaves_done) struct leaves cells = {.count = 0};
    AUTO(buf_done) struct buf path;
    AUTO(json_drop) json_t *copy = json_deep_copy(record); /* jansson iterates over non-const objects only */
    buf_init(&path, PATH_LIMIT);
    take_row(fields, row, &path, &cells);
    take_record(copy, &path, &cells, &said);
    if (path.full) {
        snprintf(out_why, why_size, "a path is longer than %d bytes", PATH_LIMIT);
        return false;
    }
    if (said.count) qsort(said.items, said.count, sizeof *said.items, leaf_order);
    if (cells.count) qsort(cells.items, cells.count, sizeof *cells.items, leaf_order);
    return same_leaves(&said, &cells, out_why, why_size);
}
