/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

json_t *make_opening_part(const json_t *conversation)
{
    static const char *const shared[] = {"body", "author", "attachments", "redacted",
                                         "email_message_metadata"};
    const json_t *message = json_object_get(conversation, "source");
    json_t *id = json_object_get(message, "id");
    json_t *created_at = json_object_get(conversation, "created_at"); /* the message has no time of its own */
    if (!json_is_object(message)) return NULL;
    json_t *part = json_object();
    (void)json_object_set_new(part, "id", is_id(id) ? json_incref(id) : json_string("source"));
    (void)json_object_set_new(part, "part_type", json_string("source"));
    (void)json_object_set(part, "created_at", created_at);
    (void)json_object_set(part, "updated_at", created_at);
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        (void)json_object_set(part, shared[i], json_object_get(message, shared[i])); /* absent: not set */
    return part;
}

void set_redacted(json_t *part)
{
    const json_t *redacted = json_object_get(part, "redacted");
    if (!redacted || json_is_null(redacted)) (void)json_object_set_new(part, "redacted", json_false());
}
