/* SPDX-License-Identifier: Apache-2.0 */
/* children.h - members of a record become rows of their own.
 *
 * The record gets counts of its children, which change with its version. A child gets its parent's id and its
 * place. The names of these fields are the source's. One thread.
 */
#ifndef CASELOAD_SOURCES_REST_CHILDREN_H
#define CASELOAD_SOURCES_REST_CHILDREN_H

#include "page_builder.h"

struct children_builder {
    const struct children *children;
    struct page_builder *page; /* borrowed; gets the rows */
    bool is_wanted;            /* the children's table is in the selection */
    struct json_value *record; /* the parent; borrowed */
    int64_t index;             /* of the newest child */
};

void children_init(struct children_builder *builder, const struct children *children,
                   struct page_builder *page);
bool children_present(const struct children *children, const struct json_value *record);
/* Adds the record, and the children that are in it; `more` of them follow with children_add. False: the
 * record itself counts another number of children. */
bool children_add_parent(struct children_builder *builder, struct json_value *record, int64_t listed_us,
                         size_t more);
void children_add(struct children_builder *builder, const struct json_value *list);

#endif
