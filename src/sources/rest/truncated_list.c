/* SPDX-License-Identifier: Apache-2.0 */
#include "truncated_list.h"

#include <string.h>

#include "next_page.h"

const char *truncated_list_path(const struct rest_source *rest, const json_t *record,
                                const struct truncated_list *truncated)
{
    const struct rest_dialect *dialect = rest->dialect;
    const json_t *list = json_object_get(record, truncated->name);
    const json_t *url = json_object_get(list, dialect->cut_url);
    const char *path = json_string_value(url);
    if (!json_is_true(json_object_get(list, dialect->cut_mark)) || !path) return NULL;
    size_t size = json_string_length(url);
    if (size < 2 || size >= LIMIT_NAME || strlen(path) != size) return NULL;
    path = own_path(rest, path);
    return path && path[1] ? path : NULL;
}

/* The element as the record would hold it, whatever else the complete list has. One that is no object stays.
 */
static json_t *make_reference(const struct rest_dialect *dialect, json_t *element)
{
    if (!json_is_object(element)) return json_incref(element);
    json_t *reference = json_object();
    for (const char *const *member = dialect->reference_members; *member; member++)
        (void)json_object_set(reference, *member, json_object_get(element, *member)); /* if set */
    return reference;
}

static json_t *find_id(const json_t *list, const json_t *id)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_object_get(json_array_get(list, i), "id"), id)) return json_array_get(list, i);
    return NULL;
}

void truncated_list_complete(const struct rest_dialect *dialect, json_t *record,
                             const struct truncated_list *truncated, const json_t *elements)
{
    json_t *list = json_object_get(record, truncated->name);
    json_t *complete = json_array();
    for (size_t i = 0; i < json_array_size(elements); i++) {
        AUTO(json_drop) json_t *front = record_front(json_array_get(elements, i));
        json_t *element = front ? front : json_array_get(elements, i);
        const char *value = truncated->member ? json_text_at(element, truncated->member) : NULL;
        if (truncated->value && (!value || strcmp(value, truncated->value) != 0)) continue;
        json_t *present =
            find_id(json_object_get(list, dialect->cut_elements), json_object_get(element, "id"));
        (void)json_array_append_new(complete,
                                    present ? json_incref(present) : make_reference(dialect, element));
    }
    (void)json_object_set_new(list, dialect->cut_elements, complete);
    (void)json_object_set_new(list, dialect->cut_mark, json_false());
}

bool truncated_list_remains(const struct rest_dialect *dialect, const json_t *record,
                            const struct truncated_list *lists)
{
    for (; lists && lists->name; lists++)
        if (json_is_true(json_object_get(json_object_get(record, lists->name), dialect->cut_mark)))
            return true;
    return false;
}
