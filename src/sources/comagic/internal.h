/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of this source share. One thread, that of the source, unless a file says
 * otherwise.
 *
 * streams     the table of streams; schema/ has their columns
 * comagic     the source: account, brand, dialect
 * failures    what errors mean; limits
 * requests    how a page of a report or list is requested
 * local_time  the account's local times, which have no zone
 * sites       the sites, of which some reports want one
 * session     the login by user and password
 */
#ifndef CASELOAD_SOURCES_COMAGIC_INTERNAL_H
#define CASELOAD_SOURCES_COMAGIC_INTERNAL_H

#include "base/zone.h"
#include "comagic.h"
#include "rest/next_page.h"
#include "rest/rest.h"

#define COMAGIC_PATH     "/v2.0"
#define COMAGIC_PAGE     10000  /* records, at most */
#define COMAGIC_OFFSET   100000 /* of a page, at most */
#define COMAGIC_UNWANTED 64     /* fields that the service refused */

struct comagic {
    struct rest_source rest; /* first */
    struct zone
        *own_zone; /* what rest.zone points to, of the source that identified the account; else NULL */
    long user_id;
    bool is_deprecated;                              /* so the service says; people know */
    const struct column *unwanted[COMAGIC_UNWANTED]; /* no request asks for these */
    size_t unwanted_count;
    char **sites; /* ids of all that were ever listed; a reader may hold any of them */
    size_t site_count;
    const char **listed_sites; /* those of the newest list */
};

bool comagic_check(const void *options, struct source_address *out_address, const char **out_key,
                   struct error *err) CHECKED;
bool comagic_create(const struct source_context *context, const void *options, struct source **out_source,
                    struct error *err);

extern const struct pagination comagic_report, comagic_report_unsorted, comagic_messages, comagic_day,
    comagic_list;

/* --- requests.c --- */

/* Begins a request: {..., "params": {"access_token": ..., */
void comagic_begin_request(const struct comagic *comagic, const char *method, const char *id,
                           struct buf *body);
/* No request asks for this field from now on. */
void comagic_leave_out(struct comagic *comagic, const struct column *column);
bool comagic_mend_request(struct rest_source *source, const struct rest_stream *stream,
                          const struct rest_failure *failure);
bool comagic_next_page(const struct page_context *context, struct next_page *out_next, struct error *err);

/* --- sites.c --- */

/* A stream that is read site by site: reads which there are. For check_stream of struct rest_source. */
bool comagic_check_stream(const struct rest_source *source, const struct rest_stream *stream,
                          bool with_child_list, struct error *err);
void comagic_free_sites(struct comagic *comagic);

/* --- failures.c --- */

extern const struct rest_refusal comagic_refusals[];

void comagic_read_failure(const struct json_value *answer, struct rest_failure *out_failure);
int comagic_real_status(const struct json_value *answer, int status);
void comagic_read_limits(const struct json_value *answer, struct rate_report *rate,
                         struct rest_quota *out_quota);

/* --- local_time.c --- */

#define LOCAL_TIME 20 /* "2026-01-31 10:11:12" and NUL */

/* The bounds of a window as the service takes them, both inclusive: every record whose time, as
 * local_time_read reads it, is in the window lies between. */
void local_bounds(const struct zone *zone, struct window window, int64_t now_s, char out_from[LOCAL_TIME],
                  char out_till[LOCAL_TIME]);
/* "2026-01-31 10:11:12", or a date alone: an instant. Of the two instants of an hour that is repeated the
 * first. False: it is none, or clocks there never showed it. */
bool local_time_read(const struct zone *zone, const char *text, int64_t *out_s);
/* Fields that the first column of a table is made of, as nothing else names its rows; a NULL ends them. NULL:
 * none. */
const char *const *comagic_made_key(const struct table *table);
/* The columns of a record that are times become instants. */
void comagic_prepare(const struct rest_source *source, const struct table *table, struct json_value *record);

/* --- session.c --- */

struct session_settings {
    const char *base_url, *login; /* copied */
    struct token *password;       /* taken over, also after a failure */
    const struct http_settings *http;
};

/* Logs in by user and password, for about an hour. */
bool session_open(const struct session_settings *settings, struct token_login **out_login, struct error *err);

#endif
