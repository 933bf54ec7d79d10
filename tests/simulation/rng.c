/* SPDX-License-Identifier: Apache-2.0 */
/* rng.c - the only source of randomness. */
#include "sim.h"

uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t rng_below(struct rng *rng, int64_t bound)
{
    return (int64_t)(rng_next(rng) % (uint64_t)bound);
}

int64_t rng_between(struct rng *rng, int64_t least, int64_t most)
{
    return least + rng_below(rng, most - least + 1);
}

bool rng_chance(struct rng *rng, int per_mille)
{
    return rng_below(rng, 1000) < per_mille;
}
