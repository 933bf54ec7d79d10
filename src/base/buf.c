/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define FIRST_CAPACITY 256

/* Doubles the capacity, so that n adds cost O(n) in total. */
bool buf_reserve(struct buf *buf, size_t size)
{
    if (buf->full || size > buf->limit - buf->size) {
        buf->full = true;
        return false;
    }
    size_t needed = buf->size + size + 1;
    if (needed <= buf->capacity) return true;
    size_t capacity = buf->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : buf->capacity;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    if (capacity > buf->limit + 1) capacity = buf->limit + 1;
    buf->data = mem_grow(buf->data, capacity, 1);
    buf->capacity = capacity;
    buf->data[buf->size] = '\0';
    return true;
}

struct buf buf_limited(size_t limit)
{
    return (struct buf){.limit = limit < SIZE_MAX ? limit : SIZE_MAX - 1};
}

void buf_init(struct buf *buf, size_t limit)
{
    *buf = buf_limited(limit);
}

void buf_done(struct buf *buf)
{
    if (!buf) return;
    free(buf->data);
    *buf = (struct buf){.limit = 0};
}

void buf_reset(struct buf *buf)
{
    buf->full = false;
    buf_cut(buf, 0);
}

void buf_cut(struct buf *buf, size_t size)
{
    if (size > buf->size) return;
    buf->size = size;
    if (buf->data) buf->data[size] = '\0';
}

bool buf_add(struct buf *buf, const void *bytes, size_t size)
{
    if (!buf_reserve(buf, size)) return false;
    if (size) memcpy(buf->data + buf->size, bytes, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
    return true;
}

bool buf_text(struct buf *buf, const char *text)
{
    return buf_add(buf, text, strlen(text));
}

bool buf_format(struct buf *buf, const char *format, ...)
{
    char small[512];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (size < 0) {
        buf->full = true; /* a format that can't be written must not pass as an empty text */
        return false;
    }
    if ((size_t)size < sizeof small) return buf_add(buf, small, (size_t)size);
    if (!buf_reserve(buf, (size_t)size)) return false;
    va_start(args, format);
    (void)vsnprintf(buf->data + buf->size, (size_t)size + 1, format, args); /* its size was measured above */
    va_end(args);
    buf->size += (size_t)size;
    return true;
}

void buf_drop(struct buf *buf, size_t size)
{
    if (size >= buf->size) {
        buf_cut(buf, 0);
        return;
    }
    memmove(buf->data, buf->data + size, buf->size - size + 1);
    buf->size -= size;
}

const char *buf_string(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf, size_t *out_size)
{
    char *data = buf->data ? buf->data : mem_bytes("", 0);
    if (out_size) *out_size = buf->size;
    buf_init(buf, buf->limit);
    return data;
}

bool buf_find(const struct buf *buf, const void *bytes, size_t size)
{
    return memmem(buf_string(buf), buf->size, bytes, size) != NULL;
}
