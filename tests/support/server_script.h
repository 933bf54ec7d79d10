/* SPDX-License-Identifier: Apache-2.0 */
/* server_script.h - a server on loopback that answers exactly what a test wrote down, however wrong.
 *
 * It has a script of steps. Each request, on any connection, takes the first step that is
 * left and fits. Requests beyond the script are answered 499. Each connection has a thread; every function
 * may be called from the test's thread at any time.
 */
#ifndef CASELOAD_TESTS_SERVER_SCRIPT_H
#define CASELOAD_TESTS_SERVER_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

struct step {
    const char *bytes;    /* sent as they are; NULL: nothing */
    size_t size;          /* 0: strlen(bytes) */
    size_t blanks;        /* sent after them: a large body that takes no memory here */
    bool close;           /* then the connection ends in an orderly way */
    bool reset;           /* then the connection is torn: the peer sees an error */
    bool hold;            /* before answering, wait for script_release or the end */
    size_t await;         /* before answering, wait until so many requests have been taken */
    size_t await_answers; /* before answering, wait until so many others have been sent */
    const char *when;     /* not NULL: only for a request that contains this text; for several under way */
    bool again;           /* it stays for other requests */
};

struct server_script;

/* Starts with a copy of the steps; the bytes are borrowed. tls: with a certificate that no client trusts.
 * Aborts when there is no socket. */
struct server_script *script_start(const struct step *steps, size_t count, bool tls);
int script_port(const struct server_script *server);
size_t script_requests(struct server_script *server); /* taken so far */
size_t script_connections(struct server_script *server);
/* Waits until so many requests have been taken. */
void script_await(struct server_script *server, size_t requests);
/* The whole request, head and body, NUL-terminated; borrowed until script_stop. */
const char *script_request(struct server_script *server, size_t number);
void script_release(struct server_script *server); /* every held step, now and later */
void script_stop(struct server_script *server);    /* joins every thread; NULL is fine */

#endif
