/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - what the tables loaded from all this must hold. */
#include <string.h>

#include "comagic/internal.h"

#define EVENTS(n, time)                                                                                      \
    {                                                                                                        \
        .name = (n), .rules = &oracle_contents, .version = (time), .is_event = true                          \
    }
#define LIST(n)                                                                                              \
    {                                                                                                        \
        .name = (n), .rules = &oracle_snapshots                                                              \
    }

/* The loader does not ask for these. */
static json_t *drop_unasked(json_t *body)
{
    static const char *const members[] = {"visitor_ip_address", "release_cause_code",
                                          "release_cause_description"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_object_del(body, members[i]);
    return body;
}

const struct oracle_table comagic_truth[] = {
    EVENTS("calls", "start_time"),
    {.name = "call_legs",
     .rules = &oracle_contents,
     .version = "start_time",
     .is_event = true,
     .row = drop_unasked},
    EVENTS("chats", "date_time"),
    EVENTS("chat_messages", "date_time"),
    EVENTS("offline_messages", "date_time"),
    EVENTS("goals", "date_time"),
    EVENTS("communications", "date_time"),
    {.name = "visitor_sessions",
     .rules = &oracle_contents,
     .version = "date_time",
     .is_event = true,
     .row = drop_unasked},
    {.name = "financial_call_legs",
     .rules = &oracle_contents,
     .key = "leg_id",
     .version = "start_time",
     .is_event = true},
    LIST("employees"),
    LIST("employee_groups"),
    LIST("statuses"),
    LIST("campaigns"),
    LIST("sites"),
    LIST("virtual_numbers"),
    LIST("tags"),
    LIST("scenarios"),
    LIST("segments"),
    LIST("chat_channels"),
    LIST("contacts"),
    {.name = NULL},
};

const struct oracle_latest comagic_latest[] = {
    {"calls", "id", "start_time", NULL, NULL, NULL},
    {"call_legs", "id", "start_time", NULL, NULL, NULL},
    {"chats", "id", "date_time", NULL, NULL, NULL},
    {"chat_messages", "id", "date_time", NULL, NULL, NULL},
    {"offline_messages", "id", "date_time", NULL, NULL, NULL},
    {"goals", "id", "date_time", NULL, NULL, NULL},
    {"communications", "id", "date_time", NULL, NULL, NULL},
    {"visitor_sessions", "id", "date_time", NULL, NULL, NULL},
    {"financial_call_legs", "leg_id", "start_time", NULL, NULL, NULL},
    {.name = NULL},
};
