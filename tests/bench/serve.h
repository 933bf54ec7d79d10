/* SPDX-License-Identifier: Apache-2.0 */
/* serve.h - the HTTP server of the bench's two ends: one thread, any number of requests that wait.
 *
 * The handler decides at once, when the whole request has come; its answer is sent after delay_ms, while
 * others are served. Loopback only. Memory of an answer is the server's.
 */
#ifndef CASELOAD_BENCH_SERVE_H
#define CASELOAD_BENCH_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct MHD_Connection;

struct exchange {
    const char *method, *path; /* without the query */
    struct buf body;           /* of the request */
    struct MHD_Connection *connection;
    int status; /* of the answer: 200 unless set */
    int64_t delay_ms;
    struct buf reply;
    const char *type; /* of its content: JSON unless set */
    bool is_gzip;
    char date[32], location[256], range[64];          /* headers; empty: left out */
    int64_t rate_limit, rate_remaining, rate_reset_s; /* a limit of 0: no such headers */
    /* --- the server's --- */
    int64_t due_ms;
    bool is_handled;
};

typedef void exchange_handler(void *self, struct exchange *exchange);

const char *exchange_query(const struct exchange *exchange, const char *name);  /* NULL: absent */
const char *exchange_header(const struct exchange *exchange, const char *name); /* the same */
bool exchange_is(const struct exchange *exchange, const char *method, const char *path);

/* Prints "port N" and serves until SIGTERM. Returns an exit code. */
int serve(exchange_handler *handle, void *self);

/* The value of "--name" among the arguments, or fallback. */
const char *argument(int count, char *const *arguments, const char *name, const char *fallback);
int64_t argument_int(int count, char *const *arguments, const char *name, int64_t fallback);

#endif
