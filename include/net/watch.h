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

#define NET_ADVICE 512

struct net_watch {
    /* False: try again. True: the call is given up with ERROR_UNREACHABLE, and out_advice says what to do. */
    bool (*failed)(void *self, const struct net_failure *failure, char out_advice[NET_ADVICE]);
    /* A call is over. had_failed: failed was called for it. */
    void (*ended)(void *self, const char *origin, bool had_failed, bool is_answered);
    void *self;
};

/* Call the watch, unless it is NULL. */
bool net_watch_failed(const struct net_watch *watch, const struct net_failure *failure,
                      char out_advice[NET_ADVICE]);
void net_watch_ended(const struct net_watch *watch, const char *origin, bool had_failed, bool is_answered);

#endif
