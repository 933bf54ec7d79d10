/* SPDX-License-Identifier: Apache-2.0 */
/* deletions.c - what answers say about deletions: a contact names those that were merged into it, the feed of
 * deleted conversations names those, and a 404 may name the contact that a record was merged into. */
#include "internal.h"
#include "rest/tombstone.h"
#include "schema/schema.h"

void derive_merged(struct page_builder *builder, const struct json_value *contact)
{
    const struct json_value *merge = value_elements(value_get(contact, "merge_history"));
    for (; merge; merge = merge->next) {
        const struct json_value *at = value_get(merge, "merged_at");
        const struct json_value *id = value_get(merge, "source_contact_id");
        if (!is_id(id)) continue; /* the contact itself has it */
        if (value_is_null(at)) at = value_get(contact, "updated_at");
        struct json_value *body = tombstone_make(builder, id, at, "merge history");
        value_set(body, "merged_into", value_get(contact, "id"));
        page_builder_add_child(builder, builder->stream->stream.table->gone, body);
    }
}

void derive_deleted(struct page_builder *builder, const struct json_value *record)
{
    struct json_value *body =
        tombstone_make(builder, value_get(record, "id"), value_get(record, "deleted_at"), "deleted feed");
    page_builder_add_child(builder, &intercom_conversations_deleted, body);
}

void add_merged(struct page_builder *builder, const struct rest_source *rest, const char *canonical_id,
                const struct json_value *record)
{
    if (rest->clock_s <= 0) return;
    const struct json_value *now = document_add_integer(builder->document, rest->clock_s);
    struct json_value *body = tombstone_make(builder, value_get(record, "id"), now, "merged");
    value_set_text(body, "merged_into", canonical_id);
    page_builder_add_child(builder, builder->stream->stream.table->gone, body);
}
