/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - which days next. Pure: a function of what the warehouse says and what is asked.
 *
 * hi = DATE(now - settle, zone) - 1 is the last day that is over and settled. A day is covered if the newest
 * claim on it was committed after the tables were created, and the table still holds the claimed rows. The
 * claim must not have left out a child table, either. A claim
 * is final once its fetch began with hi >= day + lookback - 1: until then the day is read again, however
 * long no tick came, so a record that became searchable late is found.
 *
 * Bare tick: the days of [start, hi] that are not covered, or not final, or among the last `lookback`; then
 * the open end. Explicit range: its days, less units that this message has claimed already and still can.
 *
 * A scan reads everything each time. It requests the children of records that changed since the last scan
 * that read them, less `lookback` days, at least one. If rows of children are missing, it goes back to the
 * oldest day of these. Records whose children could not be read are requested again, too. A reconciliation is
 * due when the newest began reconcile_days ago, or before the tables were created.
 */
#ifndef CASELOAD_CORE_PLAN_H
#define CASELOAD_CORE_PLAN_H

#include "base/zone.h"
#include "core/request.h"
#include "core/warehouse.h"

struct plan_settings {
    const struct zone *zone;
    struct day start;
    struct day first_day; /* the source holds nothing older; a request for earlier days is a mistake */
    int lookback_days;
    int settle_minutes;
    int reconcile_days; /* 0: never */
};

struct plan {
    struct day hi;       /* the last day that may be claimed */
    struct day today;    /* by the warehouse's clock; rows may be dated so far */
    bool satisfied;      /* nothing is to be done: a newer run has done it */
    bool skipped;        /* nothing is to be done: the kind of stream has no past to load */
    int64_t fresh_us;    /* once it is done, all changes before then are loaded; 0: it is about the past */
    size_t uncovered;    /* days a bare tick found not covered */
    int64_t since_s;     /* of scans: children of older versions are there already, but for the next two */
    char *const *unread; /* ids; borrowed from the state */
    size_t unread_count;
    struct unit *units; /* oldest first; yours: plan_done */
    size_t unit_count;
};

/* published_us: when the tick was published; INT64_MAX: never satisfied. ERROR_REQUEST for a range that can't
 * be served; ERROR_CONFIG if the start lies after today. */
bool plan_make(const struct plan_settings *settings, const struct stream *stream, const struct state *state,
               const struct request *request, int64_t published_us, struct plan *out_plan,
               struct error *err) CHECKED;
void plan_done(struct plan *plan);

/* The source's window of the neighbouring units first..last: [start of the first's lo, start of the last's
 * hi + 1), or without end. Of scans: [since_s, without end). */
struct window plan_window(const struct plan_settings *settings, const struct stream *stream,
                          const struct plan *plan, size_t first, size_t last);

/* The last of the units that follow the first without a gap: at most so many with it (at least 1). */
size_t plan_last_neighbour(const struct plan *plan, size_t first, size_t units);

/* The last day that is over and settled at that time. */
struct day plan_settled_day(const struct plan_settings *settings, int64_t now_us);

bool plan_covered(const struct state *state, const struct claim *claim, int64_t held);

#endif
