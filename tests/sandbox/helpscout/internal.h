/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of Help Scout's Inbox API share. Any thread.
 *
 * helpscout.c    the service; what every request must have; /v2/users/me
 * oauth.c        the token endpoint
 * lists.c        all lists, and the report of ratings
 * records.c      single records
 * truth.c        what the tables loaded from all this must hold
 * truth_lists.c  the same of lists that belong to a record
 */
#ifndef CASELOAD_SANDBOX_HELPSCOUT_INTERNAL_H
#define CASELOAD_SANDBOX_HELPSCOUT_INTERNAL_H

#include <pthread.h>

#include "base/zone.h"
#include "httpd/httpd.h"
#include "oracle/oracle.h"
#include "shared/service.h"
#include "shared/virtual_clock.h"
#include "workspace/collection.h"

#define HELPSCOUT_TOKEN 64

struct helpscout {
    struct service_options options;
    struct workspace *workspace;
    pthread_mutex_t lock;                /* over what follows */
    json_t *tokens;                      /* until when each is valid, in seconds of the virtual clock */
    char refresh_token[HELPSCOUT_TOKEN]; /* the only one that is good */
    int64_t minute_s, used;              /* requests of that minute */
    bool is_standard;                    /* the plan: without reports */
};

extern const struct route helpscout_oauth_routes[], helpscout_list_routes[], helpscout_record_routes[];
extern const struct oracle_table helpscout_truth[];
extern const struct oracle_latest helpscout_latest[];

static inline struct helpscout *helpscout_of(const struct exchange *exchange)
{
    return exchange->service;
}

struct collection *helpscout_collection(const struct exchange *exchange, const char *kind);
int64_t helpscout_now_s(const struct exchange *exchange);
/* Token and rate limit, as every request must have them. False: already refused. */
bool helpscout_admit(struct exchange *exchange);
/* An error in Help Scout's shape; path and detail may be NULL. */
void helpscout_refuse(struct exchange *exchange, int status, const char *message, const char *path,
                      const char *detail);

/* --- truth --- */
/* A record without links, with what is embedded in it beside its other members; takes it. */
json_t *helpscout_lifted(json_t *record);
extern const struct oracle_rules helpscout_conversation_rules, helpscout_thread_rules, helpscout_field_rules,
    helpscout_folder_rules, helpscout_member_rules;

#endif
