/* SPDX-License-Identifier: Apache-2.0 */
/* fake_streams.h - one small stream of each kind, for tests that need any stream at all. */
#ifndef CASELOAD_TESTS_FAKE_STREAMS_H
#define CASELOAD_TESTS_FAKE_STREAMS_H

#include "core/stream.h"

extern const struct stream fake_people;  /* incremental, without children */
extern const struct stream fake_tickets; /* incremental, with the child table "replies" */
extern const struct stream fake_visits;  /* event */
extern const struct stream fake_calls;   /* scan */
extern const struct stream fake_teams;   /* snapshot */
extern const struct stream
    fake_staff; /* incremental, with "staff_notes" by name, "staff_gone" always, and ... */
extern const struct stream fake_staff_reconciliation; /* ... this */

/* The stream with all its children. */
struct selection fake_selection(const struct stream *stream);

#endif
