/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of CoMagic's API share. Any thread.
 *
 * comagic.c  the service: its state, what changes it, account and sessions
 * rpc.c      what every call must have, in the order in which the service looks; errors; limits
 * read.c     reports and lists: parameters, pages, records
 * methods.c  the methods and their fields
 * local.c    local times of the account
 * truth.c    what the tables loaded from all this must hold
 */
#ifndef CASELOAD_SANDBOX_COMAGIC_INTERNAL_H
#define CASELOAD_SANDBOX_COMAGIC_INTERNAL_H

#include <pthread.h>

#include "base/zone.h"
#include "httpd/httpd.h"
#include "oracle/oracle.h"
#include "shared/service.h"
#include "shared/virtual_clock.h"
#include "workspace/collection.h"

struct method {
    const char *name;
    const char *kind;   /* the collection */
    const char *time;   /* the member that a window is about; NULL: a list */
    int days;           /* of the longest window */
    bool needs_site;    /* the parameter site_id */
    bool is_aggregate;  /* of the window: a record an employee */
    const char *fields; /* "name:FSD ..."; NULL: any */
};

extern const struct method comagic_methods[]; /* a zeroed one ends them */

struct limit {
    int64_t most, used, began; /* began: the number of the window */
};

struct comagic {
    struct service_options options;
    struct zone *zone;
    struct workspace *workspace;
    pthread_mutex_t lock; /* over what follows */
    struct limit minute, day;
    int64_t minute_s;   /* length of the window that is called a minute, in real seconds */
    int64_t page_most;  /* records of a page, whatever is asked for; 0: as asked */
    bool is_locked_out; /* the caller's address is not on the list */
    bool is_deprecated; /* this version of the API is */
    bool skips_echo;    /* the next answer repeats another id */
    json_t *refused;    /* methods -> mnemonic of the refusal */
    json_t *unknown;    /* fields that are not known any more -> true */
    json_t *sessions;   /* tokens -> when they end, virtual seconds */
    int64_t session_count;
    int64_t unsorted; /* reports that were read without a sort: their order is another each time */
};

/* One call. */
struct call {
    struct exchange *exchange;
    struct comagic *comagic;
    const json_t *request, *params;
    const char *method;
};

struct failure {
    int code;
    const char *mnemonic, *message;
    const char *field, *value; /* may be NULL */
    const char *limit_type;    /* may be NULL */
};

static inline struct comagic *comagic_of(const struct exchange *exchange)
{
    return exchange->service;
}

int64_t comagic_now_s(const struct comagic *comagic);

/* --- rpc.c --- */
void comagic_handle(struct exchange *exchange);
void comagic_refuse(const struct call *call, const struct failure *failure);
/* {"id", "result": {"data": .., "metadata": ..}}; takes data and total (-1: none). */
void comagic_reply(const struct call *call, json_t *data, int64_t total);
/* Refuses a name that is none of `known` (ends with NULL); false: refused. */
bool comagic_check_names(const struct call *call, const char *const *known);

/* --- comagic.c --- */
void comagic_login(const struct call *call);
void comagic_account(const struct call *call);

/* --- read.c --- */
void comagic_read(const struct call *call, const struct method *method);

/* --- local.c --- */
#define LOCAL_TEXT 24
void local_write(const struct zone *zone, int64_t at_s, char out[LOCAL_TEXT]);
/* "YYYY-MM-DD hh:mm:ss": the first and the last second that clocks showed it. False: it is none. */
bool local_read(const struct zone *zone, const char *text, int64_t *out_first_s, int64_t *out_last_s);

extern const struct oracle_table comagic_truth[];
extern const struct oracle_latest comagic_latest[];

#endif
