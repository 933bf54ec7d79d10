/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h - tells systemd how the service is doing, if systemd asks for it.
 *
 * Source: sd_notify(3), sd_watchdog_enabled(3): datagrams to the socket in NOTIFY_SOCKET; a sign of life
 * twice in WATCHDOG_USEC. Without these variables nothing is done. A datagram that can't be sent is left out.
 */
#ifndef CASELOAD_APP_NOTIFY_H
#define CASELOAD_APP_NOTIFY_H

#include "core/progress.h"

struct notify;

/* The service is ready. From now on a thread gives signs of life while `progress` (borrowed) moved within the
 * last stall_s seconds. NULL: systemd does not want any. */
struct notify *notify_start(struct progress *progress, int stall_s);

/* The service is stopping; NULL is allowed. */
void notify_stop(struct notify *notify);

#endif
