/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - where the body of a good answer waits until it is read.
 *
 * A small one waits as it came. One that is too large for that is kept deflated, and read twice: the first
 * reading checks every byte, counts the elements of one list and gives the record without them; the second
 * hands the elements on by and by. So a thread of 50 MB takes the memory of its deflated text.
 */
#ifndef CASELOAD_SOURCES_INTERCOM_STORE_H
#define CASELOAD_SOURCES_INTERCOM_STORE_H

#include "base/json.h"
#include "base/json_split.h"
#include "base/zbuf.h"
#include "net/http.h"

struct store {
    size_t *waiting; /* bytes in all stores that share it; borrowed */
    struct buf body;

    const char *const
        *path; /* keys that lead to the list, NULL at the end; NULL: the body is kept as it came */
    struct zbuf pack;
    size_t count;               /* elements of the list */
    struct zbuf_reader *reader; /* of the second reading; NULL: it has not begun */
    struct json_split split;
    bool ended;       /* it is over */
    json_t *elements; /* that were found, and not handed on yet */
    size_t bytes;     /* their text's */
    struct json_normalisations *normalisations;
};

/* A zeroed store is valid, and is prepared by one of these before each use. */
void store_small(struct store *store, size_t *waiting, size_t limit);
void store_large(struct store *store, const char *const *path);
void store_done(struct store *store);

struct http_sink store_sink(struct store *store);
/* The bytes of a small one. */
const struct buf *store_body(const struct store *store);
/* The answer, of a large one without the elements of its list. out is yours; normalisations is added to. */
bool store_read(struct store *store, struct json_normalisations *normalisations, json_t **out_value,
                struct error *err) CHECKED;
/* The next elements of a large one's list, LIMIT_SLICE of text or a little more; none: there are no more. */
bool store_next(struct store *store, json_t **out_list, struct error *err) CHECKED;

#endif
