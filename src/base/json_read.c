/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.c - jansson's values, made of a document's. */
#include "base/json.h"
#include "base/json_value.h"
#include "json_repair.h"

/* The depth is at most JSON_DEPTH and what was added. */
json_t *value_tree(const struct json_value *value)
{
    json_t *tree = NULL;
    switch ((enum json_value_type)value->type) {
    case VALUE_NULL: return json_null();
    case VALUE_FALSE: return json_false();
    case VALUE_TRUE: return json_true();
    case VALUE_INTEGER: return json_integer(value_integer(value));
    case VALUE_REAL: return json_real(value_real(value));
    case VALUE_STRING: return json_stringn_nocheck(value->text, value->size);
    case VALUE_ARRAY:
        tree = json_array();
        for (const struct json_value *element = value->first; element; element = element->next)
            (void)json_array_append_new(tree, value_tree(element));
        return tree;
    case VALUE_OBJECT:
        tree = json_object();
        for (const struct json_value *member = value->first; member; member = member->next)
            (void)json_object_setn_new_nocheck(tree, member->key, member->key_size, value_tree(member));
        return tree;
    }
    return tree;
}

bool json_read(const char *bytes, size_t size, struct json_normalisations *normalisations, json_t **out_value,
               struct error *err)
{
    AUTO(value_drop) struct json_value *value = NULL;
    *out_value = NULL;
    if (!value_read(bytes, size, false, normalisations, &value, err)) return false;
    *out_value = value_tree(value);
    return true;
}

json_t *json_kept_text(const char *bytes, size_t size)
{
    AUTO(buf_done) struct buf text = buf_limited(3 * size + 64);
    json_keep_text(bytes, size, &text);
    return json_stringn_nocheck(buf_string(&text), text.size);
}

void json_normalisations_add(struct json_normalisations *sum, const struct json_normalisations *more)
{
    sum->numbers += more->numbers;
    sum->characters += more->characters;
    sum->duplicates += more->duplicates;
    sum->texts += more->texts;
}

int64_t json_normalisations_sum(const struct json_normalisations *normalisations)
{
    return normalisations->numbers + normalisations->characters + normalisations->duplicates +
           normalisations->texts;
}
