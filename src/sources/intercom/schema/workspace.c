/* SPDX-License-Identifier: Apache-2.0 */
/* workspace.c - how the workspace is set up. */
#include "nested.h"

static const struct column team_priority_columns[] = {
    TEXTS("primary_team_ids", "Teams that the admin serves first"),
    TEXTS("secondary_team_ids", "Teams that the admin serves when these have nothing to do"),
};

static const struct column role_columns[] = {
    TEXT("type", "Always \"role\""),
    TEXT("id", "Its id"),
    TEXT("name", "Its name"),
};

/* As a row, an admin has an id for certain; inside of another record nothing is certain. */
/* clang-format off */
#define ADMIN_COLUMNS(id)                                                                                    \
    TEXT("type", "Always \"admin\""),                                                                        \
    id,                                                                                                      \
    TEXT("name", "Name"),                                                                                    \
    TEXT("email", "E-mail address"),                                                                         \
    TEXT("job_title", "Job title"),                                                                          \
    FLAG("away_mode_enabled", "The admin is away"),                                                          \
    FLAG("away_mode_reassign", "New conversations of the admin go to others meanwhile"),                     \
    TEXT("away_status_reason_id", "Why the admin is away"),                                                  \
    FLAG("has_inbox_seat", "The admin has a paid seat"),                                                     \
    TEXTS("team_ids", "Teams that the admin belongs to"),                                                    \
    TEXT("avatar", "Address of the picture", OR_IN("image_url")),                                                                \
    RECORD("team_priority_level", team_priority_columns, "Which teams come first"),                          \
    RECORD("role", role_columns, "Role in the workspace", OR_IN("name"))
/* clang-format on */

static const struct column admin_columns[] = {
    ADMIN_COLUMNS(KEY("id", "Id given by Intercom")),
};

const struct column nested_admin[] = {
    ADMIN_COLUMNS(TEXT("id", "Id of the admin")),
};

static const struct column admin_priority_columns[] = {
    TEXTS("primary_admin_ids", "Admins who serve the team first"),
    TEXTS("secondary_admin_ids", "Admins who serve the team when these are busy"),
};

static const struct column team_columns[] = {
    TEXT("type", "Always \"team\""),
    KEY("id", "Id given by Intercom"),
    TEXT("name", "Name"),
    TEXTS("admin_ids", "Admins who belong to the team"),
    RECORD("admin_priority_level", admin_priority_columns, "Which admins come first"),
    NUMBER("assignment_limit", "Conversations that an admin of the team may hold at once"),
    TEXT("distribution_method", "How conversations are spread over the admins"),
};

static const struct column tag_columns[] = {
    TEXT("type", "Always \"tag\""),
    KEY("id", "Id given by Intercom"),
    TEXT("name", "Name"),
};

static const struct column segment_columns[] = {
    SEGMENT_COLUMNS(KEY("id", "Id given by Intercom")),
};

/* Built-in attributes have no id, and names repeat ("name", "plan.name"): the full name is the key. */
static const struct column data_attribute_columns[] = {
    TEXT("type", "Always \"data_attribute\""),
    TEXT("id", "Id given by Intercom; built-in ones have none"),
    TEXT("model", "Kind of record that it describes: contact or company"),
    TEXT("name", "Name"),
    KEY("full_name", "Path to the value within a record", OR_FIELD("name")),
    TEXT("label", "Name that admins see"),
    TEXT("description", "Description that admins see"),
    TEXT("data_type", "string, integer, float, boolean or date"),
    TEXTS("options", "Values to choose from"),
    FLAG("api_writable", "The API can write it"),
    FLAG("messenger_writable", "The Messenger can write it"),
    FLAG("ui_writable", "Admins can write it"),
    FLAG("custom", "Defined in this workspace, not built in"),
    FLAG("archived", "No longer in use"),
    TIME("created_at", "When the attribute was created; built-in ones have none"),
    TIME("updated_at", "When the attribute last changed; built-in ones have none"),
    TEXT("admin_id", "Admin who created it"),
};

static const struct column translation_columns[] = {
    TEXT("name", "Name in this language"),
    TEXT("description", "Description in this language"),
    TEXT("locale", "The language"),
};

static const struct column subscription_type_columns[] = {
    TEXT("type", "Always \"subscription\""),
    KEY("id", "Id given by Intercom"),
    TEXT("state", "live, draft or archived"),
    RECORD("default_translation", translation_columns, "In the default language"),
    RECORDS("translations", translation_columns, "In each language"),
    TEXT("consent_type", "opt_in: contacts must ask for it; opt_out: they may leave it"),
    TEXTS("content_types", "By which channels: email, sms_message"),
};

static const struct column away_status_reason_columns[] = {
    TEXT("type", "Always \"away_status_reason\""),
    KEY("id", "Id given by Intercom"),
    TEXT("label", "Text that is shown"),
    TEXT("emoji", "Emoji that goes with it"),
    NUMBER("order", "Place in the list"),
    FLAG("deleted", "It can't be chosen any more"),
    TIME("created_at", "When the reason was created"),
    TIME("updated_at", "When the reason last changed"),
};

static const struct column brand_columns[] = {
    TEXT("type", "Always \"brand\""),
    KEY("id", "Id given by Intercom; of the default brand the workspace's"),
    TEXT("name", "Name"),
    FLAG("is_default", "It is the workspace's default"),
    TIME("created_at", "When the brand was created"),
    TIME("updated_at", "When the brand last changed"),
    TEXT("help_center_id", "Its help center"),
    TEXT("default_address_settings_id", "Settings of its sender address"),
};

static const struct column predicate_columns[] = {
    TEXT("attribute", "Attribute that is looked at"),
    TEXT("type", "Type of the attribute"),
    TEXT("comparison", "How it is compared"),
    TEXT("value", "With what"),
};

static const struct column audience_columns[] = {
    TEXT("type", "Always \"audience\""),
    KEY("id", "Id given by Intercom"),
    TEXT("name", "Name"),
    RECORDS("predicates", predicate_columns, "Which contacts belong to it"),
    RECORDS("role_predicates", predicate_columns, "Of which role they must be"),
    TIME("created_at", "When the audience was created"),
    TIME("updated_at", "When the audience last changed"),
};

/* Their types are defined by the workspace, and share the table. */
static const struct column custom_object_instance_columns[] = {
    KEY("type", "Identifier of the custom object type"),
    KEY("id", "Id given by Intercom"),
    TEXT("external_id", "Id given by the system it came from"),
    TIME("external_created_at", "When it was created there"),
    TIME("external_updated_at", "When it last changed there"),
    TIME("created_at", "When it was created in Intercom"),
    TIME("updated_at", "When it last changed in Intercom"),
    JSON("custom_attributes", "Attributes of its type, by name"),
};

const struct table intercom_admins = TABLE(
    "admins", "People who answer: the whole list, once on each day it was read", admin_columns, KEYS("id"));

const struct table intercom_teams =
    TABLE("teams", "Teams of admins: the whole list, once on each day it was read", team_columns, KEYS("id"));

const struct table intercom_tags =
    TABLE("tags", "Tags: the whole list, once on each day it was read", tag_columns, KEYS("id"));

const struct table intercom_segments =
    TABLE("segments", "Groups of contacts by rules: the whole list, once on each day it was read",
          segment_columns, KEYS("id"));

const struct table intercom_contact_attributes =
    TABLE("contact_attributes",
          "Attributes of contacts, built-in and own: the whole list, once on each day it was read",
          data_attribute_columns, KEYS("full_name"));

const struct table intercom_company_attributes =
    TABLE("company_attributes",
          "Attributes of companies, built-in and own: the whole list, once on each day it was read",
          data_attribute_columns, KEYS("full_name"));

const struct table intercom_subscription_types =
    TABLE("subscription_types",
          "Kinds of mail that contacts can take or leave: the whole list, once on each day it was read",
          subscription_type_columns, KEYS("id"));

const struct table intercom_away_status_reasons =
    TABLE("away_status_reasons", "Why admins can be away: the whole list, once on each day it was read",
          away_status_reason_columns, KEYS("id"));

const struct table intercom_brands =
    TABLE("brands", "Brands: the whole list, once on each day it was read", brand_columns, KEYS("id"));

const struct table intercom_audiences = TABLE(
    "audiences",
    "Groups of contacts for whom the AI agent uses content: the whole list, once on each day it was read",
    audience_columns, KEYS("id"));

const struct table intercom_custom_object_instances = TABLE(
    "custom_object_instances", "Instances of custom objects: the whole list, once on each day it was read",
    custom_object_instance_columns, KEYS("type", "id"));
