/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/day.h"
#include "base/json.h"

#define VALUE_LIMIT 4096
#define LINE_LIMIT                                                                                           \
    (256 * 1024) /* a line of ours has at most a dozen values, each at most six times longer escaped */

/* Where lines go is a fact of the process, like stderr itself: the one mutable global of the program. */
static struct {
    pthread_mutex_t mutex;
    FILE *stream; /* NULL: stderr */
    enum log_level least;
} sink = {.mutex = PTHREAD_MUTEX_INITIALIZER, .least = LOG_INFO};

/* As Cloud Logging spells them. */
static const struct {
    const char *name;
    const char *severity;
} levels[] = {
    [LOG_DEBUG] = {"debug", "DEBUG"},    [LOG_INFO] = {"info", "INFO"},
    [LOG_NOTICE] = {"notice", "NOTICE"}, [LOG_WARNING] = {"warning", "WARNING"},
    [LOG_ERROR] = {"error", "ERROR"},    [LOG_CRITICAL] = {"critical", "CRITICAL"},
};

void log_open(FILE *stream, enum log_level least)
{
    pthread_mutex_lock(&sink.mutex);
    sink.stream = stream;
    sink.least = least;
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

static void add_text(struct buf *line, const char *key, const char *text)
{
    size_t size = strnlen(text, VALUE_LIMIT + 1);

    if (size > VALUE_LIMIT) {
        size = VALUE_LIMIT;
        while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80) /* not in the middle of a character */
            size--;
    }
    buf_format(line, ",\"%s\":", key); /* a line that is full ends early; see below */
    json_write_string(line, text, size);
}

static void add_time(struct buf *line)
{
    struct timespec now = {.tv_sec = 0};
    char text[INSTANT_TEXT];

    (void)clock_gettime(CLOCK_REALTIME, &now); /* this clock always exists */
    instant_format((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, text);
    buf_format(line, "{\"time\":\"%s\"", text);
}

static void write_line(enum log_level level, const struct buf *line)
{
    FILE *stream;

    pthread_mutex_lock(&sink.mutex);
    stream = sink.stream ? sink.stream : stderr;
    if (level >= sink.least) {
        (void)fwrite(line->data, 1, line->size, stream); /* whom to tell that the log is gone? */
        (void)fflush(stream);
    }
    pthread_mutex_unlock(&sink.mutex);
}

static bool wanted(enum log_level level)
{
    bool yes;

    pthread_mutex_lock(&sink.mutex);
    yes = level >= sink.least;
    pthread_mutex_unlock(&sink.mutex);
    return yes;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, const char *format,
               ...)
{
    AUTO(buf_done) struct buf line;
    char message[VALUE_LIMIT + 2]; /* one byte more than is shown, so that add_text sees the cut */
    size_t safe = 0;
    va_list args;

    buf_init(&line, LINE_LIMIT);
    if (!wanted(level)) return;
    va_start(args, format);
    if (vsnprintf(message, sizeof message, format, args) < 0) message[0] = '\0';
    va_end(args);
    add_time(&line);
    add_text(&line, "severity", levels[level].severity);
    add_text(&line, "event", event);
    add_text(&line, "message", message);
    safe = line.size;
    for (const struct log_field *field = fields; field && field->key && !line.full; field++) {
        safe = line.size;
        if (field->text)
            add_text(&line, field->key, field->text);
        else
            buf_format(&line, ",\"%s\":%lld", field->key, (long long)field->number);
    }
    if (line.full || !buf_text(&line, "}\n")) {
        /* Too many fields for one line: those that fit are told. */
        line.full = false;
        buf_cut(&line, safe);
        buf_text(&line, "}\n");
    }
    write_line(level, &line);
}
