/* table_companies.c - companies, and the segments they are in. */
#include "tables.h"

static const struct column plan_columns[] = {
    TEXT("type", "Always \"plan\""),
    TEXT("id", "Id of the plan"),
    TEXT("name", "Its name"),
};

static const struct column company_columns[] = {
    TEXT("type", "Always \"company\""),
    KEY("id", "Id given by Intercom"),
    TEXT("company_id", "Id given by the app that created the company"),
    TEXT("app_id", "Workspace that the company belongs to"),
    TEXT("name", "Name"),
    RECORD("plan", plan_columns, "What the company pays for"),
    TIME("remote_created_at", "When the company was created, by the app that did"),
    TIME("created_at", "When the company came to Intercom"),
    VERSION("updated_at", "When the company last changed: the version of the row"),
    TIME("last_request_at", "When somebody of the company last used the app"),
    NUMBER("size", "How many people work there"),
    TEXT("website", "Address of the website"),
    TEXT("industry", "Industry"),
    FLOATING("monthly_spend", "Revenue of a month"),
    NUMBER("session_count", "Sessions of its people"),
    NUMBER("user_count", "People of the company in Intercom"),
    JSON("custom_attributes", "Attributes defined in this workspace, by name"),
};

static const char *const company_key[] = {"id"};

const struct table intercom_companies = {
    .name = "companies",
    .description = "Companies, one row for each version that was seen",
    .columns = company_columns,
    .column_count = COUNT(company_columns),
    .key = company_key,
    .key_count = COUNT(company_key),
    .version = "updated_at",
    .day = "updated_at",
    .gone = &intercom_companies_deleted,
};

/* --- the segments of a company --- */

static const struct column segment_columns[] = {
    KEY("company_id", "Company that is in the segment: its id in the table companies"),
    VERSION("company_updated_at", "Version of the company that the set was read for: the version of the row"),
    TEXT("type", "Always \"segment\""),
    KEY("id", "Id of the segment"),
    TEXT("name", "Name"),
    TIME("created_at", "When the segment was created"),
    TIME("updated_at", "When the segment last changed"),
    TEXT("person_type", "Whom the segment is made of"),
    NUMBER("count", "How many are in it"),
};

static const char *const segment_key[] = {"company_id", "id"};

const struct table intercom_company_segments = {
    .name = "company_segments",
    .description = "Segments of companies: the whole set of a company for each version that was seen",
    .columns = segment_columns,
    .column_count = COUNT(segment_columns),
    .key = segment_key,
    .key_count = COUNT(segment_key),
    .version = "company_updated_at",
    .day = "company_updated_at",
    .owner = &intercom_companies,
    .owner_key = "company_id",
};
