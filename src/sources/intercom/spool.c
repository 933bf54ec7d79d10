/* SPDX-License-Identifier: Apache-2.0 */
/* spool.c - pages that were read and are not handed on yet, deflated. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/zbuf.h"
#include "internal.h"

#define CHUNK     16384            /* inflated at once */
#define LIMIT_RAW (2 * LIMIT_PAGE) /* a page, written anew */

bool spool_put(struct spool *spool, const json_t *list)
{
    AUTO(buf_done) struct buf text = {0};
    struct zbuf pack;
    buf_init(&text, LIMIT_RAW);
    zbuf_init(&pack, LIMIT_RAW, LIMIT_COMPRESSED - spool->packed);
    if (!json_write(&text, list) || !zbuf_add(&pack, text.data, text.size) || !zbuf_end(&pack)) {
        zbuf_done(&pack);
        return false;
    }
    spool->pages = mem_grow(spool->pages, spool->count + 1, sizeof *spool->pages);
    spool->pages[spool->count++] = pack;
    spool->packed += pack.packed;
    return true;
}

bool spool_take(struct spool *spool, json_t **out_list, struct error *err)
{
    AUTO(buf_done) struct buf text = {0};
    char chunk[CHUNK];
    *out_list = NULL;
    if (spool->next == spool->count) return true;
    struct zbuf *pack = &spool->pages[spool->next++];
    struct zbuf_reader *reader = zbuf_open(pack);
    buf_init(&text, LIMIT_RAW);
    for (size_t size; (size = zbuf_read(reader, chunk, sizeof chunk)) > 0;)
        buf_add(&text, chunk, size); /* it fits: it did before */
    zbuf_close(reader);
    zbuf_done(pack);
    return json_read(buf_string(&text), text.size, NULL, out_list, err);
}

void spool_done(struct spool *spool)
{
    for (size_t i = 0; i < spool->count; i++)
        zbuf_done(&spool->pages[i]);
    free(spool->pages);
    *spool = (struct spool){0};
}
