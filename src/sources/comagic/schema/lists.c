/* SPDX-License-Identifier: Apache-2.0 */
/* lists.c - what there is in the account: read whole, once a day. */
#include "schema.h"

static const struct column member_group_columns[] = {TEXT("group_id", "Group"),
                                                     TEXT("group_name", "Its name")};
static const struct column phone_columns[] = {
    TEXT("phone_id", "Phone"),
    TEXT("phone_number", "Its number"),
    NUMBER("channels_count", "Calls at once"),
    NUMBER("dial_time", "Seconds that it rings"),
    TEXT("status", "active or not"),
};
static const struct column employee_columns[] = {
    KEY("id", "Id of the employee"),
    TEXT("login", "Login"),
    TEXT("full_name", "Name"),
    TEXT("first_name", "First name"),
    TEXT("last_name", "Last name"),
    TEXT("patronymic", "Patronymic"),
    TEXT("email", "E-mail address"),
    TEXT("status_id", "Status: a row of statuses"),
    TEXT("schedule_id", "Schedule"),
    TEXT("schedule_name", "Its name"),
    FLAG("calls_available", "Takes calls"),
    RECORDS("groups", member_group_columns, "Groups"),
    RECORDS("phone_numbers", phone_columns, "Phones"),
    JSON("extension", "Short number"),
    JSON("coach", "What it may do as a coach"),
    JSON("operator", "What it may do as an operator"),
};
const struct table comagic_employees =
    LIST_TABLE("employees", "Employees: the whole list, once on each day it was read", employee_columns);

static const struct column stat_columns[] = {
    KEY("employee_id", "Employee: a row of employees", FROM("id")),
    DAY(COMAGIC_STAT_DAY,
        "Start of the account's day that the figures are of: the version and the day of the row"),
    TEXT("full_name", "Name"),
    TEXT("first_name", "First name"),
    TEXT("last_name", "Last name"),
    TEXT("patronymic", "Patronymic"),
    RECORDS("groups", member_group_columns, "Groups"),
    JSON("status_stats", "Seconds in each status, by its mnemonic: see statuses"),
};
const struct table comagic_employee_stat = TABLE(
    "employee_stat", "Employees by day, with the time in each status, one row for each content that was seen",
    stat_columns, KEYS("employee_id", COMAGIC_STAT_DAY), TIMES(COMAGIC_STAT_DAY), .is_named_by_version = true,
    .keeps_contents = true);

static const struct column group_member_columns[] = {TEXT("employee_id", "Employee"),
                                                     TEXT("employee_full_name", "Name of the employee")};
static const struct column group_columns[] = {
    KEY("id", "Id of the group"),
    TEXT("name", "Name"),
    RECORDS("members", group_member_columns, "Employees in it"),
    TEXT("group_phone_number", "Number of the group"),
    FLAG("queue_enabled", "Calls wait in a queue"),
    NUMBER("channels_count", "Calls at once"),
};
const struct table comagic_employee_groups = LIST_TABLE(
    "employee_groups", "Groups of employees: the whole list, once on each day it was read", group_columns);

static const struct column status_columns[] = {
    KEY("id", "Id of the status"),
    TEXT("name", "Name"),
    TEXT("mnemonic", "Name that never changes"),
    TEXT("description", "Description"),
    FLAG("is_worktime", "It counts as working time"),
};
const struct table comagic_statuses = LIST_TABLE(
    "statuses", "Statuses of employees: the whole list, once on each day it was read", status_columns);

static const struct column campaign_columns[] = {
    KEY("id", "Id of the campaign"),
    TEXT("name", "Name"),
    TEXT("description", "Description"),
    TEXT("status", "active, ..."),
    TEXT("type", "Kind"),
    TEXT("engine", "Advertising system"),
    TIME("creation_time", "When it was made"),
    FLOATING("costs", "Costs"),
    FLOATING("cost_ratio", "Factor of costs"),
    TEXT("site_id", "Site"),
    TEXT("site_domain_name", "Its domain"),
    JSON("site_blocks", "Places on the site where numbers are replaced"),
    JSON("campaign_conditions", "What makes a visit belong to it"),
};
const struct table comagic_campaigns = LIST_TABLE(
    "campaigns", "Advertising campaigns: the whole list, once on each day it was read", campaign_columns);

static const struct column site_columns[] = {
    KEY("id", "Id of the site"),
    TEXT("domain_name", "Domain"),
    TEXT("name", "Name"),
    TEXT("state", "active, ..."),
    TIME("creation_date", "When it was made"),
    JSON("default_scenario", "Scenario of its numbers"),
    JSON("site_blocks", "Places where numbers are replaced"),
    JSON("connected_integrations", "Integrations"),
    TEXT("parent_id", "Site that it belongs to"),
    NUMBER("target_call_min_duration", "Seconds from which a call counts"),
};
const struct table comagic_sites =
    LIST_TABLE("sites", "Sites: the whole list, once on each day it was read", site_columns);

static const struct column number_columns[] = {
    KEY("id", "Id of the number"),
    TEXT("virtual_phone_number", "Number"),
    TEXT("redirection_phone_number", "Number that it leads to"),
    TIME("activation_date", "Since when it is the account's"),
    TEXT("status", "active, ..."),
    TEXT("category", "Category"),
    TEXT("type", "Kind"),
    TEXT("name", "Name"),
    TEXT("comment", "Comment"),
    JSON("campaigns", "Campaigns that use it"),
    JSON("site_blocks", "Places on sites that show it"),
    JSON("scenarios", "Scenarios that use it"),
};
const struct table comagic_virtual_numbers =
    LIST_TABLE("virtual_numbers",
               "Phone numbers of the account: the whole list, once on each day it was read", number_columns);

static const struct column tag_columns[] = {
    KEY("id", "Id of the tag"),
    TEXT("name", "Name"),
    FLAG("is_system", "It is CoMagic's own"),
};
const struct table comagic_tags =
    LIST_TABLE("tags", "Tags: the whole list, once on each day it was read", tag_columns);

static const struct column named_columns[] = {KEY("id", "Id"), TEXT("name", "Name")};
const struct table comagic_scenarios = LIST_TABLE(
    "scenarios", "Scenarios of calls: the whole list, once on each day it was read", named_columns);
const struct table comagic_segments =
    LIST_TABLE("segments", "Segments of visits: the whole list, once on each day it was read", named_columns);

static const struct column channel_columns[] = {
    KEY("id", "Id of the channel"),
    TEXT("name", "Name"),
    TEXT("type", "comagic, telegram, whatsapp, ..."),
    TEXT("status", "active, ..."),
};
const struct table comagic_chat_channels = LIST_TABLE(
    "chat_channels", "Channels of chats: the whole list, once on each day it was read", channel_columns);

static const struct column contact_columns[] = {
    KEY("id", "Id of the contact"),
    TEXT("full_name", "Name"),
    TEXT("first_name", "First name"),
    TEXT("last_name", "Last name"),
    TEXT("patronymic", "Patronymic"),
    TEXTS("emails", "E-mail addresses"),
    TEXTS("phone_numbers", "Phone numbers"),
    JSON("chat_channels", "Where the contact can be written to"),
    TEXT("personal_manager_id", "Employee who looks after the contact"),
};
const struct table comagic_contacts =
    LIST_TABLE("contacts", "Address book: the whole list, once on each day it was read", contact_columns);
