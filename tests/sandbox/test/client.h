/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - a bare HTTP client for the sandbox's own tests: what is sent and received is seen byte by byte.
 */
#ifndef CASELOAD_SANDBOX_CLIENT_H
#define CASELOAD_SANDBOX_CLIENT_H

#include <jansson.h>

#include "base/buf.h"
#include "sandbox_internal.h"

struct answer {
    int status;       /* 0: the connection was cut before a status line came */
    bool whole;       /* the body has its announced length */
    struct buf all;   /* everything received */
    const char *body; /* borrowed from all */
};

/* Sends the bytes on a connection of their own and reads until the server closes it. */
struct answer client_send(int port, const char *bytes, size_t size);
/* headers: "Name: value\r\n" lines; body may be NULL. */
struct answer client_request(int port, const char *method, const char *target, const char *headers,
                             const char *body);
json_t *client_json(const struct answer *answer); /* NULL: it is not JSON; yours */
void answer_done(struct answer *answer);

/* Starts sandbox->server with its clock, journal and faults; the routes' service is the sandbox. */
bool client_serve(struct sandbox *sandbox, const struct route *routes);

#endif
