/* SPDX-License-Identifier: Apache-2.0 */
/* nested.c - records inside of records that tables of several files share. */
#include "nested.h"

const struct column nested_reference[] = {
    TEXT("type", "Kind of object"),
    TEXT("id", "Its id"),
};

const struct column nested_person[] = {
    TEXT("type", "admin, bot, team or user"),
    TEXT("id", "Its id"),
    TEXT("name", "Name"),
    TEXT("email", "E-mail address"),
};

const struct column nested_attachment[] = {
    TEXT("type", "Kind of attachment"),
    TEXT("name", "File name"),
    TEXT("url", "Address of the file; signed, so it expires"),
    TEXT("content_type", "Media type"),
    NUMBER("filesize", "Bytes"),
    NUMBER("width", "Pixels"),
    NUMBER("height", "Pixels"),
};

static const struct column tag_columns[] = {
    TEXT("type", "Always \"tag\""),
    TEXT("id", "Id of the tag"),
    TEXT("name", "Name"),
    TIME("applied_at", "When it was put on"),
    RECORD("applied_by", nested_reference, "Who put it on", OR_IN("id")),
};

const struct column nested_tags[] = {
    TEXT("type", "Always \"tag.list\""),
    RECORDS("tags", tag_columns, "The tags", OR_FIELD("data")),
};

const struct column nested_contact[] = {
    TEXT("type", "Always \"contact\""),
    TEXT("id", "Id of the contact"),
    TEXT("external_id", "Id given by the app that created the contact"),
};

const struct column nested_contacts[] = {
    TEXT("type", "Always \"contact.list\""),
    RECORDS("contacts", nested_contact, "The contacts", OR_FIELD("data")),
};

static const struct column linked_columns[] = {
    TEXT("type", "ticket or conversation"),
    TEXT("id", "Its id"),
    TEXT("category", "Customer, Back-office or Tracker"),
};

const struct column nested_linked_list[] = {
    TEXT("type", "Always \"list\""),
    NUMBER("total_count", "How many there are"),
    FLAG("has_more", "There are more than data holds"),
    RECORDS("data", linked_columns, "Linked conversations and tickets"),
};

const struct column nested_parts[] = {
    TEXT("type", "Kind of list"),
    NUMBER("total_count", "Parts of the list, as it says itself"),
};

/* The place shifts when Intercom cuts off the oldest parts. */
const struct left_out parts_left_out[] = {{"part_index", NULL}};

const char *const intercom_file_hosts[] = {"intercomcdn.com",           "intercomcdn.eu",
                                           "intercomusercontent.com",   "intercom-attachments.com",
                                           "intercom-attachments.eu",   "intercom-attachments-#.com",
                                           "intercom-attachments-#.eu", NULL};
