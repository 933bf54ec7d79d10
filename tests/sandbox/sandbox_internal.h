/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox_internal.h - the sandbox's parts, as its Intercom, control and oracle see them. */
#ifndef CASELOAD_SANDBOX_INTERNAL_H
#define CASELOAD_SANDBOX_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "bigquery/server.h"
#include "google/auth.h"
#include "httpd/httpd.h"
#include "httpd/tls.h"
#include "pubsub/server.h"
#include "sandbox.h"
#include "shared/faults.h"
#include "shared/hash.h"
#include "shared/journal.h"
#include "shared/virtual_clock.h"

struct store;
struct world;
struct admins;
struct shelves;
struct companies;
struct intercom;

struct sandbox {
    struct sandbox_options options;
    struct virtual_clock *clock;
    struct journal *journal;
    struct faults *faults;
    struct store *store;
    struct world *world; /* of contacts */
    struct world *talks; /* of conversations */
    struct admins *admins;
    struct shelves *shelves;     /* the other lists */
    struct companies *companies; /* the scroll over those of a shelf */
    struct bigquery_server *bigquery;
    struct pubsub_server *pubsub;
    struct server *server;
    struct intercom *intercom;
    struct auth *auth;
    struct tls *tls; /* NULL: everything in the clear */
};

static inline struct sandbox *exchange_sandbox(const struct exchange *exchange)
{
    return exchange->service;
}

/* --- the rooms --- */
extern const struct route intercom_routes[], control_routes[];
/* Intercom's, in files of their own; they come before intercom_routes. */
extern const struct route intercom_contact_routes[], intercom_company_routes[], intercom_talk_routes[],
    intercom_list_routes[];

/* intercom.c: the workspace's settings, fixed but for these. */
struct intercom *intercom_new(const char *zone_name, struct error *err); /* NULL: err says why */
void intercom_free(struct intercom *intercom);
void intercom_set_rate_limit(struct intercom *intercom, int64_t requests); /* in ten real seconds */
/* Records changed less than so many virtual seconds ago are not found. */
void intercom_set_index_lag(struct intercom *intercom, int64_t seconds);

/* compare.c: is the dataset equal to the world's truth? {"equal":bool,"streams":[{"stream","rows","keys",
 * "missing":[..],"doubled":[..],"altered":[..],"first","last"}]}, lists cut at 20; yours. latest: are the
 * tables and views named <table>_latest right, too? */
json_t *compare_dataset(struct sandbox *sandbox, const char *dataset, bool latest);

#endif
