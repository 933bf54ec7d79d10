/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

/* A secret kept by someone else, in an environment variable or a file, and our copy of it. */
struct kept_token {
    struct token token;
    pthread_mutex_t lock; /* get is called from any thread */
    bool (*read)(struct secret *out, const char *where, struct error *err);
    char *where;
    struct secret secret;
};

static bool read_token(struct kept_token *kept, struct error *err)
{
    AUTO(secret_done) struct secret fresh = {0};
    if (!kept->read(&fresh, kept->where, err) || !token_check(&fresh, kept->where, err)) return false;
    struct secret old = kept->secret;
    kept->secret = fresh;
    fresh = old; /* wiped on the way out */
    return true;
}

static bool kept_get(struct token *token, const struct secret *refused, struct secret *out_bearer,
                     struct error *err)
{
    struct kept_token *kept = (struct kept_token *)token;
    pthread_mutex_lock(&kept->lock);
    bool done = !refused || !token_is_same(&kept->secret, refused) || read_token(kept, err);
    if (!done) err->kind = ERROR_AUTH; /* the old one was refused and there is no other */
    done = done && secret_set(out_bearer, secret_reveal(&kept->secret), kept->secret.size, err);
    pthread_mutex_unlock(&kept->lock);
    return done;
}

static void kept_free(struct token *token)
{
    struct kept_token *kept = (struct kept_token *)token;
    pthread_mutex_destroy(&kept->lock);
    secret_done(&kept->secret);
    free(kept->where);
    free(kept);
}

static bool kept_new(bool (*read)(struct secret *, const char *, struct error *), const char *where,
                     struct token **out_token, struct error *err)
{
    struct kept_token *kept = mem_zero(1, sizeof *kept);
    kept->token = (struct token){.get = kept_get, .free = kept_free};
    pthread_mutex_init(&kept->lock, NULL);
    kept->read = read;
    kept->where = mem_text(where);
    if (!read_token(kept, err)) {
        kept_free(&kept->token);
        return false;
    }
    *out_token = &kept->token;
    return true;
}

bool token_from_env(const char *name, struct token **out_token, struct error *err)
{
    return kept_new(secret_from_env, name, out_token, err);
}

bool token_from_file(const char *path, struct token **out_token, struct error *err)
{
    return kept_new(secret_from_file, path, out_token, err);
}
