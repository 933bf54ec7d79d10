/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"

#define REPEAT_LEAST_MS 300000

struct secret_token {
    struct token token;
    struct secret_manager manager;

    pthread_mutex_t lock; /* over what follows, and the manager */
    struct secret secret;
    bool is_repeated; /* it was refused, and read again it was the same */
    int64_t repeat_ms;
};

/* A newer one serves all calls that were refused together. A wrong token stays wrong: so it is not read more
 * often than that. */
static bool read_again(struct secret_token *self, const struct secret *refused, struct error *err)
{
    AUTO(secret_done) struct secret fresh = {0};
    if (!token_is_same(&self->secret, refused)) return true;
    if (self->is_repeated && clock_ms() - self->repeat_ms < REPEAT_LEAST_MS) return true;
    if (!secret_manager_read(&self->manager, &fresh, NULL, err)) {
        if (err->kind == ERROR_CONFIG) err->kind = ERROR_AUTH; /* the old one was refused */
        return error_wrap(err, "the secret %s", self->manager.name);
    }
    self->is_repeated = token_is_same(&fresh, refused);
    self->repeat_ms = clock_ms();
    struct secret old = self->secret;
    self->secret = fresh;
    fresh = old; /* wiped on the way out */
    return true;
}

static bool secret_get(struct token *token, const struct secret *refused, struct secret *out_bearer,
                       struct error *err)
{
    struct secret_token *self = (struct secret_token *)token;
    pthread_mutex_lock(&self->lock);
    bool done = (!refused || read_again(self, refused, err)) &&
                secret_set(out_bearer, secret_reveal(&self->secret), self->secret.size, err);
    pthread_mutex_unlock(&self->lock);
    return done;
}

static bool secret_get_cached(struct token *token, struct secret *out_bearer)
{
    struct secret_token *self = (struct secret_token *)token;
    struct error ignored;
    if (pthread_mutex_trylock(&self->lock) != 0) return false; /* it is being read again */
    bool done = secret_set(out_bearer, secret_reveal(&self->secret), self->secret.size, &ignored);
    pthread_mutex_unlock(&self->lock);
    return done;
}

static void secret_free(struct token *token)
{
    struct secret_token *self = (struct secret_token *)token;
    pthread_mutex_destroy(&self->lock);
    secret_manager_close(&self->manager);
    secret_done(&self->secret);
    free(self);
}

bool token_from_secret(const struct http_settings *settings, const char *name, const char *base_url,
                       struct token *google, struct token **out_token, struct error *err)
{
    struct secret_manager manager;
    if (!secret_manager_open(settings, name, base_url, google, &manager, err)) return false;
    struct secret_token *self = mem_zero(1, sizeof *self);
    self->token = (struct token){.get = secret_get, .get_cached = secret_get_cached, .free = secret_free};
    self->manager = manager;
    pthread_mutex_init(&self->lock, NULL);
    if (!secret_manager_read(&self->manager, &self->secret, NULL, err)) {
        (void)error_wrap(err, "the secret %s", name);
        secret_free(&self->token);
        return false;
    }
    *out_token = &self->token;
    return true;
}
