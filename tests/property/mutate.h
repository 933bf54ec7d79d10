/* SPDX-License-Identifier: Apache-2.0 */
/* mutate.h - malformed payloads, and what they mean.
 *
 * A wire tree is a JSON value in which a text or key may stand for something that jansson can't hold: a
 * number of 20 digits, NaN, a lone surrogate, a key that is there twice. Such a text is "\x01", the bytes on
 * the wire, "\x02", and what they mean to us.
 */
#ifndef CASELOAD_TESTS_MUTATE_H
#define CASELOAD_TESTS_MUTATE_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/stream.h"

uint32_t chance_below(uint64_t *seed, uint32_t bound); /* 0 .. bound - 1 */

/* Adds the key, version and day that each row needs. */
void payload_complete(json_t *tree, const struct table *table);
/* A value for each column, and fields that no column takes. Yours. */
json_t *payload_of(const struct table *table, uint64_t *seed);

/* A copy with one to four changes. Yours. */
json_t *wire_mutate(const json_t *tree, uint64_t *seed);
void wire_text(struct buf *out, const json_t *tree);
json_t *wire_meaning(const json_t *tree); /* yours */

#endif
