/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vector.h"

void vector_settle(void)
{
    if (__builtin_cpu_supports("avx")) __asm__ volatile("vzeroupper");
}
