/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - one record becomes one NDJSON row, and nothing of it is lost.
 *
 * Each leaf of the record goes to the column of its name. If there is none, or the value does not fit, it
 * goes to _extra under its dotted path: {"tags.data.0.color": "red"}. A backslash escapes dots and
 * backslashes in keys. A JSON column takes its value whole. Nulls and empty containers are dropped outside
 * JSON columns. Pure; one thread.
 */
#ifndef CASELOAD_CORE_ROWS_H
#define CASELOAD_CORE_ROWS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/day.h"
#include "base/json_value.h"
#include "base/zone.h"
#include "core/stream.h"

enum row_outcome {
    ROW_BUILT,
    ROW_REJECTED /* it has no key, version or day that can be read, or is too large: see problem */
};

struct row_facts {
    int64_t version_us; /* 0 for snapshots */
    struct day day;     /* its partition_date */
    bool has_content;
    int64_t content;         /* see core/content.h */
    int64_t extra_leaves;    /* leaves that went to _extra */
    int64_t type_mismatches; /* those of them whose column exists */
    char id[LIMIT_NAME];     /* see row_id */
    char problem[256];       /* why it was rejected */
};

/* A table's columns, compiled for row_build. Immutable; any thread. */
struct projection;
struct projection *projection_new(const struct table *table); /* the table is borrowed */
void projection_free(struct projection **projection);

/* The part of a row that does not come from its record. */
struct row_context {
    const struct zone *zone;
    struct day today;                    /* partition_date of tables that have no day column */
    int64_t sequence;                    /* _seq */
    int64_t read_us;                     /* _read_at */
    const struct json_value *content;    /* what _content is the hash of; NULL: the row has no _content */
    const struct projection *projection; /* of the table; NULL: it is made for this row alone */
};

/* out_row is reset, then filled with a JSON object without newline. */
enum row_outcome row_build(const struct table *table, const struct json_value *record,
                           const struct row_context *context, struct buf *out_row,
                           struct row_facts *out_facts);

/* The first key column's text, cut; "" if unknown. */
void row_id(const struct table *table, const struct json_value *record, char out_id[LIMIT_NAME]);

/* Of the column of that name, as the record has it; NULL: it is not there. */
const struct json_value *row_value(const struct table *table, const struct json_value *record,
                                   const char *name);

/* The version of a record without building the row. False: it can't be read. */
bool row_version(const struct table *table, const struct json_value *record, int64_t *out_us);

/* Seconds (integer, real, or text of them; beyond 1e11 they are milliseconds) or RFC 3339. */
bool row_instant(const struct json_value *value, int64_t *out_us);

#endif
