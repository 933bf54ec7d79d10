/* SPDX-License-Identifier: Apache-2.0 */
/* zone.h - time zones from the system's database (TZif files, RFC 8536, versions 2 to 4 with their footer).
 *
 * libc knows one zone a process; we need several at once from any thread. A loaded zone is immutable. A name
 * that could leave the database's folder is refused. TZDIR is honoured.
 */
#ifndef CASELOAD_BASE_ZONE_H
#define CASELOAD_BASE_ZONE_H

#include <stdint.h>

#include "base/day.h"
#include "base/error.h"

struct zone;

bool zone_load(const char *name, struct zone **out_zone, struct error *err) CHECKED; /* ERROR_CONFIG */
void zone_free(struct zone *zone);
const char *zone_name(const struct zone *zone);
int zone_offset_s(const struct zone *zone, int64_t at_s);   /* local minus UTC at that instant */
struct day zone_day(const struct zone *zone, int64_t at_s); /* the local day of an instant */
/* The first second of a local day: the least t with zone_day(t) >= day. Days can have 0 to 25 hours. */
int64_t zone_start_s(const struct zone *zone, struct day day);

#endif
