/* spool.c - pages that were read and are not handed on yet, deflated. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/pack.h"
#include "internal.h"

#define CHUNK     16384            /* inflated at once */
#define LIMIT_RAW (2 * LIMIT_PAGE) /* a page, written anew */

bool spool_put(struct spool *spool, const json_t *list)
{
    AUTO(buf_done) struct buf text = {0};
    struct pack pack;
    buf_init(&text, LIMIT_RAW);
    pack_init(&pack, LIMIT_RAW, LIMIT_PACKED - spool->packed);
    if (!json_write(&text, list) || !pack_add(&pack, text.data, text.size) || !pack_end(&pack)) {
        pack_done(&pack);
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
    struct pack *pack = &spool->pages[spool->next++];
    struct pack_reader *reader = pack_open(pack);
    buf_init(&text, LIMIT_RAW);
    for (size_t size; (size = pack_read(reader, chunk, sizeof chunk)) > 0;)
        (void)buf_add(&text, chunk, size); /* it fits: it did before */
    pack_close(reader);
    pack_done(pack);
    return json_read(buf_string(&text), text.size, NULL, out_list, err);
}

void spool_done(struct spool *spool)
{
    for (size_t i = 0; i < spool->count; i++)
        pack_done(&spool->pages[i]);
    free(spool->pages);
    *spool = (struct spool){0};
}
