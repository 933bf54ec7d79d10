/* SPDX-License-Identifier: Apache-2.0 */
#include "unit_claim.h"

#include <inttypes.h>
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
    claim->has_unnamed_reject = claim->has_unnamed_reject || !*id;
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

bool unit_claim_fail(const struct unit_claim *claim, int64_t max_rejected, bool is_given_up,
                     struct error *err)
{
    return error_set(
        err, ERROR_FORMAT,
        "%s%" PRId64 " records can't be loaded, and max_rejected is %" PRId64
        ": ids %s%s%s%s. The others are loaded, and nothing is claimed. Look at the reasons in the "
        "table rejected; if they are acceptable, set a larger max_rejected",
        is_given_up ? "at least " : "", claim->rejected, max_rejected, claim->ids,
        claim->rejected > UNIT_CLAIM_IDS ? ", ..." : "", is_given_up ? "; the last one: " : "",
        is_given_up ? err->text : "");
}

void unit_claim_done(struct unit_claim *claim)
{
    free(claim->unclaimed);
    *claim = (struct unit_claim){0};
}
