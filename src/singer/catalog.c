/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.c - what can be selected, and what a catalog file selects. */
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "schema.h"
#include "singer/singer.h"

#define CRUMB_LIMIT 1024

/* --- the tables of a source, each once --- */

struct place {
    const struct table *table;
    const struct stream *stream; /* the first that fills it */
};

static void add_place(struct place *places, size_t *count, const struct table *table,
                      const struct stream *stream)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(places[i].table->name, table->name) == 0) return;
    if (*count < LIMIT_STREAMS * LIMIT_TABLES) places[(*count)++] = (struct place){table, stream};
}

static size_t list_places(const struct singer_streams *streams,
                          struct place places[LIMIT_STREAMS * LIMIT_TABLES])
{
    static const struct stream none = {.name = "", .kind = STREAM_EVENT};
    size_t count = 0;
    for (size_t i = 0; i < streams->count; i++) {
        const struct stream *stream = streams->streams[i];
        if (stream->kind == STREAM_RECONCILE) continue;
        add_place(places, &count, stream->table, stream);
        for (size_t c = 0; c < stream->child_count; c++)
            add_place(places, &count, stream->children[c].table, stream);
    }
    add_place(places, &count, &singer_rejected, &none);
    return count;
}

/* --- discovery --- */

static json_t *crumbs_below(const json_t *crumbs, const char *word, const char *name)
{
    json_t *below = json_copy(json_iterable(crumbs));
    json_array_append_new(below, json_string(word));
    if (name) json_array_append_new(below, json_string(name));
    return below;
}

static void add_metadata(json_t *all, json_t *crumbs, json_t *metadata)
{
    json_array_append_new(all, json_pack("{s:o, s:o}", "breadcrumb", crumbs, "metadata", metadata));
}

static void add_fields(json_t *all, const json_t *crumbs, const struct column *columns, size_t count,
                       const struct table *table)
{
    for (size_t i = 0; i < count; i++) {
        json_t *here = crumbs_below(crumbs, "properties", columns[i].name);
        bool is_automatic = table && schema_is_automatic(table, columns[i].name);
        add_metadata(all, json_incref(here),
                     is_automatic
                         ? json_pack("{s:s}", "inclusion", "automatic")
                         : json_pack("{s:s, s:b}", "inclusion", "available", "selected-by-default", 1));
        if (columns[i].type == COLUMN_RECORD) {
            json_t *items =
                columns[i].mode == COLUMN_REPEATED ? crumbs_below(here, "items", NULL) : json_incref(here);
            add_fields(all, items, columns[i].fields, columns[i].field_count, NULL);
            json_decref(items);
        }
        json_decref(here);
    }
}

static const struct column added[] = {{.name = COLUMN_PARTITION_DATE, .type = COLUMN_STRING},
                                      {.name = COLUMN_EXTRA, .type = COLUMN_JSON}};
#define ADDED (sizeof added / sizeof added[0])

static json_t *stream_metadata(const struct place *place, bool is_default)
{
    const struct table *table = place->table;
    json_t *metadata =
        json_pack("{s:s, s:b, s:o, s:s}", "inclusion", "available", "selected-by-default", is_default,
                  "table-key-properties", schema_key(table), "forced-replication-method",
                  place->stream->kind == STREAM_SNAPSHOT ? "FULL_TABLE" : "INCREMENTAL");
    if (table->version)
        json_object_set_new(metadata, "valid-replication-keys", json_pack("[s]", table->version));
    if (place->stream->table != table && table != &singer_rejected)
        json_object_set_new(metadata, "parent-tap-stream-id", json_string(place->stream->name));
    return metadata;
}

static json_t *describe(const struct place *place, bool is_default)
{
    const struct table *table = place->table;
    json_t *all = json_array(), *root = json_array();
    add_metadata(all, json_incref(root), stream_metadata(place, is_default));
    add_fields(all, root, table->columns, table->column_count, table);
    if (table != &singer_rejected) add_fields(all, root, added, ADDED, table);
    json_decref(root);
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "tap_stream_id", table->name, "stream", table->name,
                     "key_properties", schema_key(table), "schema", schema_make(table), "metadata", all);
}

static bool is_selected(const struct table *table, const struct selection *selections, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (selections[i].stream->kind != STREAM_RECONCILE && selection_has_table(&selections[i], table))
            return true;
    return table == &singer_rejected;
}

json_t *singer_discover(const struct singer_streams *streams, const struct selection *by_default,
                        size_t by_default_count)
{
    struct place places[LIMIT_STREAMS * LIMIT_TABLES];
    size_t count = list_places(streams, places);
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            all, describe(&places[i], is_selected(places[i].table, by_default, by_default_count)));
    return json_pack("{s:o}", "streams", all);
}

/* --- reading --- */

struct reading {
    struct place places[LIMIT_STREAMS * LIMIT_TABLES];
    size_t place_count;
    json_t *selected;   /* as in struct singer_catalog */
    const char *stream; /* whose entry is read */
    json_t *metadata;   /* its, by breadcrumb: "properties/name"; what is known is taken out */
    void (*warn)(const char *text);
    struct error *err;
};

static PRINTF(2, 3) void tell(const struct reading *reading, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut is fine */
    va_end(args);
    if (reading->warn) reading->warn(text);
}

/* A boolean, or its text, which other taps take for true whatever it says. Absent and null change nothing. */
static bool read_flag(const struct reading *reading, const json_t *metadata, const char *key,
                      const char *place, bool *flag)
{
    const json_t *value = json_object_get(metadata, key);
    const char *text = json_string_value(value);
    if (!value || json_is_null(value)) return true;
    bool is_text = text && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0);
    if (!json_is_boolean(value) && !is_text)
        return error_set(reading->err, ERROR_CONFIG,
                         "the catalog: \"%s\" of %.64s %.200s is neither true nor false", key,
                         reading->stream, place);
    if (is_text)
        tell(reading,
             "the catalog: \"%s\" of %.64s %.200s is the text \"%s\"; it is taken as %s. Write it "
             "without quotes",
             key, reading->stream, place, text, text);
    *flag = is_text ? strcmp(text, "true") == 0 : json_is_true(value);
    return true;
}

static bool read_selected(const struct reading *reading, const json_t *metadata, const char *place,
                          bool fallback, bool *out_is_selected)
{
    const char *inclusion = json_text_at(metadata, "inclusion");
    *out_is_selected = fallback;
    if (!read_flag(reading, metadata, "selected-by-default", place, out_is_selected) ||
        !read_flag(reading, metadata, "selected", place, out_is_selected))
        return false;
    if (inclusion && strcmp(inclusion, "unsupported") == 0) *out_is_selected = false;
    return true;
}

static bool index_metadata(struct reading *reading, const json_t *entries)
{
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i), *crumbs = json_object_get(entry, "breadcrumb");
        AUTO(buf_done) struct buf path = buf_limited(CRUMB_LIMIT);
        for (size_t k = 0; k < json_array_size(crumbs); k++) {
            const char *word = json_string_value(json_array_get(crumbs, k));
            if (word) buf_format(&path, "%s%s", k ? "/" : "", word);
        }
        if (!json_is_array(crumbs) || !json_is_object(json_object_get(entry, "metadata")) || path.full)
            return error_set(
                reading->err, ERROR_CONFIG,
                "the catalog: metadata[%zu] of %.64s is not {\"breadcrumb\": [...], \"metadata\": "
                "{...}}; make the catalog again with --discover",
                i, reading->stream);
        json_object_set(reading->metadata, buf_string(&path), json_object_get(entry, "metadata"));
    }
    return true;
}

/* Adds what is left out of these fields to left_out. */
static bool read_fields(const struct reading *reading, const char *before, const struct column *columns,
                        size_t count, const struct table *table, json_t *left_out)
{
    for (size_t i = 0; i < count; i++) {
        bool is_automatic = table && schema_is_automatic(table, columns[i].name), is_chosen;
        AUTO(buf_done) struct buf path = buf_limited(CRUMB_LIMIT);
        buf_format(&path, "%s%sproperties/%s", before, *before ? "/" : "", columns[i].name);
        json_t *metadata = json_object_get(reading->metadata, buf_string(&path));
        if (!read_selected(reading, metadata, buf_string(&path), true, &is_chosen)) return false;
        json_object_del(reading->metadata, buf_string(&path));
        if (!is_chosen && !is_automatic) json_object_set_new(left_out, columns[i].name, json_null());
        if (columns[i].type != COLUMN_RECORD) continue;
        AUTO(json_drop) json_t *below = json_object();
        if (columns[i].mode == COLUMN_REPEATED) buf_text(&path, "/items");
        if (!read_fields(reading, buf_string(&path), columns[i].fields, columns[i].field_count, NULL, below))
            return false;
        if (is_chosen && json_object_size(below) > 0) json_object_set(left_out, columns[i].name, below);
    }
    return true;
}

static bool warn_unknown(const struct reading *reading)
{
    const char *path;
    json_t *metadata;
    json_object_foreach (reading->metadata, path, metadata) {
        bool is_chosen = false;
        if (!*path) continue;
        if (!read_flag(reading, metadata, "selected", path, &is_chosen)) return false;
        if (is_chosen)
            tell(reading,
                 "the catalog: %.64s has no field %.200s; it is not sent. Make the catalog again with "
                 "--discover",
                 reading->stream, path);
    }
    return true;
}

static const struct table *find_table(const struct reading *reading)
{
    for (size_t i = 0; i < reading->place_count; i++)
        if (strcmp(reading->places[i].table->name, reading->stream) == 0) return reading->places[i].table;
    return NULL;
}

static bool read_stream(struct reading *reading, const json_t *entry)
{
    const struct table *table = find_table(reading);
    AUTO(json_drop) json_t *left_out = json_object();
    bool is_chosen = false;
    if (!index_metadata(reading, json_object_get(entry, "metadata"))) return false;
    /* Older catalogs have it in the schema. */
    if (!read_flag(reading, json_object_get(entry, "schema"), "selected", "as a stream", &is_chosen) ||
        !read_selected(reading, json_object_get(reading->metadata, ""), "as a stream", is_chosen, &is_chosen))
        return false;
    if (!is_chosen) return true;
    if (!table) {
        return error_set(reading->err, ERROR_CONFIG,
                         "the catalog selects \"%.64s\", which is no stream of this source; make the catalog "
                         "again with --discover",
                         reading->stream);
    }
    if (!read_fields(reading, "", table->columns, table->column_count, table, left_out) ||
        (table != &singer_rejected && !read_fields(reading, "", added, ADDED, table, left_out)) ||
        !warn_unknown(reading))
        return false;
    json_object_set(reading->selected, table->name, left_out);
    return true;
}

static bool read_entry(struct reading *reading, const json_t *entry, size_t index, json_t *seen)
{
    const char *name = json_text_at(entry, "tap_stream_id");
    if (!name) name = json_text_at(entry, "stream");
    if (!name)
        return error_set(reading->err, ERROR_CONFIG, "the catalog: streams[%zu] has no \"tap_stream_id\"",
                         index);
    if (json_object_get(seen, name))
        return error_set(reading->err, ERROR_CONFIG, "the catalog: \"%.64s\" is there twice; keep one", name);
    json_object_set_new(seen, name, json_true());
    reading->stream = name;
    reading->metadata = json_object();
    bool good = read_stream(reading, entry);
    json_decref(reading->metadata);
    return good;
}

/* --- what is to be loaded for it --- */

static bool has_name(const struct singer_catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->name_count; i++)
        if (strcmp(catalog->names[i], name) == 0) return true;
    return false;
}

static void add_name(struct singer_catalog *catalog, const char *name)
{
    if (!has_name(catalog, name)) catalog->names[catalog->name_count++] = name;
}

/* A child comes with a stream that fills it, which is read for it if need be. */
static void add_child(struct singer_catalog *catalog, const struct singer_streams *streams, const char *name)
{
    const struct stream *parent = NULL;
    bool is_named = false;
    for (size_t i = 0; i < streams->count; i++) {
        const struct stream *stream = streams->streams[i];
        for (size_t c = 0; c < stream->child_count; c++) {
            if (strcmp(stream->children[c].table->name, name) != 0) continue;
            is_named = is_named || stream->children[c].choice != CHILD_ALWAYS;
            if (!parent || has_name(catalog, stream->name)) parent = stream;
        }
    }
    if (!parent) return;
    add_name(catalog, parent->name);
    if (is_named) add_name(catalog, name);
}

static void name_streams(struct singer_catalog *catalog, const struct singer_streams *streams)
{
    const char *name;
    json_t *unused;
    for (size_t i = 0; i < streams->count; i++)
        if (streams->streams[i]->kind != STREAM_RECONCILE &&
            json_object_get(catalog->selected, streams->streams[i]->name))
            add_name(catalog, streams->streams[i]->name);
    json_object_foreach (catalog->selected, name, unused) {
        (void)unused;
        if (!has_name(catalog, name)) add_child(catalog, streams, name);
    }
}

bool singer_catalog_read(const json_t *catalog, const struct singer_streams *streams,
                         void (*warn)(const char *text), struct singer_catalog *out_catalog,
                         struct error *err)
{
    const json_t *entries = json_object_get(catalog, "streams");
    *out_catalog = (struct singer_catalog){.selected = json_object()};
    if (!json_is_array(entries))
        return error_set(err, ERROR_CONFIG, "the catalog has no list \"streams\"; make it with --discover");
    struct reading reading = {.selected = out_catalog->selected, .warn = warn, .err = err};
    reading.place_count = list_places(streams, reading.places);
    AUTO(json_drop) json_t *seen = json_object();
    for (size_t i = 0; i < json_array_size(entries); i++)
        if (!read_entry(&reading, json_array_get(entries, i), i, seen)) return false;
    name_streams(out_catalog, streams);
    return out_catalog->name_count > 0 ||
           error_set(err, ERROR_CONFIG,
                     "the catalog selects no stream; add \"selected\": true to the metadata with the empty "
                     "breadcrumb of each stream that you want");
}

void singer_catalog_done(struct singer_catalog *catalog)
{
    json_decref(catalog->selected);
    *catalog = (struct singer_catalog){.selected = NULL};
}
