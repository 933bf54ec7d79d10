/* table_tickets.c - tickets, their types and their states. */
#include "tables.h"

static const struct column ticket_columns[] = {
    TEXT("type", "Always \"ticket\""),
    KEY("id", "Id given by Intercom"),
    TIME("created_at", "When the ticket was created"),
    VERSION("updated_at", "When the ticket last changed: the version of the row"),
    NUMBER("parts_received", "Parts that came with this version"),
    FLAG("parts_truncated", "There are older parts, which Intercom does not give any more"),
    NUMBER("parts_total", "Parts there are, as the list says"),
};

static const struct column part_columns[] = {
    TEXT("type", "Always \"ticket_part\""),
    KEY("id", "Id given by Intercom"),
    DAY("created_at", "When it was said: the day of the row"),
    VERSION("updated_at", "When the part last changed: the version of the row"),
    KEY_FLAG("redacted", "The part was redacted"),
    KEY("ticket_id", "Ticket that the part belongs to: its id in the table tickets"),
    NUMBER("part_index", "Place in the ticket when it was read, from 1"),
};

static const char *const id_key[] = {"id"};
static const char *const part_key[] = {"ticket_id", "id", "updated_at", "redacted"};

const struct table intercom_tickets = {
    .name = "tickets",
    .description = "Tickets, one row for each version that was seen",
    .columns = ticket_columns,
    .column_count = COUNT(ticket_columns),
    .key = id_key,
    .key_count = COUNT(id_key),
    .version = "updated_at",
    .day = "updated_at",
};

const struct table intercom_ticket_parts = {
    .name = "ticket_parts",
    .description = "What was said and done in tickets, one row for each version that was seen",
    .columns = part_columns,
    .column_count = COUNT(part_columns),
    .key = part_key,
    .key_count = COUNT(part_key),
    .version = "updated_at",
    .day = "created_at",
};

static const struct column ticket_type_columns[] = {
    TEXT("type", "Always \"ticket_type\""),
    KEY("id", "Id given by Intercom"),
};

const struct table intercom_ticket_types = {
    .name = "ticket_types",
    .description = "Types of tickets: the whole list, once on each day it was read",
    .columns = ticket_type_columns,
    .column_count = COUNT(ticket_type_columns),
    .key = id_key,
    .key_count = COUNT(id_key),
};

static const struct column ticket_state_columns[] = {
    TEXT("type", "Always \"ticket_state\""),
    KEY("id", "Id given by Intercom"),
};

const struct table intercom_ticket_states = {
    .name = "ticket_states",
    .description = "States of tickets: the whole list, once on each day it was read",
    .columns = ticket_state_columns,
    .column_count = COUNT(ticket_state_columns),
    .key = id_key,
    .key_count = COUNT(id_key),
};
