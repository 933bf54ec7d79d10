/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog.h"

#include <string.h>

#include "internal.h"

/* The types of records whose table has another name than theirs with an s. */
static const struct {
    const char *type, *table;
} types[] = {
    {"company", "companies"},
    {"data_attribute", "contact_attributes"},
    {"conversation_attribute", "conversation_attributes"},
    {"news-item", "news_items"},
    {"subscription", "subscription_types"},
};

static void add(struct tables *tables, const struct table *table)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->list[i] == table) return;
    if (tables->count < TABLES_MOST) tables->list[tables->count++] = table;
}

void tables_collect(struct tables *tables)
{
    const struct source_type *type;

    *tables = (struct tables){0};
    for (size_t k = 0; (type = source_type_at(k)) != NULL; k++) {
        for (size_t i = 0; i < type->stream_count; i++) {
            const struct stream *stream = type->streams[i];

            add(tables, stream->table);
            for (size_t j = 0; j < stream->child_count; j++)
                add(tables, stream->children[j].table);
        }
    }
}

static bool named(const char *type, const char *table)
{
    size_t size = strlen(type);

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].type, type) == 0) return strcmp(types[i].table, table) == 0;
    return strncmp(type, table, size) == 0 && strcmp(table + size, "s") == 0;
}

static const struct table *table_of_path(const char *path, const char *list)
{
    for (size_t i = 0; path && list && i < intercom_type.stream_count; i++) {
        const struct rest_stream *stream = (const struct rest_stream *)intercom_type.streams[i];

        if (strcmp(stream->path, path) == 0 && strcmp(stream->list, list) == 0) return stream->stream.table;
    }
    return NULL;
}

/* Keys with a column, less those without. */
static int shared_keys(const struct table *table, const json_t *record)
{
    json_t *borrowed =
        (json_t *)(uintptr_t)record; /* jansson's iterators take no const, but change nothing */
    const char *key;
    json_t *member;
    int shared = 0;

    json_object_foreach (borrowed, key, member)
        shared += table_column(table, key) ? 1 : -1;
    return shared;
}

/* Requests have the types of what they are about, but no key. */
static bool has_key(const struct table *table, const json_t *record)
{
    for (size_t i = 0; i < table->key_count; i++) {
        const json_t *value = json_object_get(record, table->key[i]);

        if (strcmp(table->key[i], "type") != 0 && value && !json_is_null(value)) return true;
    }
    return false;
}

size_t tables_find(const struct tables *tables, const json_t *record, const struct origin *origin,
                   bool *out_own)
{
    const struct table *at_path = table_of_path(origin->path, origin->list);
    const char *type = origin->schema ? origin->schema : json_string_value(json_object_get(record, "type"));
    size_t nearest = 0;

    for (size_t i = 0; i < tables->count; i++) {
        const struct table *table = tables->list[i];

        *out_own = has_key(table, record) &&
                   (table == at_path ||
                    (!at_path && type && named(type, table->name) && shared_keys(table, record) > 0));
        if (*out_own) return i;
    }
    for (size_t i = 1; i < tables->count; i++)
        if (shared_keys(tables->list[i], record) > shared_keys(tables->list[nearest], record)) nearest = i;
    return nearest;
}

/* Documented members that other answers have than the list which fills the table. */
static const struct {
    const char *table, *member;
} unlisted[] = {{"articles", "statistics"}, {"tags", "applied_at"}, {"tags", "applied_by"}};

void tables_part(const struct table *table, json_t *record)
{
    for (size_t i = 0; i < sizeof unlisted / sizeof *unlisted; i++)
        if (strcmp(unlisted[i].table, table->name) == 0) (void)json_object_del(record, unlisted[i].member);
    for (size_t i = 0; i < intercom_type.stream_count; i++) {
        const struct rest_stream *stream = (const struct rest_stream *)intercom_type.streams[i];
        const char *parts = stream->children ? stream->children->list : NULL;

        if (stream->stream.table == table && parts)
            (void)json_object_del(json_object_get(record, parts), parts);
    }
}
