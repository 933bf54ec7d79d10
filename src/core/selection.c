/* selection.c - configured names become streams with their children. */
#include <assert.h>
#include <string.h>

#include "base/nearest.h"
#include "core/request.h"

struct owner {
    const struct stream *stream;
    const struct table *table;
};

/* Which stream fills the table of that name? */
static struct owner owner_of(const struct stream *const *catalog, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(catalog[i]->name, name) == 0) return (struct owner){catalog[i], &catalog[i]->table};
        for (size_t c = 0; c < catalog[i]->child_count; c++) {
            if (strcmp(catalog[i]->children[c].name, name) == 0)
                return (struct owner){catalog[i], &catalog[i]->children[c]};
        }
    }
    return (struct owner){0};
}

static bool unknown(const struct stream *const *catalog, size_t count, const char *name, struct error *err)
{
    const char *known[LIMIT_STREAMS * LIMIT_TABLES] = {0};
    size_t known_count = 0;
    const char *meant;

    for (size_t i = 0; i < count && known_count < LIMIT_STREAMS * (LIMIT_TABLES - 1); i++) {
        known[known_count++] = catalog[i]->name;
        for (size_t c = 0; c < catalog[i]->child_count && c + 1 < LIMIT_TABLES; c++)
            known[known_count++] = catalog[i]->children[c].name;
    }
    meant = nearest_name(name, known, known_count);
    if (meant)
        return error_set(err, ERROR_CONFIG,
                         "streams: the source has no stream \"%.64s\"; did you mean \"%s\"?", name, meant);
    return error_set(err, ERROR_CONFIG,
                     "streams: the source has no stream \"%.64s\"; the first it has is \"%s\"", name,
                     count ? catalog[0]->name : "");
}

static struct selection *selected(struct selection *selections, size_t count, const struct stream *stream)
{
    for (size_t i = 0; i < count; i++)
        if (selections[i].stream == stream) return &selections[i];
    return NULL;
}

static bool select_parents(const struct stream *const *catalog, size_t catalog_count,
                           const char *const *names, size_t name_count, struct selection *out,
                           size_t *out_count, struct error *err)
{
    for (size_t i = 0; i < name_count; i++) {
        struct owner owner = owner_of(catalog, catalog_count, names[i]);

        if (!owner.stream) return unknown(catalog, catalog_count, names[i], err);
        if (owner.table != &owner.stream->table) continue;
        if (selected(out, *out_count, owner.stream))
            return error_set(err, ERROR_CONFIG, "streams: \"%s\" is named twice; name it once", names[i]);
        if (*out_count == LIMIT_STREAMS)
            return error_set(err, ERROR_CONFIG,
                             "streams: more than %d are named; split them over two datasets", LIMIT_STREAMS);
        out[(*out_count)++] = (struct selection){owner.stream, {owner.table}, 1};
    }
    return true;
}

static bool select_child(const struct stream *const *catalog, size_t catalog_count, const char *name,
                         struct selection *selections, size_t count, struct error *err)
{
    struct owner owner = owner_of(catalog, catalog_count, name);
    struct selection *parent;

    if (owner.table == &owner.stream->table) return true;
    parent = selected(selections, count, owner.stream);
    if (!parent)
        return error_set(err, ERROR_CONFIG,
                         "streams: \"%s\" comes with \"%s\", which is not named; add \"%s\" or remove \"%s\"",
                         name, owner.stream->name, owner.stream->name, name);
    for (size_t i = 1; i < parent->table_count; i++) {
        if (parent->tables[i] == owner.table)
            return error_set(err, ERROR_CONFIG, "streams: \"%s\" is named twice; name it once", name);
    }
    assert(parent->table_count < LIMIT_TABLES);
    parent->tables[parent->table_count++] = owner.table;
    return true;
}

static void select_defaults(const struct stream *const *catalog, size_t catalog_count, struct selection *out,
                            size_t *out_count)
{
    for (size_t i = 0; i < catalog_count && *out_count < LIMIT_STREAMS; i++) {
        struct selection *selection = &out[*out_count];

        if (!catalog[i]->by_default) continue;
        *selection = (struct selection){catalog[i], {&catalog[i]->table}, 1};
        for (size_t c = 0; c < catalog[i]->child_count && c + 1 < LIMIT_TABLES; c++)
            selection->tables[selection->table_count++] = &catalog[i]->children[c];
        (*out_count)++;
    }
}

bool selections_make(const struct stream *const *catalog, size_t catalog_count, const char *const *names,
                     size_t name_count, struct selection *out_selections, size_t *out_count,
                     struct error *err)
{
    *out_count = 0;
    if (!names) {
        select_defaults(catalog, catalog_count, out_selections, out_count);
        return true;
    }
    if (name_count == 0)
        return error_set(err, ERROR_CONFIG,
                         "streams: the list is empty; name at least one stream, or leave it out");
    if (!select_parents(catalog, catalog_count, names, name_count, out_selections, out_count, err))
        return false;
    for (size_t i = 0; i < name_count; i++) {
        if (!select_child(catalog, catalog_count, names[i], out_selections, *out_count, err)) return false;
    }
    return true;
}
