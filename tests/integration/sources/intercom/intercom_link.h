/* SPDX-License-Identifier: Apache-2.0 */
/* intercom_link.h - Intercom as a source, linked with a server of a test on this machine. The functions
 * assert.
 */
#ifndef CASELOAD_TESTS_INTERCOM_LINK_H
#define CASELOAD_TESTS_INTERCOM_LINK_H

#include "core/stream.h"
#include "sources/sources.h"

#define LINK_TOKEN "test-token"

/* Zeroed: not linked with anything. */
struct link {
    struct http *http;
    struct token *token;
    struct source *source;
};

/* settings: base_url, http and token are filled in; rate_share 0: 0.8. */
void link_open(struct link *link, int port, struct source_settings settings);
void link_close(struct link *link);

const struct stream *stream_of(const char *name); /* of Intercom's */

#endif
