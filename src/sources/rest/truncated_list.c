/* SPDX-License-Identifier: Apache-2.0 */
#include "truncated_list.h"

#include <string.h>

#include "next_page.h"

const char *truncated_list_path(const struct rest_source *rest, const struct json_value *record,
                                const struct truncated_list *truncated)
{
    const struct rest_dialect *dialect = rest->dialect;
    const struct json_value *list = value_get(record, truncated->name);
    const struct json_value *url = value_get(list, dialect->cut_url);
    const char *path = value_text(url);
    if (!value_is_true(value_get(list, dialect->cut_mark)) || !path) return NULL;
    size_t size = value_size(url);
    if (size < 2 || size >= LIMIT_NAME || strlen(path) != size) return NULL;
    path = own_path(rest, path);
    return path && path[1] ? path : NULL;
}

/* The element as the record would hold it, whatever else the complete list has. One that is no object stays.
 */
static void append_reference(const struct rest_dialect *dialect, struct json_value *list,
                             const struct json_value *element)
{
    if (!value_is_object(element)) {
        value_append(list, element);
        return;
    }
    struct json_value *reference = document_add(list->document, VALUE_OBJECT);
    for (const char *const *member = dialect->reference_members; *member; member++)
        value_set(reference, *member, value_get(element, *member)); /* if set */
    value_append(list, reference);
}

static const struct json_value *find_id(const struct json_value *list, const struct json_value *id)
{
    const struct json_value *element = value_elements(list);
    while (element && !value_equal(value_get(element, "id"), id))
        element = element->next;
    return element;
}

void truncated_list_complete(const struct rest_dialect *dialect, struct json_value *record,
                             const struct truncated_list *truncated, const struct json_value *elements)
{
    struct json_value *list = value_get(record, truncated->name);
    struct json_value *complete = document_add(record->document, VALUE_ARRAY);
    for (struct json_value *read = value_elements(elements); read; read = read->next) {
        AUTO(value_drop) struct json_value *front = record_front(read);
        const struct json_value *element = front ? front : read;
        const char *value = truncated->member ? value_text_at(element, truncated->member) : NULL;
        if (truncated->value && (!value || strcmp(value, truncated->value) != 0)) continue;
        const struct json_value *present =
            find_id(value_get(list, dialect->cut_elements), value_get(element, "id"));
        if (present)
            value_append(complete, present);
        else
            append_reference(dialect, complete, element);
    }
    value_set(list, dialect->cut_elements, complete);
    value_set_bool(list, dialect->cut_mark, false);
}

bool truncated_list_remains(const struct rest_dialect *dialect, const struct json_value *record,
                            const struct truncated_list *lists)
{
    for (; lists && lists->name; lists++)
        if (value_is_true(value_get(value_get(record, lists->name), dialect->cut_mark))) return true;
    return false;
}
