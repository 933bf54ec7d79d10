/* SPDX-License-Identifier: Apache-2.0 */
/* json_split.h - cuts the elements of one list out of a JSON document that comes by and by.
 *
 * It knows strings, escapes and depth, and nothing else: whether its pieces are JSON is for json_read to say.
 * If the document is JSON, so is every element, and so is the rest, which has an empty list in its place. If
 * the document is not, at least one of them is not. A list whose keys are written with escapes is not found:
 * it stays in the rest. One thread at a time.
 */
#ifndef CASELOAD_BASE_JSON_SPLIT_H
#define CASELOAD_BASE_JSON_SPLIT_H

#include "base/buf.h"
#include "base/error.h"

#define JSON_SPLIT_KEY 64 /* bytes of a key, at most */

struct json_split {
    const char *const *path; /* keys that lead to the list, NULL at the end; borrowed */
    /* Gets the bytes of each element, borrowed for the call. false: err says why, and all ends there. */
    bool (*element)(void *self, const char *bytes, size_t size, struct error *err);
    void *self;
    struct buf rest; /* all but the elements; ceiling by json_split_init */

    struct buf piece; /* of the element under way */
    size_t depth;     /* of brackets, whichever */
    size_t matched;   /* keys of the path that lead to where we are */
    size_t list;      /* depth inside of the list; 0: we are not in it */
    bool found;       /* the list was seen */
    bool first;       /* the element under way is the first, if it is one */
    bool quoted;      /* inside of a string */
    bool escaped;     /* ... behind a backslash */
    bool awaited;     /* the value of the path's next key comes next */
    size_t key_size;  /* of the string seen last where a key could be; too long: JSON_SPLIT_KEY */
    char key[JSON_SPLIT_KEY];
};

/* limit: bytes of an element, and of the rest. path, element and self are the caller's to set. */
void json_split_init(struct json_split *split, size_t limit);
/* More of the document. ERROR_LIMIT, ERROR_FORMAT if the list is there twice, or what `element` said. */
bool json_split_add(struct json_split *split, const char *bytes, size_t size, struct error *err) CHECKED;
void json_split_done(struct json_split *split);

#endif
