/* SPDX-License-Identifier: Apache-2.0 */
/* child_list.h - a list that belongs to a record and has a path of its own: the segments of a company. */
#ifndef CASELOAD_SOURCES_REST_CHILD_LIST_H
#define CASELOAD_SOURCES_REST_CHILD_LIST_H

#include "page_builder.h"
#include "subrequest.h"

/* Which of the stream's child lists are to be read, as bits. */
unsigned child_lists_wanted(const struct rest_source *rest, const struct page_builder *builder);
/* A table that gets no rows, for the page; NULL: none is left out. */
const struct table *child_list_left_out(const struct page_builder *builder, unsigned wanted);
bool child_list_start(struct subrequest *subrequest, struct subrequest_pool *pool,
                      const struct child_list *child_list, const char *id, struct error *err) CHECKED;
/* Adds a row for each element of child list `index`, after those of the record. Its bit in wanted is cleared
 * when it turns out to be forbidden. */
bool child_list_add(struct subrequest *subrequest, unsigned index, const struct json_value *record,
                    struct page_builder *builder, unsigned *wanted, struct error *err) CHECKED;

#endif
