/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/sources.h"

#include <string.h>

#include "comagic/comagic.h"
#include "intercom/intercom.h"

static const struct source_type *const types[] = {
    &intercom_type,
    &comagic_type,
};

const struct source_type *source_type_at(size_t index)
{
    return index < sizeof types / sizeof *types ? types[index] : NULL;
}

const struct source_type *source_type_find(const char *name)
{
    const struct source_type *type;
    for (size_t i = 0; (type = source_type_at(i)) != NULL; i++)
        if (strcmp(type->name, name) == 0) return type;
    return NULL;
}
