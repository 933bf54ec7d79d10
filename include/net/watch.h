/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - who hears that a peer does not answer, so that nothing waits in silence. Its functions may be
 * called from any thread; texts are borrowed for the call.
 */
#ifndef CASELOAD_NET_WATCH_H
#define CASELOAD_NET_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/* A try that failed, and that another may follow; or one that has waited for its connection for some seconds.
 */
struct net_failure {
    const char *origin;  /* scheme://host:port */
    const char *what;    /* the call: "Intercom GET /me" */
    const char *cause;   /* "HTTP 503", "Connection refused" */
    int status;          /* HTTP status; 0: there was no response */
    bool is_unconnected; /* no service was reached: refused, an unknown name, TLS, another protocol */
    bool is_first;       /* of the call */
    int64_t waited_ms;   /* since the call began */
    int64_t left_ms;     /* until it is given up; INT64_MAX: never */
};

struct net_watch {
    /* NULL: try again. Else the call is given up with ERROR_UNREACHABLE, and this is the advice; constant or
     * as long-lived as the watch. */
    const char *(*failed)(void *self, const struct net_failure *failure);
    /* A call is over. had_failed: failed was called for it. */
    void (*ended)(void *self, const char *origin, bool had_failed, bool is_answered);
    void *self;
};

/* Call the watch, unless it is NULL. */
const char *net_watch_failed(const struct net_watch *watch, const struct net_failure *failure);
void net_watch_ended(const struct net_watch *watch, const char *origin, bool had_failed, bool is_answered);

#endif
