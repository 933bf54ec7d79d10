/* SPDX-License-Identifier: Apache-2.0 */
/* versions.c - how other versions of the API show a record that is kept in the form of 2.16. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "intercom/internal.h"

/* Before 2.16: a number. */
static void shape_contact(json_t *contact)
{
    const char *owner = json_text_at(contact, "owner_id");
    if (owner) json_object_set_new(contact, "owner_id", json_integer(strtoll(owner, NULL, 10)));
}

/* Before 2.16: two values. */
static void shape_conversation(json_t *conversation)
{
    const char *priority = json_text_at(conversation, "priority");
    if (priority)
        json_object_set_new(conversation, "priority",
                            json_string(strcmp(priority, "none") == 0 ? "not_priority" : "priority"));
}

/* Before 2.12: the state's category, and its labels beside it. */
static void shape_ticket(json_t *ticket)
{
    static const char *const labels[] = {"internal_label", "external_label"};
    static const char *const members[] = {"ticket_state_internal_label", "ticket_state_external_label"};
    json_t *state = json_object_get(ticket, "ticket_state");
    if (!json_is_object(state)) return;
    for (size_t i = 0; i < 2; i++)
        json_object_set(ticket, members[i], json_object_get(state, labels[i]));
    json_object_set(ticket, "ticket_state", json_object_get(state, "category"));
}

/* Before 2.16: one parent. */
static void shape_article(json_t *article)
{
    json_t *parent = json_array_get(json_object_get(article, "parent_ids"), 0);
    json_object_set_new(article, "parent_id", parent ? json_incref(parent) : json_null());
    json_object_set_new(article, "parent_type", parent ? json_string("collection") : json_null());
    json_object_del(article, "parent_ids");
}

/* Before 2.16 they came with the other data attributes: options are texts, and built-in ones have no id. */
static void shape_attribute(json_t *attribute)
{
    static const char *const later[] = {"required", "visible_to_team_ids", "multiline", "reference"};
    json_t *name = json_object_get(attribute, "name"), *options = json_array();
    bool is_custom = json_int_at(attribute, "id", 0) % 2 == 1;
    for (size_t i = 0; i < json_array_size(json_object_get(attribute, "options")); i++)
        json_array_append(options,
                          json_object_get(json_array_get(json_object_get(attribute, "options"), i), "label"));
    json_object_set_new(attribute, "type", json_string("data_attribute"));
    json_object_set_new(attribute, "model", json_string("conversation"));
    json_object_set(attribute, "full_name", name);
    json_object_set(attribute, "label", name);
    json_object_set_new(attribute, "custom", json_boolean(is_custom));
    if (!is_custom) json_object_del(attribute, "id");
    if (json_array_size(options) > 0) json_object_set(attribute, "options", options);
    json_decref(options);
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        json_object_del(attribute, later[i]);
}

/* From 2.17 on: times that are built in have seconds. */
static void shape_built_in(json_t *attribute)
{
    const char *type = json_text_at(attribute, "data_type");
    if (!json_is_true(json_object_get(attribute, "custom")) && type && !strcmp(type, "date"))
        json_object_set_new(attribute, "data_type", json_string("datetime"));
}

static const struct {
    const char *kind;
    int first, last; /* of the versions, 2.<minor>, that have this form */
    void (*shape)(json_t *record);
} shapes[] = {
    {"contacts", 0, 15, shape_contact},
    {"conversations", 0, 15, shape_conversation},
    {"tickets", 0, 11, shape_ticket},
    {"articles", 0, 15, shape_article},
    {"conversation_attributes", 0, 15, shape_attribute},
    {"contact_attributes", 17, INT_MAX, shape_built_in},
    {"company_attributes", 17, INT_MAX, shape_built_in},
};

void intercom_shape(json_t *records, const char *kind, int minor)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (minor < shapes[i].first || minor > shapes[i].last || strcmp(shapes[i].kind, kind) != 0) continue;
        if (json_is_object(records)) shapes[i].shape(records);
        for (size_t k = 0; k < json_array_size(records); k++)
            shapes[i].shape(json_array_get(records, k));
    }
}

void intercom_shape_reply(struct exchange *exchange, const char *kind, const char *list, int minor)
{
    if (minor >= 16) return; /* nothing to do with these kinds, and parsing takes time */
    json_t *answer = json_loadb(exchange->reply.data, exchange->reply.size, 0, NULL);
    if (!answer) return;
    intercom_shape(list ? json_object_get(answer, list) : answer, kind, minor);
    buf_reset(&exchange->reply);
    (void)json_write(&exchange->reply, answer);
    json_decref(answer);
}
