/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - single records: a deleted one is not found, and a merged conversation has moved. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "helpscout/internal.h"

/* In the form of its list. */
static void show(struct exchange *exchange, const char *kind, json_t *record)
{
    const char *state = json_text_at(record, "state");
    bool is_deleted = strcmp(kind, "conversations") == 0 && state && strcmp(state, "deleted") == 0;
    if (strcmp(kind, "conversations") == 0) json_object_del(record, "modifiedAt"); /* it is not shown */
    if (!is_deleted)
        exchange_reply_json(exchange, 200, json_incref(record));
    else
        helpscout_refuse(exchange, 404, "Not Found", NULL, NULL);
    json_decref(record);
}

static void handle(struct exchange *exchange, const char *kind, bool moves)
{
    char into[COLLECTION_KEY] = "";
    const char *id = exchange->capture[0];
    AUTO(buf_done) struct buf unused = buf_limited(1 << 20);
    struct collection *collection = helpscout_collection(exchange, kind);
    if (!helpscout_admit(exchange)) return;
    json_object_set_new(exchange->detail, "id", json_string(id));
    enum record_state state = collection_read(collection, id, (struct body_form){0}, &unused, into);
    json_t *record = state == RECORD_HERE ? collection_get(collection, id) : NULL;
    if (record) {
        show(exchange, kind, record);
    } else if (state == RECORD_MERGED && moves) {
        exchange_add_header(exchange, "Location", "https://api.helpscout.net/v2/%s/%s", kind, into);
        exchange_reply_json(exchange, 301, json_object());
    } else {
        helpscout_refuse(exchange, 404, "Not Found", NULL, NULL);
    }
}

static void handle_conversation(struct exchange *exchange)
{
    handle(exchange, "conversations", true);
}

/* Of merged customers the documentation says nothing. */
static void handle_customer(struct exchange *exchange)
{
    handle(exchange, "customers", false);
}

const struct route helpscout_record_routes[] = {
    {"helpscout", "conversations.get", "GET", "/v2/conversations/{}", handle_conversation},
    {"helpscout", "customers.get", "GET", "/v2/customers/{}", handle_customer},
    {.handle = NULL},
};
