/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_WAIT_MS 10000

static bool is_inherited(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
}

static bool check_type(int file, const char *path, struct error *err)
{
    struct stat facts;
    if (fstat(file, &facts) != 0)
        return error_set(err, ERROR_CONFIG, "%s can't be examined: %s", path, strerror(errno));
    if (S_ISREG(facts.st_mode) || (S_ISFIFO(facts.st_mode) && is_inherited(path))) return true;
    const char *type = S_ISDIR(facts.st_mode)    ? "a directory"
                       : S_ISFIFO(facts.st_mode) ? "a FIFO"
                       : S_ISSOCK(facts.st_mode) ? "a socket"
                                                 : "a device";
    return error_set(err, ERROR_CONFIG, "%s is %s: give the path of a regular file", path, type);
}

/* Reads to the end or one byte beyond the limit. */
static bool read_bytes(int file, const char *path, size_t limit, struct buf *out, struct error *err)
{
    for (;;) {
        struct pollfd wait = {.fd = file, .events = POLLIN};
        ssize_t got = read(file, out->data + out->size, limit + 1 - out->size);
        if (got > 0) {
            out->size += (size_t)got;
            out->data[out->size] = '\0';
        }
        if (got == 0 || out->size > limit) return true;
        if (got > 0 || errno == EINTR) continue;
        if (errno != EAGAIN)
            return error_set(err, ERROR_CONFIG, "%s can't be read: %s", path, strerror(errno));
        if (poll(&wait, 1, PIPE_WAIT_MS) == 0)
            return error_set(err, ERROR_CONFIG,
                             "%s sent nothing for %d s: check the command that writes to it", path,
                             PIPE_WAIT_MS / 1000);
    }
}

bool file_read(const char *path, size_t limit, struct buf *out, struct error *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    buf_done(out);
    buf_init(out, limit + 1);
    if (file < 0 && errno == ENXIO)
        return error_set(err, ERROR_CONFIG, "%s is a socket: give the path of a regular file", path);
    if (file < 0)
        return error_set(err, ERROR_CONFIG, "%s can't be opened: %s; check the path and its permissions",
                         path, strerror(errno));
    bool done =
        check_type(file, path, err) && buf_reserve(out, limit + 1) && read_bytes(file, path, limit, out, err);
    (void)close(file); /* it was only read */
    if (done && out->size > limit)
        done = error_set(err, ERROR_CONFIG, "%s has more than %zu bytes: is it the right file?", path, limit);
    return done;
}
