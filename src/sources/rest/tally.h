/* SPDX-License-Identifier: Apache-2.0 */
/* tally.h - do the pages of a list hold as many records as the list says it has?
 *
 * Pages are cut from a list by number or offset. When records come or go between two of them, or the list has
 * no certain order, one record is missed and another shown twice. So records are counted by key.
 * A zeroed tally is an empty list. One thread.
 */
#ifndef CASELOAD_SOURCES_REST_TALLY_H
#define CASELOAD_SOURCES_REST_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_value.h"
#include "core/stream.h"

struct tally {
    uint64_t *keys; /* hashes */
    size_t count, capacity;
    size_t pages;
    int64_t total; /* the most that a page announced */
};

/* total: as this page announces it; -1: it does not. Records without a key count as different ones. */
void tally_add(struct tally *tally, const struct table *table, const struct json_value *list, int64_t total);
/* Different records; at most as many as were added. */
int64_t tally_count(struct tally *tally);
/* One page can't contradict another. */
bool tally_is_short(struct tally *tally);
void tally_done(struct tally *tally); /* it is empty again */

#endif
