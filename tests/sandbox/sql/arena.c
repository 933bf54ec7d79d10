/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sql/sql.h"

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
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        block = mem_zero(1, sizeof *block + room);
        block->size = room;
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

static char *format_in(struct arena *arena, const char *format, va_list args) PRINTF(2, 0);

static char *format_in(struct arena *arena, const char *format, va_list args)
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
    char *text = format_in(arena, format, args);
    va_end(args);
    return text;
}

const char *sql_format(struct sql *sql, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = format_in(&sql->arena, format, args);
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

void list_add(struct sql *sql, struct list *list, void *item)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : 4;
        void **items = arena_zero(&sql->arena, capacity * sizeof *items);
        if (list->count > 0) memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
}

void sql_fail(struct sql *sql, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)snprintf(sql->err->reason, sizeof sql->err->reason, "%s", reason);
    (void)vsnprintf(sql->err->message, sizeof sql->err->message, format, args); /* cut if it must be */
    va_end(args);
    longjmp(*sql->out, 1);
}

void sql_fail_at(struct sql *sql, size_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *message = format_in(&sql->arena, format, args);
    va_end(args);
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && sql->text[i] != '\0'; i++) {
        column++;
        if (sql->text[i] == '\n') {
            line++;
            column = 1;
        }
    }
    sql_fail(sql, "invalidQuery", "%s at [%zu:%zu]", message, line, column);
}

void sql_enter(struct sql *sql, size_t at)
{
    if (++sql->depth > SQL_DEPTH) sql_fail_at(sql, at, "Query is too deeply nested");
}

void sql_leave(struct sql *sql)
{
    sql->depth--;
}
