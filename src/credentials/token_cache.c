/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "internal.h"

#define EARLY_MS        225000 /* refresh this long before expiry, as Google's own clients do */
#define REPEAT_LEAST_MS 5000   /* a grant that gives the refused token again is not asked more often */
#define PAUSE_MS        10000  /* after a failed refresh, while the old token is valid */

struct cache {
    struct token token;
    struct grant *grant;
    int64_t (*now_ms)(void);

    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    struct secret kept; /* empty: none */
    int64_t expires_ms;
    int64_t stale_ms;  /* a refresh is due from then on */
    bool refreshing;   /* one thread requests a token, without the lock */
    bool is_repeated;  /* the grant gave the kept token again after it was refused */
    int64_t repeat_ms; /* when, if it is */
};

static bool usable(const struct cache *cache)
{
    return cache->kept.size > 0 && cache->now_ms() < cache->expires_ms;
}

/* A token that is newer than the refused one serves all calls that were refused together. */
static void drop_refused(struct cache *cache, const struct secret *refused)
{
    if (cache->is_repeated && cache->now_ms() - cache->repeat_ms < REPEAT_LEAST_MS) return;
    if (token_is_same(&cache->kept, refused)) secret_done(&cache->kept);
}

static void note_repeat(struct cache *cache, const struct secret *refused)
{
    if (cache->is_repeated || !token_is_same(&cache->kept, refused)) return;
    cache->is_repeated = true;
    cache->repeat_ms = cache->now_ms();
}

static void keep(struct cache *cache, struct secret *fresh, int64_t lifetime_s)
{
    struct secret old = cache->kept;
    int64_t now = cache->now_ms(), lifetime_ms = lifetime_s * 1000;
    cache->kept = *fresh;
    *fresh = old; /* wiped by the caller */
    cache->is_repeated = false;
    cache->expires_ms = now + lifetime_ms;
    /* A short-lived token is refreshed after half of its life. */
    cache->stale_ms = cache->expires_ms - (lifetime_ms > 2 * EARLY_MS ? EARLY_MS : lifetime_ms / 2);
}

/* Releases the lock during the request. */
static bool refresh(struct cache *cache, struct error *err)
{
    AUTO(secret_done) struct secret fresh = {0};
    int64_t lifetime_s = 0;
    cache->refreshing = true;
    pthread_mutex_unlock(&cache->lock);
    bool done = cache->grant->request_token(cache->grant, &fresh, &lifetime_s, err);
    pthread_mutex_lock(&cache->lock);
    cache->refreshing = false;
    if (done)
        keep(cache, &fresh, lifetime_s);
    else
        cache->stale_ms = cache->now_ms() + PAUSE_MS;
    pthread_cond_broadcast(&cache->changed);
    return done;
}

static bool get_locked(struct cache *cache, const struct secret *refused, struct secret *out_bearer,
                       struct error *err)
{
    if (refused) drop_refused(cache, refused);
    while (!usable(cache) && cache->refreshing)
        pthread_cond_wait(&cache->changed, &cache->lock);
    bool wanted = !usable(cache) || (!cache->refreshing && cache->now_ms() >= cache->stale_ms);
    if (wanted && !refresh(cache, err) && !usable(cache)) return false;
    if (refused) note_repeat(cache, refused);
    return secret_set(out_bearer, secret_reveal(&cache->kept), cache->kept.size, err);
}

static bool cache_get(struct token *token, const struct secret *refused, struct secret *out_bearer,
                      struct error *err)
{
    struct cache *cache = (struct cache *)token;
    pthread_mutex_lock(&cache->lock);
    bool done = get_locked(cache, refused, out_bearer, err);
    pthread_mutex_unlock(&cache->lock);
    return done;
}

static bool cache_get_cached(struct token *token, struct secret *out_bearer)
{
    struct cache *cache = (struct cache *)token;
    struct error ignored;
    pthread_mutex_lock(&cache->lock); /* never held during a request */
    bool fresh = usable(cache) && (cache->refreshing || cache->now_ms() < cache->stale_ms) &&
                 secret_set(out_bearer, secret_reveal(&cache->kept), cache->kept.size, &ignored);
    pthread_mutex_unlock(&cache->lock);
    return fresh;
}

static void cache_free(struct token *token)
{
    struct cache *cache = (struct cache *)token;
    grant_free(cache->grant);
    secret_done(&cache->kept);
    pthread_cond_destroy(&cache->changed);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

struct token *token_cache_new(struct grant *grant, int64_t (*now_ms)(void))
{
    struct cache *cache = mem_zero(1, sizeof *cache);
    cache->token = (struct token){.get = cache_get,
                                  .get_cached = cache_get_cached,
                                  .free = cache_free,
                                  .quota_project = grant->quota_project};
    cache->grant = grant;
    cache->now_ms = now_ms ? now_ms : clock_ms;
    pthread_mutex_init(&cache->lock, NULL);
    pthread_cond_init(&cache->changed, NULL);
    return &cache->token;
}
