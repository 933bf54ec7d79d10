/* SPDX-License-Identifier: Apache-2.0 */
/* customers.c - people who write, and the organizations they belong to. */
#include "nested.h"

static const struct column website_columns[] = {
    TEXT("id", "Its id"),
    TEXT("value", "The address"),
};

static const struct column address_columns[] = {
    TEXTS("lines", "Street and the like"),
    TEXT("city", "City"),
    TEXT("state", "State"),
    TEXT("postal_code", "Postal code", FROM("postalCode")),
    TEXT("country", "Country code"),
};

static const struct column property_columns[] = {
    TEXT("type", "text, number, url, date or dropdown"),
    TEXT("slug", "Name for programs"),
    TEXT("name", "Name for people"),
    JSON("value", "The value"),
    TEXT("text", "The value for people"),
    JSON("source", "Where it comes from"),
};

static const struct column customer_columns[] = {
    KEY("id", "Id given by Help Scout"),
    CHANGED_AT("When the customer last changed: the version of the row"),
    CREATED_AT("When the customer was created"),
    TEXT("first_name", "First name", FROM("firstName")),
    TEXT("last_name", "Last name", FROM("lastName")),
    TEXT("gender", "Gender"),
    TEXT("job_title", "Job title", FROM("jobTitle")),
    TEXT("location", "Where the customer is"),
    TEXT("organization", "Name of the organization"),
    TEXT("organization_id", "Id of the organization", FROM("organizationId")),
    TEXT("photo_type", "Where the picture comes from", FROM("photoType")),
    TEXT("photo_url", "Address of the picture", FROM("photoUrl")),
    TEXT("age", "Age, as a text"),
    TEXT("background", "Notes about the customer"),
    NUMBER("conversation_count", "Conversations; changes without a new version", FROM("conversationCount")),
    FLAG("draft", "The customer was not saved yet"),
    RECORDS("emails", helpscout_value, "E-mail addresses"),
    RECORDS("phones", helpscout_value, "Phone numbers"),
    RECORDS("chats", helpscout_value, "Names in chats"),
    RECORDS("social_profiles", helpscout_value, "Social profiles", OR_FIELD("social-profiles")),
    RECORDS("websites", website_columns, "Websites"),
    RECORD("address", address_columns, "Address"),
    RECORDS("properties", property_columns, "Properties defined in this account"),
};

/* A figure, which each conversation changes. */
static const struct left_out customers_left_out[] = {{"conversationCount", NULL}, {"photoUrl", NULL}};

const struct table helpscout_customers =
    TABLE("customers", "Customers, one row for each version that was seen", customer_columns, KEYS("id"),
          TIMES("updated_at"), .keeps_contents = true, .gone = &helpscout_customers_deleted,
          LEFT_OUT(customers_left_out));

static const struct column organization_columns[] = {
    KEY("id", "Id given by Help Scout"),
    CHANGED_AT("When the organization last changed: the version of the row"),
    CREATED_AT("When the organization was created"),
    TEXT("name", "Name"),
    TEXT("website", "Website"),
    TEXT("description", "Description"),
    TEXT("location", "Where it is"),
    TEXT("logo_url", "Address of the logo", FROM("logoUrl")),
    TEXT("note", "Note"),
    TEXTS("domains", "Domains of its addresses"),
    TEXTS("phones", "Phone numbers"),
    TEXT("brand_color", "Color", FROM("brandColor")),
};

const struct table helpscout_organizations =
    TABLE("organizations", "Organizations, one row for each version that was seen", organization_columns,
          KEYS("id"), TIMES("updated_at"), .keeps_contents = true);
