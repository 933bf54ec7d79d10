/* SPDX-License-Identifier: Apache-2.0 */
/* diff.c - shows people how the tables of a stream differ from what they must be. Changes nothing. */
#include <string.h>
#include <strings.h>

#include "schema.h"
#include "table.h"

static const char *name_of(const json_t *field)
{
    const char *name = json_text_at(field, "name");
    return name ? name : "";
}

static void diff_wanted(const json_t *have, const json_t *want, const char *path, struct buf *out);

static void diff_field(const json_t *have, const json_t *want, const char *path, struct buf *out)
{
    const char *type = schema_type(want), *mode = schema_mode(want);
    char below[1024];
    snprintf(below, sizeof below, "%s.%s", path, name_of(want));
    if (!have && !strcmp(mode, "REQUIRED"))
        buf_format(out, "%s: %s REQUIRED is missing and can't be added: refused\n", below, type);
    else if (!have)
        buf_format(out, "%s: %s %s is missing: it will be added\n", below, type, mode);
    else if (strcasecmp(schema_type(have), type) != 0 || strcasecmp(schema_mode(have), mode) != 0)
        buf_format(out, "%s: is %s %s, must be %s %s: refused\n", below, schema_type(have), schema_mode(have),
                   type, mode);
    else if (!strcmp(type, "RECORD"))
        diff_wanted(json_object_get(have, "fields"), json_object_get(want, "fields"), below, out);
}

static void diff_wanted(const json_t *have, const json_t *want, const char *path, struct buf *out)
{
    for (size_t i = 0; i < json_array_size(want); i++) {
        const json_t *field = json_array_get(want, i);
        diff_field(schema_find(have, name_of(field)), field, path, out);
    }
    for (size_t i = 0; i < json_array_size(have); i++) {
        const json_t *field = json_array_get(have, i);
        if (!schema_find(want, name_of(field)))
            buf_format(out, "%s.%s: %s %s is not one of ours: left alone\n", path, name_of(field),
                       schema_type(field), schema_mode(field));
    }
}

bool bigquery_schema_diff(struct warehouse *warehouse, const struct selection *selection,
                          struct buf *out_text, bool *out_differs, struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    const struct selection kept = tables_kept(selection);
    size_t before = out_text->size;
    for (size_t i = 0; i < kept.table_count; i++) {
        const char *name = kept.tables[i]->name;
        struct error unfit = {0};
        const char *old_name, *new_name;
        AUTO(json_drop) json_t *have = NULL;
        AUTO(json_drop) json_t *want = schema_table(kept.tables[i]);
        if (!table_get(bq, bq->settings.dataset, name, &have, err)) return false;
        if (!have)
            buf_format(out_text, "%s: the table is missing: it will be created\n", name);
        else if (schema_find_renamed(json_at(have, "schema.fields"), json_at(want, "schema.fields"), false,
                                     &old_name, &new_name))
            buf_format(out_text, "%s: the column %s was renamed to %s: refused until it is renamed back\n",
                       name, old_name, new_name);
        else if (!table_fits(have, want, &unfit))
            buf_format(out_text, "%s: %s: refused\n", name, unfit.text);
        else
            diff_wanted(json_at(have, "schema.fields"), json_at(want, "schema.fields"), name, out_text);
    }
    *out_differs = out_text->size > before;
    if (out_text->full) return error_set(err, ERROR_LIMIT, "the differences are too many to be shown");
    return true;
}

bool bigquery_deduplicate_text(struct warehouse *warehouse, const struct selection *selection,
                               struct buf *out_text, struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    const struct sql_names names = bigquery_names(bq);
    sql_deduplicate_begin(out_text);
    for (size_t i = 0; i < selection->table_count; i++) {
        const struct table *table = selection->tables[i];
        AUTO(json_drop) json_t *have = NULL;
        if (!table_get(bq, bq->settings.dataset, table->name, &have, err)) return false;
        if (!have) continue;
        buf_format(out_text, "-- %s\n", table->name);
        sql_deduplicate_text(&names, table, json_at(have, "schema.fields"), out_text);
    }
    return sql_check(out_text, "deduplicate", err);
}
