/* SPDX-License-Identifier: Apache-2.0 */
/* lists.c - the lists of a shelf's records, and all shelves together. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "workspace/records.h"
#include "workspace/shelf_items.h"
#include "workspace/template.h"

#define DAY_S      86400
#define FIRST_DAYS 53 /* before the start: when the oldest of the first records changed last */
#define LAST_DAYS  3

/* --- listing --- */

static int place_order(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->at_s != right->at_s) return left->at_s < right->at_s ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

static int64_t time_in(enum shelf_order order, const struct item *item)
{
    switch (order) {
    case SHELF_BY_ARRIVAL: return 0;
    case SHELF_BY_UPDATED: return item_newest_s(item);
    case SHELF_BY_CREATED: return item->created_s;
    }
    return 0;
}

static const struct place *put_in_order(struct shelf *shelf, enum shelf_order order)
{
    struct place *places = shelf->orders[order];
    if (places || shelf->current == 0) return places;
    places = shelf->orders[order] = mem_zero(shelf->current, sizeof *places);
    size_t count = 0;
    for (size_t i = 0; i < shelf->count; i++) {
        if (shelf->items[i].removed) continue;
        places[count++] = (struct place){.at_s = time_in(order, &shelf->items[i]), .number = (uint32_t)i};
    }
    qsort(places, count, sizeof *places, place_order);
    return places;
}

/* How many places are before this one. */
static size_t rank_of(const struct shelf *shelf, const struct place *places, struct place wanted)
{
    size_t first = 0, end = shelf->current;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (place_order(&places[middle], &wanted) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* What a query walks over: places [first, end), beginning at `from`; descending, just before that. */
struct range {
    size_t first, end, from;
};

static struct range find_range(const struct shelf *shelf, const struct place *places,
                               const struct shelf_query *query)
{
    struct range range = {.first = 0, .end = shelf->current};
    if (query->to_s) {
        range.first = rank_of(shelf, places, (struct place){.at_s = query->from_s});
        range.end = rank_of(shelf, places, (struct place){.at_s = query->to_s});
        if (range.end < range.first) range.end = range.first;
    }
    range.from = query->descending ? range.end : range.first;
    if (!query->after_key) return range;
    struct place after = {.at_s = query->order == SHELF_BY_ARRIVAL ? 0 : query->after_s,
                          .number = (uint32_t)shelf_find(shelf, query->after_key)};
    if (!query->descending) after.number++;
    size_t rank = rank_of(shelf, places, after);
    if (query->descending ? rank < range.from : rank > range.from) range.from = rank;
    if (range.from < range.first) range.from = range.first;
    if (range.from > range.end) range.from = range.end;
    return range;
}

/* The record at a place, yours; NULL: it is not wanted. */
static json_t *read_place(const struct shelf *shelf, const struct place *place,
                          const struct shelf_query *query)
{
    const struct item *item = &shelf->items[place->number];
    json_t *body = item_body(shelf, item, item->edition_count - 1);
    if (!query->wanted || query->wanted(query->self, body)) return body;
    json_decref(body);
    return NULL;
}

static size_t count_wanted(const struct shelf *shelf, const struct place *places, struct range range,
                           const struct shelf_query *query)
{
    if (!query->wanted) return range.end - range.first;
    size_t total = 0;
    for (size_t rank = range.first; rank < range.end; rank++) {
        json_t *body = read_place(shelf, &places[rank], query);
        total += body != NULL;
        json_decref(body);
    }
    return total;
}

static void fill_page(const struct shelf *shelf, const struct place *places, struct range range,
                      const struct shelf_query *query, struct shelf_page *page)
{
    size_t left = query->descending ? range.from - range.first : range.end - range.from;
    size_t skip = query->offset;
    for (; left > 0 && !page->more; left--) {
        const struct place *place = &places[query->descending ? --range.from : range.from++];
        if (skip > 0 && !query->wanted) { /* without making it */
            skip--;
            continue;
        }
        AUTO(json_drop) json_t *body = read_place(shelf, place, query);
        if (body && skip > 0) {
            skip--;
        } else if (body && json_array_size(page->records) == query->limit) {
            page->more = true;
        } else if (body) {
            json_array_append(page->records, body);
            page->last_s = place->at_s;
            snprintf(page->last_key, sizeof page->last_key, "%s", shelf->items[place->number].key);
        }
    }
}

void shelf_list(struct shelf *shelf, const struct shelf_query *query, struct shelf_page *out_page)
{
    *out_page = (struct shelf_page){.records = json_array()};
    pthread_mutex_lock(&shelf->lock);
    const struct place *places = put_in_order(shelf, query->order);
    if (places) {
        struct range range = find_range(shelf, places, query);
        out_page->total = count_wanted(shelf, places, range, query);
        fill_page(shelf, places, range, query, out_page);
    }
    int64_t before = shelf->listed;
    shelf->listed += (int64_t)json_array_size(out_page->records);
    if (shelf->every > 0)
        (void)shelf_touch_some(shelf, query->now_s, shelf->listed / shelf->every - before / shelf->every);
    pthread_mutex_unlock(&shelf->lock);
}

json_t *shelf_records(struct shelf *shelf, const struct shelf_query *query)
{
    struct shelf_page page;
    shelf_list(shelf, query, &page);
    return page.records;
}

/* --- all shelves --- */

struct shelves {
    char *workspace;
    struct shelf *items;
    size_t count;
};

static void open_shelf(struct shelf *shelf, const struct template_file *file, const char *workspace,
                       uint64_t seed)
{
    struct error err;
    *shelf = (struct shelf){.kind = file->kind, .workspace = workspace};
    pthread_mutex_init(&shelf->lock, NULL);
    shelf->seed = mix(seed ^ template_hash(file->kind));
    if (!json_read(file->text, strlen(file->text), NULL, &shelf->data, &err)) {
        fprintf(stderr, "sandbox: the templates of %s: %s\n", file->kind, err.text);
        abort();
    }
    const char *key = json_text_at(shelf->data, "key");
    shelf->key = key ? key : "id";
    shelf->fixed = json_object_get(shelf->data, "fixed");
    shelf->made = json_object_get(shelf->data, "made");
    assert(json_array_size(shelf->made) > 0);
}

struct shelves *shelves_new(uint64_t seed, const char *workspace, int64_t start_s)
{
    struct shelves *shelves = mem_zero(1, sizeof *shelves);
    shelves->workspace = mem_text(workspace);
    while (template_files[shelves->count].kind)
        shelves->count++;
    shelves->items = mem_zero(shelves->count, sizeof *shelves->items);
    for (size_t i = 0; i < shelves->count; i++) {
        struct shelf *shelf = &shelves->items[i];
        open_shelf(shelf, &template_files[i], shelves->workspace, seed);
        shelf_fill(shelf, start_s - FIRST_DAYS * DAY_S, start_s - LAST_DAYS * DAY_S,
                   json_int_at(shelf->data, "count", 0));
    }
    return shelves;
}

static void close_shelf(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        struct item *item = &shelf->items[i];
        for (uint32_t v = 0; v < item->edition_count; v++)
            json_decref(item->editions[v].given);
        free(item->editions);
        free(item->key);
    }
    shelf_forget_orders(shelf);
    free(shelf->items);
    free(shelf->slots);
    json_decref(shelf->data);
    pthread_mutex_destroy(&shelf->lock);
}

void shelves_free(struct shelves *shelves)
{
    if (!shelves) return;
    for (size_t i = 0; i < shelves->count; i++)
        close_shelf(&shelves->items[i]);
    free(shelves->items);
    free(shelves->workspace);
    free(shelves);
}

struct shelf *shelves_find(const struct shelves *shelves, const char *kind)
{
    for (size_t i = 0; i < shelves->count; i++) {
        if (strcmp(shelves->items[i].kind, kind) == 0) return &shelves->items[i];
    }
    return NULL;
}
