/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - unpredictable bytes from the kernel, for names and jitter. Any thread. */
#ifndef CASELOAD_BASE_RANDOM_H
#define CASELOAD_BASE_RANDOM_H

#include <stdint.h>

#define RANDOM_NAME 17

void random_name(char out_hex[RANDOM_NAME]); /* 16 lower-case hex digits and NUL */
uint32_t random_below(uint32_t bound);       /* 0 .. bound-1; bound > 0 */

#endif
