/* SPDX-License-Identifier: Apache-2.0 */
#include "sources/sources.h"

#include <string.h>

#include "base/suggest.h"
#include "comagic/comagic.h"
#include "helpscout/helpscout.h"
#include "intercom/intercom.h"

static const struct source_type *const types[] = {
    &intercom_type,
    &helpscout_type,
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

bool source_type_choose(const char *name, const struct source_type **out_type, struct error *err)
{
    char hint[SUGGEST_HINT];
    const char *known[sizeof types / sizeof *types];
    *out_type = name ? source_type_find(name) : types[0];
    if (*out_type) return true;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        known[i] = types[i]->name;
    return error_set(
        err, ERROR_REQUEST, "there is no source \"%.64s\"; %s", name,
        suggest_hint(name, known, sizeof types / sizeof *types, "see caseload streams --help", hint));
}
