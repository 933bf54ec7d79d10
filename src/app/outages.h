/* SPDX-License-Identifier: Apache-2.0 */
/* outages.h - tells the log which service does not answer: at most five seconds after the first failed try,
 * then each 30 s, and once when it answers again.
 *
 * One a process. A thread of its own looks at the time; the watch may be used by any thread. A service that
 * was never reached is given up when the patience is over.
 */
#ifndef CASELOAD_APP_OUTAGES_H
#define CASELOAD_APP_OUTAGES_H

#include "net/watch.h"

#define OUTAGES_FOREVER INT64_MAX

struct outages;

/* patience_ms: OUTAGES_FOREVER: no service is given up before its calls are. */
struct outages *outages_start(int64_t patience_ms);
void outages_stop(struct outages *outages); /* after all that use the watch; NULL is fine */

/* The name of the service at this address, and the setting that holds the address; constant texts. */
void outages_name(struct outages *outages, const char *url, const char *service, const char *setting);
const struct net_watch *outages_watch(struct outages *outages);

/* Why the newest try at this address failed; false: none has failed since the last answer. */
#define OUTAGES_CAUSE 256
bool outages_cause(struct outages *outages, const char *url, char out_cause[OUTAGES_CAUSE]);

/* Until is_ready, the log says that the process is not ready. */
void outages_set_ready(struct outages *outages, bool is_ready);

/* The thread's work, for tests: looks at all outages at this time of clock_ms. */
void outages_look(struct outages *outages, int64_t now_ms);

#endif
