/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline.h - records pass through core/run, from a source that hands them on one by one to a
 * warehouse that remembers nothing but tells what arrived of each.
 */
#ifndef CASELOAD_TESTS_PIPELINE_H
#define CASELOAD_TESTS_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json_value.h"
#include "base/limits.h"
#include "core/stream.h"

#define PIPELINE_MAX   LIMIT_REJECTS /* so many at once: all of them may be rejected */
#define PIPELINE_TODAY "2026-03-04"

enum arrival { ARRIVED_AS_ROW, ARRIVED_RAW };

/* Called for each record once, in their order. */
struct pipeline_listener {
    void *context;
    void (*arrived)(void *context, size_t index, enum arrival arrival, const char *text);
};

/* False: the run failed, or a record did not arrive exactly once. */
bool pipeline_send(const struct table *table, struct json_value *const *records, size_t count,
                   const struct pipeline_listener *listener, struct error *err);

#endif
