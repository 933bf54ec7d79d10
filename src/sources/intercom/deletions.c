/* SPDX-License-Identifier: Apache-2.0 */
/* deletions.c - what answers say about deletions: a contact names those that were merged into it, the feed of
 * deleted conversations names those, and a 404 may name the contact that a record was merged into. */
#include "internal.h"
#include "rest/tombstone.h"
#include "schema/schema.h"

void derive_merged(struct page_builder *builder, const json_t *contact)
{
    const json_t *history = json_object_get(contact, "merge_history");
    for (size_t i = 0; i < json_array_size(history); i++) {
        const json_t *merge = json_array_get(history, i);
        json_t *at = json_object_get(merge, "merged_at");
        if (!is_id(json_object_get(merge, "source_contact_id"))) continue; /* the contact itself has it */
        if (!at || json_is_null(at)) at = json_object_get(contact, "updated_at");
        json_t *body = tombstone_make(merge, "source_contact_id", at, "merge history");
        (void)json_object_set(body, "merged_into", json_object_get(contact, "id"));
        page_builder_add_child(builder, builder->stream->stream.table->gone, body);
    }
}

void derive_deleted(struct page_builder *builder, const json_t *record)
{
    json_t *body = tombstone_make(record, "id", json_object_get(record, "deleted_at"), "deleted feed");
    page_builder_add_child(builder, &intercom_conversations_deleted, body);
}

void add_merged(struct page_builder *builder, const struct rest_source *rest, const char *canonical_id,
                const json_t *record)
{
    if (rest->clock_s <= 0) return;
    AUTO(json_drop) json_t *now = json_integer(rest->clock_s);
    json_t *body = tombstone_make(record, "id", now, "merged");
    (void)json_object_set_new(body, "merged_into", json_string(canonical_id));
    page_builder_add_child(builder, builder->stream->stream.table->gone, body);
}
