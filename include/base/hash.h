/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - hashes that are stored: they never change. Not for secrets, nor against an adversary. Pure. */
#ifndef CASELOAD_BASE_HASH_H
#define CASELOAD_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_EMPTY UINT64_C(0xcbf29ce484222325) /* of no bytes */

/* FNV-1a: the hash of what came before, and these bytes. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size);
uint64_t hash_text(const char *text); /* of its bytes */
/* The finish of splitmix64: spreads each bit over all. */
uint64_t hash_mix(uint64_t value);

#endif
