/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by every pass over a script: text, lists, and failing. */
#include "sql/syntax.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *sql_format(struct sql *sql, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = arena_format_list(&sql->arena, format, args);
    va_end(args);
    return text;
}

void list_add(struct sql *sql, struct pointer_list *list, void *item)
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
    const char *message = arena_format_list(&sql->arena, format, args);
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
