/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* In the order of struct error_rule. sysexits.h: 64 usage, 65 data, 69 unavailable, 75 try again, 77 not
 * permitted, 78 configuration. */
const struct error_rule error_rules[ERROR_KINDS] = {
    [ERROR_NONE] = {"none", "all went well", MESSAGE_ACK, false, false, 0, 0},
    [ERROR_CONFIG] = {"config", "the configuration is wrong; correct it and start again", MESSAGE_NACK, true,
                      false, 78, 78},
    [ERROR_AUTH] = {"auth", "credentials were refused; renew them or their permissions and start again",
                    MESSAGE_NACK, true, false, 77, 77},
    [ERROR_REQUEST] = {"request",
                       "the message or the command line was not understood; a message is redelivered until "
                       "it is purged",
                       MESSAGE_NACK, false, false, 64, 64},
    [ERROR_FORBIDDEN] = {"forbidden", "the source's plan or the token's scope excludes this stream",
                         MESSAGE_ACK, false, true, 77, 77},
    [ERROR_BUSY] = {"busy", "a service is unavailable; the message will be redelivered", MESSAGE_NACK, false,
                    true, 75, 75},
    [ERROR_REFUSED] = {"refused", "a service refused the call permanently; a person must look", MESSAGE_NACK,
                       false, true, 65, 65},
    [ERROR_FORMAT] = {"format", "a service sent a response that can't be read; a person must look",
                      MESSAGE_NACK, false, true, 65, 65},
    [ERROR_LIMIT] = {"limit", "a limit of caseload was exceeded; the text says which", MESSAGE_NACK, false,
                     true, 75, 75},
    [ERROR_UNREACHABLE] = {"unreachable", "a service can't be reached; check its address and the network",
                           MESSAGE_NACK, true, false, 69, 69},
    /* `run` did not finish; `serve` did as it was asked */
    [ERROR_STOPPED] = {"stopped", "stopped before the end; the message will be redelivered at once",
                       MESSAGE_NACK_NOW, true, false, 75, 0},
};

/* A text may be cut in the middle of a UTF-8 character; what is left of it would spoil a log line. */
static void drop_half_character(char *text, size_t size)
{
    size_t start = size;
    while (start > 0 && size - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xC0) text[start - 1] = '\0';
}

/* Texts quote peers and may reach a terminal: they hold no line break and no escape sequence. */
static void blank_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == '\x7F') *text = ' ';
}

static PRINTF(3, 0) void format_text(char *out, size_t capacity, const char *format, va_list args)
{
    int wanted = vsnprintf(out, capacity, format, args);
    if (wanted < 0)
        out[0] = '\0';
    else if ((size_t)wanted >= capacity)
        drop_half_character(out, capacity - 1);
    blank_controls(out);
}

bool error_set_at(const char *file, int line, struct error *err, enum error_kind kind, int status,
                  const char *format, ...)
{
    char text[sizeof err->text]; /* the arguments may point into err */
    va_list args;
    va_start(args, format);
    format_text(text, sizeof text, format, args);
    va_end(args);
    err->kind = kind;
    err->status = status;
    err->file = file;
    err->line = line;
    memcpy(err->text, text, sizeof text);
    return false;
}

bool error_wrap(struct error *err, const char *format, ...)
{
    char text[sizeof err->text];
    va_list args;
    va_start(args, format);
    format_text(text, sizeof text, format, args);
    va_end(args);
    size_t used = strlen(text);
    if ((size_t)snprintf(text + used, sizeof text - used, ": %s", err->text) >= sizeof text - used)
        drop_half_character(text, sizeof text - 1);
    memcpy(err->text, text, sizeof text);
    return false;
}

const char *error_origin(const struct error *err, char out[ERROR_ORIGIN])
{
    const char *slash = err->file ? strrchr(err->file, '/') : NULL;
    out[0] = '\0';
    if (err->file) (void)snprintf(out, ERROR_ORIGIN, "%s:%d", slash ? slash + 1 : err->file, err->line);
    return out;
}
