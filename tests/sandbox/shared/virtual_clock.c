/* SPDX-License-Identifier: Apache-2.0 */
/* virtual_clock.c - virtual time: a reading moves it by one tick, a test by any time. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "shared/virtual_clock.h"

#define TICK_US 1000

struct virtual_clock {
    _Atomic int64_t now_us;
};

struct virtual_clock *virtual_clock_new(int64_t start_us)
{
    struct virtual_clock *clock = mem_zero(1, sizeof *clock);
    atomic_init(&clock->now_us, start_us);
    return clock;
}

void virtual_clock_free(struct virtual_clock *clock)
{
    free(clock);
}

int64_t virtual_clock_read(struct virtual_clock *clock)
{
    return atomic_fetch_add(&clock->now_us, TICK_US) + TICK_US;
}

int64_t virtual_clock_peek(struct virtual_clock *clock)
{
    return atomic_load(&clock->now_us);
}

void virtual_clock_advance(struct virtual_clock *clock, int64_t us)
{
    assert(us >= 0);
    atomic_fetch_add(&clock->now_us, us);
}

void virtual_clock_set(struct virtual_clock *clock, int64_t us)
{
    int64_t now = atomic_load(&clock->now_us);
    while (us > now && !atomic_compare_exchange_weak(&clock->now_us, &now, us)) {
    }
}
