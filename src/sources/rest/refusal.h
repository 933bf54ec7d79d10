/* SPDX-License-Identifier: Apache-2.0 */
/* refusal.h - what it means that the service did not give what was requested: errors for people. One thread.
 *
 * All but the first return false, so that `return refusal_...` reads well.
 */
#ifndef CASELOAD_SOURCES_REST_REFUSAL_H
#define CASELOAD_SOURCES_REST_REFUSAL_H

#include "exchange.h"

/* Notes in exchange->canonical where a record that has gone is now; "": nowhere that is known. */
void refusal_keep_canonical(struct exchange *exchange, const struct http_reply *reply);
/* By the dialect's table of refusals. */
bool refusal_report(const struct exchange *exchange, struct error *err);
/* 401: asks whether the token is good for other paths. */
bool refusal_report_unauthorized(const struct exchange *exchange, struct error *err);
/* No answer could be used: adds to err what the tries had in common. */
bool refusal_explain(const struct exchange *exchange, struct error *err);

#endif
