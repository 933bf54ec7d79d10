/* SPDX-License-Identifier: Apache-2.0 */
/* tickets.c - how tickets are found: in the order of a shelf, each with its parts. */
#include <string.h>

#include "base/json.h"
#include "intercom/internal.h"
#include "workspace/tickets.h"

void intercom_find_tickets(struct sandbox *sandbox, const struct world_query *query,
                           struct world_found *out_found)
{
    struct shelf *tickets = shelves_find(sandbox->shelves, "tickets");
    struct shelf_page page;
    shelf_list(tickets,
               &(struct shelf_query){.order = SHELF_BY_UPDATED,
                                     .descending = query->descending,
                                     .from_s = query->from_s,
                                     .to_s = query->to_s,
                                     .after_key = query->after_id,
                                     .after_s = query->after_s,
                                     .limit = query->limit,
                                     .now_s = query->now_s,
                                     .wanted = query->wanted,
                                     .self = query->self},
               &page);
    *out_found = (struct world_found){.total = (int64_t)page.total,
                                      .count = json_array_size(page.records),
                                      .more = page.more,
                                      .last_s = page.last_s};
    memcpy(out_found->last_id, page.last_key, WORLD_ID);
    for (size_t i = 0; i < out_found->count; i++) {
        const json_t *shown = json_array_get(page.records, i);
        AUTO(json_drop) json_t *whole = ticket_answer_of(tickets, shown);
        if (i) buf_byte(query->out, ',');
        json_write(query->out, whole); /* a reply that is too large is seen when it is sent */
    }
    json_decref(page.records);
}
