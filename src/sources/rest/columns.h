/* SPDX-License-Identifier: Apache-2.0 */
/* columns.h - the macros that the tables of a source are written with. */
#ifndef CASELOAD_SOURCES_REST_COLUMNS_H
#define CASELOAD_SOURCES_REST_COLUMNS_H

#include "core/stream.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* clang-format off */
/* A column: TEXT(name, about) or TEXT(name, about, FROM("field"), OR_FIELD(...), OR_IN("member")); see struct
 * column. */
#define COLUMN(n, kind, how, ...) {.name = (n), .type = (kind), .mode = (how), .description = __VA_ARGS__}
#define FIELDS(of) .fields = (of), .field_count = COUNT(of)
#define OR_FIELD(...) .alternatives = (const char *const[]){__VA_ARGS__, NULL}
#define OR_IN(member) .value_member = (member)
#define FROM(f) .field = (f)

#define TEXT(n, ...) COLUMN(n, COLUMN_STRING, COLUMN_NULLABLE, __VA_ARGS__)
#define NUMBER(n, ...) COLUMN(n, COLUMN_INT64, COLUMN_NULLABLE, __VA_ARGS__)
#define FLOATING(n, ...) COLUMN(n, COLUMN_FLOAT64, COLUMN_NULLABLE, __VA_ARGS__)
#define FLAG(n, ...) COLUMN(n, COLUMN_BOOL, COLUMN_NULLABLE, __VA_ARGS__)
#define TIME(n, ...) COLUMN(n, COLUMN_TIMESTAMP, COLUMN_NULLABLE, __VA_ARGS__)
#define JSON(n, ...) COLUMN(n, COLUMN_JSON, COLUMN_NULLABLE, __VA_ARGS__)
#define TEXTS(n, ...) COLUMN(n, COLUMN_STRING, COLUMN_REPEATED, __VA_ARGS__)
#define KEY(n, ...) COLUMN(n, COLUMN_STRING, COLUMN_REQUIRED, __VA_ARGS__)
#define KEY_FLAG(n, ...) COLUMN(n, COLUMN_BOOL, COLUMN_REQUIRED, __VA_ARGS__)
#define VERSION(n, ...) COLUMN(n, COLUMN_TIMESTAMP, COLUMN_REQUIRED, __VA_ARGS__)
/* A record that never changed may have no such time. */
#define UPDATED_AT(about) VERSION("updated_at", about, OR_FIELD("created_at"))
#define DAY(n, ...) VERSION(n, __VA_ARGS__) /* partition_date is made of it, if that is not the version */
#define RECORD(n, of, ...) COLUMN(n, COLUMN_RECORD, COLUMN_NULLABLE, __VA_ARGS__, FIELDS(of))
#define RECORDS(n, of, ...) COLUMN(n, COLUMN_RECORD, COLUMN_REPEATED, __VA_ARGS__, FIELDS(of))

/* Of a table: TABLE(name, ...) is the source's own. */
#define COLUMNS(of) .columns = (of), .column_count = COUNT(of)
#define KEYS(...) \
    .key = (const char *const[]){__VA_ARGS__}, .key_count = COUNT(((const char *const[]){__VA_ARGS__}))
#define TIMES(column) .version = (column), .day = (column)
#define LEFT_OUT(of) .left_out = (of), .left_out_count = COUNT(of)
/* clang-format on */

#endif
