/* SPDX-License-Identifier: Apache-2.0 */
/* json_split.h - cuts the elements of one list out of a JSON document that arrives in parts.
 *
 * It tracks strings, escapes and depth only; json_read validates the elements and the rest, which has an
 * empty list in their place. An invalid document yields at least one that is invalid. A list whose keys
 * contain escapes stays in the rest. One thread at a time.
 */
#ifndef CASELOAD_BASE_JSON_SPLIT_H
#define CASELOAD_BASE_JSON_SPLIT_H

#include "base/buf.h"
#include "base/error.h"

#define JSON_SPLIT_KEY 64 /* bytes of a key, at most */

struct json_split {
    const char *const *path; /* keys that lead to the list, NULL at the end; borrowed */
    /* Gets the bytes of each element, borrowed for the call. false: splitting ends with err. */
    bool (*element)(void *self, const char *bytes, size_t size, struct error *err);
    void *self;
    struct buf rest; /* all but the elements; ceiling by json_split_init */

    struct buf piece; /* bytes of the current element */
    size_t depth;     /* open brackets and braces */
    size_t matched;   /* keys of the path matched so far */
    size_t list;      /* depth inside the list; 0: outside */
    bool found;       /* the list was seen */
    bool first;       /* the current element is the first */
    bool quoted;      /* inside a string */
    bool escaped;     /* after a backslash in a string */
    bool awaited;     /* the value of the path's next key follows */
    size_t key_size;  /* of the newest possible key; JSON_SPLIT_KEY if too long */
    char key[JSON_SPLIT_KEY];
};

/* limit: bytes of an element, and of the rest. path, element and self are the caller's to set. */
void json_split_init(struct json_split *split, size_t limit);
/* More of the document. ERROR_LIMIT, ERROR_FORMAT if the list appears twice, or the error of `element`. */
bool json_split_add(struct json_split *split, const char *bytes, size_t size, struct error *err) CHECKED;
void json_split_done(struct json_split *split);

#endif
