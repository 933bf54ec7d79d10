/* world_records.h - how the world keeps its records: compactly, in the order they came, with an index.
 *
 * world.c          records, their versions, touching, searching
 * world_index.c    the records' order by (updated_at, id)
 * world_contact.c  what a contact's version says
 *
 * The body of a version is not stored but made again from the seed whenever it is read, unless it was given.
 */
#ifndef CASELOAD_SANDBOX_WORLD_RECORDS_H
#define CASELOAD_SANDBOX_WORLD_RECORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define RECORD_ID 128 /* a longer id is refused */

struct version {
    int64_t updated_s;
    json_t *given; /* NULL: made from the seed */
    bool served;
};

struct record {
    int64_t created_s;
    char *id; /* given; NULL: see record_id */
    struct version newest;
    struct version *past; /* oldest first */
    uint32_t past_count;
    uint32_t left, right, size; /* the index: a node is a record's number + 1, 0 is none */
};

struct records {
    uint64_t seed;
    struct record *items;
    size_t count, capacity;
    uint32_t root;
};

/* A number's hash: the same on every machine. */
uint64_t mix(uint64_t number);

void record_id(const struct records *records, size_t number, char out_id[RECORD_ID]);

void index_insert(struct records *records, size_t number);
void index_remove(struct records *records, size_t number); /* before its time changes */
/* How many records are before (at_s, id). */
size_t index_rank(const struct records *records, int64_t at_s, const char *id);
size_t index_at(const struct records *records, size_t rank); /* rank < count */

struct contact {
    uint64_t seed;
    uint64_t sequence;
    uint32_t version; /* from 0 */
    int64_t created_s, updated_s;
    const char *id;
    const char *workspace;
};

void contact_write(const struct contact *contact, struct buf *out); /* adds a JSON object */

#endif
