/* SPDX-License-Identifier: Apache-2.0 */
/* admins.h - the people who answer: a short list without times, made from the seed. Any thread. */
#ifndef CASELOAD_SANDBOX_WORLD_ADMINS_H
#define CASELOAD_SANDBOX_WORLD_ADMINS_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"

struct admins;

struct admins *admins_new(uint64_t seed);
void admins_free(struct admins *admins);
void admins_touch(struct admins *admins, int64_t count);   /* so many of them change */
void admins_join(struct admins *admins);                   /* there is one more */
void admins_leave(struct admins *admins);                  /* the last one is gone */
void admins_write(struct admins *admins, struct buf *out); /* adds the list as it is now */

/* For comparing. What admin number `number` was like at a revision, from 0, yours; NULL: there was no such.
 */
json_t *admins_revision(struct admins *admins, size_t number, uint32_t revision);
size_t admins_count(struct admins *admins); /* now */

#endif
