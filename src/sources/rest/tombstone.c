/* SPDX-License-Identifier: Apache-2.0 */
#include "tombstone.h"

json_t *tombstone_make(const json_t *record, const char *id, json_t *seen_missing_at, const char *source)
{
    json_t *body = json_object();
    (void)json_object_set(body, "id", json_object_get(record, id));
    (void)json_object_set(body, "seen_missing_at", seen_missing_at);
    (void)json_object_set_new(body, "source", json_string(source));
    return body;
}

void tombstone_add_gone(struct page_builder *builder, const struct rest_source *rest,
                        const char *canonical_id, const json_t *record)
{
    AUTO(json_drop) json_t *now = json_integer(rest->clock_s);
    json_t *body = tombstone_make(record, "id", now, canonical_id[0] ? "merged" : "reconciliation");
    if (canonical_id[0]) (void)json_object_set_new(body, "merged_into", json_string(canonical_id));
    page_builder_add_child(builder, builder->stream->stream.subject->gone, body);
}
