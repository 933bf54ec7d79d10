/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - changes of companies and tickets; deleting and merging. */
#include "base/json.h"
#include "control/control.h"
#include "workspace/companies.h"
#include "workspace/shelf.h"
#include "workspace/world.h"

static int64_t count_of(const json_t *what)
{
    return json_int_at(what, "count", -1);
}

/* --- contacts and conversations --- */

/* So many, or the one with this id. */
static bool remove_from(struct sandbox *sandbox, struct world *world, const json_t *what)
{
    const char *id = json_text_at(what, "id");
    int64_t count = count_of(what), now_s = control_now_s(sandbox);
    if (id) return world_remove(world, id, now_s);
    return count >= 0 && world_remove_some(world, count, now_s) == count;
}

static bool remove_any(struct sandbox *sandbox, json_t *what)
{
    return json_text_at(what, "id") &&
           (remove_from(sandbox, sandbox->world, what) || remove_from(sandbox, sandbox->talks, what));
}

static bool remove_contacts(struct sandbox *sandbox, json_t *what)
{
    return remove_from(sandbox, sandbox->world, what);
}

static bool remove_conversations(struct sandbox *sandbox, json_t *what)
{
    return remove_from(sandbox, sandbox->talks, what);
}

static bool restore_contact(struct sandbox *sandbox, json_t *what)
{
    const char *id = json_text_at(what, "id");
    return id && world_restore(sandbox->world, id, control_now_s(sandbox));
}

static bool merge_contacts(struct sandbox *sandbox, json_t *what)
{
    int64_t count = count_of(what);
    return count >= 0 && world_merge(sandbox->world, count, control_now_s(sandbox)) == count;
}

/* --- companies and tickets --- */

static bool fill_shelf(struct sandbox *sandbox, const char *kind, const json_t *what)
{
    int64_t from_s, to_s, count;
    if (!control_read_fill(what, &from_s, &to_s, &count)) return false;
    shelf_fill(shelves_find(sandbox->shelves, kind), from_s, to_s, count);
    return true;
}

static bool touch_shelf(struct sandbox *sandbox, const char *kind, const json_t *what)
{
    struct shelf *shelf = shelves_find(sandbox->shelves, kind);
    const char *id = json_text_at(what, "id");
    int64_t count = count_of(what), now_s = control_now_s(sandbox);
    if (id) return shelf_touch_one(shelf, id, now_s);
    return count >= 0 && shelf_touch(shelf, now_s, count) == count;
}

static bool fill_companies(struct sandbox *sandbox, json_t *what)
{
    return fill_shelf(sandbox, "companies", what);
}

static bool touch_companies(struct sandbox *sandbox, json_t *what)
{
    return touch_shelf(sandbox, "companies", what);
}

static bool remove_companies(struct sandbox *sandbox, json_t *what)
{
    const char *id = json_text_at(what, "id");
    int64_t count = count_of(what), now_s = control_now_s(sandbox);
    if (id) return companies_remove(sandbox->companies, id, now_s);
    return count >= 0 && companies_remove_some(sandbox->companies, count, now_s) == count;
}

static bool fill_tickets(struct sandbox *sandbox, json_t *what)
{
    return fill_shelf(sandbox, "tickets", what);
}

static bool touch_tickets(struct sandbox *sandbox, json_t *what)
{
    return touch_shelf(sandbox, "tickets", what);
}

const struct control_change control_record_changes[] = {
    {"remove", remove_any, "{id}"},
    {"delete_contacts", remove_contacts, "{count} or {id}"},
    {"delete_conversations", remove_conversations, "{count} or {id}"},
    {"delete_companies", remove_companies, "{count} or {id}"},
    {"restore", restore_contact, "{id}"},
    {"merge", merge_contacts, "{count}"},
    {"fill_companies", fill_companies, "{from, to, count}"},
    {"touch_companies", touch_companies, "{count} or {id}"},
    {"fill_tickets", fill_tickets, "{from, to, count}"},
    {"touch_tickets", touch_tickets, "{count} or {id}"},
    {.name = NULL},
};
