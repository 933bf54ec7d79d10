/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - what is in the workspace: records, and every version each ever had.
 *
 * Made from a seed, so two worlds with the same seed and history are equal. Contacts have the shape of
 * Intercom's contact schema, with long unicode, nulls, custom attributes, nested lists cut at ten, fields
 * that no schema knows, and empty days. A record has one current version; older ones can't be read any more,
 * but the world remembers which were served. Any thread.
 */
#ifndef CASELOAD_SANDBOX_WORLD_H
#define CASELOAD_SANDBOX_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define WORLD_ID 128 /* bytes of an id, with its NUL */

struct world;

struct world *world_new(uint64_t seed, const char *workspace);
/* A world of conversations; the functions are the same, but for those of threads below. */
struct world *world_new_talks(uint64_t seed, const char *workspace);
void world_free(struct world *world);

/* `count` new contacts, spread over the days from..to (UTC, inclusive; about one day in ten stays empty). */
void world_fill(struct world *world, int64_t from_s, int64_t to_s, int64_t count);
/* `count` records chosen by the seed get a new version at that second. */
void world_touch(struct world *world, int64_t at_s, int64_t count);
/* From now on, after every `every` records that are served, one of the not yet served ones is touched at the
 * second given by now_s() - records change while they are read. 0: no more. */
void world_touch_while_read(struct world *world, int64_t every);
/* A record is deleted: no search and no answer shows it any more. False: there is none. */
bool world_remove(struct world *world, const char *id, int64_t at_s);
int64_t world_remove_some(struct world *world, int64_t count, int64_t at_s); /* returns how many */
/* A deleted record is there again, as a new version. False: it was not deleted. */
bool world_restore(struct world *world, const char *id, int64_t at_s);
/* `count` contacts are merged into others, which get a new version each. Returns how many were. */
int64_t world_merge(struct world *world, int64_t count, int64_t at_s);
/* Whoever asks for this record by itself gets an error, until it changes. False: there is none. */
bool world_break(struct world *world, const char *id);
bool world_is_broken(struct world *world, const char *id);
/* Of every `every` records that a search shows, the last is deleted right after. 0: no more. */
void world_vanish_while_read(struct world *world, int64_t every);
/* One record more, as given (a contact object, or a conversation with its parts; id and times are taken from
 * it if present). */
bool world_add(struct world *world, json_t *record);

/* The current records with from_s <= updated_at < to_s, ascending by (updated_at, id), after the pair
 * (after_s, after_id) if after_id is not NULL, at most limit; new array of records (borrowed inside). It
 * marks them as served. total: how many match at all. now_s serves world_touch_while_read. */
json_t *world_search(struct world *world, int64_t from_s, int64_t to_s, int64_t after_s, const char *after_id,
                     size_t limit, int64_t now_s, int64_t *out_total);

/* The same with more to choose. */
struct world_query {
    int64_t from_s, to_s;
    const char *after_id; /* NULL: from the beginning */
    int64_t after_s;
    bool descending;
    bool history; /* show which contacts were merged into others */
    size_t limit;
    int64_t now_s;
    bool (*wanted)(void *self, const json_t *record); /* NULL: every record; must not call the world */
    void *self;
    struct buf *out; /* the records are added here as JSON, with commas between them */
};

struct world_found {
    int64_t total;
    size_t count; /* returned */
    bool more;    /* others follow behind those returned */
    int64_t last_s;
    char last_id[WORLD_ID]; /* the last returned one's place in the order; "" if none was */
};

void world_find(struct world *world, const struct world_query *query, struct world_found *out_found);

/* --- contacts one by one --- */

enum world_state { WORLD_HERE, WORLD_MERGED, WORLD_GONE };

enum world_list {
    WORLD_TAGS,
    WORLD_NOTES,
    WORLD_COMPANIES,
    WORLD_OPTED_OUT, /* subscription types */
    WORLD_OPTED_IN,
    WORLD_LISTS
};

/* Adds the contact as it is now, or says where it went: out_into is the one it was merged into. */
enum world_state world_contact(struct world *world, const char *id, bool history, struct buf *out,
                               char out_into[WORLD_ID]);
/* Its whole list in the short form [{type, id, ..}], yours; NULL: it is not here. */
json_t *world_contact_list(struct world *world, const char *id, enum world_list list);
/* Adds up to `limit` current contacts with commas between them, in the order they came, from number *next on,
 * which moves behind them. Returns how many; out_total: of how many. */
size_t world_contacts(struct world *world, int64_t *next, size_t limit, struct buf *out, int64_t *out_total);

/* --- the deleted --- */

struct world_removal {
    char id[WORLD_ID], into[WORLD_ID]; /* into "": it was deleted */
    int64_t at_s, back_s;              /* back_s: when it was there again; INT64_MAX: it is gone */
};

int64_t world_removals(struct world *world); /* how many there were */
/* Number 0 .. that - 1, oldest first. */
void world_removal(struct world *world, int64_t number, struct world_removal *out_removal);
/* Is `into` one of those that `id` ended up in? */
bool world_merged_into(struct world *world, const char *id, const char *into);

/* For comparing: calls visit for every version of every record, in order; newest and served tell which. */
void world_versions(struct world *world,
                    void (*visit)(void *self, const json_t *version, bool newest, bool served), void *self);
int64_t world_count(struct world *world);

/* One version of a record, yours, or NULL if there was none. Its place is a number of its own in the world:
 * the record's number, and in the lowest WORLD_VERSION_BITS the version's, both from 0. */
#define WORLD_VERSION_BITS 20
json_t *world_version(struct world *world, const char *id, int64_t updated_s, int64_t *out_place);
/* The place of the version of record number 0 .. count-1 that must have been loaded, and its key; the id is
 * "" if there is none: the newest; of a deleted record the newest that was shown in time. */
int64_t world_newest(struct world *world, int64_t number, char out_id[WORLD_ID], int64_t *out_updated_s);

/* The number of the record with that id; -1: there never was one. */
int64_t world_number(struct world *world, const char *id);
bool world_is_here(struct world *world, int64_t number); /* not deleted, not merged into another */

/* --- conversations --- */

/* Like world_fill. Each has up to `parts` parts to begin with (exactly so many from 100 on), with texts of up
 * to body_bytes. */
void world_fill_talks(struct world *world, int64_t from_s, int64_t to_s, int64_t count, uint32_t parts,
                      uint32_t body_bytes);

/* Adds the conversation as it is now, with its newest parts. False: it is not there. */
bool world_thread(struct world *world, const char *id, bool plain, struct buf *out);

/* When work on a conversation was paused and taken up again, yours; NULL: it is not there. They never change.
 */
json_t *world_handling_events(struct world *world, const char *id, bool even_gone);
/* Do reports still count a deleted conversation? */
bool world_retains_metrics(const struct world *world, const char *id);

/* What a row should say of a part that is known by these, yours; NULL: there never was such a part. The place
 * is a number of its own for each such part. */
struct world_part {
    const char *conversation_id, *id;
    int64_t updated_s;
    bool redacted;
};

json_t *world_part(struct world *world, const struct world_part *part, int64_t *out_place);

/* Calls visit for each part of conversation `number` that must have been loaded: those of the version that
 * world_newest tells of. */
void world_parts(struct world *world, int64_t number,
                 void (*visit)(void *self, const struct world_part *part, int64_t place), void *self);

#endif
