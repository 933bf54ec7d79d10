/* SPDX-License-Identifier: Apache-2.0 */
#include "children.h"

void children_init(struct children_builder *builder, const struct children *children,
                   struct page_builder *page)
{
    *builder = (struct children_builder){
        .children = children, .page = page, .is_wanted = page_builder_wants(page, children->table)};
}

static json_t *list_of(const struct children *children, const json_t *record)
{
    return json_object_get(json_object_get(record, children->list), children->list);
}

bool children_present(const struct children *children, const json_t *record)
{
    return json_is_array(list_of(children, record));
}

static void add_child(struct children_builder *builder, json_t *child, int64_t index)
{
    const struct children *children = builder->children;
    if (json_is_object(child)) {
        (void)json_object_set(child, children->parent, json_object_get(builder->record, "id"));
        (void)json_object_set_new(child, children->index, json_integer(index));
        if (children->prepare) children->prepare(child);
    }
    page_builder_add_child(builder->page, children->table, child);
}

void children_add(struct children_builder *builder, const json_t *list)
{
    for (size_t i = 0; builder->is_wanted && i < json_array_size(list); i++)
        add_child(builder, json_incref(json_array_get(list, i)), ++builder->index);
}

static bool describe(const struct children *children, json_t *record, int64_t received, int64_t total)
{
    int64_t counted = children->counted ? json_int_at(record, children->counted, -1) : -1;
    bool is_truncated = received == (int64_t)children->max || total > received;
    (void)json_object_set_new(record, children->count_received, json_integer(received));
    (void)json_object_set_new(record, children->is_truncated, json_boolean(is_truncated));
    if (total >= 0) (void)json_object_set_new(record, children->count_total, json_integer(total));
    if (counted < 0) return true;
    (void)json_object_set_new(record, children->count_missing, json_integer(counted - received));
    return counted == received;
}

bool children_add_parent(struct children_builder *builder, json_t *record, int64_t listed_us, size_t more)
{
    const struct children *children = builder->children;
    json_t *envelope = json_object_get(record, children->list);
    AUTO(json_drop) json_t *list = json_incref(list_of(children, record));
    int64_t received = (int64_t)(json_array_size(list) + more);
    int64_t total = children->total ? json_int_at(envelope, children->total, -1) : -1;
    (void)json_object_del(envelope, children->list); /* children_present: it is there */
    builder->record = record;
    builder->index = total > received ? total - received : 0; /* the oldest were cut off */
    bool is_complete = describe(children, record, received, total);
    /* A list that is longer than an answer holds is cut at each reading; this one was cut at this reading. */
    bool is_cut = received < (int64_t)children->max && children->counted &&
                  json_int_at(record, children->count_missing, 0) > 0;
    page_builder_add(builder->page,
                     (struct record){.body = record, .listed_us = listed_us, .incomplete = is_cut});
    json_t *first = builder->is_wanted && children->make_first ? children->make_first(record) : NULL;
    if (first) add_child(builder, first, 0);
    children_add(builder, list);
    return is_complete;
}
