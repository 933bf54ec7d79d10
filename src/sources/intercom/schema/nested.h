/* SPDX-License-Identifier: Apache-2.0 */
/* nested.h - records inside of records that tables of several files share.
 *
 * The sizes stand here so that COUNT works in each file. One that is too small does not compile; one that is
 * too large leaves a column without a name, which the test of the tables finds.
 */
#ifndef CASELOAD_SOURCES_INTERCOM_NESTED_H
#define CASELOAD_SOURCES_INTERCOM_NESTED_H

#include "schema.h"

extern const struct column nested_reference[2];   /* {type, id} */
extern const struct column nested_person[4];      /* who is not more than a name and an address */
extern const struct column nested_attachment[7];  /* a file */
extern const struct column nested_tags[2];        /* a list of tags, with who put them on */
extern const struct column nested_contact[3];     /* a user or lead */
extern const struct column nested_contacts[2];    /* a list of them */
extern const struct column nested_linked_list[4]; /* conversations and tickets that belong together */
extern const struct column nested_parts[2];       /* a list of parts, after the parts have left it */
extern const struct column nested_admin[13];      /* an admin inside of another record */
extern const struct column nested_company[20];    /* a company inside of another record */

/* clang-format off */
/* A segment's id is certain in a row, and not certain inside of another record. */
#define SEGMENT_COLUMNS(id)                                                                                  \
    TEXT("type", "Always \"segment\""),                                                                      \
    id,                                                                                                      \
    TEXT("name", "Name"),                                                                                    \
    TIME("created_at", "When the segment was created"),                                                      \
    TIME("updated_at", "When the segment last changed"),                                                     \
    TEXT("person_type", "Whom it holds: contact (leads) or user"),                                           \
    NUMBER("count", "How many it holds")

/* The parts of conversations and of tickets share these columns, their key and what their identity leaves out. */
#define PART_COLUMNS(whole, author_columns)                                                                  \
    KEY("id", "Id given by Intercom"),                                                                       \
    DAY("created_at", "When it was said: the day of the row"),                                               \
    UPDATED_AT("When the part last changed: the version of the row"),                             \
    RECORD("assigned_to", nested_reference, "Whom this part assigned the " whole " to", OR_IN("id")),                     \
    RECORD("author", author_columns, "Who said it"),                                                         \
    RECORDS("attachments", nested_attachment, "Files"),                                                      \
    TEXT("external_id", "Id given by the app that wrote it"),                                                \
    KEY_FLAG("redacted", "The part was redacted"),                                                           \
    TEXT("app_package_code", "App that wrote it"),                                                           \
    KEY(whole "_id", "Id of the " whole " that the part belongs to"),                                        \
    NUMBER("part_index", "Place in the " whole " when it was read; 0: the first message of a conversation")
#define PART_TABLE(whole, ...)                                                                               \
    TABLE(whole "_parts", "What was said and done in " whole "s, one row for each version that was seen",    \
          part_columns, KEYS(whole "_id", "id", "updated_at", "redacted"), .version = "updated_at",          \
          .day = "created_at", .day_is_fixed = true, .keeps_contents = true, LEFT_OUT(parts_left_out), __VA_ARGS__)
/* On the record that holds them. */
#define PARTS_SUMMARY(received)                                                                              \
    NUMBER("parts_received", received),                                                                      \
    FLAG("parts_truncated", "There are older parts, which Intercom does not give any more"),                 \
    NUMBER("parts_total", "Parts there are, as the list says")
/* clang-format on */

extern const struct left_out parts_left_out[1];

#endif
