/* SPDX-License-Identifier: Apache-2.0 */
/* shelf_items.h - how a shelf keeps its records.
 *
 * world_shelf.c   records, their versions, and how they change
 * world_lists.c   the lists of them, and all shelves together
 *
 * What is declared here wants the shelf's lock to be held.
 */
#ifndef CASELOAD_SANDBOX_WORLD_SHELF_ITEMS_H
#define CASELOAD_SANDBOX_WORLD_SHELF_ITEMS_H

#include <pthread.h>

#include "workspace/shelf.h"

#define ORDERS 3

struct edition {
    int64_t at_s;
    json_t *given; /* NULL: made of the template */
};

struct item {
    char *key;
    int64_t created_s;
    uint64_t sequence; /* among those made of templates */
    struct edition *editions;
    uint32_t edition_count;
    bool removed;
};

/* A current record's place in an order. */
struct place {
    int64_t at_s;
    uint32_t number;
};

struct shelf {
    pthread_mutex_t lock;
    const char *kind;
    const char *workspace; /* of the shelves */
    uint64_t seed;
    json_t *data; /* the file */
    const char *key;
    const json_t *fixed, *made;

    struct item *items;
    size_t count, capacity;
    size_t current;
    uint64_t sequence; /* of the next that is made */
    uint64_t choices;  /* made so far, so that each differs */
    int64_t every, listed;

    uint32_t *slots; /* the index by key: a number + 1, 0 is none; a power of two of them */
    size_t slot_count;

    struct place *orders[ORDERS]; /* of the current records, ascending; NULL: to be made again */
};

json_t *item_body(const struct shelf *shelf, const struct item *item, uint32_t version); /* yours */
int64_t item_newest_s(const struct item *item);
size_t shelf_find(const struct shelf *shelf, const char *key); /* the record's number; count: there is none */
int64_t shelf_touch_some(struct shelf *shelf, int64_t at_s, int64_t count);
void shelf_forget_orders(struct shelf *shelf);

#endif
