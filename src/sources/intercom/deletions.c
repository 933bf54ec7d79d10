/* SPDX-License-Identifier: Apache-2.0 */
/* deletions.c - what answers say about deletions: a contact names those that were merged into it, the feed of
 * deleted conversations names those, and a 404 may name the contact that a record was merged into. */
#include "internal.h"
#include "schema/schema.h"

/* Absent members are not set. */
static struct json_value *make_tombstone(struct page_builder *builder, const struct json_value *id,
                                         const struct json_value *seen_missing_at, const char *source)
{
    struct json_value *body = document_add(builder->document, VALUE_OBJECT);
    value_set(body, "id", id);
    value_set(body, "seen_missing_at", seen_missing_at);
    value_set_text(body, "source", source);
    return body;
}

void derive_merged(struct page_builder *builder, const struct json_value *contact)
{
    const struct json_value *merge = value_elements(value_get(contact, "merge_history"));
    for (; merge; merge = merge->next) {
        const struct json_value *at = value_get(merge, "merged_at");
        const struct json_value *id = value_get(merge, "source_contact_id");
        if (!is_id(id)) continue; /* the contact itself has it */
        if (value_is_null(at)) at = value_get(contact, "updated_at");
        struct json_value *body = make_tombstone(builder, id, at, "merge history");
        value_set(body, "merged_into", value_get(contact, "id"));
        page_builder_add_child(builder, builder->stream->stream.table->gone, body);
    }
}

void derive_deleted(struct page_builder *builder, const struct json_value *record)
{
    struct json_value *body =
        make_tombstone(builder, value_get(record, "id"), value_get(record, "deleted_at"), "deleted feed");
    page_builder_add_child(builder, &intercom_conversations_deleted, body);
}

void add_merged(struct page_builder *builder, const struct rest_source *rest, const char *canonical_id,
                const struct json_value *record)
{
    if (rest->clock_s <= 0) return;
    const struct json_value *now = document_add_integer(builder->document, rest->clock_s);
    struct json_value *body = make_tombstone(builder, value_get(record, "id"), now, "merged");
    value_set_text(body, "merged_into", canonical_id);
    page_builder_add_child(builder, builder->stream->stream.table->gone, body);
}

/* The commit dates it by the list. */
void add_gone(struct page_builder *builder, const struct rest_source *rest, const char *canonical_id,
              const struct json_value *record)
{
    const char *source = canonical_id[0] ? "merged" : "reconciliation";
    const struct json_value *now = document_add_integer(builder->document, rest->clock_s);
    struct json_value *body = make_tombstone(builder, value_get(record, "id"), now, source);
    if (canonical_id[0]) value_set_text(body, "merged_into", canonical_id);
    page_builder_add_child(builder, builder->stream->stream.subject->gone, body);
}
