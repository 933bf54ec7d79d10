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

json_t *tree_of_value(const struct json_value *value)
{
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_TEXT);
    json_t *tree;
    struct error err;
    value_write(&text, value);
    must(json_read(buf_string(&text), text.size, NULL, &tree, &err), &err);
    return tree;
}
