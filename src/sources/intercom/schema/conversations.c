/* SPDX-License-Identifier: Apache-2.0 */
/* conversations.c - conversations, and what was said in them. */
#include "nested.h"

static const struct column author_columns[] = {
    TEXT("type", "user, lead, admin, bot or team"),
    TEXT("id", "Id of the author"),
    TEXT("name", "Name"),
    TEXT("email", "E-mail address"),
    FLAG("from_ai_agent", "The AI agent sent it"),
    FLAG("is_ai_answer", "The AI agent wrote it"),
};

static const struct column email_header_columns[] = {
    TEXT("type", "Which header: from, to, cc, ..."),
    TEXT("email_address", "E-mail address"),
    TEXT("name", "Name that goes with it"),
};

static const struct column email_columns[] = {
    TEXT("message_id", "Header Message-ID"),
    TEXT("subject", "Subject"),
    RECORDS("email_address_headers", email_header_columns, "From, to, cc, ..."),
    TEXT("history", "Quoted mails before this one"),
};

static const struct column teammates_columns[] = {
    TEXT("type", "Always \"admin.list\""),
    RECORDS("teammates", nested_reference, "The admins", OR_FIELD("admins")),
};

static const struct column rating_columns[] = {
    NUMBER("rating", "1 to 5"),
    TEXT("remark", "What the contact said with it"),
    TIME("created_at", "When the rating was asked for"),
    TIME("updated_at", "When the rating last changed"),
    RECORD("contact", nested_contact, "Who rated", OR_IN("id")),
    RECORD("teammate", nested_reference, "Who was rated", OR_IN("id")),
};

static const struct column recipient_columns[] = {
    TEXT("type", "to, cc or bcc"),
    TEXT("email", "E-mail address"),
    TEXT("drop_reason", "Why the recipient was left out"),
};

static const struct column reply_to_columns[] = {
    TEXT("email", "E-mail address"),
    TEXT("name", "Name that goes with it"),
};

static const struct column source_columns[] = {
    TEXT("type", "Where the conversation came from: conversation, email, ..."),
    TEXT("id", "Id of the message"),
    TEXT("delivered_as", "How the conversation began"),
    RECORDS("recipients", recipient_columns, "Recipients of a mail"),
    RECORDS("reply_to", reply_to_columns, "Where replies to a mail go"),
    TEXT("subject", "Subject, as plain text"),
    TEXT("body", "Text of the message, as plain text"),
    RECORD("author", author_columns, "Who said it"),
    RECORDS("attachments", nested_attachment, "Files"),
    TEXT("url", "Page on which the conversation began"),
    FLAG("redacted", "The message was redacted"),
    RECORD("email_message_metadata", email_columns, "Headers of a mail"),
};

static const struct column first_reply_columns[] = {
    TIME("created_at", "When"),
    TEXT("type", "By which channel"),
    TEXT("url", "On which page"),
};

static const struct column sla_columns[] = {
    TEXT("type", "Kind of object"),
    TEXT("sla_name", "Name of the agreement"),
    TEXT("sla_status", "hit, missed, cancelled or active"),
};

static const struct column team_time_columns[] = {
    TEXT("team_id", "Id of the team"),
    TEXT("team_name", "Name of the team"),
    NUMBER("response_time", "Seconds to the first response"),
};

static const struct column statistics_columns[] = {
    TEXT("type", "Always \"conversation_statistics\""),
    NUMBER("time_to_assignment", "Seconds to the last assignment before the first reply of an admin"),
    NUMBER("time_to_admin_reply", "Seconds to the first reply of an admin, in business hours"),
    NUMBER("time_to_first_close", "Seconds to the first closing, in business hours"),
    NUMBER("time_to_last_close", "Seconds to the last closing, in business hours"),
    NUMBER("median_time_to_reply", "Median of the seconds to replies of admins, in business hours"),
    TIME("first_contact_reply_at", "First text of a contact"),
    TIME("first_assignment_at", "First assignment after that"),
    TIME("first_admin_reply_at", "First reply of an admin after that"),
    TIME("first_close_at", "First closing after that"),
    TIME("last_assignment_at", "Last assignment"),
    TIME("last_assignment_admin_reply_at", "First reply of an admin after the last assignment"),
    TIME("last_contact_reply_at", "Last part by a contact"),
    TIME("last_admin_reply_at", "Last part by an admin"),
    TIME("last_close_at", "Last closing"),
    TEXT("last_closed_by_id", "Admin who closed last"),
    NUMBER("count_reopens", "How often it was opened again"),
    NUMBER("count_assignments", "How often it was assigned"),
    NUMBER("count_conversation_parts", "Parts there are"),
    RECORDS("assigned_team_first_response_time", team_time_columns, "By team"),
    RECORDS("assigned_team_first_response_time_in_office_hours", team_time_columns,
            "By team, in office hours"),
    NUMBER("handling_time", "Seconds from assignment to closing"),
    NUMBER("adjusted_handling_time", "Seconds of active work"),
};

static const struct column content_source_columns[] = {
    TEXT("content_type", "file, article, ..."),
    TEXT("url", "Address inside of Intercom"),
    TEXT("title", "Title"),
    TEXT("locale", "Language"),
};

static const struct column content_sources_columns[] = {
    TEXT("type", "Always \"content_source.list\""),
    NUMBER("total_count", "How many were used"),
    RECORDS("content_sources", content_source_columns, "What the answers rest on"),
};

static const struct column ai_agent_columns[] = {
    TEXT("source_type", "What called the AI agent"),
    TEXT("source_title", "Its title"),
    TEXT("last_answer_type", "ai_answer or custom_answer"),
    TEXT("resolution_state", "How it ended"),
    NUMBER("rating", "1 to 5"),
    TEXT("rating_remark", "What the contact said with it"),
    TIME("created_at", "When the rating was made"),
    TIME("updated_at", "When the rating last changed"),
    RECORD("content_sources", content_sources_columns, "What the answers rest on"),
};

static const struct column sales_agent_columns[] = {
    TEXT("outcome", "How it ended"),
    TEXT("routing_outcome", "Outcome that the workspace defined"),
    JSON("collected_data", "Data that the agent collected, by name"),
};

static const struct column channel_columns[] = {
    TEXT("initial", "Channel by which it began"),
    TEXT("current", "Channel it is on now"),
};

/* Only there if they are asked for. */
static const struct column evaluation_columns[] = {
    TEXT("monitor_id", "Id of the monitor"),  TEXT("monitor_name", "Its name"),
    TEXT("monitor_type", "Its type"),         TEXT("result", "What it found"),
    TEXT("explanation", "Why it found that"), TIME("evaluated_at", "When it looked"),
};

static const struct column reviewee_columns[] = {
    TEXT("type", "ai or admin"),
    TEXT("admin_id", "Id of the admin"),
};

static const struct column verdict_columns[] = {
    TEXT("value", "Chosen label: pass, fail, ..."),
    TEXT("source", "Origin of the choice: ai, human, ..."),
    TEXT("reasoning", "Why, in words"),
    TEXTS("reason_ids", "Why, as ids of prepared reasons"),
    TEXT("other_text", "What the reviewer added"),
};

static const struct column evaluator_columns[] = {
    TEXT("evaluator_id", "Id of the criterion"),
    RECORD("result", verdict_columns, "How the conversation meets it"),
};

static const struct column scorecard_columns[] = {
    TEXT("scorecard_id", "Id of the scorecard"),
    TEXT("scorecard_version_id", "Id of the version that was used"),
    TEXT("name", "Its name"),
    TEXT("scorecard_type", "Its type"),
    FLAG("passed", "The conversation is good enough"),
    FLOATING("score", "Score"),
    FLOATING("ai_score", "Score given by the AI"),
    TIME("evaluated_at", "When it was last filled in"),
    RECORD("reviewed_teammate", reviewee_columns, "Whose work it is about"),
    RECORDS("evaluators", evaluator_columns, "One entry for each criterion"),
};

static const struct column conversation_columns[] = {
    TEXT("type", "Always \"conversation\""),
    KEY("id", "Id given by Intercom"),
    TIME("created_at", "When the conversation began"),
    UPDATED_AT("When the conversation last changed: the version of the row"),
    TIME("waiting_since", "Since when a contact waits for an answer"),
    TIME("snoozed_until", "When it is opened again"),
    RECORD("source", source_columns, "The first message; also part 0 of the conversation's parts"),
    RECORD("contacts", nested_contacts, "Users and leads who take part", OR_IN("contacts")),
    RECORD("first_contact_reply", first_reply_columns, "First reply of a contact"),
    TEXT("admin_assignee_id", "Admin it is assigned to; \"0\": none"),
    TEXT("team_assignee_id", "Team it is assigned to; \"0\": none"),
    FLAG("open", "It is open"),
    TEXT("state", "open, closed or snoozed"),
    FLAG("read", "It was read"),
    RECORD("tags", nested_tags, "Tags", OR_IN("tags")),
    TEXT("priority", "none, low, medium, high or urgent; before 2.16 priority or not_priority"),
    RECORD("sla_applied", sla_columns, "Service level agreement"),
    RECORD("statistics", statistics_columns, "Figures"),
    RECORD("conversation_rating", rating_columns, "What the contact thinks of it"),
    RECORD("teammates", teammates_columns, "Admins who took part", OR_IN("teammates")),
    TEXT("title", "Title"),
    JSON("custom_attributes", "Attributes defined in this workspace, by name"),
    JSON("topics", "Topics"),
    JSON("ticket", "The ticket, if it is one"),
    RECORD("linked_objects", nested_linked_list, "Linked conversations and tickets", OR_IN("data")),
    RECORD("ai_agent", ai_agent_columns, "What the AI agent did"),
    FLAG("ai_agent_participated", "The AI agent took part"),
    RECORD("sales_agent", sales_agent_columns, "What the sales agent did"),
    FLAG("sales_agent_participated", "The sales agent took part"),
    RECORD("channel", channel_columns, "Channel"),
    RECORD("company", nested_company, "Company of the contact", OR_IN("id")),
    RECORDS("external_references", nested_reference, "The same in other systems"),
    RECORDS("monitor_evaluations", evaluation_columns, "Findings of monitors; Intercom sends them on demand"),
    RECORDS("scorecards", scorecard_columns, "Marks for its quality; Intercom sends them on demand"),
    RECORD("conversation_parts", nested_parts, "The list of parts, without the parts"),
    PARTS_SUMMARY("Parts that came with this version, the first message not counted"),
    NUMBER("parts_missing", "Parts there are by the statistics, less those received; else than 0: look"),
};

static const struct column part_tag_columns[] = {
    TEXT("type", "Always \"tag\""),
    TEXT("id", "Id of the tag"),
    TEXT("name", "Name"),
};

static const struct column part_columns[] = {
    TEXT("type", "\"conversation_part\"; absent for the first message"),
    TEXT("part_type", "comment, note, assignment, close, ...; source: the first message"),
    TEXT("body", "Text of the message, as plain text"),
    PART_COLUMNS("conversation", author_columns),
    TIME("notified_at", "When the contact was notified of it"),
    RECORD("email_message_metadata", email_columns, "Headers of a mail"),
    JSON("metadata", "Quick replies"),
    TEXT("state", "State of the conversation when it was said"),
    RECORDS("tags", part_tag_columns, "Tags"),
    JSON("event_details", "Details of the event, if the part is not a message"),
};

/* From API 2.15 on the whole company comes along, with its counters. */
static const struct left_out conversations_left_out[] = {{"company", "id"}};

const struct table intercom_conversations =
    TABLE("conversations", "Conversations, one row for each version that was seen", conversation_columns,
          KEYS("id"), TIMES("updated_at"), .gone = &intercom_conversations_deleted, .keeps_contents = true,
          LEFT_OUT(conversations_left_out));

const struct table intercom_conversation_parts =
    PART_TABLE("conversation", .parent = &intercom_conversations, .parent_key = "conversation_id");

static const struct column handling_columns[] = {
    KEY("conversation_id", "Conversation that was handled"),
    VERSION("timestamp", "When it happened: the version of the row"),
    KEY("type", "paused or resumed"),
    RECORD("teammate", nested_person, "Who handled the conversation"),
    TEXT("reason", "Why"),
};

const struct table intercom_handling_events =
    TABLE("handling_events", "When work on conversations was paused and taken up again", handling_columns,
          KEYS("conversation_id", "timestamp", "type"), TIMES("timestamp"), .day_is_fixed = true,
          .is_named_by_version = true, .parent = &intercom_conversations, .parent_key = "conversation_id");

static const struct column deletion_columns[] = {
    TEXT("type", "Always \"conversation\""),
    KEY("id", "Id that the conversation had"),
    FLAG("metrics_retained", "Reports still count it"),
    VERSION("deleted_at", "When the conversation was deleted: the version of the row"),
};

const struct table intercom_deleted_conversations =
    TABLE("deleted_conversations", "Deletions of conversations, as Intercom lists them", deletion_columns,
          KEYS("id"), TIMES("deleted_at"));

static const struct column option_columns[] = {
    TEXT("id", "Id of the option"),
    TEXT("label", "What people read"),
    FLAG("archived", "It can't be chosen any more"),
};

static const struct column target_columns[] = {
    TEXT("type", "one or many"),
    TEXT("object_type_id", "Type of the objects"),
};

static const struct column attribute_columns[] = {
    TEXT("type", "Always \"conversation_attribute\""),
    KEY("id", "Id given by Intercom; of a built-in one its full name", OR_FIELD("full_name", "name")),
    TEXT("name", "Name, as custom_attributes of a conversation has it"),
    TEXT("full_name", "Path to the value within a record (before 2.16)"),
    TEXT("label", "Name that admins see (before 2.16)"),
    TEXT("description", "What it is for"),
    TEXT("data_type", "string, integer, list, decimal, boolean, datetime, relationship or files"),
    FLAG("required", "It must be filled in"),
    TEXTS("visible_to_team_ids", "Teams that see it; none: all do"),
    FLAG("archived", "It is not used any more"),
    TIME("created_at", "When the attribute was created"),
    TIME("updated_at", "When the attribute last changed"),
    TEXT("admin_id", "Admin who created it"),
    FLAG("multiline", "A text of several lines"),
    FLAG("custom", "Defined in this workspace, not built in (before 2.16)"),
    RECORDS("options", option_columns, "What can be chosen from a list", OR_IN("label")),
    RECORD("reference", target_columns, "What a relationship leads to"),
};

const struct table intercom_conversation_attributes = TABLE(
    "conversation_attributes", "Attributes of conversations: the whole list, once on each day it was read",
    attribute_columns, KEYS("id"));
