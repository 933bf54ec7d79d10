/* SPDX-License-Identifier: Apache-2.0 */
/* unit_digest.h - tells whether a fetch of a unit read the same rows as the last commit of that unit.
 *
 * Two fetches have the same digest if they read the same keys, versions and contents, in any order, of the
 * same unit. If the last commit into the tables has that digest, and the tables still hold what it left, the
 * union would insert nothing. Then the ledger notes the fetch, and nothing is loaded. Pure.
 */
#ifndef CASELOAD_CORE_UNIT_DIGEST_H
#define CASELOAD_CORE_UNIT_DIGEST_H

#include "core/plan.h"
#include "core/rows.h"

struct unit_digest {
    uint64_t sum;
    bool has_untracked; /* rows of a table of which no commit notes how many there are */
};

/* table: an index into the selection; facts: of the record's row. */
void unit_digest_add(struct unit_digest *digest, const struct selection *selection, size_t table,
                     const struct json_value *record, const struct row_facts *facts);
/* Of the unit of the commit, with what that leaves out. Never negative. 0: it can't be compared. */
int64_t unit_digest_end(const struct unit_digest *digest, const struct commit *commit);
/* When the last commit was made, if it and its tables say that this unit was read as before; else 0. */
int64_t unit_digest_same_commit(const struct state *state, const struct stream *stream,
                                const struct unit *unit, int64_t digest);

#endif
