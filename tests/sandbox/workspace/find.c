/* SPDX-License-Identifier: Apache-2.0 */
/* find.c - records as a client reads them: in pages, or one by one. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "workspace/record.h"

#define PAGE_LIMIT (64 * 1024 * 1024)

/* The walk of a query over places [first, end), beginning at `from`; descending, just before that. Places are
 * ranks in the order of (updated, key), or numbers of records. */
struct walk {
    struct collection *collection;
    const struct collection_query *query;
    size_t first, end, from;
};

static size_t record_at(const struct walk *walk, size_t place)
{
    return walk->query->by_arrival ? place : index_at(walk->collection, place);
}

static struct walk walk_arrival(struct collection *collection, const struct collection_query *query)
{
    size_t after = query->after_key ? index_find(collection, query->after_key) + 1 : 0;
    size_t from = after < collection->count ? after : collection->count;
    return (struct walk){.collection = collection, .query = query, .end = collection->count, .from = from};
}

static struct walk walk_order(struct collection *collection, const struct collection_query *query)
{
    struct walk walk = {.collection = collection, .query = query, .end = collection->current};
    if (query->to_s) {
        walk.first = index_rank(collection, query->from_s, "");
        walk.end = query->to_s > query->from_s ? index_rank(collection, query->to_s, "") : walk.first;
    }
    walk.from = query->descending ? walk.end : walk.first;
    if (!query->after_key) return walk;
    size_t after = index_rank(collection, query->after_s, query->after_key);
    if (!query->descending && after < collection->current) { /* is it still there? Then after it */
        const struct record *record = &collection->records[index_at(collection, after)];
        after += record->newest.updated_s == query->after_s && strcmp(record->key, query->after_key) == 0;
    }
    if (query->descending ? after < walk.from : after > walk.from) walk.from = after;
    if (walk.from < walk.first) walk.from = walk.first;
    if (walk.from > walk.end) walk.from = walk.end;
    return walk;
}

static bool is_wanted(const struct walk *walk, size_t number)
{
    const struct collection_query *query = walk->query;
    const struct record *record = &walk->collection->records[number];
    if (record->is_removed) return false;
    if (query->wanted_key && !query->wanted_key(query->self, record->key)) return false;
    if (!query->wanted) return true;
    AUTO(json_drop)
    json_t *body = body_read(&(struct body){.collection = walk->collection,
                                            .number = number,
                                            .version = record->past_count,
                                            .audience = AUDIENCE_TRUTH});
    return query->wanted(query->self, body);
}

static size_t count_wanted(const struct walk *walk)
{
    bool all = !walk->query->wanted && !walk->query->wanted_key;
    if (all && walk->query->by_arrival) return walk->collection->current;
    if (all) return walk->end - walk->first;
    size_t total = 0;
    for (size_t place = walk->first; place < walk->end; place++)
        total += is_wanted(walk, record_at(walk, place));
    return total;
}

static void show(const struct walk *walk, size_t number, struct buf *out, struct collection_page *page)
{
    struct collection *collection = walk->collection;
    const struct collection_query *query = walk->query;
    const struct record *record = &collection->records[number];
    version_serve(collection, number, query->expect, query->form.history);
    collection->shown++;
    if (page->count++) buf_byte(out, ',');
    body_write(
        &(struct body){
            .collection = collection, .number = number, .version = record->past_count, .form = query->form},
        out);
    page->last_s = record->newest.updated_s;
    snprintf(page->last_key, sizeof page->last_key, "%s", record->key);
}

static void fill_page(struct walk *walk, struct buf *out, struct collection_page *page)
{
    const struct collection_query *query = walk->query;
    bool is_down = query->descending;
    size_t skip = query->offset;
    while (!page->has_more && (is_down ? walk->from > walk->first : walk->from < walk->end)) {
        size_t number = record_at(walk, is_down ? walk->from - 1 : walk->from);
        bool is_shown = is_wanted(walk, number);
        if (is_shown && skip == 0 && page->count == query->limit) {
            page->has_more = true;
            break;
        }
        walk->from = is_down ? walk->from - 1 : walk->from + 1;
        if (is_shown && skip > 0)
            skip--;
        else if (is_shown)
            show(walk, number, out, page);
    }
}

/* Of what was just shown, some is gone at once. */
static void vanish_some(struct collection *collection, size_t first, size_t end, int64_t now_s)
{
    for (size_t rank = first; rank < end; rank++) {
        if (++collection->searched % collection->vanish_every != 0) continue;
        record_remove(collection, index_at(collection, rank), now_s);
        rank--;
        end--;
    }
}

void collection_find(struct collection *collection, const struct collection_query *query, struct buf *out,
                     struct collection_page *out_page)
{
    pthread_mutex_lock(&collection->lock);
    collection->now_s = query->now_s;
    struct walk walk = query->by_arrival ? walk_arrival(collection, query) : walk_order(collection, query);
    size_t first = walk.from;
    *out_page = (struct collection_page){.total = count_wanted(&walk)};
    fill_page(&walk, out, out_page);
    if (collection->vanish_every > 0 && !query->descending && !query->by_arrival)
        vanish_some(collection, first, walk.from, query->now_s);
    int64_t every = collection->touch_every;
    for (; every > 0 && collection->shown >= every; collection->shown -= every)
        touch_unshown(collection, query->now_s);
    pthread_mutex_unlock(&collection->lock);
}

json_t *collection_list(struct collection *collection, const struct collection_query *query,
                        struct collection_page *out_page)
{
    struct collection_page page;
    AUTO(buf_done) struct buf text;
    buf_init(&text, PAGE_LIMIT);
    buf_byte(&text, '[');
    collection_find(collection, query, &text, out_page ? out_page : &page);
    buf_byte(&text, ']');
    return text_read(&text);
}

/* --- one by one --- */

static enum record_state state_of(const struct collection *collection, size_t number,
                                  char out_into[COLLECTION_KEY])
{
    out_into[0] = '\0';
    if (number == collection->count) return RECORD_GONE;
    if (!collection->records[number].is_removed) return RECORD_HERE;
    size_t into = record_canonical(collection, number);
    if (into == NOWHERE) return RECORD_GONE;
    snprintf(out_into, COLLECTION_KEY, "%s", collection->records[into].key);
    return RECORD_MERGED;
}

enum record_state collection_read(struct collection *collection, const char *key, struct body_form form,
                                  struct buf *out, char out_into[COLLECTION_KEY])
{
    pthread_mutex_lock(&collection->lock);
    size_t number = index_find(collection, key);
    enum record_state state = state_of(collection, number, out_into);
    if (state == RECORD_HERE) {
        if (form.children) version_serve(collection, number, true, false);
        body_write(&(struct body){.collection = collection,
                                  .number = number,
                                  .version = collection->records[number].past_count,
                                  .form = form},
                   out);
    }
    pthread_mutex_unlock(&collection->lock);
    return state;
}

json_t *collection_get(struct collection *collection, const char *key)
{
    char into[COLLECTION_KEY];
    AUTO(buf_done) struct buf text;
    buf_init(&text, PAGE_LIMIT);
    enum record_state state =
        collection_read(collection, key, (struct body_form){.children = false}, &text, into);
    return state == RECORD_HERE ? text_read(&text) : NULL;
}

void collection_expect(struct collection *collection, const char *key, int64_t updated_s, int64_t now_s)
{
    pthread_mutex_lock(&collection->lock);
    size_t number = index_find(collection, key);
    for (uint32_t v = 0; number < collection->count && v <= collection->records[number].past_count; v++) {
        struct version *version = version_of(collection, number, v);
        if (version->updated_s != updated_s) continue;
        version->served_s = (uint32_t)now_s;
        version->is_expected = true;
    }
    pthread_mutex_unlock(&collection->lock);
}

size_t collection_count(struct collection *collection)
{
    pthread_mutex_lock(&collection->lock);
    size_t count = collection->current;
    pthread_mutex_unlock(&collection->lock);
    return count;
}
