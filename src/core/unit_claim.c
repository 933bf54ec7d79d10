/* SPDX-License-Identifier: Apache-2.0 */
#include "unit_claim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void unit_claim_exclude(struct unit_claim *claim, struct day day)
{
    for (size_t i = 0; i < claim->unclaimed_count; i++)
        if (day_compare(claim->unclaimed[i], day) == 0) return;
    if (claim->unclaimed_count == LIMIT_UNCLAIMED) {
        claim->claims_nothing = true;
        return;
    }
    claim->unclaimed = mem_grow(claim->unclaimed, claim->unclaimed_count + 1, sizeof *claim->unclaimed);
    claim->unclaimed[claim->unclaimed_count++] = day;
}

void unit_claim_add_reject(struct unit_claim *claim, const char *id)
{
    size_t used = strlen(claim->ids);
    if (claim->rejected++ >= UNIT_CLAIM_IDS) return;
    (void)snprintf(claim->ids + used, sizeof claim->ids - used, "%s%.36s", used ? ", " : "",
                   *id ? id : "without id"); /* cut is fine */
}

void unit_claim_apply(const struct unit_claim *claim, struct commit *commit)
{
    if (claim->claims_nothing) commit->unit.claim_hi = day_add(commit->unit.lo, -1);
    commit->unclaimed = claim->unclaimed;
    commit->unclaimed_count = claim->claims_nothing ? 0 : claim->unclaimed_count;
    commit->is_incomplete = claim->claims_nothing || claim->unclaimed_count > 0;
}

void unit_claim_done(struct unit_claim *claim)
{
    free(claim->unclaimed);
    *claim = (struct unit_claim){0};
}
