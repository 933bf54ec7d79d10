/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - how a collection keeps its records: compactly, in the order they came, with two indexes.
 *
 * collection.c  records, their versions and bodies, and how they change
 * index.c       records by key, and in order of (updated, key)
 * find.c        pages of records, as a client reads them
 * list.c        lists of a record, shown in part or elsewhere
 * child.c       records inside a record
 * removal.c     removing, merging, restoring
 * truth.c       what there ever was, for comparing
 * workspace.c   all collections of a service
 *
 * The caller of these functions holds the collection's lock.
 */
#ifndef CASELOAD_SANDBOX_WORKSPACE_RECORD_H
#define CASELOAD_SANDBOX_WORKSPACE_RECORD_H

#include <pthread.h>

#include "workspace/collection.h"
#include "workspace/template.h"

#define VERSION_BITS 20 /* of a record's versions */

struct version {
    int64_t updated_s;
    json_t *given;     /* NULL: made of the template */
    uint32_t served_s; /* when it was last shown; 0: never */
    bool is_expected;  /* ... to a client that must have loaded it */
    bool has_history;  /* ... with the records that were merged into it */
};

struct record {
    char *key;
    int64_t created_s;
    uint64_t sequence; /* among those made of templates */
    struct version newest;
    struct version *past; /* oldest first */
    uint32_t past_count;
    uint32_t left, right, size; /* index.c: a node is a record's number + 1, 0 is none */
    bool is_removed, is_broken, is_keyless, has_merges;
};

/* A record was removed, or merged into another. */
struct removal_entry {
    size_t number;
    int64_t at_s, back_s;
    size_t into;    /* the record that it was merged into; NOWHERE: it was not */
    uint32_t since; /* the version of that one which says so */
    char *value;    /* the member that decided the merge, as it was */
};

#define NOWHERE SIZE_MAX

/* Records made together, from `first` on. */
struct batch {
    size_t first;
    struct child_sizes sizes;
};

struct collection {
    pthread_mutex_t lock;
    const char *kind, *workspace; /* borrowed */
    uint64_t seed;
    json_t *data; /* the file */
    const char *key_member;
    const char *created_member, *time_member; /* of a given record: its times */
    bool is_frozen, keeps_time;

    struct record *records;
    size_t count, capacity, current;
    uint32_t root;
    uint32_t *slots; /* by key: a number + 1, 0 is none; a power of two of them */
    size_t slot_count;
    uint64_t sequence; /* of the next that is made */
    uint64_t choices;  /* made so far, so that each differs */

    struct removal_entry *removals; /* oldest first */
    size_t removal_count, removal_capacity;
    struct batch *batches;
    size_t batch_count;

    int64_t touch_every, shown; /* shown since the last touch */
    int64_t vanish_every, searched;
    int64_t latest_s; /* the greatest update there ever was */
    int64_t now_s;    /* of the latest query */
};

/* The reader of a body, beside its form: TRUTH has its lists whole. */
enum audience { AUDIENCE_CLIENT, AUDIENCE_TRUTH };

struct body {
    const struct collection *collection;
    size_t number;
    uint32_t version;
    struct body_form form;
    enum audience audience;
};

/* --- collection.c --- */
struct version *version_of(const struct collection *collection, size_t number, uint32_t version);
struct template_context body_context(const struct body *body, char out_id[COLLECTION_KEY]);
const json_t *body_template(const struct collection *collection, size_t number);
void body_write(const struct body *body, struct buf *out);
json_t *body_read(const struct body *body);               /* yours */
json_t *text_read(const struct buf *text);                /* what we wrote we can read; yours */
int64_t time_read(const json_t *value, int64_t fallback); /* seconds, of a number or ISO 8601 */
void version_serve(struct collection *collection, size_t number, bool expect, bool history);
bool record_renew(struct collection *collection, size_t number, int64_t updated_s); /* a new version */
bool record_touch(struct collection *collection, size_t number, int64_t at_s);
/* Calls take for current records chosen by the seed until `count` were taken; returns how many were. */
int64_t records_choose(struct collection *collection, int64_t count,
                       bool (*take)(struct collection *collection, size_t number, void *self), void *self);
void touch_unshown(struct collection *collection, int64_t at_s);

/* --- index.c --- */
void index_add_key(struct collection *collection, size_t number);
size_t index_find(const struct collection *collection, const char *key); /* count: there is none */
void index_insert(struct collection *collection, size_t number);
void index_remove(struct collection *collection, size_t number); /* before its time changes */
/* How many records are before (at_s, key). */
size_t index_rank(const struct collection *collection, int64_t at_s, const char *key);
size_t index_at(const struct collection *collection, size_t rank); /* rank < current */

/* --- list.c --- */
/* A word of a template about a list of its own record: $list, $size, $cut. */
bool list_write_word(const struct body *body, const char *word, const char *name, struct buf *out);
/* The lists of a given body, cut as a client sees them, or whole. */
void lists_shape(const struct body *body, json_t *given);

/* --- child.c --- */
const char *children_member(const struct collection *collection); /* that holds them; NULL: it has none */
/* $children, $children total, $opening */
bool child_write_word(const struct body *body, const char *word, const char *argument, struct buf *out);

/* --- removal.c --- */
void record_remove(struct collection *collection, size_t number, int64_t at_s);
/* Adds the history of merges as a member of the object that `out` ends with. */
void history_write(const struct body *body, struct buf *out);
/* The record that one was merged into in the end; NOWHERE: it was not, or that one is gone. */
size_t record_canonical(const struct collection *collection, size_t number);

/* --- truth.c --- */
bool wanted_version(const struct collection *collection, size_t number, uint32_t *out_version);

#endif
