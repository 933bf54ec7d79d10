/* SPDX-License-Identifier: Apache-2.0 */
/* tickets.c - what was said and done in tickets.
 *
 * Each version after the first adds a part; some edit an earlier one, which moves its updated_at, and some
 * redact one, which does not. A ticket that was given with parts has these.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "workspace/records.h"
#include "workspace/template.h"
#include "workspace/tickets.h"

#define PART_IDS      INT64_C(100000) /* ids of parts a ticket may have */
#define PART_BITS     17
#define REVISION_BITS 16
#define LONG_THREAD   530 /* one ticket in 64 is that long to begin with */

struct ticket {
    json_t *body;  /* of the version */
    int64_t *at_s; /* of each version up to this one */
    size_t number, version;
    uint64_t seed;
    int64_t first; /* parts of version 0 */
    char id[SHELF_KEY];
};

static void ticket_done(struct ticket *ticket)
{
    json_decref(ticket->body);
    free(ticket->at_s);
}

/* False: there is no such version. */
static bool ticket_open(struct shelf *tickets, size_t number, size_t version, struct ticket *out_ticket)
{
    *out_ticket = (struct ticket){.number = number, .version = version};
    if (version >= shelf_versions(tickets, number, NULL)) return false;
    shelf_key(tickets, number, out_ticket->id);
    out_ticket->seed = mix(template_hash(out_ticket->id) ^ number);
    struct dice dice = {.state = out_ticket->seed};
    out_ticket->first = roll(&dice, 64) ? roll(&dice, 6) : LONG_THREAD;
    out_ticket->at_s = mem_zero(version + 1, sizeof *out_ticket->at_s);
    for (size_t v = 0; v <= version; v++) {
        json_decref(out_ticket->body);
        out_ticket->body = shelf_version(tickets, number, v, &out_ticket->at_s[v]);
    }
    return true;
}

/* --- parts that are made --- */

struct change {
    int64_t part; /* -1: none */
    bool redacts; /* else it is edited */
};

/* What version `version` (from 1) does to an earlier part. */
static struct change change_of(const struct ticket *ticket, size_t version)
{
    struct dice dice = {.state = ticket->seed ^ mix(UINT64_C(5) << 40 | version)};
    uint32_t before = (uint32_t)(ticket->first + (int64_t)version - 1), kind = roll(&dice, 4);
    if (before == 0 || kind > 2) return (struct change){.part = -1};
    return (struct change){.part = roll(&dice, before), .redacts = kind == 2};
}

static int64_t count_parts(const struct ticket *ticket)
{
    return ticket->first + (int64_t)ticket->version;
}

struct state {
    size_t revision; /* the version that made or last edited the part */
    bool redacted;
};

static struct state state_of(const struct ticket *ticket, int64_t part, size_t version)
{
    size_t born = part < ticket->first ? 0 : (size_t)(part - ticket->first) + 1;
    struct state state = {.revision = born};
    for (size_t v = born + 1; v <= version; v++) {
        struct change change = change_of(ticket, v);
        if (change.part != part) continue;
        if (!change.redacts) state.revision = v;
        state.redacted = state.redacted || change.redacts;
    }
    return state;
}

static int64_t created_of(const struct ticket *ticket, int64_t part)
{
    int64_t created_s = json_int_at(ticket->body, "created_at", ticket->at_s[0]);
    if (part >= ticket->first) return ticket->at_s[part - ticket->first + 1];
    return created_s + (ticket->at_s[0] - created_s) * (part + 1) / (ticket->first + 1);
}

static int64_t updated_of(const struct ticket *ticket, int64_t part, struct state state)
{
    return state.revision > 0 ? ticket->at_s[state.revision] : created_of(ticket, part);
}

static int64_t id_of(const struct ticket *ticket, int64_t part)
{
    return (int64_t)(ticket->number + 1) * PART_IDS + part;
}

static int64_t place_of(size_t number, int64_t part, struct state state)
{
    int64_t place = (int64_t)number << PART_BITS | part;
    return (place << REVISION_BITS | (int64_t)state.revision) << 1 | state.redacted;
}

static json_t *author_of(struct dice *dice)
{
    static const char *const kinds[] = {"admin", "bot", "team", "user"};
    json_t *author = json_pack("{s:s, s:s}", "type", kinds[roll(dice, 4)], "email", "zoe@example.com");
    int id = (int)roll(dice, 100000);
    json_object_set_new(author, "id", roll(dice, 3) ? json_sprintf("%d", id) : json_integer(id));
    json_object_set_new(author, "name", roll(dice, 4) ? json_string("Zoë 🦊 Müller") : json_null());
    return author;
}

static json_t *attachments_of(struct dice *dice)
{
    json_t *attachments = json_array();
    for (uint32_t left = roll(dice, 5) ? 0 : 1 + roll(dice, 2); left > 0; left--)
        json_array_append_new(
            attachments, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:n}", "type", "upload", "name",
                                   "снимок.png", "url", "https://example.com/f?sig=a%2Fb", "content_type",
                                   "image/png", "filesize", (int)roll(dice, 100000), "width", 640, "height"));
    return attachments;
}

static void add_change(json_t *part, struct dice *dice)
{
    if (roll(dice, 2))
        json_object_set_new(part, "updated_attribute_data",
                            json_pack("{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}", "attribute", "type",
                                      "attribute", "id", "12", "label", "Priority (P1-P4)", "value", "type",
                                      "value", "id", "3", "label", "P1"));
    else
        json_object_set_new(part, "updated_attribute_data",
                            json_pack("{s:{s:s, s:i, s:s}, s:{s:s, s:[i,i], s:[s,s]}}", "attribute", "type",
                                      "attribute", "id", 12, "label", "labels", "value", "type", "value",
                                      "id", 3, 4, "label", "größer", "later"));
}

/* The members that only some kinds of parts have. */
static void add_rest(json_t *part, struct dice *dice)
{
    static const char *const states[] = {"submitted", "in_progress", "waiting_on_customer", "resolved"};
    switch (roll(dice, 5)) {
    case 0:
        json_object_set_new(part, "part_type", json_string("ticket_state_updated_by_admin"));
        json_object_set_new(part, "previous_ticket_state", json_string(states[roll(dice, 4)]));
        json_object_set_new(part, "ticket_state", json_string(states[roll(dice, 4)]));
        break;
    case 1:
        json_object_set_new(part, "part_type", json_string("assignment"));
        json_object_set_new(part, "assigned_to",
                            json_pack("{s:s, s:s}", "type", roll(dice, 2) ? "admin" : "team", "id", "7001"));
        break;
    case 2:
        json_object_set_new(part, "part_type", json_string("ticket_attribute_updated_by_admin"));
        add_change(part, dice);
        break;
    default: json_object_set_new(part, "part_type", json_string(roll(dice, 2) ? "comment" : "note")); break;
    }
    if (roll(dice, 3)) json_object_set_new(part, "external_id", json_null());
    if (roll(dice, 6) == 0) json_object_set_new(part, "app_package_code", json_string("shop-app"));
    if (roll(dice, 9) == 0) json_object_set_new(part, "sentiment.score", json_real(0.5)); /* undocumented */
}

static json_t *make_part(const struct ticket *ticket, int64_t part, struct state state)
{
    static const char *const said[] = {"<p>The answer is 42.</p>", "<p>Größe? “ja” 🧵</p>", "",
                                       "a < b & c"};
    struct dice dice = {.state = ticket->seed ^ mix((uint64_t)part << 20 | state.revision)};
    json_t *made = json_pack("{s:s, s:I, s:I, s:o, s:o}", "type", "ticket_part", "created_at",
                             (json_int_t)created_of(ticket, part), "updated_at",
                             (json_int_t)updated_of(ticket, part, state), "author", author_of(&dice),
                             "attachments", attachments_of(&dice));
    int64_t id = id_of(ticket, part);
    json_object_set_new(made, "id", part % 3 ? json_sprintf("%" PRId64, id) : json_integer(id));
    add_rest(made, &dice);
    if (!state.redacted) json_object_set_new(made, "body", json_string(said[roll(&dice, 4)]));
    if (state.redacted || roll(&dice, 4)) json_object_set_new(made, "redacted", json_boolean(state.redacted));
    return made;
}

/* --- answers --- */

/* {"type","ticket_parts":[..],"total_count"}, as the newest answers have it. Yours. */
static json_t *list_of(const struct ticket *ticket)
{
    json_t *given = json_object_get(ticket->body, "ticket_parts");
    if (given) return json_deep_copy(given);
    json_t *parts = json_array();
    int64_t count = count_parts(ticket), cut = count > TICKET_MOST_PARTS ? count - TICKET_MOST_PARTS : 0;
    for (int64_t part = cut; part < count; part++)
        json_array_append_new(parts, make_part(ticket, part, state_of(ticket, part, ticket->version)));
    return json_pack("{s:s, s:o, s:I}", "type", "ticket_part.list", "ticket_parts", parts, "total_count",
                     (json_int_t)count);
}

json_t *ticket_answer(struct shelf *tickets, size_t number, size_t version)
{
    AUTO(ticket_done) struct ticket ticket;
    if (!ticket_open(tickets, number, version, &ticket)) return NULL;
    json_object_set_new(ticket.body, "ticket_parts", list_of(&ticket));
    return json_incref(ticket.body);
}

json_t *ticket_answer_of(struct shelf *tickets, const json_t *listed)
{
    const char *id = json_text_at(listed, "id");
    int64_t updated_s = json_int_at(listed, "updated_at", -1), at_s;
    size_t number = shelf_number(tickets, id ? id : "");
    for (size_t left = shelf_versions(tickets, number, NULL); left > 0; left--) {
        json_decref(shelf_version(tickets, number, left - 1, &at_s));
        if (at_s == updated_s) return ticket_answer(tickets, number, left - 1);
    }
    return json_deep_copy(listed); /* it was given without a time */
}

/* --- rows --- */

json_t *ticket_row(struct shelf *tickets, size_t number, size_t version)
{
    json_t *row = ticket_answer(tickets, number, version);
    json_t *list = json_object_get(row, "ticket_parts");
    int64_t received = (int64_t)json_array_size(json_object_get(list, "ticket_parts"));
    int64_t total = json_int_at(list, "total_count", -1);
    if (!row) return NULL;
    json_object_del(list, "ticket_parts");
    json_object_set_new(row, "parts_received", json_integer(received));
    json_object_set_new(row, "parts_truncated",
                        json_boolean(received == TICKET_MOST_PARTS || total > received));
    if (total >= 0) json_object_set_new(row, "parts_total", json_integer(total));
    return row;
}

/* Takes the part over; index counts from 1. */
static json_t *part_row(const struct ticket *ticket, json_t *part, int64_t index)
{
    if (!json_is_boolean(json_object_get(part, "redacted")))
        json_object_set_new(part, "redacted", json_false());
    json_object_set_new(part, "ticket_id", json_string(ticket->id));
    json_object_set_new(part, "part_index", json_integer(index));
    return part;
}

static json_t *made_row(const struct ticket *ticket, const struct ticket_part *wanted, int64_t *out_place)
{
    int64_t id = strtoll(wanted->id, NULL, 10), part = id - id_of(ticket, 0); /* checked just below */
    if (part < 0 || part >= count_parts(ticket)) return NULL;
    size_t born = part < ticket->first ? 0 : (size_t)(part - ticket->first) + 1;
    for (size_t version = born; version <= ticket->version; version++) {
        struct state state = state_of(ticket, part, version);
        if (state.redacted != wanted->redacted || updated_of(ticket, part, state) != wanted->updated_s)
            continue;
        *out_place = place_of(ticket->number, part, state);
        return part_row(ticket, make_part(ticket, part, state), part + 1);
    }
    return NULL;
}

static void name_part(const json_t *part, char out_id[SHELF_KEY])
{
    const json_t *id = json_object_get(part, "id");
    if (json_is_integer(id))
        snprintf(out_id, SHELF_KEY, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    else
        snprintf(out_id, SHELF_KEY, "%s", json_is_string(id) ? json_string_value(id) : "");
}

static json_t *given_row(const struct ticket *ticket, const struct ticket_part *wanted, int64_t *out_place)
{
    const json_t *list = json_object_get(ticket->body, "ticket_parts");
    const json_t *parts = json_object_get(list, "ticket_parts");
    int64_t count = (int64_t)json_array_size(parts), total = json_int_at(list, "total_count", 0);
    for (int64_t i = 0; i < count; i++) {
        json_t *part = json_array_get(parts, (size_t)i);
        char id[SHELF_KEY];
        name_part(part, id);
        bool redacted = json_is_true(json_object_get(part, "redacted"));
        if (strcmp(id, wanted->id) != 0 || json_int_at(part, "updated_at", -1) != wanted->updated_s ||
            redacted != wanted->redacted)
            continue;
        *out_place =
            place_of(ticket->number, i,
                     (struct state){.revision = (size_t)(wanted->updated_s & 0xffff), .redacted = redacted});
        return part_row(ticket, json_deep_copy(part), (total > count ? total - count : 0) + i + 1);
    }
    return NULL;
}

json_t *ticket_part_row(struct shelf *tickets, const struct ticket_part *part, int64_t *out_place)
{
    size_t number = shelf_number(tickets, part->ticket);
    json_t *row = NULL;
    for (size_t left = shelf_versions(tickets, number, NULL); left > 0 && !row; left--) {
        AUTO(ticket_done) struct ticket ticket;
        if (!ticket_open(tickets, number, left - 1, &ticket)) break;
        bool given = json_object_get(ticket.body, "ticket_parts") != NULL;
        row = given ? given_row(&ticket, part, out_place) : made_row(&ticket, part, out_place);
        if (!given) break; /* the newest version knows what there was in all of them */
    }
    return row;
}

void ticket_parts(struct shelf *tickets, size_t number,
                  void (*visit)(void *self, const struct ticket_part *part, int64_t place), void *self)
{
    AUTO(ticket_done) struct ticket ticket;
    if (!ticket_open(tickets, number, shelf_versions(tickets, number, NULL) - 1, &ticket)) return;
    AUTO(json_drop) json_t *list = list_of(&ticket);
    const json_t *parts = json_object_get(list, "ticket_parts");
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i);
        char id[SHELF_KEY];
        int64_t place;
        name_part(part, id);
        struct ticket_part wanted = {.ticket = ticket.id,
                                     .id = id,
                                     .updated_s = json_int_at(part, "updated_at", -1),
                                     .redacted = json_is_true(json_object_get(part, "redacted"))};
        json_t *row = ticket_part_row(tickets, &wanted, &place);
        if (row) visit(self, &wanted, place);
        json_decref(row);
    }
}
