/* SPDX-License-Identifier: Apache-2.0 */
/* json_document.h - memory of documents, for the files that make their values. One thread per document. */
#ifndef CASELOAD_BASE_JSON_DOCUMENT_H
#define CASELOAD_BASE_JSON_DOCUMENT_H

#include "base/json_value.h"

/* A node of no container. NULL: the document is full. */
struct json_value *document_node(struct document *document, enum json_value_type type);
/* A copy of the text with a NUL at its end, not counted as memory of nodes. */
char *document_copy(struct document *document, const char *text, size_t size);
/* Nothing more fits; later nodes do. */
bool document_is_full(const struct document *document);

/* Containers are larger than other nodes. */
struct json_container {
    struct json_value value;
    struct json_value *last; /* NULL: it is empty */
};

/* At the end of its container. */
static inline void document_link(struct json_value *container, struct json_value *node)
{
    struct json_value **last = &((struct json_container *)container)->last;
    if (*last)
        (*last)->next = node;
    else
        container->first = node;
    *last = node;
    container->size++;
}

#endif
