/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

#define POLL_MS 100
#define TELL_MS 60000

void writer_init(struct writer *writer)
{
    buf_init(&writer->text, LIMIT_SINGER_LINE);
    buf_init(&writer->line, LIMIT_SINGER_LINE);
    buf_init(&writer->pending, PIPE_BUF);
    writer->failure = (struct error){.kind = ERROR_NONE};
}

void writer_done(struct writer *writer)
{
    buf_done(&writer->text);
    buf_done(&writer->line);
    buf_done(&writer->pending);
}

bool writer_check(const struct writer *writer, struct error *err)
{
    if (writer->failure.kind == ERROR_NONE) return true;
    *err = writer->failure;
    return false;
}

static bool fail(struct writer *writer, int code, struct error *err)
{
    if (code == EPIPE)
        error_set(
            err, ERROR_STOPPED,
            "stdout was closed by its reader. Look at the error of the target, and start again with the "
            "last state that it has written");
    else
        error_set(err, ERROR_LIMIT,
                  "stdout can't be written: %s. Start again with the last state, when it can be",
                  strerror(code));
    writer->failure = *err;
    return false;
}

/* Of a file: the part of a line that was written before the disk was full goes. */
static void take_back(int file, size_t size)
{
    struct stat about;
    off_t at = lseek(file, 0, SEEK_CUR);
    if (size == 0 || fstat(file, &about) != 0 || !S_ISREG(about.st_mode) || at < (off_t)size) return;
    if (ftruncate(file, at - (off_t)size) == 0) (void)lseek(file, at - (off_t)size, SEEK_SET);
}

/* is_inside: a part of the line is written, so it is worth waiting for the rest. */
static bool wait_for_reader(struct writer *writer, bool is_inside, struct error *err)
{
    int64_t began_ms = clock_ms(), told_ms = began_ms;
    for (;;) {
        struct pollfd wait = {.fd = writer->file, .events = POLLOUT};
        int ready = poll(&wait, 1, POLL_MS);
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return fail(writer, errno, err);
        if (!is_inside && writer->stop && atomic_load(writer->stop)) {
            error_set(err, ERROR_STOPPED, "stopped before its end; start again with the last state");
            writer->failure = *err;
            return false;
        }
        int64_t now_ms = clock_ms();
        if (now_ms - told_ms < TELL_MS) continue;
        told_ms = now_ms;
        if (writer->wait) writer->wait(writer->self, (now_ms - began_ms) / 1000);
    }
}

/* A pipe that poll finds writable takes PIPE_BUF bytes without blocking. */
static bool write_bytes(struct writer *writer, const char *bytes, size_t size, struct error *err)
{
    size_t done = 0;
    while (done < size) {
        if (!wait_for_reader(writer, done > 0, err)) return false;
        size_t piece = size - done < PIPE_BUF ? size - done : PIPE_BUF;
        ssize_t written = write(writer->file, bytes + done, piece);
        if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (written < 0) {
            int code = errno;
            take_back(writer->file, done);
            return fail(writer, code, err);
        }
        done += (size_t)written;
    }
    return true;
}

bool writer_flush(struct writer *writer, struct error *err)
{
    if (!writer_check(writer, err)) return false;
    bool done = write_bytes(writer, writer->pending.data, writer->pending.size, err);
    buf_reset(&writer->pending);
    return done;
}

/* One character beyond ASCII, of valid UTF-8. Returns its bytes. */
static size_t escape(const char *text, struct buf *out)
{
    const unsigned char *byte = (const unsigned char *)text;
    size_t size = byte[0] >= 0xF0 ? 4 : byte[0] >= 0xE0 ? 3 : 2;
    unsigned code = byte[0] & (0xFFU >> (size + 1));
    for (size_t i = 1; i < size; i++)
        code = code << 6 | (byte[i] & 0x3FU);
    if (code < 0x10000)
        buf_format(out, "\\u%04x", code);
    else
        buf_format(out, "\\u%04x\\u%04x", 0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF));
    return size;
}

/* Readers of another encoding, or with more ends of lines than "\n", take it as it is meant. */
static bool make_line(struct writer *writer, const json_t *message)
{
    buf_reset(&writer->text);
    buf_reset(&writer->line);
    if (!json_write(&writer->text, message)) return false;
    const char *text = writer->text.data;
    for (size_t at = 0; at < writer->text.size;) {
        size_t plain = at;
        while (plain < writer->text.size && !((unsigned char)text[plain] & 0x80))
            plain++;
        buf_add(&writer->line, text + at, plain - at);
        at = plain;
        if (at < writer->text.size) at += escape(text + at, &writer->line);
    }
    return buf_byte(&writer->line, '\n');
}

bool writer_add(struct writer *writer, const json_t *message, struct error *err)
{
    if (!writer_check(writer, err)) return false;
    if (!make_line(writer, message))
        return error_set(err, ERROR_LIMIT, "a message of more than %d bytes can't be written",
                         LIMIT_SINGER_LINE);
    if (writer->pending.size + writer->line.size > PIPE_BUF && !writer_flush(writer, err)) return false;
    if (writer->line.size > PIPE_BUF) return write_bytes(writer, writer->line.data, writer->line.size, err);
    return buf_add(&writer->pending, writer->line.data, writer->line.size) || fail(writer, ENOMEM, err);
}
