/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the sandbox's rooms know of each other. Every function may be called from any thread.
 *
 * clock    the virtual clock
 * journal  every request, numbered, as JSON lines
 * faults   the fault script: lines that make the nth call of an operation misbehave
 * auth     who may come in: accounts, tokens, secrets (auth.h)
 * tls      a certificate, and the authority behind it
 * server   HTTP/1.1: routes, exchanges, and the faults of the wire
 * store    BigQuery's datasets, tables and SQL, over SQLite (store.h)
 * world    the records of the workspace, with every version they ever had (world.h, world_shelf.h)
 */
#ifndef CASELOAD_SANDBOX_INTERNAL_H
#define CASELOAD_SANDBOX_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "sandbox.h"

struct store;
struct world;
struct admins;
struct shelves;
struct companies;
struct bigquery;
struct pubsub;
struct server;
struct journal;
struct faults;
struct virtual_clock;
struct intercom;
struct auth;
struct tls;

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
    struct bigquery *bigquery;
    struct pubsub *pubsub;
    struct server *server;
    struct intercom *intercom;
    struct auth *auth;
    struct tls *tls; /* NULL: everything in the clear */
};

/* --- clock.c --- */
struct virtual_clock *virtual_clock_new(int64_t start_us);
void virtual_clock_free(struct virtual_clock *clock);
int64_t virtual_clock_read(struct virtual_clock *clock); /* moves it by 1 ms and returns the new time */
int64_t virtual_clock_peek(struct virtual_clock *clock); /* does not move it */
void virtual_clock_advance(struct virtual_clock *clock, int64_t us); /* us >= 0 */
void virtual_clock_set(struct virtual_clock *clock, int64_t us);     /* never backwards */

/* --- journal.c --- One entry a request: {"n","service","operation","at","status","fault",...}. */
struct journal *journal_new(void);
void journal_free(struct journal *journal);
/* Adds an entry and returns its number (from 1). detail is an object whose members are merged in (borrowed).
 */
int64_t journal_add(struct journal *journal, const char *service, const char *operation, int64_t at_us,
                    int status, const char *fault, const json_t *detail);
/* Entries after number `after` as JSON lines. service NULL: all. */
void journal_dump(struct journal *journal, const char *service, int64_t after, struct buf *out);

/* --- faults.c ---
 * A line: SERVICE OPERATION NTH ACTION [ARGUMENT ...], for example
 *   intercom contacts.search 3 status 429 retry-after=1
 *   bigquery jobs.insert 2 drop after        the connection is cut, after the request was applied
 *   bigquery jobs.insert 2 drop before       ... before it was
 *   bigquery upload.put 1 truncate           half of the answer's body, then the connection is cut
 *   intercom me 1 delay 200                  milliseconds
 *   bigquery * 7 hang                        the 7th call of any operation waits until the faults are cleared
 *   bigquery job 2 fail backendError         the 2nd job that runs ends DONE with this errorResult
 *   bigquery job 1 hold COMMIT 2             the 1st script stops before the statement that begins so, until
 *                                            two jobs more have ended (or one more has, and none is left)
 *   bigquery script 1 hold COMMIT 1          the same, counting only scripts with a transaction
 *   pubsub deliver 1 twice | pubsub acknowledge 1 lose | pubsub modifyAckDeadline 1 refuse
 * NTH counts calls of that operation since the fault was added, from 1; "*" is every call. Services name
 * their operations in their routes. Unknown words are refused. */
struct faults *faults_new(void);
void faults_free(struct faults *faults);
bool faults_add(struct faults *faults, const char *line, struct error *err);
void faults_clear(struct faults *faults);

#define FAULT_ARGUMENTS 8

struct fault {
    char line[256];
    char action[32];
    char argument[FAULT_ARGUMENTS][64]; /* as written, "retry-after=1" */
    size_t argument_count;
};

/* Counts one call of the operation for every fault that names it; true: this one misbehaves so. */
bool faults_next(struct faults *faults, const char *service, const char *operation, struct fault *out_fault);
bool faults_planned(struct faults *faults, const struct fault *fault); /* not cleared yet */

/* --- server.c --- */
struct exchange {
    struct sandbox *sandbox;
    const char *method;
    const char *path;           /* decoded, without query */
    const char *const *capture; /* the {..} segments of the route's pattern, in order */
    const char *body;           /* NUL added behind it; the server refuses bodies over 100 MiB */
    size_t body_size;
    json_t *detail; /* handlers may add to the journal entry */
    int status;     /* the answer: 200 unless set */
    struct buf reply;
    struct buf reply_headers; /* "Name: value\r\n" lines; Content-Type defaults to JSON, Date is added */
    void *private;
};

/* Borrowed; NULL if absent. Header names in lower case. */
const char *exchange_query(const struct exchange *exchange, const char *name);
const char *exchange_query_name(const struct exchange *exchange, size_t index); /* as they were sent */
const char *exchange_header(const struct exchange *exchange, const char *name);
json_t *exchange_json(struct exchange *exchange); /* the body; NULL if it is not JSON; yours */
void exchange_reply_json(struct exchange *exchange, int status, json_t *value); /* takes the reference */
void exchange_add_header(struct exchange *exchange, const char *name, const char *format, ...) PRINTF(3, 4);

struct route {
    const char *service;   /* "bigquery", "intercom", "control" */
    const char *operation; /* the name faults and journal use: "jobs.insert" */
    const char *method;
    const char *pattern; /* "/bigquery/v2/projects/{}/jobs/{}": {} matches one segment */
    void (*handle)(struct exchange *exchange);
};

/* routes end with a zeroed one; both arrays are borrowed. Any other path: 404 in the service's manner. Each
 * connection has a thread. Per exchange the server consults the faults (status, drop before|after, delay,
 * truncate), calls the handler, and writes the journal ("control" is not journalled). */
bool server_start(struct sandbox *sandbox, int port, const struct route *const *route_tables,
                  size_t table_count, struct server **out_server, struct error *err);
int server_port(const struct server *server);
void server_stop(struct server *server);

void percent_decode(char *text, bool plus_is_blank); /* in place */

/* --- auth.c, auth_routes.c --- */
struct auth *auth_new(struct sandbox *sandbox, struct error *err); /* NULL: err says why */
void auth_free(struct auth *auth);
bool auth_is_source_token(struct auth *auth, const char *token);
/* Has the request a valid bearer token (or does nobody ask for one)? Else it is answered 401. */
bool auth_admits(struct exchange *exchange);
/* The same for gRPC: NULL, or the words of the refusal. authorization may be NULL. */
const char *auth_refusal(struct sandbox *sandbox, const char *authorization);
json_t *auth_key_file(const struct auth *auth); /* the service account's; yours */
void auth_show(struct exchange *exchange);      /* of /control/auth: all that must stay secret */
void auth_change(struct exchange *exchange);

/* --- tls.c --- */
struct tls *tls_new(const char *ca_file, struct error *err); /* NULL: err says why; ca_file may be NULL */
void tls_free(struct tls *tls);
struct ssl_st *tls_open(const struct tls *tls, int fd); /* shakes hands; NULL: the peer does not like us */
const char *tls_key_pem(const struct tls *tls);
const char *tls_certificate_pem(const struct tls *tls);

/* --- the rooms --- */
extern const struct route auth_routes[], bigquery_routes[], intercom_routes[], control_routes[];
/* Intercom's, in files of their own; they come before intercom_routes. */
extern const struct route intercom_contact_routes[], intercom_company_routes[], intercom_talk_routes[],
    intercom_list_routes[];

struct bigquery *bigquery_start(struct sandbox *sandbox);
void bigquery_stop(struct bigquery *bigquery); /* waits for running jobs */
/* Jobs that have not ended yet. */
size_t bigquery_running(struct bigquery *bigquery);

struct pubsub *pubsub_start(struct sandbox *sandbox, int port, struct error *err); /* NULL: err says why */
void pubsub_stop(struct pubsub *pubsub);
int pubsub_port(const struct pubsub *pubsub);
/* Creates topic and subscription if needed; settings may be NULL or hold ack_deadline_seconds,
 * max_delivery_attempts (0: no dead-letter policy). Names are short ("caseload") or whole. */
void pubsub_make(struct pubsub *pubsub, const char *project, const char *subscription,
                 const json_t *settings);
/* Puts a message into a topic (its name is the subscription's); the id is returned, yours. */
char *pubsub_publish(struct pubsub *pubsub, const char *project, const char *subscription, const char *data,
                     size_t data_size, const json_t *attributes);
/* What was published since then comes again, acknowledged or not; what is older is done. False: unknown. */
bool pubsub_seek(struct pubsub *pubsub, const char *project, const char *subscription, int64_t time_us);
/* {"messages":[{"id","state":"waiting|leased|acked|dead","deliveries","extends","nack_delays":[..]}]}; yours
 */
json_t *pubsub_report(struct pubsub *pubsub);

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
