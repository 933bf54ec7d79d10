/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* madvise, explicit_bzero */
#include "base/secret.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"

void secret_wipe(void *memory, size_t size)
{
    if (memory) explicit_bzero(memory, size);
}

/* A control character in a token would split the header it is sent in. */
static bool has_control(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7F) return true;
    return false;
}

static size_t whole_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

#define SPARE_MOST 16 /* requests in flight at once have a token each */

/* Wiped pages that are not dumped, for the next secrets: each request has a copy of its token. */
static struct {
    pthread_mutex_t lock;
    char *pages[SPARE_MOST];
    size_t count;
} spare = {.lock = PTHREAD_MUTEX_INITIALIZER};

static char *take_spare(void)
{
    (void)pthread_mutex_lock(&spare.lock);
    char *page = spare.count > 0 ? spare.pages[--spare.count] : NULL;
    (void)pthread_mutex_unlock(&spare.lock);
    return page;
}

static bool keep_spare(char *page)
{
    (void)pthread_mutex_lock(&spare.lock);
    bool has_room = spare.count < SPARE_MOST;
    if (has_room) spare.pages[spare.count++] = page;
    (void)pthread_mutex_unlock(&spare.lock);
    return has_room;
}

/* Pages of their own, since the kernel leaves out of a core dump whole pages only. */
static char *new_undumped(size_t size)
{
    size_t pages = whole_pages(size + 1);
    char *bytes = pages == whole_pages(1) ? take_spare() : NULL;
    if (bytes) return bytes;
    bytes = mmap(NULL, pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) abort();           /* no memory */
    (void)madvise(bytes, pages, MADV_DONTDUMP); /* known to every kernel since 3.4 */
    return bytes;
}

void secret_reserve(struct secret *secret, size_t size)
{
    secret_done(secret);
    *secret = (struct secret){.bytes = new_undumped(size), .size = size};
}

bool secret_set(struct secret *secret, const char *bytes, size_t size, struct error *err)
{
    if (size == 0) return error_set(err, ERROR_CONFIG, "the secret is empty; store the token there");
    if (size > SECRET_LIMIT)
        return error_set(err, ERROR_CONFIG,
                         "the secret has %zu bytes, more than the %d allowed; is it the token?", size,
                         SECRET_LIMIT);
    if (has_control(bytes, size))
        return error_set(
            err, ERROR_CONFIG,
            "the secret contains a line break or another control character; store the bare token");
    char *copy = new_undumped(size); /* first, as bytes may be the old value */
    memcpy(copy, bytes, size);
    secret_done(secret);
    *secret = (struct secret){.bytes = copy, .size = size};
    return true;
}

size_t secret_line_size(const char *bytes, size_t size)
{
    if (size > 0 && bytes[size - 1] == '\n') size--;
    if (size > 0 && bytes[size - 1] == '\r') size--;
    return size;
}

/* A token given by mistake in place of the variable's name must not reach a log. */
static bool is_variable(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return *name != '\0' && name[strspn(name, allowed)] == '\0';
}

bool secret_from_env(struct secret *secret, const char *name, struct error *err)
{
    if (!is_variable(name))
        return error_set(err, ERROR_CONFIG,
                         "the name given for an environment variable has other characters than letters, "
                         "digits and _ . - (it is not shown, as it may be the secret); put the secret into a "
                         "variable and give its name");
    const char *value = getenv(name);
    if (!value)
        return error_set(err, ERROR_CONFIG, "the environment variable %s is not set; put the secret there",
                         name);
    if (!secret_set(secret, value, secret_line_size(value, strlen(value)), err))
        return error_wrap(err, "environment variable %s", name);
    return true;
}

bool secret_from_file(struct secret *secret, const char *path, struct error *err)
{
    AUTO(buf_done) struct buf bytes = {0};
    bool done = file_read(path, SECRET_LIMIT + 2, &bytes, err) && /* "\r\n" */
                secret_set(secret, buf_string(&bytes), secret_line_size(buf_string(&bytes), bytes.size), err);
    secret_wipe(bytes.data, bytes.size);
    return done || error_wrap(err, "secret file %s", path);
}

const char *secret_reveal(const struct secret *secret)
{
    return secret->bytes ? secret->bytes : "";
}

void secret_done(struct secret *secret)
{
    if (!secret) return;
    if (secret->bytes) {
        const size_t pages = whole_pages(secret->size + 1);
        secret_wipe(secret->bytes, pages);
        if (pages != whole_pages(1) || !keep_spare(secret->bytes))
            (void)munmap(secret->bytes, pages); /* fails only for other arguments */
    }
    *secret = (struct secret){.size = 0};
}

void secret_forbid_core_dumps(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
    limit.rlim_cur = 0;
    (void)setrlimit(RLIMIT_CORE, &limit); /* lowering is always allowed */
}
