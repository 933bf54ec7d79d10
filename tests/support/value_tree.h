/* SPDX-License-Identifier: Apache-2.0 */
/* value_tree.h - jansson's trees for values of documents, and documents that are read as trees. One thread.
 */
#ifndef CASELOAD_TESTS_VALUE_TREE_H
#define CASELOAD_TESTS_VALUE_TREE_H

#include "base/json_value.h"

struct json_value *value_of_tree(const json_t *tree); /* yours: value_drop */
/* document_read, lenient, and document_read_front. Yours: json_decref */
bool tree_read_lenient(const char *bytes, size_t size, struct json_normalisations *normalisations,
                       json_t **out_tree, struct error *err) CHECKED;
json_t *tree_read_front(const char *bytes, size_t size); /* NULL: there is none */

#endif
