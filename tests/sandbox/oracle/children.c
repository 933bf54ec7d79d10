/* SPDX-License-Identifier: Apache-2.0 */
/* children.c - tables whose rows are children as some version of their parent held them. */
#include <stdio.h>

#include "base/json.h"
#include "oracle/oracle.h"

static void name_child(const struct child_key *key, char *out, size_t size)
{
    snprintf(out, size, "%s, child %s%s", key->parent, key->id, key->is_redacted ? ", redacted" : "");
}

static void find_child(struct comparison *comparison, const json_t *fields, const json_t *row,
                       struct finding *finding)
{
    const char *redacted = row_cell(fields, row, "redacted");
    struct child_key key = {.parent = row_cell(fields, row, comparison->table->key),
                            .id = row_cell(fields, row, "id"),
                            .updated_s = comparison_seconds(fields, row, "updated_at"),
                            .is_redacted = redacted && redacted[0] == 't'};
    struct child_record child;
    finding->at_s = key.updated_s;
    finding->day_s = comparison_seconds(fields, row, "created_at");
    if (!key.parent || !key.id || !redacted) return;
    name_child(&key, finding->name, sizeof finding->name);
    if (!collection_child(comparison->collection, &key, &child)) return;
    finding->truth = comparison->table->child_row(&child, key.parent);
    finding->place = child.place;
    json_decref(child.body);
}

static void want_child(void *self, const struct child_key *key, int64_t place)
{
    struct comparison *comparison = self;
    char name[320];
    if (comparison_has(comparison, place)) return;
    name_child(key, name, sizeof name);
    comparison_note(comparison->missing, name, key->updated_s, "");
}

static void find_missing_children(struct comparison *comparison)
{
    size_t ever = collection_ever(comparison->collection);
    for (size_t number = 0; number < ever; number++)
        collection_children(comparison->collection, number, want_child, comparison);
}

const struct oracle_rules oracle_children = {find_child, find_missing_children, describe_place};
