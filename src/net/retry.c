/* SPDX-License-Identifier: Apache-2.0 */
#include "net/retry.h"

#include "base/random.h"

#define JITTER_STEPS 1024

/* The attempts leave the decision to the budget: even at half of each wait, 40 of them take longer. */
const struct retry retry_api = {.base_ms = 1000, .cap_ms = 32000, .attempts = 40, .budget_ms = 600000};

static int64_t whole_wait_ms(const struct retry *retry, int tried)
{
    int64_t wait = retry->base_ms;
    for (int n = 1; n < tried && wait < retry->cap_ms; n++)
        wait *= 2;
    return wait < retry->cap_ms ? wait : retry->cap_ms;
}

int64_t retry_wait_ms(const struct retry *retry, int tried, int64_t elapsed_ms, int64_t least_ms)
{
    if (tried >= retry->attempts || least_ms > retry->budget_ms) return -1;
    int64_t whole = whole_wait_ms(retry, tried);
    int64_t wait = whole / 2 + (whole - whole / 2) * random_below(JITTER_STEPS + 1) / JITTER_STEPS;
    if (wait < least_ms) wait = least_ms;
    return elapsed_ms > retry->budget_ms - wait ? -1 : wait;
}
