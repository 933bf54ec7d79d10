/* SPDX-License-Identifier: Apache-2.0 */
#include "value_tree.h"

#include <stdio.h>
#include <stdlib.h>

#define LIMIT_TEXT (1024 * 1024 * 1024)

static void must(bool good, const struct error *err)
{
    if (good) return;
    (void)fprintf(stderr, "value_tree: %s\n", err->text);
    abort();
}

struct json_value *value_of_tree(const json_t *tree)
{
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_TEXT);
    struct json_value *value;
    struct error err;
    json_write(&text, tree);
    must(value_read(buf_string(&text), text.size, false, NULL, &value, &err), &err);
    return value;
}

bool tree_read_lenient(const char *bytes, size_t size, struct json_normalisations *normalisations,
                       json_t **out_tree, struct error *err)
{
    AUTO(value_drop) struct json_value *value = NULL;
    *out_tree = NULL;
    if (!value_read(bytes, size, true, normalisations, &value, err)) return false;
    *out_tree = value_tree(value);
    return true;
}

json_t *tree_read_front(const char *bytes, size_t size)
{
    AUTO(document_drop) struct document *document = document_new();
    const struct json_value *front = document_read_front(document, bytes, size);
    return front ? value_tree(front) : NULL;
}
