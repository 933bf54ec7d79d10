/* SPDX-License-Identifier: Apache-2.0 */
/* people.c - contacts one by one, all of them in the order they came, and the lists inside of them. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "workspace/records.h"
#include "workspace/world.h"

#define LIST_LIMIT (16 * 1024 * 1024)

static enum world_state state_of(const struct records *records, size_t number, char out_into[WORLD_ID])
{
    out_into[0] = '\0';
    if (number == records->count) return WORLD_GONE;
    if (!records->items[number].newest.removed) return WORLD_HERE;
    size_t into = canonical_of(records, number);
    if (into == NOWHERE) return WORLD_GONE;
    records_id(records, into, out_into);
    return WORLD_MERGED;
}

enum world_state world_contact(struct world *world, const char *id, bool history, struct buf *out,
                               char out_into[WORLD_ID])
{
    pthread_mutex_lock(&world->lock);
    size_t number = find_record(&world->records, id);
    enum world_state state = state_of(&world->records, number, out_into);
    if (state == WORLD_HERE)
        version_write(world, number, world->records.items[number].past_count,
                      history ? FORM_HISTORY : FORM_SHOWN, out);
    pthread_mutex_unlock(&world->lock);
    return state;
}

/* Of a contact that was made. Yours. */
static json_t *made_list(const struct world *world, size_t number, enum world_list list)
{
    AUTO(buf_done) struct buf text;
    struct error err;
    json_t *elements;
    char id[RECORD_ID];
    const struct record *record = &world->records.items[number];
    records_id(&world->records, number, id);
    buf_init(&text, LIST_LIMIT);
    contact_write_list(&(struct contact){.seed = world->records.seed,
                                         .sequence = number,
                                         .version = record->past_count,
                                         .created_s = record->created_s,
                                         .updated_s = record->newest.updated_s,
                                         .id = id,
                                         .workspace = world->workspace,
                                         .whole = true},
                       list, &text);
    if (!json_read(buf_string(&text), text.size, NULL, &elements, &err)) abort(); /* we wrote it */
    return elements;
}

json_t *world_contact_list(struct world *world, const char *id, enum world_list list)
{
    char into[WORLD_ID];
    json_t *elements = NULL;
    pthread_mutex_lock(&world->lock);
    size_t number = find_record(&world->records, id);
    if (state_of(&world->records, number, into) == WORLD_HERE) {
        const json_t *given = world->records.items[number].newest.given;
        const json_t *own = json_object_get(json_object_get(given, contact_list_name(list)), "data");
        if (!given)
            elements = made_list(world, number, list);
        else
            elements = json_is_array(own) ? json_deep_copy(own) : json_array();
    }
    pthread_mutex_unlock(&world->lock);
    return elements;
}

size_t world_contacts(struct world *world, int64_t *next, size_t limit, struct buf *out, int64_t *out_total)
{
    size_t shown = 0;
    pthread_mutex_lock(&world->lock);
    const struct records *records = &world->records;
    *out_total = records->root ? records->items[records->root - 1].size : 0;
    size_t number = *next > 0 ? (size_t)*next : 0;
    for (; number < records->count && shown < limit; number++) {
        if (records->items[number].newest.removed) continue;
        if (shown++) buf_byte(out, ',');
        version_write(world, number, records->items[number].past_count, FORM_SHOWN, out);
    }
    while (number < records->count && records->items[number].newest.removed)
        number++;
    *next = (int64_t)number;
    pthread_mutex_unlock(&world->lock);
    return shown;
}
