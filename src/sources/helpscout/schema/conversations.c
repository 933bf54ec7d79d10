/* SPDX-License-Identifier: Apache-2.0 */
/* conversations.c - conversations, their threads, and the ratings of answers. */
#include "nested.h"

static const struct column waiting_columns[] = {
    TIME("time", "Since when"),
    TEXT("friendly", "The same in words, at the time of reading"),
    TEXT("latest_reply_from", "Who wrote last", FROM("latestReplyFrom")),
};

static const struct column tag_columns[] = {
    TEXT("id", "Id of the tag"),
    TEXT("color", "Its color"),
    TEXT("tag", "Its name"),
};

static const struct column custom_field_columns[] = {
    TEXT("id", "Id of the field, see mailbox_fields"),
    TEXT("name", "Its name"),
    TEXT("value", "The value; of a dropdown the id of the option"),
    TEXT("text", "The value for people; of a dropdown the label of the option"),
};

static const struct column snooze_columns[] = {
    TEXT("snoozed_by", "User who snoozed it", FROM("snoozedBy")),
    TIME("snoozed_until", "Until when", FROM("snoozedUntil")),
    FLAG("unsnooze_on_customer_reply", "A reply of the customer ends it", FROM("unsnoozeOnCustomerReply")),
};

static const struct column event_columns[] = {
    TIME("time", "When it will happen"),
    TEXT("event_type", "What will happen", FROM("eventType")),
    TEXT("user_id", "User who planned it", FROM("userId")),
    FLAG("cancel_on_customer_reply", "A reply of the customer cancels it", FROM("cancelOnCustomerReply")),
};

static const struct column conversation_columns[] = {
    KEY("id", "Id given by Help Scout"),
    VERSION(
        "modified_day",
        "Start of the local day on which it last changed: the version of the row. Help Scout filters by that "
        "time, and does not send it",
        FROM(MODIFIED_DAY)),
    NUMBER("number", "The number that people see"),
    NUMBER("threads", "Published threads, without line items and drafts"),
    TEXT("type", "email, chat or phone"),
    TEXT("folder_id", "Folder, see mailbox_folders", FROM("folderId")),
    TEXT("mailbox_id", "Mailbox", FROM("mailboxId")),
    TEXT("status", "active, closed, open, pending or spam"),
    TEXT("state", "published, draft or deleted"),
    TEXT("subject", "Subject"),
    TEXT("preview", "Beginning of the newest message"),
    RECORD("assignee", helpscout_person, "User or team it is assigned to"),
    RECORD("created_by", helpscout_person, "Who began it", FROM("createdBy")),
    RECORD("primary_customer", helpscout_person, "Customer it is with", FROM("primaryCustomer")),
    RECORD("closed_by_user", helpscout_person, "Who closed it", FROM("closedByUser")),
    CREATED_AT("When it began"),
    TIME("closed_at", "When it was last closed", FROM("closedAt")),
    TIME("user_updated_at", "When a person last touched it", FROM("userUpdatedAt")),
    TIME("modified_at", "When it last changed, if Help Scout says so", FROM("modifiedAt")),
    TEXT("closed_by", "User who closed it; 0: none, or the system", FROM("closedBy")),
    RECORD("customer_waiting_since", waiting_columns, "Since when the customer waits",
           FROM("customerWaitingSince")),
    RECORD("source", helpscout_origin, "How it came"),
    RECORDS("tags", tag_columns, "Tags"),
    TEXTS("cc", "Addresses in Cc"),
    TEXTS("bcc", "Addresses in Bcc"),
    RECORDS("custom_fields", custom_field_columns, "Custom fields of the mailbox", FROM("customFields")),
    RECORD("snooze", snooze_columns, "It is snoozed"),
    RECORD("next_event", event_columns, "What is planned for it", FROM("nextEvent")),
};

static const struct left_out conversations_left_out[] = {
    {"customerWaitingSince.friendly", NULL}, {"assignee.photoUrl", NULL},     {"createdBy.photoUrl", NULL},
    {"primaryCustomer.photoUrl", NULL},      {"closedByUser.photoUrl", NULL},
};

const struct table helpscout_conversations =
    TABLE("conversations",
          "Conversations, one row for each day on which they changed and each content that was seen",
          conversation_columns, KEYS("id"), TIMES("modified_day"), .keeps_contents = true,
          .gone = &helpscout_conversations_deleted, LEFT_OUT(conversations_left_out));

/* --- threads --- */

static const struct column action_columns[] = {
    TEXT("type", "What was done"),
    TEXT("text", "The same in words"),
    JSON("associated_entities", "Things it was done with, by kind", FROM("associatedEntities")),
};

static const struct column attachment_columns[] = {
    TEXT("id", "Id of the attachment"),
    TEXT("filename", "File name"),
    TEXT("mime_type", "Media type", FROM("mimeType")),
    NUMBER("width", "Pixels"),
    NUMBER("height", "Pixels"),
    NUMBER("size", "Bytes"),
    TEXT("state", "State of the file"),
};

static const struct column thread_rating_columns[] = {
    TEXT("customer_id", "Who rated", FROM("customerId")),
    TEXT("rating", "The grade"),
    TEXT("comments", "What the customer wrote"),
};

static const struct column thread_columns[] = {
    KEY("conversation_id", "Id of the conversation that the thread belongs to", FROM("conversationId")),
    KEY("id", "Id of the thread, unique in its conversation"),
    DAY("created_at", "When it was written: the version and the day of the row", FROM("createdAt")),
    TEXT("type", "customer, message, note, reply, phone, chat, beaconchat, lineitem, ..."),
    TEXT("status", "Status that the conversation had then"),
    TEXT("state", "published, draft, hidden or underreview"),
    RECORD("action", action_columns, "What a line item did"),
    TEXT("body", "Text as HTML"),
    RECORD("source", helpscout_origin, "How it came"),
    RECORD("customer", helpscout_person, "Customer"),
    RECORD("created_by", helpscout_person, "Who wrote it", FROM("createdBy")),
    RECORD("assigned_to", helpscout_person, "Whom the conversation was assigned to", FROM("assignedTo")),
    TEXT("saved_reply_id", "Saved reply it was made of; 0: none", FROM("savedReplyId")),
    TEXTS("to", "Addresses it went to"),
    TEXTS("cc", "Addresses in Cc"),
    TEXTS("bcc", "Addresses in Bcc"),
    TIME("opened_at", "When the mail was opened", FROM("openedAt")),
    RECORD("rating", thread_rating_columns, "How the customer rated it"),
    TEXT("linked_conversation_id", "Conversation that it leads to", FROM("linkedConversationId")),
    RECORDS("attachments", attachment_columns, "Files"),
};

static const struct left_out threads_left_out[] = {
    {"customer.photoUrl", NULL}, {"createdBy.photoUrl", NULL}, {"assignedTo.photoUrl", NULL}};

const struct table helpscout_conversation_threads =
    TABLE("conversation_threads", "Threads of conversations, one row for each content that was seen",
          thread_columns, KEYS("conversation_id", "id"), TIMES("created_at"), .day_is_fixed = true,
          .parent = &helpscout_conversations, .parent_key = "conversation_id", .keeps_contents = true,
          LEFT_OUT(threads_left_out));

/* --- ratings --- */

static const struct column rating_columns[] = {
    KEY("conversation_id", "Id of the conversation", FROM("id")),
    KEY("thread_id", "Id of the thread that was rated", FROM("threadid")),
    KEY("rating_customer_id", "Who rated", FROM("ratingCustomerId")),
    VERSION("rating_created_at", "When it was rated: the version of the row", FROM("ratingCreatedAt")),
    NUMBER("number", "Number of the conversation"),
    TIME("thread_created_at", "When the thread was written", FROM("threadCreatedAt")),
    TEXT("type", "Kind of conversation"),
    TEXT("rating_id", "The grade: 1 great, 2 okay, 3 not good", FROM("ratingId")),
    TEXT("rating_comments", "What the customer wrote", FROM("ratingComments")),
    TEXT("rating_customer_name", "Name of the customer", FROM("ratingCustomerName")),
    TEXT("rating_user_id", "User who was rated", FROM("ratingUserId")),
    TEXT("rating_user_name", "Name of the user", FROM("ratingUserName")),
};

const struct table helpscout_happiness_ratings =
    TABLE("happiness_ratings", "How customers rated answers", rating_columns,
          KEYS("conversation_id", "thread_id", "rating_customer_id"), TIMES("rating_created_at"),
          .keeps_contents = true);
