/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vector.h"

/* Only from other files: nothing that is in these registers may be expected to stay. */
__attribute__((noinline)) void vector_settle(void)
{
    if (__builtin_cpu_supports("avx")) __asm__ volatile("vzeroupper");
}
