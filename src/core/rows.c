/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c - the hot path: one walk over the record writes the row, without a tree in between.
 *
 * Columns are written in the record's order. In a list column null elements are dropped, and an element that
 * does not fit goes whole to _extra under its position. A record inside a list stays, even as {}, so that the
 * others keep their neighbours. Only columns at the top may be REQUIRED. Columns that an
 * alternative field fills come last.
 */
#include "core/rows.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json_value.h"
#include "core/content.h"
#include "projection.h"
#include "row_value.h"

/* Where we are in the record: a chain on the stack, turned into text only if something goes to _extra. */
struct step {
    const struct step *up;
    const char *key; /* NULL: index counts */
    size_t index;
};

/* A full buffer is checked once, when the row is complete; until then adding to it is harmless. */
struct builder {
    struct buf *row;
    struct buf extra; /* the members of _extra */
    struct buf path;
    struct row_facts *facts;
};

static void add_step(struct buf *path, const struct step *step)
{
    if (step->up) {
        add_step(path, step->up);
        buf_byte(path, '.');
    }
    if (!step->key) {
        buf_format(path, "%zu", step->index);
        return;
    }
    for (const char *at = step->key; *at;) {
        size_t run = strcspn(at, ".\\");
        buf_add(path, at, run);
        at += run;
        if (*at) {
            buf_byte(path, '\\');
            buf_byte(path, *at++);
        }
    }
}

static void extra_leaf(struct builder *builder, const struct step *step, const struct json_value *value,
                       bool misfit)
{
    if (builder->extra.full) return; /* rejected anyway; a long path is not built again for each leaf */
    buf_reset(&builder->path);
    add_step(&builder->path, step);
    if (builder->path.full) builder->row->full = true; /* a path longer than a row may be */
    if (builder->extra.size > 0) buf_byte(&builder->extra, ',');
    json_write_string(&builder->extra, buf_string(&builder->path), builder->path.size);
    buf_byte(&builder->extra, ':');
    value_write(&builder->extra, value);
    builder->facts->extra_leaves++;
    builder->facts->type_mismatches += misfit;
}

static void add_extra(struct builder *builder, const struct step *step, const struct json_value *value,
                      bool misfit)
{
    size_t index = 0;
    if (!value_is_container(value)) {
        if (!value_is_null(value)) extra_leaf(builder, step, value, misfit);
        return;
    }
    for (const struct json_value *member = value->first; member; member = member->next)
        add_extra(builder, &(struct step){.up = step, .key = member->key, .index = index++}, member, misfit);
}

static char last_byte(const struct buf *row)
{
    return row->size > 0 ? row->data[row->size - 1] : '\0';
}

static void separate(struct buf *row)
{
    char last = last_byte(row);
    if (last != '{' && last != '[') buf_byte(row, ',');
}

static size_t write_fields(struct builder *builder, const struct fields *fields,
                           const struct json_value *object, const struct step *up);

static bool write_column(struct builder *builder, const struct field *field, const struct json_value *value,
                         const struct step *step);

/* A value that comes without the record around it. */
static bool write_alone(struct builder *builder, const struct field *record, const struct json_value *value,
                        const struct step *step)
{
    for (size_t i = 0; i < record->below->count; i++) {
        const struct field *field = &record->below->list[i];
        if (strcmp(field->column->name, record->column->value_member) != 0) continue;
        buf_byte(builder->row, '{');
        (void)write_column(builder, field, value, step);
        buf_byte(builder->row, '}');
        return true;
    }
    return false;
}

/* A scalar that comes with an object around it, whose other members have no column. */
static bool write_member(struct builder *builder, const struct column *column,
                         const struct json_value *object, const struct step *step)
{
    const struct json_value *value = value_get(object, column->value_member);
    if (value_is_null(value) || !rows_value_write(column->type, value, builder->row)) return false;
    for (const struct json_value *member = value_members(object); member; member = member->next)
        if (member != value)
            add_extra(builder, &(struct step){.up = step, .key = member->key}, member, false);
    return true;
}

static bool write_value(struct builder *builder, const struct field *field, const struct json_value *value,
                        const struct step *step)
{
    const struct column *column = field->column;
    bool is_record = column->type == COLUMN_RECORD;
    if (column->value_member && is_record != value_is_object(value))
        return is_record ? write_alone(builder, field, value, step)
                         : write_member(builder, column, value, step);
    if (!is_record) return rows_value_write(column->type, value, builder->row);
    if (!value_is_object(value)) return false;
    buf_byte(builder->row, '{');
    (void)write_fields(builder, field->below, value, step);
    buf_byte(builder->row, '}');
    return true;
}

static bool write_list(struct builder *builder, const struct field *field, const struct json_value *list,
                       const struct step *up)
{
    struct step step = {.up = up};
    if (!value_is_array(list)) return false;
    buf_byte(builder->row, '[');
    for (const struct json_value *element = list->first; element; element = element->next, step.index++) {
        size_t before = builder->row->size;
        if (value_is_null(element)) continue;
        separate(builder->row);
        if (!write_value(builder, field, element, &step)) {
            buf_cut(builder->row, before);
            add_extra(builder, &step, element, true);
        }
    }
    buf_byte(builder->row, ']');
    return true;
}

static bool write_column(struct builder *builder, const struct field *field, const struct json_value *value,
                         const struct step *step)
{
    struct buf *row = builder->row;
    bool list = field->column->mode == COLUMN_REPEATED;
    size_t before = row->size;
    separate(row);
    buf_add(row, field->head, field->head_size);
    size_t start = row->size;
    bool fits = list ? write_list(builder, field, value, step) : write_value(builder, field, value, step);
    if (!fits) add_extra(builder, step, value, true);
    /* "{}" and "[]" of our own making carry nothing; those inside a JSON column are its value. */
    if (!fits || ((list || field->below) && row->size == start + 2)) {
        buf_cut(row, before);
        return false;
    }
    return true;
}

static bool is_empty(const struct json_value *value)
{
    return value_is_null(value) || (value_is_container(value) && value->size == 0);
}

/* The member that fills the column, under one of its names; NULL: there is none. */
static const struct json_value *source_of(const struct column *column, const struct json_value *object)
{
    const struct json_value *own = value_get(object, column_field(column));
    if (!column->alternatives || !is_empty(own)) return own;
    for (const char *const *other = column->alternatives; *other; other++) {
        const struct json_value *value = value_get(object, *other);
        if (!is_empty(value)) return value;
    }
    return own;
}

/* The members that fill the columns with alternatives, looked up once for an object. */
struct filled {
    const struct json_value *by[LIMIT_ALTERNATIVES];
};

static bool fills_another(const struct fields *fields, const struct filled *filled,
                          const struct json_value *member)
{
    for (size_t i = 0; i < fields->alternate_count; i++)
        if (filled->by[i] == member) return true;
    return false;
}

/* The columns whose own field is not there. Returns how many REQUIRED ones were written. */
static size_t write_alternatives(struct builder *builder, const struct fields *fields,
                                 const struct filled *filled, const struct step *up)
{
    size_t required = 0;
    for (size_t i = 0; i < fields->alternate_count; i++) {
        const struct field *field = fields->alternates[i];
        const struct json_value *value = filled->by[i];
        struct row_facts before = *builder->facts;
        size_t extra = builder->extra.size;
        if (!value || strcmp(value->key, field->name) == 0) continue;
        if (write_column(builder, field, value, &(struct step){.up = up, .key = value->key})) {
            required += field->column->mode == COLUMN_REQUIRED;
        } else if (fields_find(fields, value)) { /* which has it, or has put it into _extra */
            *builder->facts = before;
            buf_cut(&builder->extra, extra);
        }
    }
    return required;
}

static size_t write_fields(struct builder *builder, const struct fields *fields,
                           const struct json_value *object, const struct step *up)
{
    size_t required = 0;
    struct filled filled;
    for (size_t i = 0; i < fields->alternate_count; i++)
        filled.by[i] = source_of(fields->alternates[i]->column, object);
    for (const struct json_value *member = object->first; member; member = member->next) {
        struct step step = {.up = up, .key = member->key};
        if (member->type == VALUE_NULL) continue;
        const struct field *field = fields_find(fields, member);
        if (field && (!field->column->alternatives || !is_empty(member)))
            required += write_column(builder, field, member, &step) && field->column->mode == COLUMN_REQUIRED;
        else if (!field && !fills_another(fields, &filled, member))
            add_extra(builder, &step, member, false);
    }
    return required + write_alternatives(builder, fields, &filled, up);
}

static PRINTF(3, 4) enum row_outcome reject(struct buf *row, struct row_facts *facts, const char *format, ...)
{
    va_list args;
    buf_reset(row);
    va_start(args, format);
    (void)vsnprintf(facts->problem, sizeof facts->problem, format, args); /* names are ours and short */
    va_end(args);
    return ROW_REJECTED;
}

static const char *kind_of(const struct json_value *value)
{
    if (!value) return "missing";
    switch ((enum json_value_type)value->type) {
    case VALUE_OBJECT: return "an object";
    case VALUE_ARRAY: return "a list";
    case VALUE_STRING: return value->size ? "a text" : "an empty text";
    case VALUE_INTEGER:
    case VALUE_REAL: return "a number";
    case VALUE_TRUE:
    case VALUE_FALSE: return "a boolean";
    case VALUE_NULL: return "null";
    }
    return "unknown";
}

const struct json_value *row_value(const struct table *table, const struct json_value *record,
                                   const char *name)
{
    const struct column *column = table_column(table, name);
    return column ? source_of(column, record) : value_get(record, name);
}

void row_id(const struct table *table, const struct json_value *record, char out_id[LIMIT_NAME])
{
    const struct json_value *value = table->key_count > 0 ? row_value(table, record, table->key[0]) : NULL;
    out_id[0] = '\0';
    if (!value_is_string(value) && !value_is_integer(value)) return;
    size_t size = value->size;
    if (size >= LIMIT_NAME) {
        size = LIMIT_NAME - 1;
        while (size > 0 && ((unsigned char)value->text[size] & 0xC0) == 0x80)
            size--; /* not in the middle of a character */
    }
    memcpy(out_id, value->text, size);
    out_id[size] = '\0';
}

/* The first key column that names nothing, or NULL. Whether the others fit shows when they are written. */
static const char *empty_key(const struct table *table, const struct json_value *record)
{
    for (size_t i = 0; i < table->key_count; i++) {
        const struct json_value *value = row_value(table, record, table->key[i]);
        if (value_is_null(value) || (value_is_string(value) && value->size == 0)) return table->key[i];
    }
    return NULL;
}

/* The first REQUIRED column that its value does not fit, or NULL. */
static const char *missing_column(const struct table *table, const struct json_value *record)
{
    AUTO(buf_done) struct buf unused = buf_limited(LIMIT_ROW);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        const struct json_value *value = row_value(table, record, column->name);
        buf_reset(&unused);
        if (column->mode == COLUMN_REQUIRED &&
            (value_is_null(value) || !rows_value_write(column->type, value, &unused)))
            return column->name;
    }
    return NULL;
}

static int64_t floor_seconds(int64_t us)
{
    return us / 1000000 - (us % 1000000 < 0);
}

static bool lacks_version(const struct table *table, const struct json_value *record)
{
    return table->version_may_lack && is_empty(row_value(table, record, table->version));
}

static bool read_times(const struct table *table, const struct json_value *record, const struct zone *zone,
                       struct row_facts *facts)
{
    struct day first = day_of_civil(1, 1, 1);
    struct day last = day_of_civil(9999, 12, 31);
    const char *bad = NULL;
    int64_t day_us;
    if (lacks_version(table, record))
        facts->version_us = zone_start_s(zone, facts->day) * 1000000;
    else if (!row_version(table, record, &facts->version_us))
        bad = table->version;
    else if (table->day && !row_instant(row_value(table, record, table->day), &day_us))
        bad = table->day;
    if (bad) {
        (void)snprintf(facts->problem, sizeof facts->problem, "its time \"%s\" can't be read: it is %s", bad,
                       kind_of(row_value(table, record, bad)));
        return false;
    }
    if (table->day && !lacks_version(table, record)) facts->day = zone_day(zone, floor_seconds(day_us));
    if (day_compare(facts->day, first) >= 0 && day_compare(facts->day, last) <= 0) return true;
    (void)snprintf(facts->problem, sizeof facts->problem,
                   "its local day lies outside of the years 0001 to 9999");
    return false;
}

/* The first and the last members, and the walk between them. Returns the REQUIRED columns written. */
static size_t write_row(struct builder *builder, const struct table *table, const struct json_value *record,
                        const struct row_context *context)
{
    struct buf *row = builder->row;
    char day[DAY_TEXT], read_at[INSTANT_TEXT];
    day_format(builder->facts->day, day);
    buf_text(row, "{\"" COLUMN_PARTITION_DATE "\":\"");
    buf_text(row, day);
    buf_byte(row, '"');
    size_t required = write_fields(builder, context->projection->fields, record, NULL);
    if (lacks_version(table, record)) {
        char version[INSTANT_TEXT];
        instant_format(builder->facts->version_us, version);
        buf_format(row, ",\"%s\":\"%s\"", table->version, version);
        required++;
    }
    if (builder->extra.size > 0) {
        buf_text(row, ",\"" COLUMN_EXTRA "\":");
        size_t start = row->size;
        buf_byte(row, '{');
        buf_add(row, builder->extra.data, builder->extra.size);
        buf_byte(row, '}');
        rows_value_quote(row, start);
    }
    builder->facts->has_content = context->content != NULL;
    if (context->content) { /* as text, since readers of JSON may round large numbers */
        builder->facts->content = content_hash(table, context->content);
        buf_format(row, ",\"" COLUMN_CONTENT "\":\"%" PRId64 "\"", builder->facts->content);
    }
    instant_format(context->read_us, read_at);
    buf_format(row, ",\"" COLUMN_READ_AT "\":\"%s\",\"" COLUMN_SEQUENCE "\":%" PRId64 "}", read_at,
               context->sequence);
    if (builder->extra.full) row->full = true;
    return required;
}

static enum row_outcome build(const struct table *table, const struct json_value *record,
                              const struct row_context *context, struct buf *out_row,
                              struct row_facts *out_facts)
{
    struct builder builder = {.row = out_row, .facts = out_facts};
    row_id(table, record, out_facts->id);
    const char *column = empty_key(table, record);
    if (column)
        return reject(out_row, out_facts, "it can't be keyed: \"%s\" is %s", column,
                      kind_of(row_value(table, record, column)));
    if (!read_times(table, record, context->zone, out_facts)) return ROW_REJECTED;
    buf_init(&builder.extra, out_row->limit);
    buf_init(&builder.path, out_row->limit);
    size_t required = write_row(&builder, table, record, context);
    buf_done(&builder.extra);
    buf_done(&builder.path);
    if (out_row->full)
        return reject(out_row, out_facts, "its row has more than the %zu bytes that are allowed",
                      out_row->limit);
    if (required == context->projection->required) return ROW_BUILT;
    column = missing_column(table, record);
    return reject(out_row, out_facts, "its required \"%s\" can't be read: it is %s",
                  column ? column : "column", kind_of(column ? row_value(table, record, column) : NULL));
}

enum row_outcome row_build(const struct table *table, const struct json_value *record,
                           const struct row_context *context, struct buf *out_row,
                           struct row_facts *out_facts)
{
    buf_reset(out_row);
    *out_facts = (struct row_facts){.day = context->today};
    if (!value_is_object(record))
        return reject(out_row, out_facts, "a record should be an object, this is %s", kind_of(record));
    if (context->projection) return build(table, record, context, out_row, out_facts);
    AUTO(projection_free) struct projection *projection = projection_new(table);
    struct row_context own = *context;
    own.projection = projection;
    return build(table, record, &own, out_row, out_facts);
}

bool row_version(const struct table *table, const struct json_value *record, int64_t *out_us)
{
    *out_us = 0;
    return !table->version || row_instant(row_value(table, record, table->version), out_us);
}
