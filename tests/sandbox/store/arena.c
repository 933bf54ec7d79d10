/* SPDX-License-Identifier: Apache-2.0 */
#include "store/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define BLOCK_SIZE 16384

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    max_align_t bytes[];
};

void *arena_zero(struct arena *arena, size_t size)
{
    size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct arena_block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        block = mem_zero(1, sizeof *block + capacity);
        block->size = capacity;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *bytes = (char *)block->bytes + block->used;
    block->used += size;
    return bytes;
}

char *arena_text(struct arena *arena, const char *text, size_t size)
{
    char *copy = arena_zero(arena, size + 1);
    memcpy(copy, text, size);
    return copy;
}

char *arena_format_list(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (size < 0) abort();
    char *text = arena_zero(arena, (size_t)size + 1);
    (void)vsnprintf(text, (size_t)size + 1, format, args); /* measured above */
    return text;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_format_list(arena, format, args);
    va_end(args);
    return text;
}

void arena_done(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}
