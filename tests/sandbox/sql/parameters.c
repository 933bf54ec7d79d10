/* SPDX-License-Identifier: Apache-2.0 */
/* Query parameters, as the REST API sends them. */
#include <strings.h>

#include "sql/script.h"

static const struct type *parameter_type(struct script *script, const json_t *type)
{
    enum type_kind kind = TYPE_NULL;
    const char *name = json_string_value(json_object_get(type, "type"));
    if (name != NULL && strcasecmp(name, "ARRAY") == 0) {
        return type_array(&script->sql.arena, parameter_type(script, json_object_get(type, "arrayType")));
    }
    if (name == NULL || !type_by_name(name, &kind)) {
        sql_fail(&script->sql, "invalid", "Query parameter type not supported: %s",
                 name != NULL ? name : "(none)");
    }
    return type_of(kind);
}

static json_t *parameter_value(struct script *script, const struct type *type, const json_t *value,
                               const char *name)
{
    if (type->kind == TYPE_ARRAY) {
        const json_t *elements = json_object_get(value, "arrayValues");
        json_t *made = json_array();
        for (size_t i = 0; i < json_array_size(elements); i++) {
            json_t *element = parameter_value(script, type->element, json_array_get(elements, i), name);
            (void)json_array_append_new(made, element); /* memory only */
        }
        return made;
    }
    json_t *text = json_object_get(value, "value");
    if (text == NULL || json_is_null(text)) return json_null();
    json_t *json =
        type->kind == TYPE_JSON ? json_loads(json_string_value(text), JSON_DECODE_ANY, NULL) : NULL;
    if (json != NULL) return json;
    json_t *made = value_fit(type, text, name, script->sql.err);
    if (made == NULL) {
        sql_fail(&script->sql, "invalid", "Invalid value for type: %s is not a valid value of parameter %s",
                 json_string_value(text) != NULL ? json_string_value(text) : "", name);
    }
    return made;
}

void read_parameters(struct script *script)
{
    const json_t *parameters = script->query->parameters;
    for (size_t i = 0; i < json_array_size(parameters); i++) {
        const json_t *given = json_array_get(parameters, i);
        const char *name = json_string_value(json_object_get(given, "name"));
        if (name == NULL) sql_fail(&script->sql, "invalid", "Positional query parameters are not supported");
        struct variable *parameter = arena_zero(&script->sql.arena, sizeof *parameter);
        parameter->name = name;
        parameter->type = parameter_type(script, json_object_get(given, "parameterType"));
        list_add(&script->sql, &script->parameters, parameter);
        parameter->value =
            parameter_value(script, parameter->type, json_object_get(given, "parameterValue"), name);
    }
}
