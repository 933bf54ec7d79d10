/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The logger and printf allocate, so neither is used here. */
static _Noreturn void out_of_memory(void)
{
    static const char text[] =
        "{\"severity\":\"CRITICAL\",\"event\":\"out_of_memory\",\"message\":\"out of memory: the process "
        "aborts and its message will be redelivered. Give it more memory.\"}\n";
    struct pollfd wait = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&wait, 1, 100) == 1 && write(STDERR_FILENO, text, sizeof text - 1) < 0) abort();
    abort();
}

#define KEPT_FREE   (8 * 1024 * 1024)
#define FROM_KERNEL (4 * 1024 * 1024) /* pieces of this size are mapped, and unmapped when they are freed */

void mem_keep_freed(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_FREE);
    (void)mallopt(M_MMAP_THRESHOLD, FROM_KERNEL);
    /* All workers use the memory that one has freed: an arena for each takes a quarter more, and is not
     * faster. */
    (void)mallopt(M_ARENA_MAX, 1);
}

void *mem_zero(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory) out_of_memory();
    return memory;
}

void *mem_grow(void *old, size_t count, size_t size)
{
    size_t bytes = count * size;
    if (size && count > SIZE_MAX / size) out_of_memory();
    void *memory = realloc(old, bytes ? bytes : 1);
    if (!memory) out_of_memory();
    return memory;
}

char *mem_text(const char *text)
{
    return text ? mem_bytes(text, strlen(text)) : NULL;
}

char *mem_bytes(const void *bytes, size_t size)
{
    if (size == SIZE_MAX) out_of_memory();
    char *copy = mem_grow(NULL, size + 1, 1);
    if (size) memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

char *mem_format(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0) return mem_text("");
    char *text = mem_zero((size_t)size + 1, 1);
    va_start(args, format);
    (void)vsnprintf(text, (size_t)size + 1, format, args); /* its size was measured above */
    va_end(args);
    return text;
}

void mem_free(void *pointer_to_pointer)
{
    void *pointer;
    /* Copied, because a char ** may not be read as a void **. */
    memcpy(&pointer, pointer_to_pointer, sizeof pointer);
    free(pointer);
    pointer = NULL;
    memcpy(pointer_to_pointer, &pointer, sizeof pointer);
}
