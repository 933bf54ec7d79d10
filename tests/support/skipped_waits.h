/* SPDX-License-Identifier: Apache-2.0 */
/* skipped_waits.h - waits that take no time: what is tried again is tried at once, by a clock that has moved
 * on.
 *
 * Linked with --wrap for clock_ms and retry_wait_ms, and for clock_sleep_ms where sleeps are skipped, too.
 * Any thread.
 */
#ifndef CASELOAD_TESTS_SKIPPED_WAITS_H
#define CASELOAD_TESTS_SKIPPED_WAITS_H

#include <stdint.h>

/* The clock moves on, as it does by the waits of net/retry.h. */
void skip_ms(int64_t ms);

#endif
