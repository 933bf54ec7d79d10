/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include "base/limits.h"

#define CHUNK 16384 /* inflated at once */

/* --- one way or the other --- */

static void forget(struct store *store)
{
    if (store->waiting) *store->waiting -= store->body.size;
    buf_done(&store->body);
    zbuf_done(&store->pack);
    zbuf_close(store->reader);
    json_split_done(&store->split);
    json_drop(&store->elements);
    *store = (struct store){.waiting = NULL};
}

void store_small(struct store *store, size_t *waiting, size_t limit)
{
    forget(store);
    store->waiting = waiting;
    buf_init(&store->body, limit);
}

void store_large(struct store *store, const char *const *path)
{
    forget(store);
    store->path = path;
    zbuf_init(&store->pack, LIMIT_DETAIL, LIMIT_COMPRESSED);
}

void store_done(struct store *store)
{
    if (store) forget(store);
}

/* --- it comes --- */

static void begin(void *self)
{
    struct store *store = self;
    if (store->waiting) *store->waiting -= store->body.size;
    buf_reset(&store->body);
    zbuf_reset(&store->pack);
}

static bool take(void *self, const void *bytes, size_t size)
{
    struct store *store = self;
    if (store->path) return zbuf_add(&store->pack, bytes, size);
    if (*store->waiting + size > LIMIT_DEFERRED_TOTAL || !buf_add(&store->body, bytes, size)) return false;
    *store->waiting += size;
    return true;
}

struct http_sink store_sink(struct store *store)
{
    return (struct http_sink){.begin = begin, .take = take, .self = store};
}

const struct buf *store_body(const struct store *store)
{
    return &store->body;
}

/* --- it is read --- */

static bool check_element(void *self, const char *bytes, size_t size, struct error *err)
{
    struct store *store = self;
    AUTO(json_drop) json_t *element = NULL;
    store->count++;
    return json_read(bytes, size, store->normalisations, &element, err);
}

static bool keep_element(void *self, const char *bytes, size_t size, struct error *err)
{
    struct store *store = self;
    json_t *element = NULL;
    if (!json_read(bytes, size, NULL, &element, err))
        return false; /* its normalisations were counted before */
    (void)json_array_append_new(store->elements, element);
    store->bytes += size;
    return true;
}

static void begin_reading(struct store *store,
                          bool (*element)(void *self, const char *bytes, size_t size, struct error *err))
{
    zbuf_close(store->reader);
    json_split_done(&store->split);
    store->reader = zbuf_open(&store->pack);
    json_split_init(&store->split, LIMIT_PAGE);
    store->split.path = store->path;
    store->split.element = element;
    store->split.self = store;
    store->ended = false;
}

/* One chunk further. */
static bool read_on(struct store *store, struct error *err)
{
    char chunk[CHUNK];
    size_t size = zbuf_read(store->reader, chunk, sizeof chunk);
    store->ended = size == 0;
    return json_split_add(&store->split, chunk, size, err);
}

static bool check_all(struct store *store, struct json_normalisations *normalisations, json_t **out_value,
                      struct error *err)
{
    struct json_normalisations found = {0};
    bool good = true;
    if (!zbuf_end(&store->pack))
        return error_set(err, ERROR_LIMIT, "it is larger than what is allowed"); /* take() told before */
    store->count = 0;
    store->normalisations = &found;
    begin_reading(store, check_element);
    while (good && !store->ended)
        good = read_on(store, err);
    good = good && json_read(buf_string(&store->split.rest), store->split.rest.size, &found, out_value, err);
    begin_reading(store, keep_element); /* what the first reading held is gone */
    if (good && normalisations) json_normalisations_add(normalisations, &found);
    return good;
}

bool store_read(struct store *store, struct json_normalisations *normalisations, json_t **out_value,
                struct error *err)
{
    *out_value = NULL;
    if (store->path) return check_all(store, normalisations, out_value, err);
    return json_read(buf_string(&store->body), store->body.size, normalisations, out_value, err);
}

bool store_next(struct store *store, json_t **out_list, struct error *err)
{
    bool good = true;
    store->elements = json_array();
    store->bytes = 0;
    while (good && !store->ended && store->bytes < LIMIT_SLICE)
        good = read_on(store, err);
    *out_list = store->elements;
    store->elements = NULL;
    return good;
}
