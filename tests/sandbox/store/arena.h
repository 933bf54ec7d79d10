/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory that is freed all at once. An arena belongs to one thread. */
#ifndef CASELOAD_SANDBOX_ARENA_H
#define CASELOAD_SANDBOX_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"

struct arena_block;
struct arena {
    struct arena_block *blocks;
};

void *arena_zero(struct arena *arena, size_t size);
char *arena_text(struct arena *arena, const char *text, size_t size);
char *arena_format(struct arena *arena, const char *format, ...) PRINTF(2, 3);
char *arena_format_list(struct arena *arena, const char *format, va_list args) PRINTF(2, 0);
void arena_done(struct arena *arena);

#endif
