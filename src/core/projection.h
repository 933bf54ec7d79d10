/* SPDX-License-Identifier: Apache-2.0 */
/* projection.h - the columns of a table, compiled: found by the name of a member, with what is written for
 * them. Immutable; any thread. */
#ifndef CASELOAD_CORE_PROJECTION_H
#define CASELOAD_CORE_PROJECTION_H

#include <string.h>

#include "base/json_value.h"
#include "core/stream.h"

#define LIMIT_ALTERNATIVES 16 /* columns with alternatives in one object */

struct field {
    const struct column *column;
    const char *name; /* of the member that fills it */
    uint32_t size, print;
    char *head; /* "name": of the column */
    size_t head_size;
    struct fields *below; /* of a RECORD */
};

/* The columns of an object. */
struct fields {
    struct field *list;
    size_t count;
    uint16_t *slots; /* by print: the number in the list, from 1; 0: free */
    size_t mask;
    const struct field *alternates[LIMIT_ALTERNATIVES]; /* those with alternatives, in their order */
    size_t alternate_count;
};

struct projection {
    const struct table *table;
    struct fields *fields;
    size_t required; /* columns */
};

/* The column that the member fills under its own name; NULL: none. */
static inline const struct field *fields_find(const struct fields *fields, const struct json_value *member)
{
    for (size_t slot = member->key_print & fields->mask; fields->slots[slot] > 0;
         slot = (slot + 1) & fields->mask) {
        const struct field *field = &fields->list[fields->slots[slot] - 1];
        if (field->print == member->key_print && field->size == member->key_size &&
            memcmp(field->name, member->key, field->size) == 0)
            return field;
    }
    return NULL;
}

#endif
