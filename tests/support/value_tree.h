/* SPDX-License-Identifier: Apache-2.0 */
/* value_tree.h - jansson's trees for values of documents, and the other way. One thread. */
#ifndef CASELOAD_TESTS_VALUE_TREE_H
#define CASELOAD_TESTS_VALUE_TREE_H

#include "base/json_value.h"

struct json_value *value_of_tree(const json_t *tree);  /* yours: value_drop */
json_t *tree_of_value(const struct json_value *value); /* yours: json_decref */

#endif
