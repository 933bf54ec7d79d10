/* SPDX-License-Identifier: Apache-2.0 */
/* types.h - BigQuery's types. All that are not constant live in an arena. */
#ifndef CASELOAD_SANDBOX_TYPES_H
#define CASELOAD_SANDBOX_TYPES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/arena.h"

enum type_kind {
    TYPE_NULL, /* of the literal NULL: becomes any type */
    TYPE_BOOL,
    TYPE_INT64,
    TYPE_FLOAT64,
    TYPE_STRING,
    TYPE_DATE,
    TYPE_TIMESTAMP,
    TYPE_JSON,
    TYPE_ARRAY,
    TYPE_STRUCT
};

struct struct_field {
    const char *name; /* "" for an anonymous one */
    const char *key;  /* its key in the JSON text that holds the struct */
    const struct type *type;
    bool required;
    bool ignores_case; /* the collation und:ci */
};

struct type {
    enum type_kind kind;
    const struct type *element;  /* of an ARRAY */
    struct struct_field *fields; /* of a STRUCT */
    size_t field_count;
};

const struct type *type_of(enum type_kind kind); /* a scalar type */
const struct type *type_array(struct arena *arena, const struct type *element);
/* Gives every field its key; fields must live as long as the arena. */
const struct type *type_struct(struct arena *arena, struct struct_field *fields, size_t count);
bool type_by_name(const char *name, enum type_kind *out_kind);       /* INT64, INTEGER, ... */
bool type_equal(const struct type *a, const struct type *b);         /* names of fields do not matter */
const char *type_name(struct arena *arena, const struct type *type); /* ARRAY<STRUCT<day DATE, n INT64>> */
const struct struct_field *type_field(const struct type *type, const char *name);

/* The REST schema and back. NULL: a type is not supported; out_problem says which. */
json_t *type_schema(const struct type *row); /* {"fields":[...]} */
const struct type *type_of_schema(struct arena *arena, const json_t *schema, char out_problem[160]);

#endif
