/* SPDX-License-Identifier: Apache-2.0 */
#include "children.h"

void children_init(struct children_builder *builder, const struct children *children,
                   struct page_builder *page)
{
    *builder = (struct children_builder){
        .children = children, .page = page, .is_wanted = page_builder_wants(page, children->table)};
}

static struct json_value *list_of(const struct children *children, const struct json_value *record)
{
    return value_get(value_get(record, children->list), children->list);
}

bool children_present(const struct children *children, const struct json_value *record)
{
    return value_is_array(list_of(children, record));
}

static void add_child(struct children_builder *builder, struct json_value *child, int64_t index)
{
    const struct children *children = builder->children;
    if (value_is_object(child)) {
        value_set(child, children->parent, value_get(builder->record, "id"));
        value_set_integer(child, children->index, index);
        if (children->prepare) children->prepare(child);
    }
    page_builder_add_child(builder->page, children->table, child);
}

void children_add(struct children_builder *builder, const struct json_value *list)
{
    if (!builder->is_wanted) return;
    page_builder_keep(builder->page, list);
    for (struct json_value *child = value_elements(list); child; child = child->next)
        add_child(builder, child, ++builder->index);
}

static bool describe(const struct children *children, struct json_value *record, int64_t received,
                     int64_t total)
{
    int64_t counted = children->counted ? value_integer_at(record, children->counted, -1) : -1;
    bool is_truncated = received == (int64_t)children->max || total > received;
    value_set_integer(record, children->count_received, received);
    value_set_bool(record, children->is_truncated, is_truncated);
    if (total >= 0) value_set_integer(record, children->count_total, total);
    if (counted < 0) return true;
    value_set_integer(record, children->count_missing, counted - received);
    return counted == received;
}

bool children_add_parent(struct children_builder *builder, struct json_value *record, int64_t listed_us,
                         size_t more)
{
    const struct children *children = builder->children;
    struct json_value *envelope = value_get(record, children->list);
    const struct json_value *list = list_of(children, record);
    int64_t received = (int64_t)(value_count(list) + more);
    int64_t total = children->total ? value_integer_at(envelope, children->total, -1) : -1;
    value_remove(envelope, children->list); /* children_present: it is there */
    builder->record = record;
    builder->index = total > received ? total - received : 0; /* the oldest were cut off */
    bool is_complete = describe(children, record, received, total);
    /* A list that is longer than an answer holds is cut at each reading; this one was cut at this reading. */
    bool is_cut = received < (int64_t)children->max && children->counted &&
                  value_integer_at(record, children->count_missing, 0) > 0;
    page_builder_add(builder->page,
                     (struct record){.body = record, .listed_us = listed_us, .incomplete = is_cut});
    struct json_value *first =
        builder->is_wanted && children->make_first ? children->make_first(record) : NULL;
    if (first) add_child(builder, first, 0);
    children_add(builder, list);
    return is_complete;
}
