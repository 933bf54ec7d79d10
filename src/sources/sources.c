/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/sources.h"

#include <string.h>

#include "intercom/intercom.h"

static const struct source_type *const types[] = {
    &intercom_type,
};

/* The same in the same order. */
static const char *const names[] = {
    INTERCOM_NAME,
};

#define TYPE_COUNT (sizeof types / sizeof *types)
_Static_assert(sizeof names / sizeof *names == TYPE_COUNT, "each source has its name");

const struct source_type *source_type_find(const char *name)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (strcmp(types[i]->name, name) == 0) return types[i];
    return NULL;
}

const char *const *source_type_names(size_t *out_count)
{
    *out_count = TYPE_COUNT;
    return names;
}
