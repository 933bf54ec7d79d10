/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/day.h"
#include "base/json.h"

#define VALUE_LIMIT 4096
#define WAIT_MS     500 /* for a reader that takes nothing */
#define LINE_LIMIT                                                                                           \
    (256 * 1024) /* a line of ours has at most a dozen values, each at most six times longer escaped */

/* The destination belongs to the process, like stderr itself: the only mutable global of the program. */
static struct {
    pthread_mutex_t mutex;
    int file;
    enum log_level least;
    enum log_form form;
    void (*hide)(void *self), (*show)(void *self);
    void *display;
    bool is_blocked;       /* the newest line was dropped: the next one does not wait */
    bool has_partial_line; /* a line was dropped after its first bytes */
    int64_t dropped;       /* lines since the last one that was written */
} sink = {.mutex = PTHREAD_MUTEX_INITIALIZER, .file = STDERR_FILENO, .least = LOG_INFO};

static const struct {
    const char *name;
    const char *severity; /* of LOG_FORM_CLOUD */
    const char *level;    /* of LOG_FORM_LEVEL */
} levels[] = {
    [LOG_DEBUG] = {"debug", "DEBUG", "DEBUG"},   [LOG_INFO] = {"info", "INFO", "INFO"},
    [LOG_NOTICE] = {"notice", "NOTICE", "INFO"}, [LOG_WARNING] = {"warning", "WARNING", "WARNING"},
    [LOG_ERROR] = {"error", "ERROR", "ERROR"},   [LOG_CRITICAL] = {"critical", "CRITICAL", "CRITICAL"},
};

void log_open(int file, enum log_level least)
{
    pthread_mutex_lock(&sink.mutex);
    sink.file = file;
    sink.least = least;
    pthread_mutex_unlock(&sink.mutex);
}

void log_set_form(enum log_form form)
{
    pthread_mutex_lock(&sink.mutex);
    sink.form = form;
    pthread_mutex_unlock(&sink.mutex);
}

void log_set_display(void (*hide)(void *self), void (*show)(void *self), void *self)
{
    pthread_mutex_lock(&sink.mutex);
    sink.hide = hide;
    sink.show = show;
    sink.display = self;
    pthread_mutex_unlock(&sink.mutex);
}

void log_redraw(void)
{
    pthread_mutex_lock(&sink.mutex);
    if (sink.hide) sink.hide(sink.display);
    if (sink.show) sink.show(sink.display);
    pthread_mutex_unlock(&sink.mutex);
}

bool log_level_parse(const char *name, enum log_level *out_level)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (strcmp(name, levels[i].name) == 0) {
            *out_level = (enum log_level)i;
            return true;
        }
    return false;
}

/* At most VALUE_LIMIT bytes, and not in the middle of a character. */
static size_t shown_size(const char *text)
{
    size_t size = strnlen(text, VALUE_LIMIT + 1);
    if (size <= VALUE_LIMIT) return size;
    size = VALUE_LIMIT;
    while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80)
        size--;
    return size;
}

static void add_key(struct buf *line, const char *key)
{
    char before = line->size > 0 ? line->data[line->size - 1] : '\0';
    buf_format(line, "%s\"%s\":", before == '{' ? "" : ",", key);
}

static void add_text(struct buf *line, const char *key, const char *text)
{
    add_key(line, key);
    json_write_string(line, text, shown_size(text));
}

static void add_time(struct buf *line)
{
    char text[INSTANT_TEXT];
    instant_format(clock_utc_us(), text);
    buf_format(line, "{\"time\":\"%s\"", text);
}

/* poll reports a pipe or socket as writable when PIPE_BUF bytes fit, so writing no more does not block. */
static bool write_bytes(const char *bytes, size_t size, int64_t deadline_ms)
{
    while (size > 0) {
        struct pollfd wait = {.fd = sink.file, .events = POLLOUT};
        int64_t left_ms = deadline_ms - clock_ms();
        int ready = poll(&wait, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        ssize_t written = write(sink.file, bytes, size < PIPE_BUF ? size : PIPE_BUF);
        if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (written < 0) return false;
        sink.has_partial_line = (size_t)written < size;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static bool report_dropped(int64_t deadline_ms)
{
    AUTO(buf_done) struct buf line = buf_limited(LINE_LIMIT);
    if (sink.dropped == 0) return true;
    buf_text(&line, sink.has_partial_line ? "\n" : "");
    if (sink.form == LOG_FORM_CLOUD) {
        add_time(&line);
        buf_text(&line, ",\"severity\":\"WARNING\",\"event\":\"log_lines_dropped\",\"message\":\"");
    } else {
        buf_text(&line, "WARNING ");
    }
    buf_format(&line, "%lld log lines were dropped: the reader of the log was too slow",
               (long long)sink.dropped);
    if (sink.form == LOG_FORM_CLOUD) buf_format(&line, "\",\"lines\":%lld}", (long long)sink.dropped);
    buf_byte(&line, '\n');
    if (!write_bytes(line.data, line.size, deadline_ms)) return false;
    sink.dropped = 0;
    return true;
}

static void write_line(const struct buf *line)
{
    pthread_mutex_lock(&sink.mutex);
    int64_t deadline_ms = clock_ms() + (sink.is_blocked ? 0 : WAIT_MS);
    if (sink.hide) sink.hide(sink.display);
    sink.is_blocked = !report_dropped(deadline_ms) || !write_bytes(line->data, line->size, deadline_ms);
    sink.dropped += sink.is_blocked;
    if (sink.show) sink.show(sink.display);
    pthread_mutex_unlock(&sink.mutex);
}

static bool wanted(enum log_level level, enum log_form *out_form)
{
    pthread_mutex_lock(&sink.mutex);
    bool yes = level >= sink.least;
    *out_form = sink.form;
    pthread_mutex_unlock(&sink.mutex);
    return yes;
}

/* Only the fields that fit are kept. */
static void add_fields(struct buf *line, const struct log_field *fields)
{
    char origin[ERROR_ORIGIN];
    size_t safe = line->size;
    for (const struct log_field *field = fields; field && field->key && !line->full; field++) {
        safe = line->size;
        if (field->text) {
            add_text(line, field->key, field->text);
        } else if (field->error && field->error->kind != ERROR_NONE) {
            add_text(line, field->key, error_origin(field->error, origin));
        } else if (!field->error) {
            add_key(line, field->key);
            buf_format(line, "%lld", (long long)field->number);
        }
    }
    if (!line->full && buf_text(line, "}\n")) return;
    line->full = false;
    buf_cut(line, safe);
    buf_text(line, "}\n");
}

static void add_cloud_line(struct buf *line, enum log_level level, const char *event, const char *message,
                           const struct log_field *fields)
{
    add_time(line);
    add_text(line, "severity", levels[level].severity);
    add_text(line, "event", event);
    add_text(line, "message", message);
    add_fields(line, fields);
}

/* A line break of the message would begin a line with another level. */
static void add_level_line(struct buf *line, enum log_level level, const char *message,
                           const struct log_field *fields)
{
    size_t size = shown_size(message);
    buf_format(line, "%s ", levels[level].level);
    for (size_t i = 0; i < size; i++)
        buf_byte(line, (unsigned char)message[i] < ' ' ? ' ' : message[i]);
    if (fields) {
        buf_text(line, " {");
        add_fields(line, fields);
    } else {
        buf_byte(line, '\n');
    }
}

/* Control characters of a peer must not reach the terminal. */
static void add_plain_line(struct buf *line, enum log_level level, enum log_form form, const char *message)
{
    char text[INSTANT_TEXT];
    const char *colour = form != LOG_FORM_COLOUR || level < LOG_WARNING ? ""
                         : level == LOG_WARNING                         ? "33"
                                                                        : "31";
    instant_format(clock_utc_us(), text);
    (void)buf_format(line, "%.8s  %s%s%s%-8s%s  ", text + 11, *colour ? "\x1b[" : "", colour,
                     *colour ? "m" : "", levels[level].name, *colour ? "\x1b[0m" : "");
    for (; *message; message++)
        (void)buf_byte(line, (unsigned char)*message < ' ' || *message == '\x7F' ? ' ' : *message);
    (void)buf_byte(line, '\n');
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, const char *format,
               ...)
{
    char message[VALUE_LIMIT + 2]; /* one byte more than is shown, so that shown_size sees the cut */
    enum log_form form;
    va_list args;
    AUTO(buf_done) struct buf line = buf_limited(LINE_LIMIT);
    if (!wanted(level, &form)) return;
    va_start(args, format);
    if (vsnprintf(message, sizeof message, format, args) < 0) message[0] = '\0';
    va_end(args);
    switch (form) {
    case LOG_FORM_CLOUD: add_cloud_line(&line, level, event, message, fields); break;
    case LOG_FORM_LEVEL: add_level_line(&line, level, message, fields); break;
    case LOG_FORM_PLAIN:
    case LOG_FORM_COLOUR: add_plain_line(&line, level, form, message); break;
    }
    write_line(&line);
}
