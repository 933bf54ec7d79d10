/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - hashes that are the same on every machine: FNV-1a of bytes, splitmix64 of numbers. */
#ifndef CASELOAD_SANDBOX_HASH_H
#define CASELOAD_SANDBOX_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_EMPTY UINT64_C(0xcbf29ce484222325) /* of no bytes */

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size); /* continues `hash` */
uint64_t hash_text(const char *text);
uint64_t hash_mix(uint64_t number);

#endif
