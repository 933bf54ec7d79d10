/* SPDX-License-Identifier: Apache-2.0 */
/* dice.c - the one source of chance. */
#include "sim.h"

uint64_t dice_roll(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t dice_below(struct dice *dice, int64_t bound)
{
    return (int64_t)(dice_roll(dice) % (uint64_t)bound);
}

int64_t dice_between(struct dice *dice, int64_t least, int64_t most)
{
    return least + dice_below(dice, most - least + 1);
}

bool dice_chance(struct dice *dice, int per_mille)
{
    return dice_below(dice, 1000) < per_mille;
}
