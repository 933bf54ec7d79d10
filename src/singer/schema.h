/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - a table as a stream of Singer: its JSON Schema (draft 4), its key, and its rows as records.
 * Pure.
 *
 * A record has the columns of the table, partition_date and _extra; fields without a value are absent. The
 * other columns that caseload adds to a table are a target's own affair; _read_at is time_extracted.
 */
#ifndef CASELOAD_SINGER_SCHEMA_H
#define CASELOAD_SINGER_SCHEMA_H

#include "base/error.h"
#include "base/json.h"
#include "core/stream.h"

/* Records that could not be keyed, parsed or fetched: a stream of its own. */
extern const struct table singer_rejected;

json_t *schema_make(const struct table *table); /* yours */

/* Columns that name a record; its newest version replaces the others. Yours. */
json_t *schema_key(const struct table *table);
/* Is the column always sent? It is in the key, or it is the version. */
bool schema_is_automatic(const struct table *table, const char *column);

/* The record of a row as struct warehouse_ops.write gets it. out_read_at is a text, and may be NULL. Yours.
 */
bool schema_record(const struct table *table, const char *row, size_t size, json_t **out_record,
                   json_t **out_read_at, struct error *err) CHECKED;

/* Takes the fields that a catalog leaves out from a record, or from the properties of a schema. */
void schema_prune_record(json_t *record, const json_t *left_out);
void schema_prune(json_t *schema, const json_t *left_out);

#endif
