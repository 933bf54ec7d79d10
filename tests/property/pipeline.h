/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.h - records go the whole road through core/run, from a source that hands them on one by one to a
 * warehouse that remembers nothing but tells what arrived of each.
 */
#ifndef CASELOAD_TESTS_ROAD_H
#define CASELOAD_TESTS_ROAD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/limits.h"
#include "core/stream.h"

#define ROAD_MOST  LIMIT_REJECTS /* so many at once: all of them may be rejected */
#define ROAD_TODAY "2026-03-04"

enum arrival { ARRIVED_AS_ROW, ARRIVED_RAW };

/* Told of each record once, in their order. */
struct pipeline_listener {
    void *context;
    void (*arrived)(void *context, size_t index, enum arrival arrival, const char *text);
};

/* False: the run failed, or a record did not arrive exactly once. */
bool pipeline_travel(const struct table *table, json_t *const *records, size_t count,
                     const struct pipeline_listener *listener, struct error *err);

#endif
