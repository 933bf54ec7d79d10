/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - hashes that are stored: they never change. Not for secrets, nor against an adversary. Pure. */
#ifndef CASELOAD_BASE_HASH_H
#define CASELOAD_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_EMPTY UINT64_C(0xcbf29ce484222325) /* of no bytes */

/* FNV-1a: the hash of what came before, and these bytes. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t hash_text(const char *text); /* of its bytes */

/* The finish of splitmix64: spreads each bit over all. */
static inline uint64_t hash_mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

#endif
