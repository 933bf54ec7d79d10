/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "base/suggest.h"
#include "core/selection.h"

struct owner {
    const struct stream *stream;
    const struct child *child; /* NULL: the name is the stream's own */
};

/* Which stream fills the table of that name? The first that does, should there be two. */
static struct owner owner_of(const struct stream *const *catalog, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(catalog[i]->name, name) == 0) return (struct owner){catalog[i], NULL};
        for (size_t c = 0; c < catalog[i]->child_count; c++) {
            if (strcmp(catalog[i]->children[c].table->name, name) == 0)
                return (struct owner){catalog[i], &catalog[i]->children[c]};
        }
    }
    return (struct owner){0};
}

static bool unknown(const struct stream *const *catalog, size_t count, const char *name, struct error *err)
{
    char hint[SUGGEST_HINT];
    const char *known[LIMIT_STREAMS * LIMIT_TABLES] = {0};
    size_t known_count = 0;
    for (size_t i = 0; i < count && known_count < LIMIT_STREAMS * (LIMIT_TABLES - 1); i++) {
        known[known_count++] = catalog[i]->name;
        for (size_t c = 0; c < catalog[i]->child_count && c + 1 < LIMIT_TABLES; c++)
            known[known_count++] = catalog[i]->children[c].table->name;
    }
    return error_set(err, ERROR_CONFIG, "streams: the source has no stream \"%.64s\"; %s", name,
                     suggest_hint(name, known, known_count, "`caseload streams` lists those it has", hint));
}

static struct selection *selected(struct selection *selections, size_t count, const struct stream *stream)
{
    for (size_t i = 0; i < count; i++)
        if (selections[i].stream == stream) return &selections[i];
    return NULL;
}

static void add_table(struct selection *selection, const struct table *table)
{
    assert(selection->table_count < LIMIT_TABLES);
    selection->tables[selection->table_count++] = table;
}

static bool add_stream(const struct stream *stream, struct selection *out, size_t *out_count,
                       struct error *err)
{
    if (*out_count == LIMIT_STREAMS)
        return error_set(err, ERROR_CONFIG,
                         "streams: more than %d are to be loaded; split them over two datasets",
                         LIMIT_STREAMS);
    out[(*out_count)++] = (struct selection){.stream = stream, .tables = {stream->table}, .table_count = 1};
    return true;
}

static bool select_parents(const struct stream *const *catalog, size_t catalog_count,
                           const char *const *names, size_t name_count, struct selection *out,
                           size_t *out_count, struct error *err)
{
    for (size_t i = 0; i < name_count; i++) {
        struct owner owner = owner_of(catalog, catalog_count, names[i]);
        if (!owner.stream) return unknown(catalog, catalog_count, names[i], err);
        if (owner.child) continue;
        if (owner.stream->kind == STREAM_RECONCILE)
            return error_set(err, ERROR_CONFIG,
                             "streams: \"%s\" comes by itself with \"%s\"; leave it out (reconcile_days says "
                             "how often, 0 never)",
                             names[i], owner.stream->subject->name);
        if (selected(out, *out_count, owner.stream))
            return error_set(err, ERROR_CONFIG, "streams: \"%s\" is named twice; name it once", names[i]);
        if (!add_stream(owner.stream, out, out_count, err)) return false;
    }
    return true;
}

static bool select_child(const struct stream *const *catalog, size_t catalog_count, const char *name,
                         struct selection *selections, size_t count, struct error *err)
{
    struct owner owner = owner_of(catalog, catalog_count, name);
    if (!owner.child) return true;
    struct selection *parent = selected(selections, count, owner.stream);
    if (!parent)
        return error_set(err, ERROR_CONFIG,
                         "streams: \"%s\" comes with \"%s\", which is not named; add \"%s\" or remove \"%s\"",
                         name, owner.stream->name, owner.stream->name, name);
    if (selection_has_table(parent, owner.child->table))
        return error_set(err, ERROR_CONFIG, "streams: \"%s\" is named twice; name it once", name);
    add_table(parent, owner.child->table);
    return true;
}

static bool select_names(const struct stream *const *catalog, size_t catalog_count, const char *const *names,
                         size_t name_count, struct selection *out, size_t *out_count, struct error *err)
{
    if (name_count == 0)
        return error_set(err, ERROR_CONFIG,
                         "streams: the list is empty; name at least one stream, or leave it out");
    if (!select_parents(catalog, catalog_count, names, name_count, out, out_count, err)) return false;
    for (size_t i = 0; i < name_count; i++) {
        if (!select_child(catalog, catalog_count, names[i], out, *out_count, err)) return false;
    }
    return true;
}

static bool select_defaults(const struct stream *const *catalog, size_t catalog_count, struct selection *out,
                            size_t *out_count, struct error *err)
{
    for (size_t i = 0; i < catalog_count; i++) {
        if (!catalog[i]->by_default) continue;
        if (!add_stream(catalog[i], out, out_count, err)) return false;
        for (size_t c = 0; c < catalog[i]->child_count; c++) {
            if (catalog[i]->children[c].choice == CHILD_DEFAULT)
                add_table(&out[*out_count - 1], catalog[i]->children[c].table);
        }
    }
    return true;
}

/* Adds implied selections: children marked CHILD_ALWAYS and reconciliations. */
static bool select_implied(const struct stream *const *catalog, size_t catalog_count, struct selection *out,
                           size_t *out_count, struct error *err)
{
    size_t asked = *out_count;
    for (size_t i = 0; i < asked; i++) {
        const struct stream *stream = out[i].stream;
        for (size_t c = 0; c < stream->child_count; c++) {
            const struct child *child = &stream->children[c];
            if (child->choice == CHILD_ALWAYS && !selection_has_table(&out[i], child->table))
                add_table(&out[i], child->table);
        }
        for (size_t k = 0; k < catalog_count; k++) {
            if (catalog[k]->kind != STREAM_RECONCILE || catalog[k]->subject != stream->table) continue;
            if (!add_stream(catalog[k], out, out_count, err)) return false;
            add_table(&out[*out_count - 1], stream->table);
            add_table(&out[*out_count - 1], stream->table->gone);
        }
    }
    return true;
}

bool selection_resolve(const struct stream *const *catalog, size_t catalog_count, const char *const *names,
                       size_t name_count, struct selection *out_selections, size_t *out_count,
                       struct error *err)
{
    *out_count = 0;
    bool made = names
                    ? select_names(catalog, catalog_count, names, name_count, out_selections, out_count, err)
                    : select_defaults(catalog, catalog_count, out_selections, out_count, err);
    return made && select_implied(catalog, catalog_count, out_selections, out_count, err);
}
