/* SPDX-License-Identifier: Apache-2.0 */
/* ask.h - asks for the records that the list of a reconciliation lacks, before any is declared gone.
 *
 * Records that were not alive when they were asked for before come first. If they are many, the list itself
 * is in doubt, and only a sample is asked for. One thread.
 */
#ifndef CASELOAD_CORE_ASK_H
#define CASELOAD_CORE_ASK_H

#include "core/warehouse.h"

struct answers {
    int64_t alive, gone; /* the others can't be read now */
};

/* First member of whatever asks and stages. */
struct asker {
    const char *stream; /* for the log */
    int64_t listed;     /* records of the list */
    bool (*ask)(struct asker *asker, char *const *ids, size_t count, struct answers *out_answers,
                struct error *err);
};

int64_t ask_ceiling(int64_t requests); /* the most records to ask for after a list of so many requests */
/* out_confirmed: a sample of the missing was asked for, and all of it is gone. */
bool ask_missing(struct asker *asker, const struct missing *missing, bool *out_confirmed,
                 struct error *err) CHECKED;

#endif
