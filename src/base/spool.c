/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static int open_unlinked(const char *directory)
{
    AUTO(mem_free) char *path = mem_format("%s/caseload-XXXXXX", directory);
    int file = mkstemp(path);
    if (file < 0 || unlink(path) == 0) return file;
    (void)close(file); /* the cause is that of unlink */
    return -1;
}

static bool write_all(int file, const char *bytes, size_t size, int64_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(file, bytes, size, offset);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        size -= (size_t)written;
        offset += written;
    }
    return true;
}

bool spool_check(const char *directory, struct error *err)
{
    int file = open_unlinked(directory);
    bool good = file >= 0 && write_all(file, "x", 1, 0);
    int cause = errno;
    if (file >= 0) (void)close(file); /* it held nothing */
    return good || error_set(err, ERROR_CONFIG,
                             "no temporary file can be made in %s: %s. Name a directory with free space in "
                             "\"temporary_directory\" or TMPDIR",
                             directory, strerror(cause));
}

void spool_init(struct spool *spool, struct spool_budget *budget)
{
    *spool = (struct spool){.budget = budget, .file = -1};
    buf_init(&spool->memory, budget->limit);
}

static bool fail_write(const struct spool *spool, struct error *err)
{
    return error_set(err, ERROR_LIMIT,
                     "the rows of a unit can't be kept in %s after %lld bytes: %s. Free space there, or name "
                     "another directory in \"temporary_directory\" or TMPDIR; the unit is loaded again",
                     spool->budget->directory, (long long)spool->size, strerror(errno));
}

static bool move_to_file(struct spool *spool, struct error *err)
{
    spool->file = open_unlinked(spool->budget->directory);
    if (spool->file < 0) return fail_write(spool, err);
    if (!write_all(spool->file, buf_string(&spool->memory), spool->memory.size, 0)) {
        bool unkept = fail_write(spool, err);
        (void)close(spool->file); /* memory still has it all */
        spool->file = -1;
        return unkept;
    }
    spool->budget->used -= spool->memory.size;
    buf_done(&spool->memory);
    return true;
}

bool spool_add(struct spool *spool, const void *bytes, size_t size, struct error *err)
{
    struct spool_budget *budget = spool->budget;
    if (spool->file < 0 && size <= budget->limit - budget->used) {
        bool fits = buf_add(&spool->memory, bytes, size);
        assert(fits); /* memory.limit is the budget's */
        (void)fits;
        budget->used += size;
    } else if ((spool->file < 0 && !move_to_file(spool, err)) ||
               (!write_all(spool->file, bytes, size, spool->size) && !fail_write(spool, err))) {
        return false;
    }
    spool->size += (int64_t)size;
    return true;
}

static bool read_file(const struct spool *spool, int64_t offset, size_t size, struct buf *out)
{
    if (!buf_reserve(out, size)) return false;
    while (size > 0) {
        ssize_t got = pread(spool->file, out->data + out->size, size, offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        out->size += (size_t)got;
        out->data[out->size] = '\0';
        size -= (size_t)got;
        offset += got;
    }
    return true;
}

bool spool_read(const struct spool *spool, int64_t offset, size_t size, struct buf *out, struct error *err)
{
    assert(offset >= 0 && offset <= spool->size && (int64_t)size <= spool->size - offset);
    errno = 0;
    bool good = spool->file < 0 ? size == 0 || buf_add(out, spool->memory.data + offset, size)
                                : read_file(spool, offset, size, out);
    return good || error_set(err, ERROR_LIMIT,
                             "the kept rows of a unit can't be read from %s: %s. Check that disk; the unit "
                             "is loaded again",
                             spool->budget->directory, errno ? strerror(errno) : "the file is too short");
}

void spool_done(struct spool *spool)
{
    if (!spool->budget) return;
    spool->budget->used -= spool->memory.size;
    buf_done(&spool->memory);
    if (spool->file >= 0) (void)close(spool->file); /* its content goes with it */
    *spool = (struct spool){.file = -1};
}
