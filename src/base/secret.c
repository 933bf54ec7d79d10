/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Through a volatile pointer, so that no compiler finds the writes useless. */
static void wipe(void *memory, size_t size)
{
    volatile unsigned char *byte = memory;

    while (size-- > 0)
        *byte++ = 0;
}

/* A control character in a token would split the header it is sent in. */
static bool has_control(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7F) return true;
    return false;
}

bool secret_set(struct secret *secret, const char *bytes, size_t size, struct error *err)
{
    char *copy;

    if (size == 0) return error_set(err, ERROR_CONFIG, "the secret is empty; store the token there");
    if (size > SECRET_LIMIT)
        return error_set(err, ERROR_CONFIG,
                         "the secret has %zu bytes, more than the %d allowed; is it the token?", size,
                         SECRET_LIMIT);
    if (has_control(bytes, size))
        return error_set(
            err, ERROR_CONFIG,
            "the secret contains a line break or another control character; store the bare token");
    copy = mem_bytes(bytes, size); /* first, as bytes may be the old value */
    secret_done(secret);
    *secret = (struct secret){.bytes = copy, .size = size};
    return true;
}

/* Editors and `echo` end a text with a line break that nobody means to be part of the secret. */
static size_t without_newline(const char *bytes, size_t size)
{
    if (size > 0 && bytes[size - 1] == '\n') size--;
    if (size > 0 && bytes[size - 1] == '\r') size--;
    return size;
}

/* Who puts the token where its variable's name belongs must not find it in a log. */
static bool is_variable(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

    return *name != '\0' && name[strspn(name, allowed)] == '\0';
}

bool secret_from_env(struct secret *secret, const char *name, struct error *err)
{
    const char *value;

    if (!is_variable(name))
        return error_set(err, ERROR_CONFIG,
                         "the name given for an environment variable has other characters than letters, "
                         "digits and _ . - (it is not shown, as it may be the secret); put the secret into a "
                         "variable and give its name");
    value = getenv(name);
    if (!value)
        return error_set(err, ERROR_CONFIG, "the environment variable %s is not set; put the secret there",
                         name);
    if (!secret_set(secret, value, without_newline(value, strlen(value)), err))
        return error_wrap(err, "environment variable %s", name);
    return true;
}

/* Up to `capacity` bytes. false: errno says why. */
static bool read_all(int file, char *bytes, size_t capacity, size_t *out_size)
{
    *out_size = 0;
    while (*out_size < capacity) {
        ssize_t got = read(file, bytes + *out_size, capacity - *out_size);

        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        if (got == 0) break;
        *out_size += (size_t)got;
    }
    return true;
}

bool secret_from_file(struct secret *secret, const char *path, struct error *err)
{
    const size_t capacity = SECRET_LIMIT + 3; /* "\r\n", and one byte more to see that it is too long */
    char *bytes;
    size_t size = 0;
    bool done;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return error_set(err, ERROR_CONFIG,
                         "can't open the secret file %s: %s; check the path and its permissions", path,
                         strerror(errno));
    bytes = mem_zero(capacity, 1);
    done = read_all(file, bytes, capacity, &size);
    if (!done) (void)error_set(err, ERROR_CONFIG, "can't read the secret file %s: %s", path, strerror(errno));
    (void)close(file); /* it was only read */
    if (done) {
        done = secret_set(secret, bytes, without_newline(bytes, size), err);
        if (!done) (void)error_wrap(err, "secret file %s", path);
    }
    wipe(bytes, capacity);
    free(bytes);
    return done;
}

const char *secret_reveal(const struct secret *secret)
{
    return secret->bytes ? secret->bytes : "";
}

void secret_done(struct secret *secret)
{
    if (!secret) return;
    if (secret->bytes) wipe(secret->bytes, secret->size);
    free(secret->bytes);
    *secret = (struct secret){.size = 0};
}
