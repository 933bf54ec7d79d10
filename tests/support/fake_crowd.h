/* SPDX-License-Identifier: Apache-2.0 */
/* fake_crowd.h - people who may be gone, with all that hangs on them: the notes of who is gone, the teams
 * that each is in (a set, replaced as a whole), the list of all ids, and the list of their attributes.
 */
#ifndef CASELOAD_TESTS_FAKE_CROWD_H
#define CASELOAD_TESTS_FAKE_CROWD_H

#include "core/stream.h"

/* id and updated_at, which a table begins with, then columns of every kind that may be added to one. */
extern const struct table crowd_people;
extern const struct table crowd_deleted;
extern const struct table crowd_teams;
extern const struct table crowd_ids; /* staged only */

extern const struct stream crowd_stream; /* a scan, with its sets and the notes */
extern const struct stream crowd_reconciliation;
extern const struct stream crowd_attributes;

#endif
