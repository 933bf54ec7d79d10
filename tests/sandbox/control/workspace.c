/* SPDX-License-Identifier: Apache-2.0 */
/* workspace.c - changes of records of any kind, by name. */
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "control/control.h"

#define DAY_S         86400
#define CHILDREN_MAX  10000
#define BODY_SIZE_MAX (1024 * 1024)

int64_t control_now_s(const struct control *control)
{
    return virtual_clock_peek(control->clock) / 1000000;
}

struct collection *control_collection(const struct control *control, const char *service, const char *kind)
{
    for (const struct help_desk *desk = control->desks; kind && desk->service; desk++) {
        if (service && strcmp(service, desk->service->name) != 0) continue;
        struct collection *collection = workspace_find(desk->workspace, kind);
        if (collection) return collection;
    }
    return NULL;
}

static struct collection *collection_of(const struct control *control, const json_t *what)
{
    return control_collection(control, json_text_at(what, "service"), json_text_at(what, "kind"));
}

/* The day before the clock's, unless it is named. */
static bool read_day(const struct control *control, const json_t *what, const char *name, int64_t *out_s)
{
    const char *text = json_text_at(what, name);
    struct day day = {.n = (int32_t)(control_now_s(control) / DAY_S - 1)};
    if (json_object_get(what, name) && !(text && day_parse(text, &day))) return false;
    *out_s = (int64_t)day.n * DAY_S;
    return true;
}

static bool fill(const struct control *control, const json_t *what)
{
    struct collection *collection = collection_of(control, what);
    int64_t from_s, to_s, count = json_int_at(what, "count", -1);
    int64_t children = json_int_at(what, "children", -1), size = json_int_at(what, "body_bytes", 200);
    if (!collection || count < 0 || !read_day(control, what, "from", &from_s) ||
        !read_day(control, what, "to", &to_s) || children > CHILDREN_MAX || size < 0 || size > BODY_SIZE_MAX)
        return false;
    struct child_sizes sizes = {.children = (uint32_t)children, .body_bytes = (uint32_t)size};
    if (children >= 0)
        collection_fill_children(collection, from_s, to_s, count, sizes);
    else
        collection_fill(collection, from_s, to_s, count);
    return true;
}

/* So many at once, the one with this id, or one after every so many that are shown. */
static bool touch(const struct control *control, const json_t *what)
{
    struct collection *collection = collection_of(control, what);
    const char *id = json_text_at(what, "id");
    int64_t count = json_int_at(what, "count", -1), every = json_int_at(what, "every", -1);
    if (collection && id) return collection_touch_one(collection, id, control_now_s(control));
    if (collection && count >= 0)
        return collection_touch(collection, control_now_s(control), count) > 0 || count == 0 ||
               collection_count(collection) == 0;
    if (collection && every >= 0) collection_touch_while_read(collection, every);
    return collection && every >= 0;
}

static bool vanish(const struct control *control, const json_t *what)
{
    struct collection *collection = collection_of(control, what);
    int64_t every = json_int_at(what, "every", -1);
    if (collection && every >= 0) collection_vanish_while_read(collection, every);
    return collection && every >= 0;
}

static bool add(const struct control *control, const json_t *what)
{
    struct collection *collection = collection_of(control, what);
    const json_t *record = json_object_get(what, "record");
    return collection && collection_put(collection, record, control_now_s(control));
}

static bool remove_records(const struct control *control, const json_t *what)
{
    struct collection *collection = collection_of(control, what);
    const char *id = json_text_at(what, "id");
    int64_t now_s = control_now_s(control), count = json_int_at(what, "count", -1);
    int64_t last = json_int_at(what, "last", -1);
    if (!collection) return false;
    if (id) return collection_remove(collection, id, now_s);
    if (last >= 0) return collection_remove_last(collection, last, now_s) == last;
    return count >= 0 && collection_remove_some(collection, count, now_s) == count;
}

static bool restore(const struct control *control, const json_t *what)
{
    struct collection *collection = collection_of(control, what);
    const char *id = json_text_at(what, "id");
    return collection && id && collection_restore(collection, id, control_now_s(control));
}

static bool merge(const struct control *control, const json_t *what)
{
    struct collection *collection = collection_of(control, what);
    int64_t count = json_int_at(what, "count", -1);
    return collection && count >= 0 && collection_merge(collection, count, control_now_s(control)) == count;
}

static bool break_record(const struct control *control, const json_t *what)
{
    struct collection *collection = collection_of(control, what);
    const char *id = json_text_at(what, "id");
    return collection && id && collection_break(collection, id);
}

const struct control_change control_changes[] = {
    {"fill", fill, "{service, kind, from, to, count, children, body_bytes}"},
    {"touch", touch, "{service, kind, and count, id or every}"},
    {"vanish", vanish, "{service, kind, every}"},
    {"add", add, "{service, kind, record}"},
    {"remove", remove_records, "{service, kind, and count, last or id}"},
    {"restore", restore, "{service, kind, id}"},
    {"merge", merge, "{service, kind, count}"},
    {"break", break_record, "{service, kind, id}"},
    {.name = NULL},
};
