/* SPDX-License-Identifier: Apache-2.0 */
/* contacts.c - contacts other than calls: chats, offline messages, goals; and all of them in one report. */
#include "schema.h"

static const struct column chat_columns[] = {
    KEY("id", "Id of the chat"),
    VERSION("date_time", "When it began: the version of the row"),
    TEXT("status", "new, active, lost, succeed or refused"),
    TEXT("initiator", "The side that began: operator, visitor, chatbot, ..."),
    NUMBER("duration", "Seconds"),
    NUMBER("answer_time", "Seconds until somebody answered"),
    TEXT("chat_ad_url", "Address of the advertisement"),
    TEXT("chat_channel_id", "Channel"),
    TEXT("chat_channel_type", "comagic, telegram, whatsapp, ..."),
    TEXT("chat_channel_name", "Its name, when the row was read"),
    TEXT("chat_user_id", "User of the messenger"),
    TEXT("chat_username", "Name of the user there"),
    NUMBER("messages_count", "Messages"),
    FLAG("is_group_chat", "A group's"),
    FLAG("is_transfer", "It was handed over"),
    TEXT("release_cause", "Why it ended"),
    TEXT("employee_id", "Employee"),
    TEXT("employee_full_name", "Name of the employee, when the row was read"),
    NUMBER("employee_raiting", "How the visitor rated the employee"),
    NUMBER("employee_messages_count", "Messages of the employee"),
    TEXT("visitor_phone_number", "Phone number"),
    TEXTS("visitor_ids", "Visitors"),
    TEXT("visitor_profile_url", "Profile of the visitor"),
    TEXT("communication_id", "Id among all contacts"),
    CONTACT_COLUMNS,
    SOURCE_COLUMNS,
    TEXT("ext_id", "Id given when it was uploaded"),
};

const struct table comagic_chats = REPORT_TABLE("chats", "Chats, one row for each content that was seen",
                                                chat_columns, "date_time", KEYS("id"));

static const struct column resource_columns[] = {
    NUMBER("size", "Bytes"),   TEXT("type", "Kind of file"),    TEXT("file_url", "Address"),
    TEXT("file_name", "Name"), TEXT("mime_type", "Media type"),
};

static const struct column message_columns[] = {
    KEY("chat_id", "Chat that it belongs to"),
    KEY("id", "Id of the message"),
    VERSION("date_time", "When it was sent: the version of the row"),
    TEXT("channel_id", "Channel"),
    TEXT("channel_type", "comagic, telegram, whatsapp, ..."),
    FLAG("is_group_chat", "In a group"),
    TEXT("visitor_id", "Visitor"),
    TEXT("text", "Text"),
    TEXT("source", "The author: system, operator, visitor, ..."),
    RECORD("resource", resource_columns, "File"),
    TEXT("employee_id", "Employee"),
    TEXT("employee_full_name", "Name of the employee, when the row was read"),
};

const struct table comagic_chat_messages =
    REPORT_TABLE("chat_messages", "Messages of chats, one row for each content that was seen",
                 message_columns, "date_time", KEYS("chat_id", "id"));

static const struct column offline_message_columns[] = {
    KEY("id", "Id of the message"),
    VERSION("date_time", "When it was sent: the version of the row"),
    TEXT("text", "Text"),
    TEXT("status", "processing, processed or not_processed"),
    TIME("process_time", "When it was processed"),
    TEXT("form_type", "Kind of form, in the account's language"),
    TEXT("form_name", "Name of the form, when the row was read"),
    TEXT("properties", "Other fields of the form"),
    FLAG("is_agree_to_process_personal_data", "Agreed that personal data are processed"),
    FLAG("is_agree_to_mailing", "Agreed to get mail"),
    TEXT("group_id", "Group of employees"),
    TEXT("group_name", "Its name, when the row was read"),
    TEXT("employee_id", "Employee"),
    TEXT("employee_full_name", "Name of the employee, when the row was read"),
    TEXT("employee_answer_message", "Answer"),
    TEXT("employee_comment", "Comment"),
    TEXT("visitor_phone_number", "Phone number"),
    TEXT("visitor_email", "E-mail address"),
    TEXT("visitor_name", "Name"),
    TEXT("communication_id", "Id among all contacts"),
    CONTACT_COLUMNS,
    SOURCE_COLUMNS,
    TEXT("ext_id", "Id given when it was uploaded"),
};

const struct table comagic_offline_messages =
    REPORT_TABLE("offline_messages", "Messages left in forms, one row for each content that was seen",
                 offline_message_columns, "date_time", KEYS("id"));

static const struct column goal_columns[] = {
    KEY("id", "Id of the goal, not of its being reached"),
    KEY("communication_id", "Id among all contacts"),
    VERSION("date_time", "When it was reached: the version of the row"),
    TEXT("name", "Name"),
    TEXT("type", "click, scroll, time_on_page, ..."),
    TEXT("source", "comagic, yandex.metrika or google.analytics"),
    CONTACT_COLUMNS,
    TEXT("ext_id", "Id given when it was uploaded"),
};

/* The visit is no part of the key: a goal belongs to one contact, and its visit may become known later. */
const struct table comagic_goals =
    REPORT_TABLE("goals", "Goals that visitors reached, one row for each content", goal_columns, "date_time",
                 KEYS("id", "communication_id"));

static const struct column communication_columns[] = {
    KEY("communication_type", "call, chat, offline_message or goal"),
    KEY("id", "The contact's communication_id"),
    VERSION("date_time", "When it began: the version of the row"),
    TEXT("utm_referrer", "Parameter utm_referrer"),
    TEXT("utm_expid", "Parameter utm_expid"),
    CONTACT_OF_ANY_KIND_COLUMNS,
    SOURCE_COLUMNS,
};

const struct table comagic_communications = REPORT_TABLE(
    "communications", "Contacts of every kind in one table, one row for each content that was seen",
    communication_columns, "date_time", KEYS("communication_type", "id"));
