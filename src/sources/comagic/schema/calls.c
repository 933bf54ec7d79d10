/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - calls, and the legs that they are made of. */
#include "schema.h"

static const struct column employee_columns[] = {
    TEXT("employee_id", "Employee"),
    TEXT("employee_full_name", "Name of the employee, when the row was read"),
    FLAG("is_answered", "The employee picked up"),
    FLAG("is_talked", "The employee talked"),
};

static const struct column operation_columns[] = {
    TEXT("id", "Operation"),
    TEXT("name", "Its name, when the row was read"),
};

static const struct column call_columns[] = {
    KEY("id", "Id of the call session; call_session_id of its legs"),
    VERSION("start_time", "When it began: the version of the row"),
    TIME("finish_time", "When it ended"),
    TEXT("finish_reason", "Why it ended: subscriber_disconnects, operator_busy, ..."),
    TEXT("direction", "in or out"),
    TEXT("source", "How it came about: sip, call_tracking, sitephone, ..."),
    FLAG("is_lost", "No employee talked"),
    TEXT("cpn_region_id", "Region of the contact's number"),
    TEXT("cpn_region_name", "Its name"),
    TEXT("cpn_country_id", "Country of the contact's number"),
    TEXT("cpn_country_name", "Its name"),
    TEXT("contact_phone_number", "Number of the other side"),
    TEXT("virtual_phone_number", "Number of the account"),
    NUMBER("wait_duration", "Seconds until somebody answered"),
    NUMBER("total_wait_duration", "Seconds of waiting, with transfers"),
    NUMBER("talk_duration", "Seconds of talking"),
    NUMBER("clean_talk_duration", "Seconds of talking without waiting"),
    NUMBER("total_duration", "Seconds in all"),
    NUMBER("lost_call_processing_duration", "Seconds until somebody called back"),
    NUMBER("postprocess_duration", "Seconds of work after the call"),
    TEXTS("call_records", "Ids of recordings"),
    TEXTS("wav_call_records", "Ids of recordings as WAV"),
    TEXT("full_record_file_link", "Address of the whole recording"),
    TEXTS("voice_mail_records", "Ids of voice mails"),
    FLAG("is_transfer", "It was transferred"),
    RECORDS("employees", employee_columns, "Employees who took part"),
    TEXT("last_answered_employee_id", "Employee who picked up last"),
    TEXT("last_answered_employee_full_name", "Name of the employee"),
    NUMBER("last_answered_employee_rating", "How the other side rated the employee"),
    TEXT("first_answered_employee_id", "Employee who picked up first"),
    TEXT("first_answered_employee_full_name", "Name of the employee"),
    TEXT("last_talked_employee_id", "Employee who talked last"),
    TEXT("last_talked_employee_full_name", "Name of the employee"),
    TEXT("first_talked_employee_id", "Employee who talked first"),
    TEXT("first_talked_employee_full_name", "Name of the employee"),
    TEXT("operator_phone_number", "Number of the employee"),
    TEXT("scenario_id", "Scenario"),
    TEXT("scenario_name", "Its name, when the row was read"),
    RECORDS("scenario_operations", operation_columns, "Operations of the scenario that were run"),
    TEXT("auto_call_campaign_name", "Campaign of automatic calls"),
    TEXT("call_api_request_id", "Request of the Call API that began it"),
    TEXT("call_api_external_id", "Id that the request gave it"),
    TEXT("contact_id", "Contact of the address book"),
    TEXT("contact_full_name", "Name of the contact"),
    TEXT("properties", "Comment in a form for calling back"),
    TEXT("communication_id", "Id among all contacts: of communications and visits"),
    CONTACT_COLUMNS,
    SOURCE_COLUMNS,
    TEXT("ext_id", "Id given when it was uploaded"),
};

const struct table comagic_calls = REPORT_TABLE("calls", "Calls, one row for each content that was seen",
                                                call_columns, "start_time", KEYS("id"));

static const struct column leg_columns[] = {
    KEY("id", "Id of the leg"),
    VERSION("start_time", "When it began: the version of the row"),
    TEXT("call_session_id", "Call that it belongs to"),
    TEXTS("call_records", "Ids of recordings"),
    TEXTS("wav_call_records", "Ids of recordings as WAV"),
    TIME("connect_time", "When somebody picked up"),
    NUMBER("duration", "Seconds from picking up; 0: no answer"),
    NUMBER("total_duration", "Seconds with ringing"),
    TEXT("finish_reason", "Why it ended"),
    TEXT("finish_reason_description", "The same in words"),
    TEXT("virtual_phone_number", "Number of the account"),
    TEXT("calling_phone_number", "Number that called"),
    TEXT("called_phone_number", "Number that was called"),
    TEXT("direction", "in or out"),
    FLAG("is_transfered", "It was transferred"),
    FLAG("is_operator", "It is an employee's"),
    FLAG("is_coach", "Somebody listened in"),
    FLAG("is_failed", "It did not come about"),
    FLAG("is_talked", "Both sides talked"),
    TEXT("employee_id", "Employee"),
    TEXT("employee_full_name", "Name of the employee, when the row was read"),
    TEXT("employee_phone_number", "Number of the employee"),
    NUMBER("employee_rating", "How the other side rated the employee"),
    TEXT("scenario_id", "Scenario"),
    TEXT("scenario_name", "Its name, when the row was read"),
    TEXT("contact_id", "Contact of the address book"),
    TEXT("contact_full_name", "Name of the contact"),
    TEXT("contact_phone_number", "Number of the contact"),
    TEXT("action_id", "Action of the scenario"),
    TEXT("action_name", "Its name"),
    TEXT("group_id", "Group of employees"),
    TEXT("group_name", "Its name"),
};

const struct table comagic_call_legs =
    REPORT_TABLE("call_legs", "Legs of calls, one row for each content that was seen", leg_columns,
                 "start_time", KEYS("id"));

static const struct column charge_columns[] = {
    KEY("leg_id", "Leg that was charged"),
    VERSION("start_time", "When it began: the version of the row"),
    TEXT("direction", "in or out"),
    TEXT("source", "How it came about"),
    TEXT("call_session_id", "Call that it belongs to"),
    TEXT("calling_phone_number", "Number that called"),
    TEXT("called_phone_number", "Number that was called"),
    NUMBER("duration", "Seconds"),
    NUMBER("chargeable_duration", "Seconds that are charged"),
    TEXT("direction_type", "international, national, local or mobile"),
    FLOATING("cost_per_minute", "Price of a minute"),
    FLOATING("total_charge", "Price"),
    FLOATING("bonuses_charge", "Part of it that bonuses paid"),
};

const struct table comagic_financial_call_legs =
    REPORT_TABLE("financial_call_legs", "Costs of legs of calls, one row for each content that was seen",
                 charge_columns, "start_time", KEYS("leg_id"));
