/* SPDX-License-Identifier: Apache-2.0 */
#include "config_places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_scan.h"
#include "base/mem.h"

#define LEVELS 2 /* keys below the second level are parts of one setting's value */

void config_blank_comments(char *text, size_t size)
{
    bool in_text = false, in_comment = false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n') in_comment = false;
        if (in_comment || (!in_text && text[i] == '/' && i + 1 < size && text[i + 1] == '/')) {
            in_comment = text[i] != '\n';
            if (in_comment) text[i] = ' ';
        } else if (text[i] == '"') {
            in_text = !in_text;
        } else if (in_text && text[i] == '\\') {
            i++;
        }
    }
}

static void locate(const char *text, const char *at, int *out_line, int *out_column)
{
    *out_line = *out_column = 1;
    for (; text < at; text++) {
        bool is_inner_byte = ((unsigned char)*text & 0xC0) == 0x80;
        *out_column += !is_inner_byte;
        if (*text != '\n') continue;
        ++*out_line;
        *out_column = 1;
    }
}

static void add_place(struct config_places *places, const char *text, const char *group,
                      const struct json_token *key)
{
    struct config_place place = {.line = 1};
    (void)snprintf(place.name, sizeof place.name, "%s%s%.*s", group, *group ? "." : "", (int)key->size,
                   key->at);
    locate(text, key->at - 1, &place.line, &place.column);
    place.is_again = config_places_find(places, place.name) != NULL;
    places->places = mem_grow(places->places, places->count + 1, sizeof *places->places);
    places->places[places->count++] = place;
}

struct config_places config_places_read(const char *text, size_t size)
{
    struct config_places places = {.count = 0};
    struct json_scan scan;
    struct json_token token;
    char group[SETTING_KEY] = "", last[SETTING_KEY] = "";
    json_scan_init(&scan, text, size);
    for (;;) {
        enum json_token_type type = json_scan_next(&scan, &token);
        if (type == JSON_TOKEN_END) return places;
        if (type == JSON_TOKEN_ERROR || type == JSON_TOKEN_WORD || token.flags & JSON_NOT_JSON) {
            places.problem = type == JSON_TOKEN_ERROR  ? scan.problem
                             : type == JSON_TOKEN_WORD ? "this is no value of JSON"
                                                       : "a text has a control character or a bad escape";
            locate(text, type == JSON_TOKEN_ERROR ? scan.at : token.at, &places.line, &places.column);
            return places;
        }
        if (type == JSON_TOKEN_KEY && scan.depth <= LEVELS) {
            add_place(&places, text, scan.depth == LEVELS ? group : "", &token);
            (void)snprintf(last, sizeof last, "%.*s", (int)token.size, token.at);
        }
        if (type == JSON_TOKEN_OBJECT && scan.depth == LEVELS) memcpy(group, last, sizeof group);
    }
}

void config_places_done(struct config_places *places)
{
    free(places->places);
    *places = (struct config_places){.count = 0};
}

const struct config_place *config_places_find(const struct config_places *places, const char *name)
{
    for (size_t i = places->count; i-- > 0;)
        if (strncmp(places->places[i].name, name, SETTING_KEY - 1) == 0) return &places->places[i];
    return NULL;
}
