/* SPDX-License-Identifier: Apache-2.0 */
/* custom.c - <of>_custom: a view with a typed column for each attribute that a workspace has added.
 *
 * Attribute names are any text; column names are letters, digits and _. An attribute keeps its column: the
 * column's description is the attribute's name, which is looked up the next time.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "job.h"
#include "listing.h"
#include "schema.h"
#include "table.h"

#define COLUMN_BYTES      200  /* BigQuery takes 300 characters */
#define DESCRIPTION_BYTES 1000 /* and 1,024 of these */
#define NAMES_SHOWN       10
#define LABEL_AS_OF_TEXT  64

static uint32_t hash_of(const char *text)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    return hash;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Puts one _ for each character that a column can't have. Names that begin with _ are reserved. */
static void plain_name(const char *name, char out[TABLE_ID])
{
    size_t size = 0;
    if (!is_letter(*name)) {
        out[size++] = 'c';
        out[size++] = '_';
    }
    for (const char *c = name; *c && size < COLUMN_BYTES; c++) {
        bool continues = ((unsigned char)*c & 0xc0) == 0x80; /* a character that has its _ already */
        if (!continues) out[size++] = is_letter(*c) || (*c >= '0' && *c <= '9') ? *c : '_';
    }
    out[size] = '\0';
}

struct naming {
    struct custom_attribute *attributes;
    size_t count;
    const char *const *taken;
    size_t taken_count;
};

static bool is_free(const struct naming *naming, const char *column)
{
    for (size_t i = 0; i < naming->taken_count; i++)
        if (!strcasecmp(naming->taken[i], column)) return false;
    for (size_t i = 0; i < naming->count; i++)
        if (!strcasecmp(naming->attributes[i].column, column)) return false;
    return true;
}

static bool take(const struct naming *naming, struct custom_attribute *attribute, const char *column)
{
    if (!is_free(naming, column)) return false;
    snprintf(attribute->column, sizeof attribute->column, "%s", column);
    return true;
}

static void describe(const char *name, char out[DESCRIPTION_BYTES + 1])
{
    size_t size = strlen(name);
    if (size > DESCRIPTION_BYTES)
        for (size = DESCRIPTION_BYTES; size > 0 && ((unsigned char)name[size] & 0xc0) == 0x80;)
            size--;
    memcpy(out, name, size);
    out[size] = '\0';
}

static void take_former(const struct naming *naming, struct custom_attribute *attribute, const json_t *before)
{
    char description[DESCRIPTION_BYTES + 1];
    describe(attribute->name, description);
    for (size_t i = 0; i < json_array_size(before); i++) {
        const char *column = json_text_at(json_array_get(before, i), "name");
        const char *described = json_text_at(json_array_get(before, i), "description");
        if (column && described && !strcmp(described, description) && is_letter(*column) &&
            sql_is_name(column) && take(naming, attribute, column))
            return;
    }
}

static void take_any(const struct naming *naming, struct custom_attribute *attribute)
{
    char plain[TABLE_ID], column[TABLE_ID];
    plain_name(attribute->name, plain);
    if (strlen(plain) < COLUMN_BYTES && take(naming, attribute, plain)) return;
    snprintf(column, sizeof column, "%.*s_%08x", COLUMN_BYTES, plain, (unsigned)hash_of(attribute->name));
    for (int i = 2; !take(naming, attribute, column); i++)
        snprintf(column, sizeof column, "%.*s_%08x_%d", COLUMN_BYTES, plain,
                 (unsigned)hash_of(attribute->name), i);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct custom_attribute *)a)->name, ((const struct custom_attribute *)b)->name);
}

/* Serves first the attributes that have a column, then those whose name is one, then the others by name. */
void custom_name(struct custom_attribute *attributes, size_t count, const char *const *taken,
                 size_t taken_count, const json_t *before)
{
    const struct naming naming = {attributes, count, taken, taken_count};
    if (count > 1) qsort(attributes, count, sizeof *attributes, compare_names);
    for (size_t i = 0; i < count; i++)
        take_former(&naming, &attributes[i], before);
    for (size_t i = 0; i < count; i++) {
        char plain[TABLE_ID];
        plain_name(attributes[i].name, plain);
        if (!*attributes[i].column && strlen(plain) < COLUMN_BYTES && !strcmp(plain, attributes[i].name))
            (void)take(&naming, &attributes[i], plain);
    }
    for (size_t i = 0; i < count; i++)
        if (!*attributes[i].column) take_any(&naming, &attributes[i]);
}

struct attributes {
    struct custom_attribute *list; /* their texts belong to rows */
    size_t count;
    json_t *rows;
};

static void attributes_done(struct attributes *attributes)
{
    free(attributes->list);
    json_drop(&attributes->rows);
}

static bool is_true(const char *cell)
{
    return cell && !strcmp(cell, "true");
}

static void show_as_text(const struct stream *stream, struct custom_attribute *attribute, const char *type)
{
    const char *of = stream->attributes->of->name;
    log_write(LOG_WARNING, "attribute_types_differ",
              LOG_FIELDS(LOG_TEXT("stream", stream->name), LOG_TEXT("attribute", attribute->name)),
              "%s_custom: attributes named \"%.100s\" have the types %.40s and %.40s: the column is a STRING",
              of, attribute->name, attribute->type, type);
    attribute->type = "string";
}

static bool read_attributes(struct bigquery *bq, const struct stream *stream, struct attributes *out,
                            struct error *err)
{
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    sql_attributes_text(&names, stream, &sql);
    AUTO(json_drop) json_t *parameters = json_array();
    if (!job_read(bq, &sql, parameters, &out->rows, err)) return false;
    out->list = mem_zero(json_array_size(out->rows) + 1, sizeof *out->list);
    bool is_last_archived = false;
    for (size_t i = 0; i < json_array_size(out->rows); i++) {
        const json_t *row = json_array_get(out->rows, i);
        const char *name = cell_text(row, 0), *type = cell_text(row, 1);
        bool is_archived = is_true(cell_text(row, 2));
        struct custom_attribute *last = out->count ? &out->list[out->count - 1] : NULL;
        if (!name || !*name) continue;
        if (!type) type = "";
        if (!last || strcmp(last->name, name) != 0) {
            out->list[out->count++] = (struct custom_attribute){.name = name, .type = type};
            is_last_archived = is_archived;
        } else if (is_archived == is_last_archived && sql_custom_types_differ(last->type, type)) {
            show_as_text(stream, last, type);
        }
    }
    return true;
}

static json_t *described_fields(const json_t *fields, const struct attributes *attributes, bool *out_changed)
{
    json_t *described = json_deep_copy(fields);
    *out_changed = false;
    for (size_t i = 0; i < attributes->count; i++) {
        char description[DESCRIPTION_BYTES + 1];
        json_t *field = schema_find(described, attributes->list[i].column);
        const char *now = json_text_at(field, "description");
        describe(attributes->list[i].name, description);
        if (!field || (now && !strcmp(now, description))) continue;
        json_object_set_new(field, "description", json_string(description));
        *out_changed = true;
    }
    return described;
}

static bool describe_columns(struct bigquery *bq, const char *name, const struct attributes *attributes,
                             struct error *err)
{
    AUTO(json_drop) json_t *have = NULL;
    bool changed = false;
    if (!table_get(bq, bq->settings.dataset, name, &have, err)) return false;
    AUTO(json_drop) json_t *fields = described_fields(json_at(have, "schema.fields"), attributes, &changed);
    if (!have || !changed) return true;
    AUTO(json_drop) json_t *body = json_pack("{s:{s:O}}", "schema", "fields", fields);
    return table_patch(bq, bq->settings.dataset, name, json_text_at(have, "etag"), body, err);
}

/* The view's text with the first `count` attributes, in the order of their names; false: it is too long for a
 * view. */
static bool write_view(struct bigquery *bq, const struct stream *stream, const struct attributes *attributes,
                       size_t count, struct buf *out_sql)
{
    struct sql_names names = bigquery_names(bq);
    struct custom_attribute *sorted = mem_zero(count + 1, sizeof *sorted);
    memcpy(sorted, attributes->list, count * sizeof *sorted);
    if (count > 1) qsort(sorted, count, sizeof *sorted, compare_names);
    buf_reset(out_sql);
    sql_custom_text(&names, stream->attributes, sorted, count, out_sql);
    free(sorted);
    return !out_sql->full;
}

/* Those that have a column in the view as it was come first. */
static void put_former_first(struct attributes *attributes, const json_t *before)
{
    struct custom_attribute *sorted = mem_zero(attributes->count + 1, sizeof *sorted);
    size_t count = 0;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < attributes->count; i++)
            if (!schema_find(before, attributes->list[i].column) == (round == 1))
                sorted[count++] = attributes->list[i];
    free(attributes->list);
    attributes->list = sorted;
}

static void warn_left_out(const struct stream *stream, const struct attributes *attributes, size_t fitting)
{
    const struct attribute_list *list = stream->attributes;
    AUTO(buf_done) struct buf names = buf_limited(NAMES_SHOWN * 128);
    for (size_t i = fitting; i < attributes->count && i < fitting + NAMES_SHOWN; i++)
        buf_format(&names, "%s\"%.100s\"", i > fitting ? ", " : "", attributes->list[i].name);
    log_write(LOG_WARNING, "attributes_left_out",
              LOG_FIELDS(LOG_TEXT("stream", stream->name),
                         LOG_NUMBER("attributes", (int64_t)(attributes->count - fitting))),
              "%s_custom: %zu of %zu attributes are left out, as a view has at most 256 K characters: %s%s. "
              "Their values are in %s",
              list->of->name, attributes->count - fitting, attributes->count, buf_string(&names),
              attributes->count > fitting + NAMES_SHOWN ? " and more" : "", list->values);
}

static void leave_out(struct bigquery *bq, const struct stream *stream, struct attributes *attributes,
                      const json_t *before, struct buf *sql)
{
    size_t fitting = 0, over = attributes->count;
    put_former_first(attributes, before);
    while (fitting + 1 < over) {
        size_t middle = fitting + (over - fitting) / 2;
        if (write_view(bq, stream, attributes, middle, sql))
            fitting = middle;
        else
            over = middle;
    }
    warn_left_out(stream, attributes, fitting);
    attributes->count = fitting;
    (void)write_view(bq, stream, attributes, fitting, sql); /* it fits */
}

static bool put_view(struct bigquery *bq, const struct stream *stream, const char *name, const json_t *have,
                     struct error *err)
{
    const struct table *of = stream->attributes->of;
    const char *taken[17];
    size_t taken_count = 0;
    bool changed = false;
    AUTO(attributes_done) struct attributes attributes = {0};
    if (!read_attributes(bq, stream, &attributes, err)) return false;
    for (; taken_count < of->key_count && taken_count < 16; taken_count++)
        taken[taken_count] = of->key[taken_count];
    if (of->version) taken[taken_count++] = of->version;
    custom_name(attributes.list, attributes.count, taken, taken_count, json_at(have, "schema.fields"));
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_VIEW);
    if (!write_view(bq, stream, &attributes, attributes.count, &sql))
        leave_out(bq, stream, &attributes, json_at(have, "schema.fields"), &sql);
    AUTO(mem_free)
    char *description =
        mem_format("The attributes of %s that this workspace has added, a column each", of->name);
    if (!latest_put_view(bq, bq->settings.dataset, name, have, description, &sql, err)) return false;
    const char *query = json_text_at(have, "view.query");
    bool same = query && !strcmp(query, buf_string(&sql));
    json_decref(described_fields(json_at(have, "schema.fields"), &attributes, &changed));
    return (same && !changed) || describe_columns(bq, name, &attributes, err);
}

/* The list that the view was made of, and the program that made it; "": unknown. */
static void format_as_of(struct bigquery *bq, const struct stream *stream, char out[LABEL_AS_OF_TEXT])
{
    const struct table_cache_entry *cached = table_cache_find(bq, stream);
    out[0] = '\0';
    if (cached && cached->claimed_us)
        snprintf(out, LABEL_AS_OF_TEXT, "%lld-%016llx", (long long)cached->claimed_us,
                 (unsigned long long)hash_text(bq->settings.version));
}

static bool is_as_of(const json_t *view, const char *as_of)
{
    const char *label = json_text_at(view, "labels." LABEL_AS_OF);
    return label && *as_of && strcmp(label, as_of) == 0;
}

bool custom_refresh(struct bigquery *bq, const struct stream *stream, struct error *err)
{
    AUTO(mem_free) char *latest = mem_format("%s_latest", stream->attributes->of->name);
    AUTO(mem_free) char *name = mem_format("%s_custom", stream->attributes->of->name);
    AUTO(json_drop) json_t *made_of = NULL;
    AUTO(json_drop) json_t *have = NULL;
    char as_of[LABEL_AS_OF_TEXT];
    format_as_of(bq, stream, as_of);
    if (is_as_of(listing_find(bq, bq->settings.dataset, name), as_of)) return true;
    if (!table_get(bq, bq->settings.dataset, latest, &made_of, err)) return false;
    if (!made_of) return true;
    if (!table_get(bq, bq->settings.dataset, name, &have, err)) return false;
    if (have && (!table_is_ours(have) || !table_is_view(have))) return true;
    if (is_as_of(have, as_of)) return true;
    if (!put_view(bq, stream, name, have, err)) return error_wrap(err, "%s", name);
    if (!*as_of) return true;
    AUTO(json_drop) json_t *body = json_pack("{s:{s:s}}", "labels", LABEL_AS_OF, as_of);
    return table_patch(bq, bq->settings.dataset, name, NULL, body, err);
}
