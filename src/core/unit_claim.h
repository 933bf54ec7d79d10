/* SPDX-License-Identifier: Apache-2.0 */
/* unit_claim.h - what a unit may not claim, and which of its records were rejected.
 *
 * A day is claimed when everything of it was read. A record that another reading may complete leaves its day
 * unclaimed, and the next tick reads the day again. Zeroed: nothing happened. One thread.
 */
#ifndef CASELOAD_CORE_UNIT_CLAIM_H
#define CASELOAD_CORE_UNIT_CLAIM_H

#include "core/warehouse.h"

#define UNIT_CLAIM_IDS 10 /* rejected records that an error names */

struct unit_claim {
    struct day *unclaimed;
    size_t unclaimed_count;
    bool claims_nothing;
    int64_t rejected;
    bool has_unnamed_reject;      /* one without an id */
    char ids[LIMIT_REJECTED_IDS]; /* "a, b", cut */
};

void unit_claim_exclude(struct unit_claim *claim, struct day day);
void unit_claim_add_reject(struct unit_claim *claim, const char *id); /* "" if unknown */
/* Writes what may be claimed into the commit, which borrows from the claim. */
void unit_claim_apply(const struct unit_claim *claim, struct commit *commit);
/* More than max_rejected records were rejected. is_given_up: err says why the last of them was; there may be
 * more. */
bool unit_claim_fail(const struct unit_claim *claim, int64_t max_rejected, bool is_given_up,
                     struct error *err);
void unit_claim_done(struct unit_claim *claim);

#endif
