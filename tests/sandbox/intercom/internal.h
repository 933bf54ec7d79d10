/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of Intercom's API share. Any thread.
 *
 * intercom.c       the service; what every request must have; /me and the admins
 * page.c           parameters, cursors and addresses of pages
 * query.c          the grammar of searches
 * search.c         searches of contacts, conversations and tickets
 * contacts.c       contacts one by one, and their lists
 * conversations.c  threads, what happened to them, and which are deleted
 * companies.c      the scroll over all companies
 * lists.c          all other lists
 * versions.c       the forms that older versions have
 * truth.c          what the tables loaded from all this must hold
 */
#ifndef CASELOAD_SANDBOX_INTERCOM_INTERNAL_H
#define CASELOAD_SANDBOX_INTERCOM_INTERNAL_H

#include <pthread.h>

#include "base/zone.h"
#include "httpd/httpd.h"
#include "intercom/query.h"
#include "oracle/oracle.h"
#include "shared/service.h"
#include "shared/virtual_clock.h"
#include "workspace/collection.h"

#define SCROLL_PARAM 40

struct scroll {
    uint64_t opened;          /* so many times */
    char param[SCROLL_PARAM]; /* "": no scroll is open */
    char last_key[COLLECTION_KEY];
    int64_t used_us;      /* when it was last asked for a page, by the virtual clock ... */
    int64_t used_boot_us; /* ... and by the real one */
    json_t *shown;        /* what counts as shown once it comes to its end: [[key, updated], ..] */
};

struct intercom {
    struct service_options options;
    struct zone *zone;
    struct workspace *workspace;
    pthread_mutex_t lock; /* over what follows */
    int64_t limit;        /* of requests in a window */
    int64_t others;       /* ... which others make at the beginning of each */
    int64_t others_apps;  /* ... and those of other apps, which only the workspace's limit counts */
    int64_t workspace_limit;
    int64_t window_s; /* when the window began, by the real clock */
    int64_t used;
    int64_t lag_s; /* records changed less than so many virtual seconds ago are not found */
    enum endings endings;
    struct scroll scroll;
};

extern const struct route intercom_search_routes[], intercom_contact_routes[], intercom_company_routes[],
    intercom_conversation_routes[], intercom_list_routes[];
extern const struct oracle_table intercom_truth[];
extern const struct oracle_latest intercom_latest[];

static inline struct intercom *intercom_of(const struct exchange *exchange)
{
    return exchange->service;
}

struct collection *intercom_collection(const struct exchange *exchange, const char *kind);
int64_t intercom_now_s(const struct exchange *exchange);
/* Token, rate limit, version and media types, as every request must have them. False: already refused. */
bool intercom_admit(struct exchange *exchange, int *out_minor);
/* Is the version at least 2.<since>? False: already refused. */
bool intercom_check_since(struct exchange *exchange, int minor, int since);
/* An error in Intercom's shape. */
void intercom_refuse(struct exchange *exchange, int status, const char *code, const char *message);
/* Is the parameter "true"? */
bool intercom_asks_for(const struct exchange *exchange, const char *parameter);
/* Does the request ask which contacts were merged into others? */
bool intercom_history(const struct exchange *exchange, int minor);

/* Entry `number` of the feed of deleted conversations; yours. */
json_t *intercom_deletion(struct collection *conversations, size_t number);

/* --- versions.c --- */
/* A record, or an array of them, in the form of version 2.<minor>. */
void intercom_shape(json_t *records, const char *kind, int minor);
/* The same for a reply that was written: its member `list`, or all of it (NULL). */
void intercom_shape_reply(struct exchange *exchange, const char *kind, const char *list, int minor);

/* --- page.c --- */
struct intercom_page {
    int64_t number, size; /* number: from 1 */
    int64_t total;        /* records of all pages */
};

/* A parameter from 1 to `most`; missing: what it is if it is absent. False: already refused. */
bool intercom_number(struct exchange *exchange, const char *name, int64_t missing, int64_t most,
                     int64_t *out_number);
/* The object `pages`, yours; takes the reference to next, which may be NULL. */
json_t *intercom_pages_member(const struct intercom_page *page, json_t *next);
/* The address of the page that follows, with these parameters ("a=b&c=d", or ""), yours; NULL: there is none.
 */
json_t *intercom_next_url(const struct exchange *exchange, const struct intercom_page *page,
                          const char *parameters);
/* An array of JSON as base64, and back; a string, yours. */
json_t *intercom_cursor(json_t *parts); /* takes the reference */
/* NULL: it is none. Yours. */
json_t *intercom_cursor_read(const char *cursor);
void intercom_refuse_cursor(struct exchange *exchange);

#endif
