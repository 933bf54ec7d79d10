/* SPDX-License-Identifier: Apache-2.0 */
/* refresh_file.c - a refresh token in a file, which is replaced as a whole.
 *
 * <path>.next is made before the token is exchanged. Empty, it says that an exchange began; once it holds the
 * whole value, the exchange has succeeded, and only its name is to be changed. <path>.lock is locked
 * meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "internal.h"

#define LOCK_TRIES   60
#define LOCK_WAIT_MS 500
#define FILE_MODE    0600

struct file_store {
    struct refresh_store store;
    char *path, *next_path, *lock_path, *folder;
    int lock, next; /* descriptors; -1: not open */
};

static bool fail(const char *what, const char *path, struct error *err)
{
    return error_set(err, ERROR_CONFIG,
                     "%s %s: %s; the folder must be writable, since each use replaces the refresh token",
                     what, path, strerror(errno));
}

static bool sync_folder(const struct file_store *file, struct error *err)
{
    int folder = open(file->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = folder >= 0 && fsync(folder) == 0;
    if (!done) (void)fail("can't write", file->folder, err);
    if (folder >= 0) (void)close(folder); /* it was only read */
    return done;
}

static bool rename_next(const struct file_store *file, struct error *err)
{
    return (rename(file->next_path, file->path) == 0 || fail("can't replace", file->path, err)) &&
           sync_folder(file, err);
}

/* Did a person put another value there since? */
static bool is_outdated(const struct file_store *file)
{
    struct stat next, current;
    if (stat(file->next_path, &next) != 0 || stat(file->path, &current) != 0) return true;
    return next.st_mtim.tv_sec < current.st_mtim.tv_sec;
}

/* A value that was written whole is a JSON object. */
static bool is_whole(const char *path)
{
    AUTO(secret_done) struct secret value = {0};
    AUTO(json_drop) json_t *object = NULL;
    struct error ignored;
    return secret_from_file(&value, path, &ignored) &&
           json_read(secret_reveal(&value), value.size, NULL, &object, &ignored) && json_is_object(object);
}

static bool end_interrupted(struct file_store *file, struct error *err)
{
    if (access(file->next_path, F_OK) != 0) return true;
    if (is_outdated(file)) return true;
    if (is_whole(file->next_path)) return rename_next(file, err);
    file->store.was_interrupted = true;
    return true;
}

static void unlock(struct refresh_store *store)
{
    struct file_store *file = (struct file_store *)store;
    if (file->lock >= 0) (void)close(file->lock); /* which unlocks it */
    file->lock = -1;
}

static bool lock(struct refresh_store *store, struct error *err)
{
    struct file_store *file = (struct file_store *)store;
    file->lock = open(file->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (file->lock < 0) return fail("can't make", file->lock_path, err);
    for (int i = 0; flock(file->lock, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK && errno != EINTR) return fail("can't lock", file->lock_path, err);
        if (i == LOCK_TRIES)
            return error_set(err, ERROR_BUSY,
                             "%s is locked by another process for long: end that one, or wait",
                             file->lock_path);
        (void)clock_sleep_ms(LOCK_WAIT_MS, NULL);
    }
    return end_interrupted(file, err);
}

static bool read_value(struct refresh_store *store, struct secret *out_value, struct error *err)
{
    return secret_from_file(out_value, ((struct file_store *)store)->path, err);
}

static bool prepare(struct refresh_store *store, struct error *err)
{
    struct file_store *file = (struct file_store *)store;
    file->next = open(file->next_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (file->next < 0) return fail("can't make", file->next_path, err);
    return fsync(file->next) == 0 ? sync_folder(file, err) : fail("can't write", file->next_path, err);
}

static bool write_all(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, bytes, size);
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        }
    }
    return true;
}

static bool write_value(struct refresh_store *store, const struct secret *value, struct error *err)
{
    struct file_store *file = (struct file_store *)store;
    if (file->next < 0 && !prepare(store, err)) return false;
    bool done = write_all(file->next, secret_reveal(value), value->size) && fsync(file->next) == 0;
    if (!done) (void)fail("can't write", file->next_path, err);
    done = close(file->next) == 0 && done;
    file->next = -1;
    if (!done || !rename_next(file, err)) return false;
    store->was_interrupted = false;
    return true;
}

static void file_free(struct refresh_store *store)
{
    struct file_store *file = (struct file_store *)store;
    unlock(store);
    if (file->next >= 0) (void)close(file->next); /* nothing was written */
    free(file->path);
    free(file->next_path);
    free(file->lock_path);
    free(file->folder);
    free(file);
}

bool refresh_file_new(const char *path, struct refresh_store **out_store, struct error *err)
{
    AUTO(secret_done) struct secret value = {0};
    AUTO(mem_free) char *copy = mem_text(path);
    if (!secret_from_file(&value, path, err)) return false;
    struct file_store *file = mem_zero(1, sizeof *file);
    file->path = mem_text(path);
    file->next_path = mem_format("%s.next", path);
    file->lock_path = mem_format("%s.lock", path);
    file->folder = mem_text(dirname(copy));
    file->lock = file->next = -1;
    file->store = (struct refresh_store){.lock = lock,
                                         .unlock = unlock,
                                         .read = read_value,
                                         .prepare = prepare,
                                         .write = write_value,
                                         .free = file_free,
                                         .name = file->path};
    *out_store = &file->store;
    return true;
}
