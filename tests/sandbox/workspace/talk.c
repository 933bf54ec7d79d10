/* SPDX-License-Identifier: Apache-2.0 */
/* talk.c - what a version of a conversation says, and what was said in it.
 *
 * Everything follows from the seed, the conversation's number and the times of its versions. Each version
 * after the first adds a part; some edit an earlier one, which moves its updated_at, and some redact one,
 * which does not. Parts of an answer are cut to the newest, as the real ones are.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "workspace/records.h"

#define PART_IDS INT64_C(100000) /* ids of parts a conversation may have */

static const struct version *version_at(const struct talk *talk, uint32_t version)
{
    const struct record *record = talk->record;
    return version < record->past_count ? &record->past[version] : &record->newest;
}

static struct dice dice_of(const struct talk *talk, uint64_t salt)
{
    return (struct dice){.state = talk->seed ^ mix(talk->sequence * UINT64_C(1000003) + salt)};
}

/* --- parts: how many, and what became of each --- */

int64_t talk_count(const struct talk *talk)
{
    return (int64_t)talk->parts + talk->version;
}

enum change { CHANGE_NOTHING, CHANGE_EDIT, CHANGE_REDACT, CHANGE_REDACT_SOURCE, CHANGES };

/* What version `version` (from 1) does to an earlier part. */
static enum change change_of(const struct talk *talk, uint32_t version, int64_t *out_part)
{
    struct dice dice = dice_of(talk, UINT64_C(7) << 32 | version);
    uint32_t before = talk->parts + version - 1;
    enum change change = (enum change)roll(&dice, CHANGES);
    *out_part = before ? (int64_t)roll(&dice, before) : -1;
    return *out_part < 0 && change != CHANGE_REDACT_SOURCE ? CHANGE_NOTHING : change;
}

struct part_state talk_part_state(const struct talk *talk, int64_t part, uint32_t version)
{
    uint32_t born = part < (int64_t)talk->parts ? 0 : (uint32_t)(part - talk->parts) + 1;
    struct part_state state = {.revision = part < 0 ? 0 : born};
    for (uint32_t v = born + 1; v <= version; v++) {
        int64_t target;
        enum change change = change_of(talk, v, &target);
        if (part < 0) {
            state.redacted = state.redacted || change == CHANGE_REDACT_SOURCE;
        } else if (target == part) {
            if (change == CHANGE_EDIT) state.revision = v;
            state.redacted = state.redacted || change == CHANGE_REDACT;
        }
    }
    return state;
}

static int64_t part_created_s(const struct talk *talk, int64_t part)
{
    int64_t first_s = version_at(talk, 0)->updated_s, created_s = talk->record->created_s;
    if (part >= (int64_t)talk->parts) return version_at(talk, (uint32_t)(part - talk->parts) + 1)->updated_s;
    return part < 0 ? created_s : created_s + (first_s - created_s) * (part + 1) / (talk->parts + 1);
}

int64_t talk_part_updated_s(const struct talk *talk, int64_t part, uint32_t revision)
{
    bool edited = revision > 0 && part >= 0;
    return edited ? version_at(talk, revision)->updated_s : part_created_s(talk, part);
}

void talk_part_id(const struct talk *talk, int64_t part, char out_id[RECORD_ID])
{
    snprintf(out_id, RECORD_ID, "%" PRId64, (int64_t)(talk->sequence + 1) * PART_IDS + part + 1);
}

int64_t talk_part_of(const struct talk *talk, const char *id)
{
    char own[RECORD_ID];
    int64_t part = strtoll(id, NULL, 10) % PART_IDS - 1; /* checked just below */
    talk_part_id(talk, part, own);
    return part >= -1 && part < talk_count(talk) && strcmp(own, id) == 0 ? part : -2;
}

/* --- writing --- */

static void put_body(struct buf *out, const struct talk *talk, int64_t part, uint32_t revision, bool plain)
{
    static const char *const pieces[] = {"The answer is 42. ",
                                         "Größe? “ja” ",
                                         "नमस्ते 🧵 ",
                                         "a \\\\ b \\\"c\\\" ",
                                         "line\\nline ",
                                         "a < b ",
                                         "السلام "};
    struct dice dice = dice_of(talk, UINT64_C(11) << 40 | (uint64_t)(part + 1) << 20 | revision);
    uint32_t size = talk->body_bytes / 2 + roll(&dice, talk->body_bytes / 2 + 1);
    put_name(out, "body");
    buf_text(out, plain ? "\"" : "\"<p>");
    size_t begin = out->size;
    do {
        if (!buf_text(out, pieces[roll(&dice, sizeof pieces / sizeof *pieces)])) break;
    } while (out->size - begin < size);
    buf_text(out, plain ? "\"" : "</p>\"");
}

static void put_author(struct buf *out, const struct talk *talk, struct dice *dice)
{
    static const char *const kinds[] = {"user", "lead", "admin", "bot"};
    uint32_t kind = roll(dice, 4);
    put_open(out, "author", '{');
    put_text(out, "type", kinds[kind]);
    put_format(out, "id", "%u", 1000 + roll(dice, 9000));
    put_text(out, "name", roll(dice, 5) ? "Zoë 🦊 Müller" : NULL);
    put_format(out, "email", "who%u@example.com", (unsigned)talk->sequence);
    if (kind == 3) {
        put_bool(out, "from_ai_agent", true);
        put_bool(out, "is_ai_answer", roll(dice, 2));
    }
    buf_byte(out, '}');
}

static void put_attachments(struct buf *out, struct dice *dice)
{
    put_open(out, "attachments", '[');
    for (uint32_t i = roll(dice, 4) ? 0 : 1 + roll(dice, 2); i > 0; i--) {
        put_open(out, NULL, '{');
        put_text(out, "type", "upload");
        put_format(out, "name", "файл-%u.png", i);
        put_format(out, "url", "https://example.com/f/%u?sig=a%%2Fb", roll(dice, 1000000));
        put_text(out, "content_type", "image/png");
        put_integer(out, "filesize", roll(dice, 1000000));
        put_integer(out, "width", 640);
        if (roll(dice, 9) == 0)
            put_text(out, "height", "auto"); /* documented as a number */
        else
            put_integer(out, "height", 480);
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
}

static void put_email(struct buf *out, struct dice *dice)
{
    if (roll(dice, 6)) {
        put_text(out, "email_message_metadata", NULL);
        return;
    }
    put_open(out, "email_message_metadata", '{');
    put_text(out, "subject", "Re: Größe");
    put_open(out, "email_address_headers", '[');
    put_open(out, NULL, '{');
    put_text(out, "type", "from");
    put_text(out, "email_address", "a@example.com");
    put_text(out, "name", roll(dice, 2) ? "Ada" : NULL);
    buf_text(out, "}]}");
}

/* The members that a message and a part share; part -1 is the first message. */
static void put_said(struct buf *out, const struct talk *talk, int64_t part, struct part_state state,
                     bool plain)
{
    struct dice dice = dice_of(talk, UINT64_C(13) << 40 | (uint64_t)(part + 1) << 20 | state.revision);
    if (state.redacted)
        put_text(out, "body", NULL);
    else
        put_body(out, talk, part, state.revision, plain);
    put_author(out, talk, &dice);
    put_attachments(out, &dice);
    put_email(out, &dice);
    put_bool(out, "redacted", state.redacted);
}

static void put_part_rest(struct buf *out, struct dice *dice)
{
    static const char *const states[] = {"open", "closed", "snoozed"};
    put_text(out, "external_id", roll(dice, 3) ? NULL : "ext-1");
    put_text(out, "state", states[roll(dice, 3)]);
    put_open(out, "tags", '[');
    if (roll(dice, 5) == 0) {
        put_open(out, NULL, '{');
        put_text(out, "type", "tag");
        put_format(out, "id", "%u", roll(dice, 100));
        put_text(out, "name", "urgent");
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
    if (roll(dice, 4) == 0) {
        put_word(out, "event_details",
                 "{\"attribute\":{\"name\":\"plan.tier\"},\"value\":{\"name\":\"gold\",\"previous\":null}}");
        put_text(out, "app_package_code", "shop-app");
    } else {
        put_text(out, "event_details", NULL);
        put_text(out, "app_package_code", NULL);
    }
    if (roll(dice, 11) == 0) put_integer(out, "sentiment", roll(dice, 100)); /* no schema knows it */
}

void talk_write_part(const struct talk *talk, int64_t part, struct part_state state, bool row,
                     struct buf *out)
{
    static const char *const types[] = {"comment", "note", "assignment", "close", "custom_action_started"};
    struct dice dice = dice_of(talk, UINT64_C(17) << 40 | (uint64_t)(part + 1));
    char id[RECORD_ID];
    talk_part_id(talk, part, id);
    buf_byte(out, '{');
    if (part >= 0) put_text(out, "type", "conversation_part");
    if (talk->sequence % 3 || part < 0)
        put_text(out, "id", id);
    else
        put_word(out, "id", id); /* a number, as the live service sends it at times */
    put_text(out, "part_type", part < 0 ? "source" : types[roll(&dice, 5)]);
    put_integer(out, "created_at", part_created_s(talk, part));
    put_integer(out, "updated_at", talk_part_updated_s(talk, part, state.revision));
    put_said(out, talk, part, state, true);
    if (part >= 0) {
        put_integer(out, "notified_at", part_created_s(talk, part));
        put_word(out, "assigned_to", roll(&dice, 3) ? "null" : "{\"type\":\"admin\",\"id\":\"7001\"}");
        put_part_rest(out, &dice);
    }
    if (row) {
        put_text(out, "conversation_id", talk->id);
        put_integer(out, "part_index", part + 1);
    }
    buf_byte(out, '}');
}

static void put_source(struct buf *out, const struct talk *talk, bool plain)
{
    char id[RECORD_ID];
    talk_part_id(talk, -1, id);
    put_open(out, "source", '{');
    put_text(out, "type", "conversation");
    put_text(out, "id", id);
    put_text(out, "delivered_as", "customer_initiated");
    put_text(out, "subject", "");
    put_said(out, talk, -1, talk_part_state(talk, -1, talk->version), plain);
    put_text(out, "url", talk->sequence % 2 ? NULL : "https://example.com/shop?q=1");
    buf_byte(out, '}');
}

static void put_statistics(struct buf *out, const struct talk *talk, struct dice *dice)
{
    put_open(out, "statistics", '{');
    put_text(out, "type", "conversation_statistics");
    put_integer(out, "time_to_assignment", roll(dice, 10000));
    put_integer(out, "first_contact_reply_at", talk->record->created_s);
    put_time(out, "last_close_at", dice, talk->record->created_s);
    put_integer(out, "last_closed_by_id", roll(dice, 10000)); /* documented as text */
    put_integer(out, "count_conversation_parts", talk_count(talk));
    put_word(out, "assigned_team_first_response_time",
             "[{\"team_id\":5,\"team_name\":\"Support\",\"response_time\":77}]");
    buf_byte(out, '}');
}

static void put_people(struct buf *out, const struct talk *talk, struct dice *dice)
{
    put_open(out, "contacts", '{');
    put_text(out, "type", "contact.list");
    put_open(out, "contacts", '[');
    put_open(out, NULL, '{');
    put_text(out, "type", "contact");
    put_format(out, "id", "%024u", (unsigned)talk->sequence);
    put_text(out, "external_id", roll(dice, 2) ? "70" : NULL);
    buf_text(out, "}]}");
    put_integer(out, "admin_assignee_id", roll(dice, 3) ? roll(dice, 100000) : 0);
    if (roll(dice, 5))
        put_integer(out, "team_assignee_id", 0);
    else
        put_text(out, "team_assignee_id", NULL);
    put_open(out, "company", '{');
    put_text(out, "type", "company");
    put_text(out, "id", "6762f1");
    put_text(out, "company_id", roll(dice, 2) ? "acme" : NULL);
    put_text(out, "name", "ACME, “Inc.”");
    put_word(out, "plan", "{\"name\":\"gold\",\"seats\":3}");
    buf_byte(out, '}');
    put_open(out, "tags", '{');
    put_text(out, "type", "tag.list");
    put_open(out, "tags", '[');
    for (uint32_t i = roll(dice, 3); i > 0; i--) {
        put_open(out, NULL, '{');
        put_text(out, "type", "tag");
        put_format(out, "id", "%u", roll(dice, 1000));
        put_text(out, "name", "Größe");
        put_integer(out, "applied_at", talk->record->created_s);
        put_word(out, "applied_by", "{\"type\":\"admin\",\"id\":\"7001\"}");
        buf_byte(out, '}');
    }
    buf_text(out, "]}");
}

static void put_outcome(struct buf *out, const struct talk *talk, struct dice *dice)
{
    if (roll(dice, 3)) {
        put_text(out, "conversation_rating", NULL);
    } else {
        put_open(out, "conversation_rating", '{');
        put_integer(out, "rating", 1 + roll(dice, 5));
        put_text(out, "remark", roll(dice, 2) ? "👍 sehr gut" : "");
        put_integer(out, "created_at", talk->record->created_s);
        put_word(out, "contact", "{\"type\":\"contact\",\"id\":\"c1\",\"external_id\":null}");
        put_word(out, "teammate", "{\"type\":\"admin\",\"id\":7001}");
        buf_byte(out, '}');
    }
    put_text(out, "title", roll(dice, 2) ? "  “Título” " : NULL);
    put_open(out, "custom_attributes", '{');
    put_text(out, "Ticket.type", roll(dice, 2) ? "bug" : NULL);
    put_integer(out, "количество", roll(dice, 1000));
    buf_byte(out, '}');
    put_word(out, "topics", "{}");
    put_text(out, "ticket", NULL);
    put_word(out, "linked_objects", "{\"type\":\"list\",\"data\":[],\"total_count\":0,\"has_more\":false}");
    put_bool(out, "ai_agent_participated", roll(dice, 2));
    if (roll(dice, 4))
        put_text(out, "sales_agent", NULL);
    else
        put_word(out, "sales_agent", "{\"outcome\":\"qualified\",\"collected_data\":{\"a.b\":[1,null]}}");
    put_word(out, "channel", "{\"initial\":\"messenger\",\"current\":\"email\"}");
    if (roll(dice, 8) == 0)
        put_word(out, "monitor_evaluations", "[{\"monitor_id\":\"m1\",\"result\":\"ok\"}]");
}

/* The list of parts; a row of the warehouse has what describes it instead. */
static void put_parts(struct buf *out, const struct talk *talk, enum talk_form form)
{
    int64_t count = talk_count(talk), cut = count > TALK_MOST_PARTS ? count - TALK_MOST_PARTS : 0;
    put_open(out, "conversation_parts", '{');
    put_text(out, "type", "conversation_part.list");
    if (form != TALK_ROW) {
        put_open(out, "conversation_parts", '[');
        for (int64_t part = cut; part < count; part++) {
            put_name(out, NULL);
            talk_write_part(talk, part, talk_part_state(talk, part, talk->version), false, out);
        }
        buf_byte(out, ']');
    }
    put_integer(out, "total_count", count);
    buf_byte(out, '}');
    if (form != TALK_ROW) return;
    put_integer(out, "parts_received", count - cut);
    put_bool(out, "parts_truncated", count >= TALK_MOST_PARTS);
    put_integer(out, "parts_total", count);
    put_integer(out, "parts_missing", cut);
}

void talk_write(const struct talk *talk, enum talk_form form, struct buf *out)
{
    static const char *const states[] = {"open", "closed", "snoozed"};
    static const char *const priorities[] = {"none", "low", "medium", "high", "urgent"};
    struct dice dice = dice_of(talk, UINT64_C(3) << 32 | talk->version);
    bool plain = form == TALK_PLAIN || form == TALK_ROW;
    buf_byte(out, '{');
    put_text(out, "type", "conversation");
    put_text(out, "id", talk->id);
    put_integer(out, "created_at", talk->record->created_s);
    put_integer(out, "updated_at", version_at(talk, talk->version)->updated_s);
    put_time(out, "waiting_since", &dice, talk->record->created_s);
    put_text(out, "snoozed_until", NULL);
    put_source(out, talk, plain);
    uint32_t state = roll(&dice, 3);
    put_bool(out, "open", state == 0);
    put_text(out, "state", states[state]);
    put_bool(out, "read", roll(&dice, 2));
    put_text(out, "priority", priorities[roll(&dice, 5)]);
    put_people(out, talk, &dice);
    put_statistics(out, talk, &dice);
    put_outcome(out, talk, &dice);
    if (form != TALK_ITEM) put_parts(out, talk, form);
    buf_byte(out, '}');
}
