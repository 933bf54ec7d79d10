/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.h - the tables of a source, and which of them a payload is for. */
#ifndef CASELOAD_TESTS_CATALOG_H
#define CASELOAD_TESTS_CATALOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/stream.h"

#define TABLES_MOST 128

struct tables {
    const struct table *list[TABLES_MOST];
    size_t count;
};

/* All that the streams fill. */
void tables_collect(struct tables *tables);

/* Where a payload comes from; each may be NULL. */
struct origin {
    const char *path, *list; /* of the answer that holds it */
    const char *schema;      /* that describes it */
};

/* Index of the table it is for. *out_own: it is one of that table's records, by its origin or its type; else
 * the table is the one that shares most keys with it. */
size_t tables_find(const struct tables *tables, const json_t *record, const struct origin *origin,
                   bool *out_own);

/* Takes the list out of a record whose elements are records themselves, as the source does. */
void tables_part(const struct table *table, json_t *record);

#endif
