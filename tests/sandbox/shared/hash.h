/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - FNV-1a, the same on every machine. */
#ifndef CASELOAD_SANDBOX_HASH_H
#define CASELOAD_SANDBOX_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_OF_NOTHING UINT64_C(0xcbf29ce484222325)

/* Of the bytes that `hash` is of, and these behind them. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size);

#endif
