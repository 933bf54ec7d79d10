/* SPDX-License-Identifier: Apache-2.0 */
/* run_report.h - what the log says about a stream of a run. One thread. */
#ifndef CASELOAD_CORE_RUN_REPORT_H
#define CASELOAD_CORE_RUN_REPORT_H

#include "core/run.h"

void run_report_stream(const struct stream_result *result, const struct run_trigger *trigger);
/* Its new rejects, and the statement that shows them. */
void run_report_rejected(const struct stream_result *result, const struct run_trigger *trigger,
                         const char *control);
/* A record of a reconciliation that can't be loaded: it is there, so it is not declared deleted. */
void run_report_kept(const char *stream, const struct run_trigger *trigger, const char *id,
                     const char *reason);
/* Fails: the rows are committed, but the message stays until people have removed the second ones. */
bool run_report_doubled(const struct stream *stream, const struct run_trigger *trigger, int64_t doubled,
                        struct error *err);
/* The source has news about the stream. */
void run_report_notice(const struct stream *stream, const struct run_trigger *trigger, const char *notice);
/* The list of a reconciliation shows most records in another form than their rows. */
void run_report_refused_contents(const char *stream, const struct run_trigger *trigger,
                                 const struct committed *committed);
void run_report_contradiction(const char *stream, const struct run_trigger *trigger, int64_t expected,
                              int64_t received);

#endif
