/* SPDX-License-Identifier: Apache-2.0 */
/* record_cursor.h - what comes of one reader, record by record, for the units that share it.
 *
 * A page is borrowed until the next one comes; what was held of it stays until it was taken. One thread.
 */
#ifndef CASELOAD_CORE_RECORD_CURSOR_H
#define CASELOAD_CORE_RECORD_CURSOR_H

#include "core/source.h"

struct reading {
    struct reader *reader; /* NULL: nothing is being read */
    size_t first, last;    /* the units of the plan that it is read for */
    struct page page;
    size_t next;         /* of the page's records */
    struct record *held; /* what was left of the page before this one */
    size_t held_count, held_next;
};

/* The record to be taken next; NULL: the page is used up. Borrowed until the next page. */
const struct record *reading_ahead(const struct reading *reading);
void reading_step(struct reading *reading);

/* Is the record ahead in its place? It may have changed just now, and be listed with its new version where
 * its old one was: the record behind it tells. Of the last one of a page that is not known yet. That all of a
 * page are such is not thought of. */
bool reading_is_sure(const struct reading *reading);

/* The records that are left stay when the next page comes. */
void reading_hold(struct reading *reading);

void reading_done(struct reading *reading); /* the reader is closed by who opened it */

#endif
