/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - what `serve` counts of its requests and leases, for Prometheus.
 *
 * One a process, from its start. Any thread may count; metrics_write reads what was counted so far. Names and
 * meanings are in docs/operating.md.
 */
#ifndef CASELOAD_APP_METRICS_H
#define CASELOAD_APP_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/source.h"
#include "net/http.h"

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics); /* NULL is fine */

/* One try of a request over HTTP. status: 0: there was no response. */
void metrics_http(struct metrics *metrics, enum http_service service, int status, int64_t duration_ms);
/* One try of a call over gRPC. code: a constant text, "OK"; one of the protocol's. */
void metrics_rpc(struct metrics *metrics, const char *code, int64_t duration_ms);
/* One try to extend the lease of the message that is worked on. */
void metrics_lease(struct metrics *metrics, bool is_extended);

/* The rate limit of this source is shown; worker: "ticks". Both live until the metrics are not written any
 * more. */
void metrics_add_source(struct metrics *metrics, const char *worker, struct source *source);

/* The lines before a metric's values. */
void metrics_help(struct buf *out, const char *name, const char *type, const char *help);
/* Appends Prometheus text: https://prometheus.io/docs/instrumenting/exposition_formats/ */
void metrics_write(struct metrics *metrics, struct buf *out);

#endif
