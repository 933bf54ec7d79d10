/* SPDX-License-Identifier: Apache-2.0 */
/* record_cursor.h - what comes of one reader, record by record, for the units that share it.
 *
 * A page is borrowed until the next one comes; what was held of it stays until it was taken. One thread.
 */
#ifndef CASELOAD_CORE_RECORD_CURSOR_H
#define CASELOAD_CORE_RECORD_CURSOR_H

#include "core/source.h"

struct record_cursor {
    struct reader *reader; /* NULL: none is open */
    size_t first, last;    /* units of the plan that the reader serves */
    struct page page;
    size_t next; /* index into the page's records */
    int64_t held_asked_us;
    struct record *held; /* remaining records of the previous page */
    size_t held_count, held_next;
};

/* NULL at the end of the page. Borrowed until the next page. */
const struct record *record_cursor_peek(const struct record_cursor *cursor);
/* When the page of the next record was asked for. */
int64_t record_cursor_asked_us(const struct record_cursor *cursor);
void record_cursor_advance(struct record_cursor *cursor);

/* Whether a record after it confirms the position of the next record: one that changed while it was listed
 * may stand where its old version was. We do not handle a page on which every record changed. */
bool record_cursor_boundary_confirmed(const struct record_cursor *cursor);

/* Keeps the remaining records when the next page replaces this one. */
void record_cursor_hold_rest(struct record_cursor *cursor);

void record_cursor_done(struct record_cursor *cursor); /* the caller closes the reader */

#endif
