/* SPDX-License-Identifier: Apache-2.0 */
/* response_body.h - holds the body of a good answer until it is parsed.
 *
 * A raw body is kept as it comes, compressed if the service does so, and opened when it is read. A split body
 * is kept compressed, and inflated twice: the first pass counts the elements of one list, and gives the
 * record without them; the second gives the elements in slices. An element that can't be read is given as its
 * text. One thread, but for the budget.
 */
#ifndef CASELOAD_SOURCES_REST_RESPONSE_BODY_H
#define CASELOAD_SOURCES_REST_RESPONSE_BODY_H

#include <stdatomic.h>

#include "base/json_value.h"
#include "base/zbuf.h"
#include "net/http.h"

/* Of answers that wait for their turn, of all sources that share it. Any thread. */
struct byte_budget {
    atomic_size_t used; /* at most LIMIT_DEFERRED_TOTAL */
};

/* Opens raw bodies, one after the other. One thread. */
struct body_opener;
struct body_opener *body_opener_new(void);
void body_opener_free(struct body_opener *opener);

struct response_body {
    /* plain, raw */
    struct byte_budget *budget; /* borrowed */
    struct buf bytes;
    struct body_opener *opener; /* of a raw body; borrowed */
    bool is_gzip;               /* a raw body is, as the head of its answer said */

    /* split */
    const char *const *path; /* keys that lead to the list, NULL at the end; NULL: the body is plain */
    struct zbuf compressed;
    size_t count;               /* elements of the list */
    size_t passed_on;           /* ... that were given */
    struct zbuf_reader *reader; /* of this pass; NULL: none has begun */
    struct buf window;          /* of the text: what is inflated */
    size_t taken;               /* of the window */
    bool is_first, is_at_end;   /* no element was taken; no text follows the window */
};

/* A zeroed body is valid; one of these prepares it before each use. */
void response_body_init_plain(struct response_body *body, struct byte_budget *budget, size_t limit);
void response_body_init_raw(struct response_body *body, struct byte_budget *budget,
                            struct body_opener *opener);
void response_body_init_split(struct response_body *body, const char *const *path);
void response_body_done(struct response_body *body);

struct http_sink response_body_sink(struct response_body *body);
const struct buf *response_body_bytes(const struct response_body *body); /* as they are kept: plain, raw */
/* The answer; of a split body without the elements of its list. out is yours; normalisations is added to. */
bool response_body_read(struct response_body *body, struct json_normalisations *normalisations,
                        struct json_value **out_value, struct error *err) CHECKED;
/* The next elements of a split body, about LIMIT_SLICE of text; none: there are no more. normalisations is
 * added to. */
bool response_body_next(struct response_body *body, struct json_normalisations *normalisations,
                        struct json_value **out_list, struct error *err) CHECKED;

#endif
