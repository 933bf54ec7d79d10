/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - phone calls. */
#include "schema.h"

static const struct column call_columns[] = {
    TEXT("type", "Always \"call\""),
    KEY("id", "Id given by Intercom"),
    TEXT("conversation_id", "Conversation that the call belongs to"),
    TEXT("admin_id", "Admin who took part"),
    TEXT("contact_id", "Contact who took part"),
    TEXT("state", "How far it got: completed, ..."),
    TIME("initiated_at", "When it was begun"),
    TIME("answered_at", "When somebody answered"),
    TIME("ended_at", "When it ended"),
    TIME("created_at", "When the call was recorded in Intercom"),
    UPDATED_AT("When the call last changed: the version of the row"),
    TEXT("recording_url", "Address to fetch the recording from"),
    TEXT("transcription_url", "Address to fetch the transcript from"),
    TEXT("call_type", "By what it was made: phone, ..."),
    TEXT("direction", "inbound or outbound"),
    TEXT("ended_reason", "Why it ended"),
    TEXT("phone", "Phone number of the other side, in international form"),
    TEXT("fin_recording_url", "Address to fetch the AI agent's part of the recording from"),
    TEXT("fin_transcription_url", "Address to fetch the AI agent's part of the transcript from"),
};

const struct table intercom_calls =
    TABLE("calls", "Phone calls, one row for each version that was seen", call_columns, KEYS("id"),
          TIMES("updated_at"), .version_may_lack = true, .keeps_contents = true);
