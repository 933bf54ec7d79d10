/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/random.h>

/* Names of jobs and staging tables must never meet, so there is no fallback to a weaker source. */
static void fill(void *out, size_t size)
{
    unsigned char *bytes = out;
    while (size > 0) {
        ssize_t got = getrandom(bytes, size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) abort();
        bytes += got;
        size -= (size_t)got;
    }
}

void random_name(char out_hex[RANDOM_NAME])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[(RANDOM_NAME - 1) / 2];
    fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        out_hex[2 * i] = digits[bytes[i] >> 4];
        out_hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    out_hex[RANDOM_NAME - 1] = '\0';
}

uint32_t random_below(uint32_t bound)
{
    uint32_t value;
    assert(bound > 0);
    /* 2^32 modulo bound: values below it are drawn again, or small results would come more often. */
    uint32_t rest = (uint32_t)(-bound) % bound;
    do
        fill(&value, sizeof value);
    while (value < rest);
    return value % bound;
}
