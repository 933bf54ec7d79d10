/* SPDX-License-Identifier: Apache-2.0 */
#include "tombstone.h"

struct json_value *tombstone_make(struct page_builder *builder, const struct json_value *id,
                                  const struct json_value *seen_missing_at, const char *source)
{
    struct json_value *body = document_add(builder->document, VALUE_OBJECT);
    value_set(body, "id", id);
    value_set(body, "seen_missing_at", seen_missing_at);
    value_set_text(body, "source", source);
    return body;
}

void tombstone_add_gone(struct page_builder *builder, const struct rest_source *rest,
                        const char *canonical_id, const struct json_value *record)
{
    const char *source = canonical_id[0] ? "merged" : "reconciliation";
    const struct json_value *now = document_add_integer(builder->document, rest->clock_s);
    struct json_value *body = tombstone_make(builder, value_get(record, "id"), now, source);
    if (canonical_id[0]) value_set_text(body, "merged_into", canonical_id);
    page_builder_add_child(builder, builder->stream->stream.subject->gone, body);
}
