/* SPDX-License-Identifier: Apache-2.0 */
/* shared.c - records inside of rows, and what is no content of a row. */
#include "schema.h"

const struct column comagic_property_columns[] = {
    TEXT("property_name", "Name"),
    TEXT("property_value", "Value"),
};

const struct column comagic_segment_columns[] = {
    TEXT("segment_id", "Segment"),
    TEXT("segment_name", "Its name, when the row was read"),
};

const struct column comagic_tag_columns[] = {
    TEXT("tag_id", "Tag"),
    TEXT("tag_name", "Its name"),
    TEXT("tag_type", "auto or manual"),
    TIME("tag_change_time", "When it was put on"),
    TEXT("tag_user_id", "User who put it on"),
    TEXT("tag_user_login", "Login of the user"),
    TEXT("tag_employee_id", "Employee who put it on"),
    TEXT("tag_employee_full_name", "Name of the employee, when the row was read"),
};

/* Names that belong to an id: somebody renamed a campaign, and each of its calls would be another row. */
const struct left_out comagic_joined_names[] = {
    {.path = "site_domain_name"},
    {.path = "campaign_name"},
    {.path = "visitor_first_campaign_name"},
    {.path = "source_name"},
    {.path = "segments.segment_name"},
    {.path = "tags.tag_user_login"},
    {.path = "tags.tag_employee_full_name"},
    {.path = "employees.employee_full_name"},
    {.path = "employee_full_name"},
    {.path = "last_answered_employee_full_name"},
    {.path = "first_answered_employee_full_name"},
    {.path = "last_talked_employee_full_name"},
    {.path = "first_talked_employee_full_name"},
    {.path = "scenario_name"},
    {.path = "scenario_operations.name"},
    {.path = "auto_call_campaign_name"},
    {.path = "contact_full_name"},
    {.path = "cpn_region_name"},
    {.path = "cpn_country_name"},
    {.path = "chat_channel_name"},
    {.path = "group_name"},
    {.path = "action_name"},
    {.path = "finish_reason_description"},
    {.path = "form_name"},
    {.path = "campaign_ext_name"},
    {.path = "banner_group_name"},
    {.path = "current_banner_name"},
};
