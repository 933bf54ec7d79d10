/* SPDX-License-Identifier: Apache-2.0 */
/* config_places.h - where each key stands in the text of a configuration, for errors that people can follow.
 */
#ifndef CASELOAD_APP_CONFIG_PLACES_H
#define CASELOAD_APP_CONFIG_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/setting.h"

struct config_place {
    char name[SETTING_KEY]; /* "source.region"; cut if it is longer */
    int line, column;       /* from 1, in characters */
    bool is_again;          /* an earlier key of the object has the same name */
};

struct config_places {
    struct config_place *places;
    size_t count;
    const char *problem; /* the text is no JSON, because ... ; NULL: it is */
    int line, column;    /* of the problem */
};

/* Comments become blanks, so that all else stays where it is. */
void config_blank_comments(char *text, size_t size);

/* Keys of the outermost object and of the objects in it. Yours: config_places_done. */
struct config_places config_places_read(const char *text, size_t size);
void config_places_done(struct config_places *places);
/* The newest key of that name; NULL: there is none. */
const struct config_place *config_places_find(const struct config_places *places, const char *name);

#endif
