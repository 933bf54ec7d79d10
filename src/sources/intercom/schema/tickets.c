/* SPDX-License-Identifier: Apache-2.0 */
/* tickets.c - tickets, what was said in them, their types and their states. */
#include "nested.h"

static const struct column state_columns[] = {
    TEXT("type", "Always \"ticket_state\""),
    TEXT("id", "Id of the state"),
    TEXT("category", "submitted, in_progress, waiting_on_customer or resolved"),
    TEXT("internal_label", "What admins read"),
    TEXT("external_label", "What contacts read"),
};

static const struct column states_columns[] = {
    TEXT("type", "Always \"list\""),
    RECORDS("data", state_columns, "The states", OR_FIELD("ticket_states")),
};

static const struct column attribute_columns[] = {
    TEXT("type", "Always \"ticket_type_attribute\""),
    TEXT("id", "Id of the attribute"),
    TEXT("workspace_id", "Workspace that it belongs to"),
    TEXT("name", "Name, as ticket_attributes of a ticket has it"),
    TEXT("description", "What it is for"),
    TEXT("data_type", "string, list, integer, decimal, boolean, datetime or files"),
    JSON("input_options", "How it is filled in; differs by data_type"),
    NUMBER("order", "Its place among the others"),
    FLAG("required_to_create", "Admins must fill it in"),
    FLAG("required_to_create_for_contacts", "Contacts must fill it in"),
    FLAG("visible_on_create", "Admins see it in a new ticket"),
    FLAG("visible_to_contacts", "Contacts see it"),
    FLAG("default", "It is built in"),
    TEXT("ticket_type_id", "Type of ticket that it belongs to"),
    FLAG("archived", "It is not used any more"),
    TIME("created_at", "When the attribute was created"),
    TIME("updated_at", "When the attribute last changed"),
};

static const struct column attributes_columns[] = {
    TEXT("type", "Always \"list\""),
    RECORDS("data", attribute_columns, "The attributes", OR_FIELD("ticket_type_attributes")),
};

/* The id is certain in a row, and not certain inside of another record. */
/* clang-format off */
#define TICKET_TYPE_COLUMNS(id)                                                                              \
    TEXT("type", "Always \"ticket_type\""),                                                                  \
    id,                                                                                                      \
    TEXT("category", "Customer, Back-office or Tracker"),                                                    \
    TEXT("name", "Name"),                                                                                    \
    TEXT("description", "What it is for"),                                                                   \
    TEXT("icon", "Emoji that is shown with it"),                                                             \
    TEXT("workspace_id", "Workspace that the type belongs to"),                                              \
    RECORD("ticket_type_attributes", attributes_columns, "What a ticket of this type can tell", OR_IN("data")),             \
    RECORD("ticket_states", states_columns, "States that a ticket of this type can be in", OR_IN("data")),                  \
    FLAG("is_internal", "Contacts do not see its tickets"),                                                  \
    FLAG("archived", "It is not used any more"),                                                             \
    TIME("created_at", "When the type was created"),                                                         \
    TIME("updated_at", "When the type last changed")
/* clang-format on */

static const struct column nested_type_columns[] = {
    TICKET_TYPE_COLUMNS(TEXT("id", "Id given by Intercom")),
};

static const struct column type_columns[] = {
    TICKET_TYPE_COLUMNS(KEY("id", "Id given by Intercom")),
};

static const struct column nested_types_columns[] = {
    TEXT("type", "Always \"list\""),
    RECORDS("data", nested_type_columns, "The types", OR_FIELD("ticket_types")),
};

static const struct column ticket_state_columns[] = {
    TEXT("type", "Always \"ticket_state\""),
    KEY("id", "Id given by Intercom"),
    TEXT("category", "submitted, in_progress, waiting_on_customer or resolved"),
    TEXT("internal_label", "What admins read"),
    TEXT("external_label", "What contacts read"),
    FLAG("archived", "It is not used any more"),
    RECORD("ticket_types", nested_types_columns, "Types of tickets that can be in this state", OR_IN("data")),
};

static const struct column ticket_columns[] = {
    TEXT("type", "Always \"ticket\""),
    KEY("id", "Id given by Intercom"),
    TEXT("ticket_id", "Number that people see; ticket_parts.ticket_id is the id instead"),
    TEXT("category", "Customer, Back-office or Tracker"),
    JSON("ticket_attributes", "Title, description and the attributes of its type, by name"),
    RECORD("ticket_state", state_columns, "State; before 2.12 its category only", OR_IN("category")),
    TEXT("ticket_state_internal_label", "Before 2.12: label of the state for teammates"),
    TEXT("ticket_state_external_label", "Before 2.12: label of the state for the customer"),
    TEXT("previous_ticket_state_id", "State it was in before"),
    RECORD("ticket_type", nested_type_columns, "Type, as it was when the ticket was read", OR_IN("id")),
    RECORD("contacts", nested_contacts, "Users and leads whom it concerns", OR_IN("contacts")),
    TEXT("admin_assignee_id", "Admin it is assigned to; \"0\": none"),
    TEXT("team_assignee_id", "Team it is assigned to; \"0\": none"),
    TIME("created_at", "When the ticket was created"),
    UPDATED_AT("When the ticket last changed: the version of the row"),
    FLAG("open", "It is open"),
    TIME("snoozed_until", "When it is opened again"),
    RECORD("linked_objects", nested_linked_list, "Linked conversations and tickets", OR_IN("data")),
    RECORD("ticket_parts", nested_parts, "The list of parts, without the parts"),
    FLAG("is_shared", "Contacts can see it"),
    PARTS_SUMMARY("Parts that came with this version"),
};

static const struct column changed_attribute_columns[] = {
    TEXT("type", "Always \"attribute\""),
    TEXT("id", "Id of the attribute"),
    TEXT("label", "What people read"),
};

static const struct column changed_value_columns[] = {
    TEXT("type", "Always \"value\""),
    JSON("id", "The value, or the ids of what was chosen"),
    JSON("label", "Label for people: a text, or a list of texts"),
};

static const struct column change_columns[] = {
    RECORD("attribute", changed_attribute_columns, "Which attribute"),
    RECORD("value", changed_value_columns, "Its new value"),
};

static const struct column part_columns[] = {
    TEXT("type", "Always \"ticket_part\""),
    TEXT("part_type", "comment, note, assignment, ticket_state_updated_by_admin, ..."),
    TEXT("body", "Text of the message, as HTML"),
    TEXT("previous_ticket_state", "Category of the state before this part", OR_IN("category")),
    TEXT("ticket_state", "Category of the state after it", OR_IN("category")),
    PART_COLUMNS("ticket", nested_person),
    RECORD("updated_attribute_data", change_columns, "The attribute that this part changed"),
};

const struct table intercom_tickets =
    TABLE("tickets", "Tickets, one row for each version that was seen", ticket_columns, KEYS("id"),
          TIMES("updated_at"), .keeps_contents = true);

const struct table intercom_ticket_parts = PART_TABLE("ticket", .parent = NULL);

const struct table intercom_ticket_types =
    TABLE("ticket_types", "Types of tickets: the whole list, once on each day it was read", type_columns,
          KEYS("id"));

const struct table intercom_ticket_states =
    TABLE("ticket_states", "States of tickets: the whole list, once on each day it was read",
          ticket_state_columns, KEYS("id"));
