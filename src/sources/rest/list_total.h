/* SPDX-License-Identifier: Apache-2.0 */
/* list_total.h - how many records a list holds, as one request for a page of it says. One thread. */
#ifndef CASELOAD_SOURCES_REST_LIST_TOTAL_H
#define CASELOAD_SOURCES_REST_LIST_TOTAL_H

#include "rest.h"

#define LIST_PIECES 8 /* longer windows in more pieces are not asked for piece by piece */

struct list_total {
    int64_t records;  /* -1: the service does not say */
    int64_t per_page; /* of a load; 0: one page has all */
    int64_t listed;   /* records of the answer ... */
    int64_t children; /* ... and of their children as many as they say; -1: they do not */
};

/* ERROR_FORBIDDEN if the list is not ours to read. */
bool list_total_ask(struct rest_source *rest, const struct selection *selection,
                    const struct segment *segment, struct list_total *out_total, struct error *err) CHECKED;
int64_t list_total_pages(const struct list_total *total); /* at least 1; -1: unknown */
/* Adds the list to a count: its records, requests, and children as the records of the answer have them. */
void list_total_add(const struct list_total *total, int64_t requests, struct source_count *count);

#endif
