/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of Intercom's API share. */
#ifndef CASELOAD_SANDBOX_INTERCOM_ROOM_H
#define CASELOAD_SANDBOX_INTERCOM_ROOM_H

#include "sandbox_internal.h"
#include "workspace/world.h"

/* Token, rate limit, version and media types, as every request must bear them. False: already refused. */
bool intercom_admit(struct exchange *exchange, int *out_minor);
/* An error in Intercom's shape. */
void intercom_refuse(struct exchange *exchange, int status, const char *code, const char *message);
/* Does the request ask which contacts were merged into others? */
bool intercom_history(const struct exchange *exchange, int minor);

/* --- intercom_contacts.c: pages of lists --- */

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

/* --- intercom_tickets.c: world_find for tickets --- */
void intercom_find_tickets(struct sandbox *sandbox, const struct world_query *query,
                           struct world_found *out_found);

#endif
