/* SPDX-License-Identifier: Apache-2.0 */
/* collection.h - the records of one kind that a service shows, each with every version it ever had.
 *
 * A collection is made of a file of templates, tests/data/<service>/<kind>.json; its members:
 *
 *   "key": "full_name"   the member by which a record is known; without it "id"
 *   "id": "serial"       how ids look: serial ("first", and "step" apart), hex or uuid
 *   "count": 12          records to begin with
 *   "frozen": true       a record never changes
 *   "created": "date"    the member of a given record with the time of its creation; without it "created_at"
 *   "time": "date_time"  the member of a given record with its time; without it "updated_at"
 *   "keeps_time": true   a record that is touched gets another content, and no new time
 *   "keyless": true      given records may lack their key; they are shown, but never expected
 *   "fixed": [...]       templates of the first records, one each
 *   "made": [...]        templates of all others, in turn
 *   "lists": {...}       lists that a record shows in part, or elsewhere (list.c)
 *   "children": {...}    records inside a record, as messages of a thread (child.c)
 *   "merge": {...}       how records are merged into others (removal.c)
 *
 * The body of a version is not stored but made again from the seed whenever it is read, unless it was given.
 * A record has one current version; older ones can't be read by a client, but are kept for comparing.
 * Two collections with the same seed and history are equal. json_t results are yours unless said otherwise.
 * Times are seconds since 1970. Any thread: each call takes the collection's lock.
 */
#ifndef CASELOAD_SANDBOX_WORKSPACE_COLLECTION_H
#define CASELOAD_SANDBOX_WORKSPACE_COLLECTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define COLLECTION_KEY 128 /* bytes of a key, with its NUL; a longer one is refused */

struct workspace;
struct collection;

/* A collection for each file of the service, with a few records of the weeks before start_s. */
struct workspace *workspace_new(const char *service, uint64_t seed, const char *id, int64_t start_s);
void workspace_free(struct workspace *workspace);
/* Borrowed; NULL: there is no such kind. */
struct collection *workspace_find(const struct workspace *workspace, const char *kind);

/* --- changing --- */

/* `count` new records, spread over the days from..to (UTC, inclusive; about one day in ten stays empty). */
void collection_fill(struct collection *collection, int64_t from_s, int64_t to_s, int64_t count);
/* The same for records with children: up to `children` to begin with (exactly so many from 100 on), with
 * texts of up to body_bytes. */
struct child_sizes {
    uint32_t children, body_bytes;
};
void collection_fill_children(struct collection *collection, int64_t from_s, int64_t to_s, int64_t count,
                              struct child_sizes sizes);
/* `count` current records chosen by the seed get a new version at that second. Returns how many did. */
int64_t collection_touch(struct collection *collection, int64_t at_s, int64_t count);
bool collection_touch_one(struct collection *collection, const char *key, int64_t at_s);
/* From now on, after every `every` records that are shown, one that was not yet shown is touched at the
 * query's now_s. 0: no more. */
void collection_touch_while_read(struct collection *collection, int64_t every);
/* Of every `every` records that a search shows, the last is removed right after. 0: no more. */
void collection_vanish_while_read(struct collection *collection, int64_t every);
/* The record as given: a new one, or a newer version of the one with that key. Its times are those of its
 * members "created" and "time", seconds or ISO 8601, else at_s. False: it has no key, is not newer, or was
 * removed. */
bool collection_put(struct collection *collection, const json_t *record, int64_t at_s);
/* Reading this record by itself fails until it changes. False: there is none. */
bool collection_break(struct collection *collection, const char *key);
bool collection_is_broken(struct collection *collection, const char *key);

bool collection_remove(struct collection *collection, const char *key, int64_t at_s);
int64_t collection_remove_some(struct collection *collection, int64_t count, int64_t at_s); /* by the seed */
int64_t collection_remove_last(struct collection *collection, int64_t count, int64_t at_s);
/* A removed record is there again, as a new version. False: it was not removed. */
bool collection_restore(struct collection *collection, const char *key, int64_t at_s);
/* `count` records are merged into others, which get a new version each. Returns how many were. */
int64_t collection_merge(struct collection *collection, int64_t count, int64_t at_s);

/* --- reading, as a client does --- */

struct body_form {
    bool children;  /* with them; else without the member that holds them */
    bool plain;     /* texts without markup */
    bool history;   /* with the records that were merged into it */
    bool on_demand; /* with members that are only shown on demand */
};

struct collection_query {
    bool by_arrival;       /* in the order records came, which ids follow; else by (updated, key) */
    bool descending;       /* by (updated, key) only */
    int64_t from_s, to_s;  /* updated in [from_s, to_s); to_s 0: any */
    const char *after_key; /* begin after this one's place; NULL: at the beginning */
    int64_t after_s;       /* ... where it stood then */
    size_t offset, limit;  /* so many more are left out; at most so many are shown */
    int64_t now_s;         /* for what changes while it is read */
    bool expect;           /* a record that is shown must be loaded, even if it is removed later */
    struct body_form form;
    bool (*wanted)(void *self, const json_t *record); /* NULL: every record; must not call the collection */
    bool (*wanted_key)(void *self, const char *key);  /* the same by the key alone, which is fast */
    void *self;
};

struct collection_page {
    size_t total;                  /* how many match, wherever the page begins */
    size_t count;                  /* shown */
    bool has_more;                 /* others follow */
    int64_t last_s;                /* the last one's place in the order */
    char last_key[COLLECTION_KEY]; /* "" if none was shown */
};

/* Adds the records as JSON, with commas between them. */
void collection_find(struct collection *collection, const struct collection_query *query, struct buf *out,
                     struct collection_page *out_page);
/* The same as an array; out_page may be NULL. */
json_t *collection_list(struct collection *collection, const struct collection_query *query,
                        struct collection_page *out_page);

enum record_state { RECORD_HERE, RECORD_MERGED, RECORD_GONE };

/* Adds the record as it is now, or says where it went: out_into is the one it was merged into. */
enum record_state collection_read(struct collection *collection, const char *key, struct body_form form,
                                  struct buf *out, char out_into[COLLECTION_KEY]);
json_t *collection_get(struct collection *collection, const char *key); /* NULL: it is not there */
/* A version was shown to a client that must load it, and keep it if it was old enough then. */
void collection_expect(struct collection *collection, const char *key, int64_t updated_s, int64_t now_s);
/* One of a record's lists, whole and in full; NULL: the record is not here. */
json_t *collection_read_list(struct collection *collection, const char *key, const char *list);
size_t collection_count(struct collection *collection); /* current records */

/* --- for comparing: records are numbered from 0 in the order they came, and their versions from 0 --- */

size_t collection_ever(struct collection *collection); /* records, removed ones included */
/* The record with that key; collection_ever(): there never was one. */
size_t collection_number(struct collection *collection, const char *key);
void collection_key(struct collection *collection, size_t number, char out_key[COLLECTION_KEY]);
bool collection_is_here(struct collection *collection, size_t number);
size_t collection_versions(struct collection *collection, size_t number); /* how many */
/* The version with that time; collection_versions(): none has it. */
size_t collection_version_at(struct collection *collection, size_t number, int64_t updated_s);
int64_t collection_updated_s(struct collection *collection, size_t number, size_t version);
/* All that a client could read of a version, with its lists whole; NULL: there is no such. */
json_t *collection_version(struct collection *collection, size_t number, size_t version);
/* The version that must have been loaded: the newest; of a removed record the newest that was shown in time.
 * False: none. */
bool collection_wanted(struct collection *collection, size_t number, size_t *out_version);
/* A list of a version in full. */
json_t *collection_version_list(struct collection *collection, size_t number, size_t version,
                                const char *list);

/* The newest version that a client was shown. False: none was. */
bool collection_shown(struct collection *collection, size_t number, size_t *out_version);

struct removal {
    char key[COLLECTION_KEY], into[COLLECTION_KEY]; /* into "": it was not merged */
    int64_t at_s, back_s; /* back_s: when it was there again; INT64_MAX: it is gone */
};

size_t collection_removals(struct collection *collection); /* how many there were */
/* Number 0 .. that - 1, oldest first. */
void collection_removal(struct collection *collection, size_t number, struct removal *out_removal);
/* Is `into` one of those that `key` ended up in? */
bool collection_merged_into(struct collection *collection, const char *key, const char *into);

struct child_key {
    const char *parent, *id;
    int64_t updated_s;
    bool is_redacted;
};

struct child_record {
    json_t *body;             /* as its parent shows it; yours */
    int64_t index;            /* 0: the opening, then from 1 in the whole thread */
    int64_t parent_created_s; /* as the parent tells it */
    int64_t place;            /* a number of its own for each such child */
};

/* False: there never was such a child. */
bool collection_child(struct collection *collection, const struct child_key *key,
                      struct child_record *out_child);
/* Calls visit for each child of the version that must have been loaded. */
void collection_children(struct collection *collection, size_t number,
                         void (*visit)(void *self, const struct child_key *key, int64_t place), void *self);

#endif
