/* SPDX-License-Identifier: Apache-2.0 */
#include "shared/rng.h"

#include "base/hash.h"

uint32_t rng_below(struct rng *rng, uint32_t bound)
{
    rng->state = hash_mix(rng->state);
    return (uint32_t)((rng->state >> 32) * bound >> 32);
}
