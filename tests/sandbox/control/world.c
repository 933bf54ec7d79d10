/* SPDX-License-Identifier: Apache-2.0 */
/* world.c - changes of the world: contacts, conversations, admins, the other lists, and how all of
 * them are served. */
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "control/control.h"
#include "workspace/admins.h"
#include "workspace/shelf.h"
#include "workspace/world.h"

#define DAY_S 86400

int64_t control_now_s(struct sandbox *sandbox)
{
    return virtual_clock_peek(sandbox->clock) / 1000000;
}

/* The days of a filling, in seconds. */
bool control_read_fill(const json_t *what, int64_t *out_from_s, int64_t *out_to_s, int64_t *out_count)
{
    const char *from = json_text_at(what, "from"), *to = json_text_at(what, "to");
    struct day first, last;
    *out_count = json_int_at(what, "count", -1);
    if (!from || !to || !day_parse(from, &first) || !day_parse(to, &last) || *out_count < 0) return false;
    *out_from_s = (int64_t)first.n * DAY_S;
    *out_to_s = (int64_t)last.n * DAY_S;
    return true;
}

static bool fill(struct sandbox *sandbox, json_t *what)
{
    int64_t from_s, to_s, count;
    if (!control_read_fill(what, &from_s, &to_s, &count)) return false;
    world_fill(sandbox->world, from_s, to_s, count);
    return true;
}

static bool fill_conversations(struct sandbox *sandbox, json_t *what)
{
    int64_t from_s, to_s, count;
    int64_t parts = json_int_at(what, "parts", 8), body_bytes = json_int_at(what, "body_bytes", 200);
    if (!control_read_fill(what, &from_s, &to_s, &count) || parts < 0 || parts > 10000 || body_bytes < 0 ||
        body_bytes > 1024 * 1024)
        return false;
    world_fill_talks(sandbox->talks, from_s, to_s, count, (uint32_t)parts, (uint32_t)body_bytes);
    return true;
}

static bool touch(struct sandbox *sandbox, json_t *what)
{
    int64_t now_s = control_now_s(sandbox), count = json_int_at(what, "count", 0);
    world_touch(sandbox->world, now_s, count);
    world_touch(sandbox->talks, now_s, count);
    admins_touch(sandbox->admins, count);
    return json_is_object(what);
}

static bool add(struct sandbox *sandbox, json_t *what)
{
    const char *type = json_text_at(what, "type");
    bool talk = type && strcmp(type, "conversation") == 0;
    return world_add(talk ? sandbox->talks : sandbox->world, what);
}

static bool break_conversation(struct sandbox *sandbox, json_t *what)
{
    const char *id = json_text_at(what, "id");
    return id && world_break(sandbox->talks, id);
}

static bool admins(struct sandbox *sandbox, json_t *what)
{
    const char *word = json_string_value(what);
    bool join = word && strcmp(word, "join") == 0, leave = word && strcmp(word, "leave") == 0;
    if (join) admins_join(sandbox->admins);
    if (leave) admins_leave(sandbox->admins);
    return join || leave;
}

/* --- the other lists: {"kind": "articles", ...} --- */

static struct shelf *shelf_of(struct sandbox *sandbox, const json_t *what)
{
    const char *kind = json_text_at(what, "kind");
    return kind ? shelves_find(sandbox->shelves, kind) : NULL;
}

static bool fill_list(struct sandbox *sandbox, json_t *what)
{
    struct shelf *shelf = shelf_of(sandbox, what);
    int64_t from_s, to_s, count;
    if (!shelf || !control_read_fill(what, &from_s, &to_s, &count)) return false;
    shelf_fill(shelf, from_s, to_s, count);
    return true;
}

/* So many at once, the one with this id, or one after every so many that are shown. */
static bool touch_list(struct sandbox *sandbox, json_t *what)
{
    struct shelf *shelf = shelf_of(sandbox, what);
    const char *id = json_text_at(what, "id");
    int64_t count = json_int_at(what, "count", -1), every = json_int_at(what, "every", -1);
    if (shelf && id) return shelf_touch_one(shelf, id, control_now_s(sandbox));
    if (shelf && count >= 0) return shelf_touch(shelf, control_now_s(sandbox), count) == count;
    if (shelf && every >= 0) shelf_touch_while_read(shelf, every);
    return shelf && every >= 0;
}

static bool add_list(struct sandbox *sandbox, json_t *what)
{
    struct shelf *shelf = shelf_of(sandbox, what);
    const json_t *record = json_object_get(what, "record");
    return shelf && json_is_object(record) && shelf_put(shelf, record, control_now_s(sandbox));
}

static bool remove_list(struct sandbox *sandbox, json_t *what)
{
    struct shelf *shelf = shelf_of(sandbox, what);
    const char *id = json_text_at(what, "id");
    int64_t count = json_int_at(what, "count", -1);
    if (shelf && id) return shelf_remove(shelf, id);
    return shelf && count >= 0 && shelf_remove_some(shelf, count) == count;
}

/* A number; -1: it is none. */
static int64_t number_of(const json_t *what)
{
    return json_is_integer(what) ? json_integer_value(what) : -1;
}

static bool touch_while_read(struct sandbox *sandbox, json_t *what)
{
    int64_t every = number_of(what);
    if (every < 0) return false;
    world_touch_while_read(sandbox->world, every);
    world_touch_while_read(sandbox->talks, every);
    return true;
}

static bool vanish_while_read(struct sandbox *sandbox, json_t *what)
{
    int64_t every = number_of(what);
    if (every >= 0) world_vanish_while_read(sandbox->talks, every);
    return every >= 0;
}

static bool rate_limit(struct sandbox *sandbox, json_t *what)
{
    int64_t requests = number_of(what);
    if (requests >= 0) intercom_set_rate_limit(sandbox->intercom, requests);
    return requests >= 0;
}

static bool index_lag(struct sandbox *sandbox, json_t *what)
{
    int64_t seconds = number_of(what);
    if (seconds >= 0) intercom_set_index_lag(sandbox->intercom, seconds);
    return seconds >= 0;
}

static const struct control_change world_changes[] = {
    {"fill", fill, "{from, to, count}"},
    {"fill_conversations", fill_conversations, "{from, to, count, parts, body_bytes}"},
    {"touch", touch, "{count}"},
    {"add", add, "record"},
    {"break", break_conversation, "{id}"},
    {"admins", admins, "\"join\" or \"leave\""},
    {"touch_while_read", touch_while_read, "n"},
    {"vanish_while_read", vanish_while_read, "n"},
    {"fill_list", fill_list, "{kind, from, to, count}"},
    {"touch_list", touch_list, "{kind, and count, id or every}"},
    {"add_list", add_list, "{kind, record}"},
    {"remove_list", remove_list, "{kind, and count or id}"},
    {"rate_limit", rate_limit, "n"},
    {"index_lag_s", index_lag, "n"},
    {.name = NULL},
};

const struct control_change *const control_changes[] = {world_changes, control_record_changes, NULL};
