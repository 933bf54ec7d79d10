/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

#define SLICE_MS 50

int64_t clock_ms(void)
{
    struct timespec now = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* this clock always exists */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_boot_us(void)
{
    struct timespec now = {.tv_sec = 0};
    (void)clock_gettime(CLOCK_BOOTTIME, &now); /* this clock exists since Linux 2.6.39 */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bool clock_sleep_ms(int64_t ms, const atomic_bool *stop)
{
    int64_t until = clock_ms() + (ms > 0 ? ms : 0);
    for (;;) {
        int64_t left = until - clock_ms();
        int64_t slice = stop && left > SLICE_MS ? SLICE_MS : left;
        struct timespec time = {.tv_sec = slice / 1000, .tv_nsec = slice % 1000 * 1000000};
        if (stop && atomic_load(stop)) return false;
        if (left <= 0) return true;
        (void)nanosleep(&time, NULL); /* a signal only makes the loop turn once more */
    }
}

int64_t clock_utc_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
