/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - waiting. For deadlines and back-off only: dates come from the warehouse. Any thread. */
#ifndef CASELOAD_BASE_CLOCK_H
#define CASELOAD_BASE_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

int64_t clock_ms(void);      /* monotonic, from an arbitrary start */
int64_t clock_boot_us(void); /* the same in microseconds, and it goes on while the machine sleeps */

int64_t clock_utc_us(void); /* this machine's idea of the time, since 1970. For logs only */

/* Sleeps; returns false early when *stop becomes true (looked at every 50 ms). stop may be NULL. */
bool clock_sleep_ms(int64_t ms, const atomic_bool *stop);

#endif
