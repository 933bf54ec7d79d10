/* SPDX-License-Identifier: Apache-2.0 */
/* companies.c - companies, and the segments they are in. */
#include "nested.h"

static const struct column plan_columns[] = {
    TEXT("type", "Always \"plan\""),
    TEXT("id", "Id of the plan"),
    TEXT("name", "Its name"),
};

static const struct column held_segment_columns[] = {
    SEGMENT_COLUMNS(TEXT("id", "Id of the segment")),
};

static const struct column held_segments_columns[] = {
    TEXT("type", "Always \"segment.list\""),
    RECORDS("segments", held_segment_columns, "The segments", OR_FIELD("data")),
};

static const struct column note_columns[] = {
    TEXT("type", "Always \"note\""),
    TEXT("id", "Id of the note"),
    TIME("created_at", "When it was written"),
    RECORD("company", nested_reference, "Company it was written about", OR_IN("id")),
    RECORD("author", nested_admin, "Who wrote it"),
    TEXT("body", "What it says"),
};

static const struct column notes_columns[] = {
    TEXT("type", "Always \"note.list\""),
    RECORDS("notes", note_columns, "The notes", OR_FIELD("data")),
};

/* As a row, a company has an id and a version for certain; inside of another record nothing is certain. */
/* clang-format off */
#define COMPANY_COLUMNS(id, updated_at)                                                                      \
    TEXT("type", "Always \"company\""),                                                                      \
    id,                                                                                                      \
    TEXT("company_id", "Id given by the app that created the company"),                                      \
    TEXT("app_id", "Workspace that the company belongs to"),                                                 \
    TEXT("name", "Name"),                                                                                    \
    TIME("remote_created_at", "When the company was created in the app that did it"),                        \
    TIME("created_at", "When the company came to Intercom"),                                                 \
    updated_at,                                                                                              \
    TIME("last_request_at", "When somebody of the company last used the app"),                               \
    NUMBER("size", "How many people work there"),                                                            \
    TEXT("website", "Address of the website"),                                                               \
    TEXT("industry", "Industry"),                                                                            \
    FLOATING("monthly_spend", "What the company pays in a month"),                                           \
    NUMBER("session_count", "Sessions of its people"),                                                       \
    NUMBER("user_count", "Its people, as far as Intercom knows them"),                                       \
    RECORD("plan", plan_columns, "What the company has booked", OR_IN("name")),                                             \
    JSON("custom_attributes", "Attributes defined in this workspace, by name"),                              \
    RECORD("tags", nested_tags, "Tags", OR_IN("tags")),                                                                     \
    RECORD("segments", held_segments_columns, "Segments", OR_IN("segments")),                                                   \
    RECORD("notes", notes_columns, "Notes", OR_IN("notes"))
/* clang-format on */

static const struct column company_columns[] = {
    COMPANY_COLUMNS(KEY("id", "Id given by Intercom"),
                    UPDATED_AT("When the company last changed: the version of the row")),
};

const struct column nested_company[] = {
    COMPANY_COLUMNS(TEXT("id", "Id given by Intercom"), TIME("updated_at", "When the company last changed")),
};

static const struct left_out companies_left_out[] = {{"last_request_at", NULL},
                                                     {"session_count", NULL},
                                                     {"segments.segments.count", NULL},
                                                     {"segments.segments.updated_at", NULL}};

const struct table intercom_companies =
    TABLE("companies", "Companies, one row for each version that was seen", company_columns, KEYS("id"),
          TIMES("updated_at"), .gone = &intercom_companies_deleted, .keeps_contents = true,
          LEFT_OUT(companies_left_out));

static const struct column segment_columns[] = {
    KEY("company_id", "Company that is in the segment: its id in the table companies"),
    VERSION("company_updated_at", "Version of the company that the set was read for: the version of the row"),
    SEGMENT_COLUMNS(KEY("id", "Id of the segment")),
};

static const struct left_out company_segments_left_out[] = {{"count", NULL}, {"updated_at", NULL}};

const struct table intercom_company_segments = TABLE(
    "company_segments", "Segments of companies: the whole set of a company for each version that was seen",
    segment_columns, KEYS("company_id", "id"), TIMES("company_updated_at"), .owner = &intercom_companies,
    .owner_key = "company_id", .keeps_contents = true, LEFT_OUT(company_segments_left_out));
