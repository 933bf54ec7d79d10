/* SPDX-License-Identifier: Apache-2.0 */
/* index.c - records in order of (updated_at, id): a treap that counts, so ranks and the nth are fast.
 *
 * A treap is a search tree by key and a heap by a priority that looks random, which keeps it shallow.
 */
#include <assert.h>
#include <string.h>

#include "workspace/records.h"

static uint32_t size_of(const struct records *records, uint32_t node)
{
    return node ? records->items[node - 1].size : 0;
}

static void recount(struct records *records, uint32_t node)
{
    struct record *record = &records->items[node - 1];
    record->size = 1 + size_of(records, record->left) + size_of(records, record->right);
}

static bool is_before(const struct records *records, uint32_t node, int64_t at_s, const char *id)
{
    const struct record *record = &records->items[node - 1];
    if (record->newest.updated_s != at_s) return record->newest.updated_s < at_s;
    if (id[0] == '\0') return false;
    char own[RECORD_ID];
    records_id(records, node - 1, own);
    return strcmp(own, id) < 0;
}

/* halves[0]: the nodes before (at_s, id); halves[1]: the others. */
static void split(struct records *records, uint32_t node, int64_t at_s, const char *id, uint32_t halves[2])
{
    halves[0] = halves[1] = 0;
    if (!node) return;
    struct record *record = &records->items[node - 1];
    if (is_before(records, node, at_s, id)) {
        split(records, record->right, at_s, id, halves);
        record->right = halves[0];
        halves[0] = node;
    } else {
        split(records, record->left, at_s, id, halves);
        record->left = halves[1];
        halves[1] = node;
    }
    recount(records, node);
}

/* Every node of a is before every node of b. */
static uint32_t join(struct records *records, uint32_t a, uint32_t b)
{
    if (!a || !b) return a ? a : b;
    if (mix(a) > mix(b)) {
        records->items[a - 1].right = join(records, records->items[a - 1].right, b);
        recount(records, a);
        return a;
    }
    records->items[b - 1].left = join(records, a, records->items[b - 1].left);
    recount(records, b);
    return b;
}

void index_insert(struct records *records, size_t number)
{
    struct record *record = &records->items[number];
    char id[RECORD_ID];
    records_id(records, number, id);
    record->left = record->right = 0;
    record->size = 1;
    uint32_t halves[2];
    split(records, records->root, record->newest.updated_s, id, halves);
    records->root = join(records, join(records, halves[0], (uint32_t)number + 1), halves[1]);
}

/* The tree under node without the wanted one, whose key is (at_s, id). */
static uint32_t without(struct records *records, uint32_t node, uint32_t wanted, int64_t at_s, const char *id)
{
    assert(node);
    struct record *record = &records->items[node - 1];
    if (node == wanted) return join(records, record->left, record->right);
    if (is_before(records, node, at_s, id))
        record->right = without(records, record->right, wanted, at_s, id);
    else
        record->left = without(records, record->left, wanted, at_s, id);
    recount(records, node);
    return node;
}

void index_remove(struct records *records, size_t number)
{
    char id[RECORD_ID];
    records_id(records, number, id);
    int64_t at_s = records->items[number].newest.updated_s;
    records->root = without(records, records->root, (uint32_t)number + 1, at_s, id);
}

size_t index_rank(const struct records *records, int64_t at_s, const char *id)
{
    size_t rank = 0;
    for (uint32_t node = records->root; node;) {
        const struct record *record = &records->items[node - 1];
        if (is_before(records, node, at_s, id)) {
            rank += size_of(records, record->left) + 1;
            node = record->right;
        } else {
            node = record->left;
        }
    }
    return rank;
}

size_t index_at(const struct records *records, size_t rank)
{
    uint32_t node = records->root;
    for (;;) {
        assert(node);
        const struct record *record = &records->items[node - 1];
        size_t left = size_of(records, record->left);
        if (rank == left) return node - 1;
        if (rank > left) {
            rank -= left + 1;
            node = record->right;
        } else {
            node = record->left;
        }
    }
}
