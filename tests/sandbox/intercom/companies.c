/* SPDX-License-Identifier: Apache-2.0 */
/* companies.c - companies: by scrolling over all of them, one by one, and the segments of each. */
#include <string.h>

#include "base/json.h"
#include "intercom/internal.h"
#include "workspace/companies.h"

static void refuse_company(struct exchange *exchange)
{
    intercom_refuse(exchange, 404, "company_not_found", "Company Not Found");
}

/* Each page bears the same parameter, and only an empty one is the last. */
static void scroll_companies(struct exchange *exchange)
{
    int minor;
    json_t *page;
    char param[SCROLL_PARAM];
    if (!intercom_admit(exchange, &minor)) return;
    struct sandbox *sandbox = exchange_sandbox(exchange);
    switch (companies_scroll(sandbox->companies, exchange_query(exchange, "scroll_param"),
                             virtual_clock_read(sandbox->clock), &page, param)) {
    case SCROLL_GOES_ON:
        json_object_set_new(exchange->detail, "records", json_integer((json_int_t)json_array_size(page)));
        exchange_reply_json(exchange, 200,
                            json_pack("{s:s, s:o, s:n, s:n, s:s}", "type", "list", "data", page, "pages",
                                      "total_count", "scroll_param", param));
        break;
    case SCROLL_EXISTS:
        intercom_refuse(exchange, 400, "scroll_exists", "scroll already exists for this workspace");
        break;
    case SCROLL_UNKNOWN: intercom_refuse(exchange, 404, "not_found", "scroll parameter not found"); break;
    }
}

static void show_company(struct exchange *exchange)
{
    int minor;
    if (!intercom_admit(exchange, &minor)) return;
    json_t *company =
        shelf_get(shelves_find(exchange_sandbox(exchange)->shelves, "companies"), exchange->capture[0]);
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
    json_t *segments = companies_segments(exchange_sandbox(exchange)->companies, exchange->capture[0]);
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
