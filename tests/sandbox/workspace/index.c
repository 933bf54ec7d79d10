/* SPDX-License-Identifier: Apache-2.0 */
/* index.c - records by key in a hash table, and in order of (updated, key) in a treap that counts, so that
 * ranks and the nth are fast.
 *
 * A treap is a search tree by key and a heap by a priority that looks random, which keeps it shallow.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "workspace/record.h"

/* --- by key --- */

/* The slot that holds the key, or the empty one where it belongs. */
static uint32_t *find_slot(const struct collection *collection, const char *key)
{
    size_t mask = collection->slot_count - 1;
    size_t at = (size_t)hash_mix(hash_text(key)) & mask;
    while (collection->slots[at] && strcmp(collection->records[collection->slots[at] - 1].key, key) != 0)
        at = (at + 1) & mask;
    return &collection->slots[at];
}

size_t index_find(const struct collection *collection, const char *key)
{
    uint32_t slot = collection->slot_count ? *find_slot(collection, key) : 0;
    return slot ? slot - 1 : collection->count;
}

void index_add_key(struct collection *collection, size_t number)
{
    if (collection->count * 2 >= collection->slot_count) {
        free(collection->slots);
        collection->slot_count = collection->slot_count ? collection->slot_count * 4 : 256;
        collection->slots = mem_zero(collection->slot_count, sizeof *collection->slots);
        for (size_t i = 0; i < number; i++)
            *find_slot(collection, collection->records[i].key) = (uint32_t)i + 1;
    }
    *find_slot(collection, collection->records[number].key) = (uint32_t)number + 1;
}

/* --- by (updated, key) --- */

static uint32_t size_of(const struct collection *collection, uint32_t node)
{
    return node ? collection->records[node - 1].size : 0;
}

static void recount(struct collection *collection, uint32_t node)
{
    struct record *record = &collection->records[node - 1];
    record->size = 1 + size_of(collection, record->left) + size_of(collection, record->right);
}

static bool is_before(const struct collection *collection, uint32_t node, int64_t at_s, const char *key)
{
    const struct record *record = &collection->records[node - 1];
    if (record->newest.updated_s != at_s) return record->newest.updated_s < at_s;
    if (key[0] == '\0') return false;
    return strcmp(record->key, key) < 0;
}

/* halves[0]: the nodes before (at_s, key); halves[1]: the others. */
static void split(struct collection *collection, uint32_t node, int64_t at_s, const char *key,
                  uint32_t halves[2])
{
    halves[0] = halves[1] = 0;
    if (!node) return;
    struct record *record = &collection->records[node - 1];
    if (is_before(collection, node, at_s, key)) {
        split(collection, record->right, at_s, key, halves);
        record->right = halves[0];
        halves[0] = node;
    } else {
        split(collection, record->left, at_s, key, halves);
        record->left = halves[1];
        halves[1] = node;
    }
    recount(collection, node);
}

/* Every node of a is before every node of b. */
static uint32_t join(struct collection *collection, uint32_t a, uint32_t b)
{
    if (!a || !b) return a ? a : b;
    if (hash_mix(a) > hash_mix(b)) {
        collection->records[a - 1].right = join(collection, collection->records[a - 1].right, b);
        recount(collection, a);
        return a;
    }
    collection->records[b - 1].left = join(collection, a, collection->records[b - 1].left);
    recount(collection, b);
    return b;
}

void index_insert(struct collection *collection, size_t number)
{
    struct record *record = &collection->records[number];
    record->left = record->right = 0;
    record->size = 1;
    uint32_t halves[2];
    split(collection, collection->root, record->newest.updated_s, record->key, halves);
    collection->root = join(collection, join(collection, halves[0], (uint32_t)number + 1), halves[1]);
}

/* The tree under node without the wanted one, whose key is (at_s, key). */
static uint32_t without(struct collection *collection, uint32_t node, uint32_t wanted, int64_t at_s,
                        const char *key)
{
    assert(node);
    struct record *record = &collection->records[node - 1];
    if (node == wanted) return join(collection, record->left, record->right);
    if (is_before(collection, node, at_s, key))
        record->right = without(collection, record->right, wanted, at_s, key);
    else
        record->left = without(collection, record->left, wanted, at_s, key);
    recount(collection, node);
    return node;
}

void index_remove(struct collection *collection, size_t number)
{
    int64_t at_s = collection->records[number].newest.updated_s;
    collection->root =
        without(collection, collection->root, (uint32_t)number + 1, at_s, collection->records[number].key);
}

size_t index_rank(const struct collection *collection, int64_t at_s, const char *key)
{
    size_t rank = 0;
    for (uint32_t node = collection->root; node;) {
        const struct record *record = &collection->records[node - 1];
        if (is_before(collection, node, at_s, key)) {
            rank += size_of(collection, record->left) + 1;
            node = record->right;
        } else {
            node = record->left;
        }
    }
    return rank;
}

size_t index_at(const struct collection *collection, size_t rank)
{
    uint32_t node = collection->root;
    for (;;) {
        assert(node);
        const struct record *record = &collection->records[node - 1];
        size_t left = size_of(collection, record->left);
        if (rank == left) return node - 1;
        if (rank > left) {
            rank -= left + 1;
            node = record->right;
        } else {
            node = record->left;
        }
    }
}
