/* SPDX-License-Identifier: Apache-2.0 */
/* health.h - the port at which `serve` tells how it is: /livez, /readyz, /metrics, /status and a page.
 *
 * GET and HEAD only, by libmicrohttpd on a thread of its own; connections, their memory and their time are
 * bounded. It checks no identity, so it is bound to this machine unless the address says otherwise.
 * Metrics: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#ifndef CASELOAD_APP_HEALTH_H
#define CASELOAD_APP_HEALTH_H

#include "base/buf.h"
#include "metrics.h"
#include "monitor.h"

struct health;

/* metrics: NULL: none. address: "127.0.0.1:9090", "[::1]:9090", "9090". ERROR_CONFIG if it can't be bound. */
bool health_start(const char *address, struct monitor *monitor, struct metrics *metrics,
                  struct health **out_health, struct error *err) CHECKED;
void health_stop(struct health *health); /* NULL is fine */
/* "http://127.0.0.1:9090" of an address; size at least 80. ERROR_CONFIG. */
bool health_url(const char *address, char *out, size_t size, struct error *err) CHECKED;

/* --- health_text.c, health_page.c: the texts, of a monitor whose mutex is held --- */

void health_metrics(const struct monitor *monitor, struct buf *out);
json_t *health_status(const struct monitor *monitor); /* yours */
void health_page(const struct monitor *monitor, struct buf *out);

#endif
