/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "intercom/internal.h"

#define CURSOR_LIMIT 768

bool intercom_number(struct exchange *exchange, const char *name, int64_t missing, int64_t most,
                     int64_t *out_number)
{
    const char *text = exchange_query(exchange, name);
    char *end = NULL;
    *out_number = text ? strtoll(text, &end, 10) : missing;
    if (!text || (end != text && !*end && *out_number >= 1 && *out_number <= most)) return true;
    char message[96];
    snprintf(message, sizeof message, "%s must be an integer from 1 to %" PRId64, name, most);
    intercom_refuse(exchange, 400, "parameter_invalid", message);
    return false;
}

json_t *intercom_pages_member(const struct intercom_page *page, json_t *next)
{
    json_t *pages = json_pack("{s:s, s:I, s:I, s:I}", "type", "pages", "page", (json_int_t)page->number,
                              "per_page", (json_int_t)page->size, "total_pages",
                              (json_int_t)((page->total + page->size - 1) / page->size));
    json_object_set_new(pages, "next", next ? next : json_null());
    return pages;
}

json_t *intercom_next_url(const struct exchange *exchange, const struct intercom_page *page,
                          const char *parameters)
{
    const char *host = exchange_header(exchange, "host");
    if (page->number * page->size >= page->total) return NULL;
    return json_sprintf("%s://%s%s?%s%sper_page=%" PRId64 "&page=%" PRId64,
                        exchange->is_secure ? "https" : "http", host ? host : "localhost", exchange->path,
                        parameters, *parameters ? "&" : "", page->size, page->number + 1);
}

json_t *intercom_cursor(json_t *parts)
{
    unsigned char cursor[CURSOR_LIMIT];
    AUTO(mem_free) char *text = json_dumps(parts, JSON_COMPACT);
    json_decref(parts);
    size_t size = strlen(text); /* an id has at most 127 bytes: it fits */
    (void)EVP_EncodeBlock(cursor, (const unsigned char *)text, (int)size);
    return json_string((const char *)cursor);
}

json_t *intercom_cursor_read(const char *cursor)
{
    unsigned char text[CURSOR_LIMIT] = "";
    struct error err;
    json_t *parts = NULL;
    size_t size = strlen(cursor);
    if (size >= CURSOR_LIMIT || EVP_DecodeBlock(text, (const unsigned char *)cursor, (int)size) <= 0)
        return NULL;
    return json_read((const char *)text, strlen((const char *)text), NULL, &parts, &err) ? parts : NULL;
}

void intercom_refuse_cursor(struct exchange *exchange)
{
    intercom_refuse(exchange, 400, "parameter_invalid",
                    "Invalid starting_after param. Please provide a valid value.");
}
