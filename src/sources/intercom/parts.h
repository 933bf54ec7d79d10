/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h - what belongs to a record, and becomes rows of its own: the parts inside of it, and the sets that
 * are read with a GET each.
 */
#ifndef CASELOAD_SOURCES_INTERCOM_PARTS_H
#define CASELOAD_SOURCES_INTERCOM_PARTS_H

#include "errand.h"

/* --- parts.c --- */

/* Takes parts out of one record after another. */
struct parts {
    const struct intercom_thread *shape;
    struct batch *batch; /* borrowed; gets the rows */
    bool wanted;         /* the parts' table is in the selection */
    json_t *record;      /* whose parts come; borrowed */
    int64_t index;       /* of the part that came last */
};

void parts_init(struct parts *parts, const struct intercom_thread *shape, struct batch *batch);
/* Has the record a list of parts? */
bool parts_there(const struct intercom_thread *shape, const json_t *record);
/* The record, counts on it, its first message, and the parts that are in it; more of them come later. False:
 * it says itself that it has more parts, or less. */
bool parts_take(struct parts *parts, json_t *record, int64_t listed_us, size_t more);
void parts_more(struct parts *parts, const json_t *list);

/* --- set.c --- */

/* Is the set wanted, and can this version of the API give it? ERROR_CONFIG if not. */
bool set_check(const struct intercom *intercom, const struct intercom_set *set, const struct batch *batch,
               bool *out_wanted, struct error *err) CHECKED;
bool set_begin(struct errand *errand, struct errands *errands, const struct intercom_set *set, const char *id,
               struct error *err) CHECKED;
/* Adds a row for each element, behind those of the record. */
bool set_end(struct errand *errand, const struct intercom_set *set, const json_t *record, struct batch *batch,
             struct error *err) CHECKED;

#endif
