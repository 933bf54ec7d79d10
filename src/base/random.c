/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* arc4random */
#include "base/random.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void random_name(char out_hex[RANDOM_NAME])
{
    uint64_t bits;
    arc4random_buf(&bits, sizeof bits);
    (void)snprintf(out_hex, RANDOM_NAME, "%016" PRIx64, bits); /* it fits */
}

uint32_t random_below(uint32_t bound)
{
    assert(bound > 0);
    return arc4random_uniform(bound);
}
