/* SPDX-License-Identifier: Apache-2.0 */
#include "skipped_waits.h"

#include "base/clock.h"
#include "net/retry.h"

static _Atomic int64_t skipped_ms;

int64_t __real_clock_ms(void);
int64_t __wrap_clock_ms(void);
bool __wrap_clock_sleep_ms(int64_t ms, const atomic_bool *stop);
int64_t __real_retry_wait_ms(const struct retry *retry, int tried, int64_t elapsed_ms, int64_t least_ms);
int64_t __wrap_retry_wait_ms(const struct retry *retry, int tried, int64_t elapsed_ms, int64_t least_ms);

int64_t __wrap_clock_ms(void)
{
    return __real_clock_ms() + skipped_ms;
}

int64_t __wrap_retry_wait_ms(const struct retry *retry, int tried, int64_t elapsed_ms, int64_t least_ms)
{
    int64_t wait = __real_retry_wait_ms(retry, tried, elapsed_ms, least_ms);
    if (wait > 0) skip_ms(wait);
    return wait;
}

/* A test may have its own, to count what is slept. */
__attribute__((weak)) bool __wrap_clock_sleep_ms(int64_t ms, const atomic_bool *stop)
{
    skip_ms(ms);
    return !stop || !atomic_load(stop);
}

void skip_ms(int64_t ms)
{
    skipped_ms += ms;
}
