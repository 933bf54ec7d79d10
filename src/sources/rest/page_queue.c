/* SPDX-License-Identifier: Apache-2.0 */
#include "page_queue.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/zbuf.h"

#define CHUNK     16384            /* inflated at once */
#define LIMIT_RAW (2 * LIMIT_PAGE) /* a page, serialised */

bool page_queue_push(struct page_queue *queue, const struct json_value *list)
{
    struct zbuf page;
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_RAW);
    zbuf_init(&page, LIMIT_RAW, LIMIT_COMPRESSED - queue->memory);
    if (!value_write(&text, list) || !zbuf_add(&page, text.data, text.size) || !zbuf_end(&page)) {
        zbuf_done(&page);
        return false;
    }
    queue->pages = mem_grow(queue->pages, queue->count + 1, sizeof *queue->pages);
    queue->pages[queue->count++] = page;
    queue->memory += page.packed;
    return true;
}

bool page_queue_pop(struct page_queue *queue, struct json_value **out_list, struct error *err)
{
    char chunk[CHUNK];
    *out_list = NULL;
    if (queue->next == queue->count) return true;
    struct zbuf *page = &queue->pages[queue->next++];
    struct zbuf_reader *reader = zbuf_open(page);
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_RAW);
    for (size_t size; (size = zbuf_read(reader, chunk, sizeof chunk)) > 0;)
        buf_add(&text, chunk, size); /* it fits: it did before */
    zbuf_close(reader);
    zbuf_done(page);
    return value_read(buf_string(&text), text.size, false, NULL, out_list, err);
}

void page_queue_done(struct page_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        zbuf_done(&queue->pages[i]);
    free(queue->pages);
    *queue = (struct page_queue){0};
}
