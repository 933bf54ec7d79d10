/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - JSON as it is put down for a record of the world, and the dice that choose what it says. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "workspace/records.h"

uint32_t roll(struct dice *dice, uint32_t sides)
{
    dice->state = mix(dice->state);
    return (uint32_t)((dice->state >> 32) * sides >> 32);
}

/* --- writing: names of ours are plain, so only values are escaped; name NULL: a list's item --- */

void put_name(struct buf *out, const char *name)
{
    char last = out->size ? out->data[out->size - 1] : '{';
    if (last != '{' && last != '[') buf_byte(out, ',');
    if (!name) return;
    json_write_string(out, name, strlen(name));
    buf_byte(out, ':');
}

void put_open(struct buf *out, const char *name, char bracket)
{
    put_name(out, name);
    buf_byte(out, bracket);
}

void put_word(struct buf *out, const char *name, const char *word)
{
    put_name(out, name);
    buf_text(out, word);
}

void put_bool(struct buf *out, const char *name, bool value)
{
    put_word(out, name, value ? "true" : "false");
}

void put_integer(struct buf *out, const char *name, int64_t value)
{
    put_name(out, name);
    buf_format(out, "%" PRId64, value);
}

void put_text(struct buf *out, const char *name, const char *text)
{
    put_name(out, name);
    if (text)
        json_write_string(out, text, strlen(text));
    else
        buf_text(out, "null");
}

void put_format(struct buf *out, const char *name, const char *format, ...)
{
    char text[RECORD_ID + 160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put_text(out, name, text);
}

void put_time(struct buf *out, const char *name, struct dice *dice, int64_t near_s)
{
    if (roll(dice, 3))
        put_integer(out, name, near_s - roll(dice, 90 * 86400));
    else
        put_word(out, name, "null");
}
