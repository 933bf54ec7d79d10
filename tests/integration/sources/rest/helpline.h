/* SPDX-License-Identifier: Apache-2.0 */
/* helpline.h - a second source, which proves that sources/rest knows nothing of the first.
 *
 * It differs from Intercom in everything that can differ. The token is in the body of a POST, pages are
 * counted by offset or number, fields are camelCase, and lists are below a member. The reset of the rate
 * limit is a delay, and errors have HTTP status 200.
 */
#ifndef CASELOAD_TESTS_HELPLINE_H
#define CASELOAD_TESTS_HELPLINE_H

#include "rest/rest.h"

extern const struct rest_stream helpline_calls;    /* incremental, pages by offset, token in the body */
extern const struct rest_stream helpline_visits;   /* event, like calls, but of 3 in a window */
extern const struct rest_stream helpline_contacts; /* scan, pages by number, with the child table "notes" */

/* settings: http, token, progress and stop; the source owns the token. is_rpc: the token is in the body. */
bool helpline_create(const struct rest_source *settings, const char *base_url, bool is_rpc,
                     struct source **out_source, struct error *err);

#endif
