/* SPDX-License-Identifier: Apache-2.0 */
/* errand.h - one GET of many that are under way at once, under the one limiter.
 *
 * They are begun, and then end one by one, whoever's turn it is. An answer that comes before its turn waits
 * as bytes, with a low ceiling each and one for all; a larger one is asked for again when it is its turn,
 * alone. So memory has a bound, whatever the answers are like.
 */
#ifndef CASELOAD_SOURCES_INTERCOM_ERRAND_H
#define CASELOAD_SOURCES_INTERCOM_ERRAND_H

#include "internal.h"

#define IN_FLIGHT 32 /* of one reader, at most */

/* What the errands of one reader share. */
struct errands {
    struct intercom *intercom;
    int64_t good;     /* answers, of whichever errand */
    int64_t begun;    /* errands */
    bool all;         /* ... and no other will be begun */
    size_t waiting;   /* bytes of answers before their turn */
    char *proven;     /* the URL of one that was read; before that, of what can always be read */
    int64_t requests; /* made by those that ended; the caller may reset it, and the next one */
    int64_t normalisations;
};

void errands_init(struct errands *errands, struct intercom *intercom);
void errands_done(struct errands *errands); /* when all of them are done */

/* Zeroed: not under way. It must stay where it is while it is. */
struct errand {
    struct errands *errands;
    struct fetch fetch;
    struct store store;
    const char *const *parts; /* the list that a large answer is read without; see store.h */
    char *url;
    bool large, patient;
    bool blamed;         /* it can't be read, and others can */
    int64_t good_before; /* answers when it was begun */
    char what[2 * LIMIT_NAME];
};

enum fate {
    FATE_READ,
    FATE_GONE,     /* 404 or 410: fetch.canonical may tell where to */
    FATE_REJECTED, /* it is this record: nothing that is done later will help */
    FATE_FAILED    /* it is not: the unit is tried again later */
};

/* Where something that belongs to a record is. */
struct errand_place {
    const char *name;           /* of it, for error texts */
    const char *before, *after; /* the record's id, in path and query */
    const char *const *parts;   /* as for errand_begin */
};

/* A path and query on our host; the errand's `what` is set before. parts: NULL to read large answers whole.
 */
bool errand_begin(struct errand *errand, struct errands *errands, const char *path, const char *const *parts,
                  struct error *err) CHECKED;
/* The same at a record's place, with its id as record_id gives it. */
bool errand_begin_at(struct errand *errand, struct errands *errands, const struct errand_place *place,
                     const char *id, struct error *err) CHECKED;
/* Waits. out is yours. err: of all fates but FATE_READ, what came. */
enum fate errand_end(struct errand *errand, json_t **out_value, struct error *err);
/* Another GET after the end of one, at a URL that was checked. */
bool errand_again(struct errand *errand, const char *url, struct error *err) CHECKED;
/* Reads a list to its end, page by page; `list` gets the elements. name: the member of an answer that holds
 * them. FATE_REJECTED also for answers that hold none, and links that lead nowhere. */
enum fate errand_list(struct errand *errand, const char *name, json_t *list, struct error *err);
void errand_done(struct errand *errand); /* drops what is under way */

/* Why it was rejected, in words that are the same each time: `rejected` would hold the record once for each.
 * noun: "thread". */
void errand_problem(const struct errand *errand, const char *noun, const struct error *err, char *out,
                    size_t size);
#endif
