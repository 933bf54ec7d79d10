/* SPDX-License-Identifier: Apache-2.0 */
/* intercom_link.h - Intercom as a source, linked with a server of a test on this machine. The functions
 * assert.
 */
#ifndef CASELOAD_TESTS_INTERCOM_LINK_H
#define CASELOAD_TESTS_INTERCOM_LINK_H

#include "../../../../src/sources/intercom/intercom.h"
#include <stdint.h>

#include "core/stream.h"

#define LINK_TOKEN "test-token"

/* Options own their texts elsewhere; a test lends them constants. */
#define LENT(constant) ((char *)(uintptr_t)(constant))
#define LENT_NAMES(...)                                                                                      \
    {                                                                                                        \
        .names = (char *[]){__VA_ARGS__}, .count = sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)          \
    }

/* Zeroed: not linked with anything. */
struct link {
    struct http *http;
    struct intercom_options options;
    struct source *source;
};

/* context: http and open_token are filled in. options: base_url and token are; rate_share 0: 0.8. Its texts
 * and lists are borrowed. */
void link_open(struct link *link, int port, struct source_context context, struct intercom_options options);
/* Of struct source_context: the token that a setting names in the environment. */
bool link_open_token(void *self, const struct token_setting *setting, struct token **out_token,
                     struct error *err);
void link_close(struct link *link);

const struct stream *stream_of(const char *name); /* of Intercom's */

#endif
