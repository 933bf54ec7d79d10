/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h - libFuzzer's entry point, and the check of our own that reports a finding.
 *
 * libFuzzer calls the entry point from one thread with bytes that it keeps. A crash, a sanitizer report, a
 * leak or an abort is a finding; the bytes are then written to a file named crash-...
 */
#ifndef CASELOAD_TESTS_FUZZ_H
#define CASELOAD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_require(int holds)
{
    if (!holds) abort();
}

#endif
