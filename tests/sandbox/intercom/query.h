/* SPDX-License-Identifier: Apache-2.0 */
/* query.h - the body of a search of contacts, conversations or tickets, checked as Intercom checks
 * it and made ready to run.
 *
 * Borrows from the JSON it was read from. One thread.
 */
#ifndef CASELOAD_SANDBOX_INTERCOM_QUERY_H
#define CASELOAD_SANDBOX_INTERCOM_QUERY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/zone.h"

#define QUERY_GROUP   15 /* filters in one group */
#define QUERY_DEPTH   2  /* groups in groups */
#define QUERY_FILTERS (QUERY_GROUP * QUERY_GROUP + QUERY_GROUP + 1)
#define QUERY_FOREVER INT64_MAX

enum match {
    MATCH_EQUAL, /* or one of a list */
    MATCH_CONTAINS,
    MATCH_START,
    MATCH_END
};

/* How a service compares the ends of ids, where its index is not what its description says. */
enum endings { ENDINGS_RIGHT, ENDINGS_REFUSED, ENDINGS_IGNORED, ENDINGS_LOSSY };

struct filter {
    bool is_group;
    bool any; /* OR */
    struct filter *children[QUERY_GROUP];
    size_t child_count;

    const char *field;
    bool is_date;
    int64_t from_s, to_s; /* a date matches if it is in [from_s, to_s) */
    enum match match;     /* of texts */
    bool differs;         /* the opposite of that */
    const json_t *value;
};

enum narrowing {
    NARROW_NOTHING, /* there is no filter beyond the range */
    NARROW_KEYS,    /* all others are about ids */
    NARROW_RECORDS
};

enum query_kind { QUERY_CONTACTS, QUERY_CONVERSATIONS, QUERY_TICKETS };

struct search {
    enum query_kind kind;
    const struct zone *zone;
    enum endings endings;
    struct filter filters[QUERY_FILTERS]; /* the first is the root */
    size_t filter_count;
    int64_t from_s, to_s; /* what updated_at must be in, whatever else */
    enum narrowing narrowing;
    bool descending;
    bool history; /* of contacts: with those that were merged into them; not part of the body */
    size_t per_page;
    const char *starting_after; /* NULL: from the beginning */
};

struct query_error {
    const char *code; /* Intercom's */
    char message[256];
};

/* zone: dates are compared by its days; NULL: by seconds, as from version 2.17 on. */
bool search_parse(const json_t *body, enum query_kind kind, const struct zone *zone, enum endings endings,
                  struct search *out_search, struct query_error *err);
/* In the shapes of collection_query's wanted and wanted_key. The second is for NARROW_KEYS. */
bool search_matches(void *search, const json_t *record);
bool search_matches_key(void *search, const char *key);

#endif
