/* SPDX-License-Identifier: Apache-2.0 */
/* shelf.h - the lists of the workspace: a shelf holds the records of one kind, each with every version
 * it ever had.
 *
 * What the records of a kind look like is data: tests/data/intercom/<kind>.json (see world_template.h). The
 * body of a version is not stored but made again from the seed whenever it is read, unless it was given. A
 * record is known by its key, the text of one of its members ("id" of most kinds). Any thread.
 */
#ifndef CASELOAD_SANDBOX_WORLD_SHELF_H
#define CASELOAD_SANDBOX_WORLD_SHELF_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHELF_KEY 128 /* bytes of a key, with its NUL */

struct shelves;
struct shelf;

/* A shelf for each file of templates, with a few records of the weeks before start_s. */
struct shelves *shelves_new(uint64_t seed, const char *workspace, int64_t start_s);
void shelves_free(struct shelves *shelves);
struct shelf *shelves_find(const struct shelves *shelves, const char *kind); /* NULL: there is no such kind */

/* `count` new records, spread over the days from..to (UTC, inclusive). */
void shelf_fill(struct shelf *shelf, int64_t from_s, int64_t to_s, int64_t count);
/* `count` current records chosen by the seed get a new version at that second, in which several fields
 * differ; none of a kind whose records never change. Returns how many did. */
int64_t shelf_touch(struct shelf *shelf, int64_t at_s, int64_t count);
bool shelf_touch_one(struct shelf *shelf, const char *key, int64_t at_s); /* false: it can't be */
/* After every `every` records that are listed, one is touched at the query's now_s. 0: no more. */
void shelf_touch_while_read(struct shelf *shelf, int64_t every);
/* The record as given: a new one, or a newer version of the one with that key. Its times are those of its
 * created_at and updated_at, seconds or ISO 8601, else at_s. False: it has no key, is not newer, or was
 * removed. */
bool shelf_put(struct shelf *shelf, const json_t *record, int64_t at_s);
bool shelf_remove(struct shelf *shelf,
                  const char *key); /* no list shows it any more; false: it is not there */
int64_t shelf_remove_some(struct shelf *shelf, int64_t count); /* the last ones; returns how many */

enum shelf_order {
    SHELF_BY_ARRIVAL, /* as ids grow */
    SHELF_BY_UPDATED,
    SHELF_BY_CREATED
};

struct shelf_query {
    enum shelf_order order;
    bool descending;
    int64_t from_s, to_s;  /* the order's time is in [from_s, to_s); to_s 0: any. Not for SHELF_BY_ARRIVAL */
    const char *after_key; /* begin behind this one's place in the order; NULL: at its beginning */
    int64_t after_s;       /* ... where it stood then: the order's time */
    size_t offset;         /* so many more are left out */
    size_t limit;
    int64_t now_s;                                    /* for shelf_touch_while_read */
    bool (*wanted)(void *self, const json_t *record); /* NULL: every record; must not call the shelf */
    void *self;
};

struct shelf_page {
    json_t *records; /* an array, yours */
    size_t total;    /* how many match, wherever the page begins */
    bool more;       /* others follow behind these */
    int64_t last_s;  /* the last one's place in the order; "" if there is none */
    char last_key[SHELF_KEY];
};

void shelf_list(struct shelf *shelf, const struct shelf_query *query, struct shelf_page *out_page);
json_t *shelf_records(struct shelf *shelf, const struct shelf_query *query); /* of the page alone, yours */
json_t *shelf_get(struct shelf *shelf, const char *key); /* as it is now, yours; NULL: it is not there */
size_t shelf_count(struct shelf *shelf);                 /* current ones */

/* --- for comparing: records are numbered from 0 in the order they came, and their versions from 0 --- */

size_t shelf_ever(struct shelf *shelf); /* records, removed ones included */
/* Number of the record with that key; shelf_ever(): there never was one. */
size_t shelf_number(struct shelf *shelf, const char *key);
/* Versions of a record; *out_current (may be NULL) tells whether lists still show it. */
size_t shelf_versions(struct shelf *shelf, size_t number, bool *out_current);
/* One version, yours; NULL: there is no such. at_s (may be NULL): its time. */
json_t *shelf_version(struct shelf *shelf, size_t number, size_t version, int64_t *out_at_s);
void shelf_key(struct shelf *shelf, size_t number, char out_key[SHELF_KEY]);

#endif
