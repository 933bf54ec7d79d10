/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_source.c - a source's answers: identity, pages, their links, threads, rate limits. The first line is
 * the name of one of Intercom's streams; the rest are replies.
 */
#include <string.h>

#include "../../src/sources/intercom/intercom.h"
#include "base/mem.h"
#include "fuzz.h"
#include "replies.h"

#define MOST_PAGES 1000

static bool get(struct token *token, const struct secret *refused, struct secret *out_bearer,
                struct error *err)
{
    (void)token, (void)refused, (void)out_bearer, (void)err;
    return true; /* it is never sent */
}

static void leave(struct token *token)
{
    (void)token;
}

static struct token token = {.get = get, .free = leave};

static bool open_token(void *self, const struct token_setting *setting, struct token **out_token,
                       struct error *err)
{
    (void)self, (void)setting, (void)err;
    *out_token = &token;
    return true;
}

static bool read_stream(struct source *source, const struct selection *selection, struct error *err)
{
    const struct window window = {.from_s = 1767571200, .to_s = 1768176000};
    struct reader *reader = NULL;
    struct page page = {.last = false};
    if (!source->ops->open(source, selection, window, &reader, err)) return false;
    bool good = true;
    for (int i = 0; good && !page.last && i < MOST_PAGES; i++) {
        good = source->ops->next(reader, &page, err);
        for (size_t k = 0; good && k < page.count; k++)
            fuzz_require(page.records[k].body && page.records[k].table < selection->table_count);
    }
    source->ops->close(reader);
    return good;
}

static void read_source(struct source *source, const struct stream *stream)
{
    struct source_identity identity;
    struct error err = {0};
    struct selection selection = {.stream = stream, .tables = {stream->table}, .table_count = 1};
    for (size_t i = 0; i < stream->child_count; i++)
        selection.tables[selection.table_count++] = stream->children[i].table;
    bool good = source->ops->identify(source, &identity, &err);
    fuzz_require(!good || memchr(identity.workspace, '\0', sizeof identity.workspace));
    good = good && read_stream(source, &selection, &err);
    fuzz_require(good || (err.kind != ERROR_NONE && err.text[0] != '\0'));
}

static const struct stream *find_stream(const char *name, size_t size)
{
    for (size_t i = 0; i < intercom_type.stream_count; i++) {
        const struct stream *stream = intercom_type.streams[i];
        if (strlen(stream->name) == size && memcmp(stream->name, name, size) == 0) return stream;
    }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http http;
    struct zone *zone = NULL;
    struct source *source = NULL;
    struct error err = {0};
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    const struct stream *stream = end ? find_stream((const char *)data, (size_t)(end - data)) : NULL;
    if (!stream || stream->kind == STREAM_RECONCILE) return 0;
    replies_init(&http, end + 1, size - (size_t)(end + 1 - data));
    fuzz_require(zone_load("Etc/UTC", &zone, &err));
    struct intercom_options options = {.region = (char[]){"us"}, .rate_share = 1};
    const struct source_context context = {
        .http = &http, .stop = &http.stop, .zone = zone, .open_token = open_token};
    fuzz_require(intercom_type.create(&context, &options, &source, &err));
    read_source(source, stream);
    source->ops->free(source);
    zone_free(zone);
    return 0;
}
