/* SPDX-License-Identifier: Apache-2.0 */
/* page_queue.h - lists of records, compressed, within LIMIT_COMPRESSED. Zeroed: empty. One thread. */
#ifndef CASELOAD_SOURCES_REST_PAGE_QUEUE_H
#define CASELOAD_SOURCES_REST_PAGE_QUEUE_H

#include "base/json_value.h"

struct zbuf;

struct page_queue {
    struct zbuf *pages;
    size_t count, next; /* pushed; and the first that was not popped */
    size_t memory;
};

bool page_queue_push(struct page_queue *queue, const struct json_value *list); /* false: it is full */
/* out is yours. NULL: the queue is empty. */
bool page_queue_pop(struct page_queue *queue, struct json_value **out_list, struct error *err);
void page_queue_done(struct page_queue *queue); /* it is empty again */

#endif
