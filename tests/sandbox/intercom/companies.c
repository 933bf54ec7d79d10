/* SPDX-License-Identifier: Apache-2.0 */
/* companies.c - companies: by scrolling over all of them, one by one, and the segments of each.
 *
 * A workspace has one scroll at a time. It ends after an empty page, or when no page was asked for in a
 * minute of virtual or of real time. Each page has the same parameter, and only an empty one is the last.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "intercom/internal.h"

#define SCROLL_PAGE    100
#define SCROLL_IDLE_US INT64_C(60000000)

static void open_scroll(struct intercom *intercom)
{
    struct scroll *scroll = &intercom->scroll;
    uint64_t chance = hash_mix(intercom->options.seed ^ hash_mix(++scroll->opened));
    snprintf(scroll->param, SCROLL_PARAM, "%08" PRIx64 "-%04" PRIx64 "-4a3b-8c1d-%012" PRIx64, chance >> 32,
             chance >> 16 & 0xffff, hash_mix(chance) & UINT64_C(0xffffffffffff));
    scroll->last_key[0] = '\0';
    json_array_clear(scroll->shown);
}

/* Only a client that saw the end knows that it has all. */
static void close_scroll(struct scroll *scroll, struct collection *companies, int64_t now_s)
{
    for (size_t i = 0; i < json_array_size(scroll->shown); i++) {
        const json_t *one = json_array_get(scroll->shown, i);
        collection_expect(companies, json_string_value(json_array_get(one, 0)),
                          json_integer_value(json_array_get(one, 1)), now_s);
    }
    json_array_clear(scroll->shown);
    scroll->param[0] = '\0';
}

/* Yours. */
static json_t *next_page(struct scroll *scroll, struct collection *companies, int64_t now_us)
{
    struct collection_page found;
    json_t *page =
        collection_list(companies,
                        &(struct collection_query){.by_arrival = true,
                                                   .after_key = scroll->last_key[0] ? scroll->last_key : NULL,
                                                   .limit = SCROLL_PAGE,
                                                   .now_s = now_us / 1000000},
                        &found);
    scroll->used_us = now_us;
    scroll->used_boot_us = clock_boot_us();
    for (size_t i = 0; i < json_array_size(page); i++) {
        const json_t *company = json_array_get(page, i);
        const char *id = json_text_at(company, "id");
        if (id)
            json_array_append_new(scroll->shown,
                                  json_pack("[s, I]", id, (json_int_t)json_int_at(company, "updated_at", 0)));
    }
    if (found.count > 0)
        memcpy(scroll->last_key, found.last_key, sizeof scroll->last_key);
    else
        close_scroll(scroll, companies, now_us / 1000000);
    return page;
}

/* With the lock held. A code of the refusal, or NULL: out_page is yours. */
static const char *turn_scroll(struct intercom *intercom, const char *param, json_t **out_page,
                               char out_param[SCROLL_PARAM])
{
    struct scroll *scroll = &intercom->scroll;
    int64_t now_us = virtual_clock_read(intercom->options.clock);
    int64_t idle_us = now_us - scroll->used_us, boot_idle_us = clock_boot_us() - scroll->used_boot_us;
    if (idle_us > SCROLL_IDLE_US || boot_idle_us > SCROLL_IDLE_US) scroll->param[0] = '\0';
    if (param && (!scroll->param[0] || strcmp(param, scroll->param) != 0)) return "not_found";
    if (!param && scroll->param[0]) return "scroll_exists";
    if (!param) open_scroll(intercom);
    memcpy(out_param, scroll->param, SCROLL_PARAM);
    *out_page = next_page(scroll, workspace_find(intercom->workspace, "companies"), now_us);
    return NULL;
}

static void scroll_companies(struct exchange *exchange)
{
    int minor;
    json_t *page;
    char param[SCROLL_PARAM];
    if (!intercom_admit(exchange, &minor)) return;
    struct intercom *intercom = intercom_of(exchange);
    pthread_mutex_lock(&intercom->lock);
    const char *refusal = turn_scroll(intercom, exchange_query(exchange, "scroll_param"), &page, param);
    pthread_mutex_unlock(&intercom->lock);
    if (refusal) {
        bool is_unknown = strcmp(refusal, "not_found") == 0;
        intercom_refuse(exchange, is_unknown ? 404 : 400, refusal,
                        is_unknown ? "scroll parameter not found"
                                   : "scroll already exists for this workspace");
        return;
    }
    json_object_set_new(exchange->detail, "records", json_integer((json_int_t)json_array_size(page)));
    exchange_reply_json(exchange, 200,
                        json_pack("{s:s, s:o, s:n, s:n, s:s}", "type", "list", "data", page, "pages",
                                  "total_count", "scroll_param", param));
}

static void refuse_company(struct exchange *exchange)
{
    intercom_refuse(exchange, 404, "company_not_found", "Company Not Found");
}

static void show_company(struct exchange *exchange)
{
    int minor;
    if (!intercom_admit(exchange, &minor)) return;
    json_t *company = collection_get(intercom_collection(exchange, "companies"), exchange->capture[0]);
    if (company)
        exchange_reply_json(exchange, 200, company);
    else
        refuse_company(exchange);
}

static void list_segments(struct exchange *exchange)
{
    int minor;
    if (!intercom_admit(exchange, &minor)) return;
    json_object_set_new(exchange->detail, "id", json_string(exchange->capture[0]));
    json_t *segments =
        collection_read_list(intercom_collection(exchange, "companies"), exchange->capture[0], "segments");
    if (segments)
        exchange_reply_json(exchange, 200, json_pack("{s:s, s:o}", "type", "list", "data", segments));
    else
        refuse_company(exchange);
}

const struct route intercom_company_routes[] = {
    {"intercom", "companies.scroll", "GET", "/companies/scroll", scroll_companies},
    {"intercom", "companies.get", "GET", "/companies/{}", show_company},
    {"intercom", "companies.segments", "GET", "/companies/{}/segments", list_segments},
    {.handle = NULL},
};
