/* SPDX-License-Identifier: Apache-2.0 */
/* schema.h - tables as BigQuery's JSON, and how an existing table differs from its definition. Returned JSON
 * is yours unless it says borrowed. */
#ifndef CASELOAD_BIGQUERY_SCHEMA_H
#define CASELOAD_BIGQUERY_SCHEMA_H

#include "base/error.h"
#include "base/json.h"
#include "core/stream.h"

json_t *schema_data(const struct table *table);
json_t *schema_stage(const struct table *table); /* JSON columns are STRINGs: see core/row_value.h */
json_t *schema_runs(void);
json_t *schema_rejected(void);
json_t *schema_rejected_stage(void);
json_t *schema_missing(void);
json_t *schema_lock(void);

json_t *schema_table(const struct table *table); /* the whole resource, with partitioning and clustering */

/* BigQuery takes two names of some types, and reports the older one. */
const char *schema_type(const json_t *field);
const char *schema_mode(const json_t *field);
json_t *schema_find(const json_t *fields, const char *name); /* borrowed; NULL: no such field */
/* Adds to existing (an array of fields) what it lacks of wanted. ERROR_REFUSED names a difference that can't
 * be mended. */
bool schema_merge(json_t *existing, const json_t *wanted, bool *out_changed, struct error *err) CHECKED;
/* The collation of the first REQUIRED column that has one, NULL: none has. Borrowed. Keys are REQUIRED. */
const char *schema_find_collation(const json_t *existing, const json_t *wanted, const char **out_column);
/* A column that somebody renamed: one is missing, and another of its type is where it was. is_anywhere: it
 * may have moved. Borrowed names. */
bool schema_find_renamed(const json_t *existing, const json_t *wanted, bool is_anywhere, const char **out_old,
                         const char **out_new);

#endif
