/* SPDX-License-Identifier: Apache-2.0 */
/* fake_members.h - a stream with every derived table: deletions, a child set that each version replaces as a
 * whole, a reconciliation, and a list of custom attributes. Its table is called "people". Constants.
 */
#ifndef CASELOAD_TESTS_FAKE_MEMBERS_H
#define CASELOAD_TESTS_FAKE_MEMBERS_H

#include "core/stream.h"

/* A table begins with id and updated_at; a later version may add the columns after them, one of each type. */
extern const struct table fake_members_table;
extern const struct table fake_members_deleted;
extern const struct table fake_members_teams;
extern const struct table fake_members_ids; /* staged only */

extern const struct stream fake_members;                /* a scan, with the teams and the deletions */
extern const struct stream fake_members_reconciliation; /* of the scan: a list of ids */
extern const struct stream fake_members_dated;          /* the same table by an incremental stream ... */
extern const struct stream fake_members_list;           /* ... whose reconciliation lists whole records */
extern const struct stream fake_members_attributes;

#endif
