/* SPDX-License-Identifier: Apache-2.0 */
/* child_list.h - a list that belongs to a record and has a path of its own: the segments of a company. */
#ifndef CASELOAD_SOURCES_REST_CHILD_LIST_H
#define CASELOAD_SOURCES_REST_CHILD_LIST_H

#include "page_builder.h"
#include "subrequest.h"

/* Whether the stream's child list is selected. ERROR_CONFIG if it is, and the source can't give it. */
bool child_list_check(const struct rest_source *rest, const struct page_builder *builder, bool *out_is_wanted,
                      struct error *err) CHECKED;
bool child_list_start(struct subrequest *subrequest, struct subrequest_pool *pool,
                      const struct child_list *child_list, const char *id, struct error *err) CHECKED;
/* Adds a row for each element, after those of the record. */
bool child_list_add(struct subrequest *subrequest, const json_t *record, struct page_builder *builder,
                    struct error *err) CHECKED;

#endif
