/* SPDX-License-Identifier: Apache-2.0 */
/* fake_streams.h - one small stream of each kind, for tests of core and bigquery. Constants. */
#ifndef CASELOAD_TESTS_FAKE_STREAMS_H
#define CASELOAD_TESTS_FAKE_STREAMS_H

#include "core/stream.h"

extern const struct stream fake_people;  /* incremental, without children */
extern const struct stream fake_tickets; /* incremental, with the child table "replies" */
extern const struct stream fake_desk;    /* the same tickets, with the set "labels" of each, too */
extern const struct stream fake_visits;  /* event */
extern const struct stream fake_calls;   /* scan */
extern const struct stream fake_teams;   /* snapshot */
/* Incremental, with the children "staff_notes" (by name) and "staff_gone" (always). */
extern const struct stream fake_staff;
extern const struct stream fake_staff_reconciliation;
extern const struct stream fake_leavers; /* event; it writes "staff_gone", too */

/* The stream with all its child tables, or with the tables of a reconciliation. */
struct selection fake_selection(const struct stream *stream);

#endif
