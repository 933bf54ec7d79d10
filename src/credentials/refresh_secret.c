/* SPDX-License-Identifier: Apache-2.0 */
/* refresh_secret.c - a refresh token in Secret Manager: each new one is a version, and the one before it is
 * destroyed. There is no lock: processes on several machines may share it. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "internal.h"

struct secret_store {
    struct refresh_store store;
    struct secret_manager manager;
    char *version; /* that was read; NULL: none was */
};

static bool lock(struct refresh_store *store, struct error *err)
{
    (void)store, (void)err; /* nothing can be locked */
    return true;
}

static void unlock(struct refresh_store *store)
{
    (void)store;
}

static bool read_value(struct refresh_store *store, struct secret *out_value, struct error *err)
{
    struct secret_store *secret = (struct secret_store *)store;
    mem_free(&secret->version);
    return secret_manager_read(&secret->manager, out_value, &secret->version, err) ||
           error_wrap(err, "the secret %s", store->name);
}

static bool prepare(struct refresh_store *store, struct error *err)
{
    (void)store, (void)err; /* whether a version may be added is known when it is added */
    return true;
}

static bool write_value(struct refresh_store *store, const struct secret *value, struct error *err)
{
    struct secret_store *secret = (struct secret_store *)store;
    struct error failure = {0}; /* not err: the new version is there */
    if (!secret_manager_add(&secret->manager, value, err))
        return error_wrap(err,
                          "no version can be added to the secret %s (roles/secretmanager.secretVersionAdder)",
                          store->name);
    if (secret->version && *secret->version &&
        !secret_manager_destroy(&secret->manager, secret->version, &failure))
        log_write(LOG_WARNING, "secret_version_kept", LOG_FIELDS(LOG_TEXT("version", secret->version)),
                  "%s is of no use any more and can't be destroyed (%s); it costs money until somebody does, "
                  "or until "
                  "the account has roles/secretmanager.secretVersionManager on the secret",
                  secret->version, failure.text);
    return true;
}

static void secret_store_free(struct refresh_store *store)
{
    struct secret_store *secret = (struct secret_store *)store;
    secret_manager_close(&secret->manager);
    free(secret->version);
    free(secret);
}

bool refresh_secret_new(const struct http_settings *settings, const char *name, const char *base_url,
                        struct token *google, struct refresh_store **out_store, struct error *err)
{
    static const char latest[] = "/versions/latest";
    size_t size = strlen(name), tail = sizeof latest - 1;
    struct secret_manager manager;
    if (size < tail || strcmp(name + size - tail, latest) != 0)
        return error_set(
            err, ERROR_CONFIG,
            "the secret \"%.100s\" must end with %s: each use of the refresh token makes a new version", name,
            latest);
    if (!secret_manager_open(settings, name, base_url, google, &manager, err)) return false;
    struct secret_store *secret = mem_zero(1, sizeof *secret);
    secret->manager = manager;
    secret->store = (struct refresh_store){.lock = lock,
                                           .unlock = unlock,
                                           .read = read_value,
                                           .prepare = prepare,
                                           .write = write_value,
                                           .free = secret_store_free,
                                           .name = secret->manager.name,
                                           .is_shared = true};
    *out_store = &secret->store;
    return true;
}
