/* SPDX-License-Identifier: Apache-2.0 */
/* records.h - how the world keeps its records: compactly, in the order they came, with an index.
 *
 * world.c          records, their versions, touching, searching
 * world_index.c    the records' order by (updated_at, id)
 * world_write.c    how JSON is put down
 * world_contact.c  what a contact's version says
 * world_talk.c     what a conversation's version says
 * world_truth.c    ids, and what a record ever said, for comparing
 * world_thread.c   threads and their parts, for answers and for comparing
 * world_events.c   what happened to conversations
 * world_gone.c     deleting and merging, and what is known of it
 * world_people.c   contacts one by one, and their lists
 *
 * The body of a version is not stored but made again from the seed whenever it is read, unless it was given.
 */
#ifndef CASELOAD_SANDBOX_WORLD_RECORDS_H
#define CASELOAD_SANDBOX_WORLD_RECORDS_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "workspace/world.h"

#define RECORD_ID 128 /* a longer id is refused */

struct version {
    int64_t updated_s;
    json_t *given;     /* NULL: made from the seed */
    uint32_t served_s; /* when it was last shown; 0: never */
    bool whole;        /* ... with all that a row says (a conversation in a list lacks its parts) */
    bool history;      /* ... with the contacts that were merged into it */
    bool removed;      /* of the newest: the record is gone, and in no index */
    bool broken;       /* of the newest: it is shown by searches only */
};

struct record {
    int64_t created_s;
    char *id; /* given; NULL: see records_id */
    struct version newest;
    struct version *past; /* oldest first */
    uint32_t past_count;
    uint32_t left, right, size; /* the index: a node is a record's number + 1, 0 is none */
    bool has_merges;            /* others were merged into it */
};

/* A record was deleted, or merged into another. */
struct removal {
    size_t number;
    int64_t at_s, back_s; /* back_s: when it was seen again; INT64_MAX: it was not */
    size_t into;          /* the record that it was merged into; NOWHERE: it was deleted */
    uint32_t since;       /* the version of that one which says so */
    bool user;            /* it was a user, not a lead */
};

#define NOWHERE SIZE_MAX

/* Conversations that were made together, from `first` on. */
struct batch {
    size_t first;
    uint32_t parts, body_bytes; /* at most */
};

struct records {
    uint64_t seed;
    bool talks; /* conversations, else contacts */
    struct batch *batches;
    size_t batch_count;
    struct record *items;
    size_t count, capacity;
    uint32_t root;
    struct removal *removals; /* oldest first */
    size_t removal_count, removal_capacity;
};

/* A hash of a number, the same on every machine. */
uint64_t mix(uint64_t number);

void records_id(const struct records *records, size_t number, char out_id[RECORD_ID]);

void index_insert(struct records *records, size_t number);
void index_remove(struct records *records, size_t number); /* before its time changes */
/* How many records are before (at_s, id). */
size_t index_rank(const struct records *records, int64_t at_s, const char *id);
size_t index_at(const struct records *records, size_t rank); /* rank < count */

/* --- world_write.c: names of ours are plain, so only values are escaped; name NULL: a list's item --- */
struct dice {
    uint64_t state;
};

uint32_t roll(struct dice *dice, uint32_t sides);
void put_name(struct buf *out, const char *name);
void put_open(struct buf *out, const char *name, char bracket);
void put_word(struct buf *out, const char *name, const char *word);
void put_bool(struct buf *out, const char *name, bool value);
void put_integer(struct buf *out, const char *name, int64_t value);
void put_text(struct buf *out, const char *name, const char *text);
void put_format(struct buf *out, const char *name, const char *format, ...) PRINTF(3, 4);
void put_time(struct buf *out, const char *name, struct dice *dice, int64_t near_s);

struct contact {
    uint64_t seed;
    uint64_t sequence;
    uint32_t version; /* from 0 */
    int64_t created_s, updated_s;
    const char *id;
    const char *workspace;
    bool whole; /* its lists are not cut */
};

#define LIST_CUT 10 /* elements of a list inside a contact */

void contact_write(const struct contact *contact, struct buf *out); /* adds a JSON object */
/* One of a contact's lists, whole. */
void contact_write_list(const struct contact *contact, enum world_list list, struct buf *out);
const char *contact_list_name(enum world_list list); /* "tags" */
bool contact_is_user(uint64_t seed, uint64_t sequence);

/* --- world_talk.c --- */
#define TALK_MOST_PARTS 500 /* in one answer: the newest */

struct talk {
    uint64_t seed;
    uint64_t sequence;
    uint32_t version; /* from 0 */
    const struct record *record;
    const char *id;
    uint32_t parts; /* of version 0 */
    uint32_t body_bytes;
};

enum talk_form {
    TALK_ITEM,  /* as the search shows it: without parts */
    TALK_HTML,  /* whole */
    TALK_PLAIN, /* whole, as plain text */
    TALK_ROW    /* what a row of the warehouse should say: the parts are counted instead */
};

/* A part is known by its place in the thread, from 0; -1 is the first message. */
struct part_state {
    uint32_t revision; /* the version that made or last edited it */
    bool redacted;
};

int64_t talk_count(const struct talk *talk); /* parts of this version, those that are cut off included */
void talk_write(const struct talk *talk, enum talk_form form, struct buf *out);
struct part_state talk_part_state(const struct talk *talk, int64_t part, uint32_t version);
int64_t talk_part_updated_s(const struct talk *talk, int64_t part, uint32_t revision);
void talk_part_id(const struct talk *talk, int64_t part, char out_id[RECORD_ID]);
int64_t talk_part_of(const struct talk *talk, const char *id); /* -2: none */
/* row: with what the loader adds. */
void talk_write_part(const struct talk *talk, int64_t part, struct part_state state, bool row,
                     struct buf *out);

/* --- world.c --- */
struct world {
    pthread_mutex_t lock;
    struct records records;
    char *workspace;
    uint64_t choices; /* made so far, so that each differs */
    int64_t every;    /* touch while read */
    int64_t served;   /* records since the last such touch */
    int64_t vanish;   /* of so many records that a search shows, one is gone at once */
    int64_t shown;
    int64_t latest_s; /* the greatest updated_at there ever was */
    int64_t now_s;    /* of the latest search */
};

enum form {
    FORM_SHOWN,   /* as answers show it: a contact's lists are cut, a conversation has no parts */
    FORM_HISTORY, /* the same with the contacts that were merged into it */
    FORM_TRUTH    /* what a row should say of it */
};

struct version *version_of(const struct records *records, size_t number, uint32_t version);
void version_write(const struct world *world, size_t number, uint32_t version, enum form form,
                   struct buf *out);
json_t *version_body(const struct world *world, size_t number, uint32_t version); /* the truth, yours */
void version_serve(struct world *world, size_t number, bool whole, bool history); /* the newest was shown */
bool renew(struct world *world, size_t number, int64_t updated_s, json_t *given); /* false: not one more */
json_t *touched(const struct version *version, int64_t at_s); /* the body it is given then, or NULL */
/* Calls try for records chosen by the seed, until `count` of them were taken; returns how many were. */
int64_t choose(struct world *world, int64_t count,
               bool (*take)(struct world *world, size_t number, void *self), void *self);

/* --- world_gone.c --- */
void remove_record(struct world *world, size_t number, int64_t at_s);
/* What a version says of the contacts that were merged into it, yours; NULL: it is a lead, and says nothing.
 */
json_t *merge_history(const struct records *records, size_t number, uint32_t version);
/* The record that a contact was merged into in the end; NOWHERE: it was not, or that one is deleted. */
size_t canonical_of(const struct records *records, size_t number);

/* --- world_truth.c --- */
struct talk talk_of(const struct records *records, size_t number, uint32_t version, char out_id[RECORD_ID]);
size_t find_record(const struct records *records, const char *id); /* count: there is none */
/* The version that the warehouse must have: the newest; of a record that is gone the newest that whoever
 * reads it must have kept. False: none. */
bool wanted_version(const struct records *records, size_t number, uint32_t *out_version);

/* --- world_thread.c --- */
/* What a row should say of a conversation's version. Yours. */
json_t *thread_row(const struct records *records, size_t number, uint32_t version);

#endif
