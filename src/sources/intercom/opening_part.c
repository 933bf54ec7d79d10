/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

struct json_value *make_opening_part(const struct json_value *conversation)
{
    static const char *const shared[] = {"body", "author", "attachments", "redacted",
                                         "email_message_metadata"};
    const struct json_value *message = value_get(conversation, "source");
    const struct json_value *id = value_get(message, "id");
    const struct json_value *created_at =
        value_get(conversation, "created_at"); /* the message has no time of its own */
    if (!value_is_object(message)) return NULL;
    struct json_value *part = document_add(conversation->document, VALUE_OBJECT);
    if (is_id(id))
        value_set(part, "id", id);
    else
        value_set_text(part, "id", "source");
    value_set_text(part, "part_type", "source");
    value_set(part, "created_at", created_at);
    value_set(part, "updated_at", created_at);
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        value_set(part, shared[i], value_get(message, shared[i])); /* absent: not set */
    return part;
}

void set_redacted(struct json_value *part)
{
    if (value_is_null(value_get(part, "redacted"))) value_set_bool(part, "redacted", false);
}
