/* SPDX-License-Identifier: Apache-2.0 */
/* rng.h - numbers that look random and follow from a seed, the same on every machine. */
#ifndef CASELOAD_SANDBOX_RNG_H
#define CASELOAD_SANDBOX_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

uint32_t rng_below(struct rng *rng, uint32_t bound); /* 0 .. bound - 1 */

#endif
