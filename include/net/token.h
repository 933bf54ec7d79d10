/* SPDX-License-Identifier: Apache-2.0 */
/* token.h - a bearer token that net sends with a request. Implementations are in credentials/.
 *
 * get may be called from any thread. The text it fills is the caller's (secret_done).
 */
#ifndef CASELOAD_NET_TOKEN_H
#define CASELOAD_NET_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/secret.h"

struct token {
    /* refused: what the service refused (401): get another; NULL: nothing. ERROR_AUTH or ERROR_BUSY. */
    bool (*get)(struct token *token, const struct secret *refused, struct secret *out_bearer,
                struct error *err);
    /* The token without waiting; false: get has to be called, and may take long. NULL: get never waits. */
    bool (*get_cached)(struct token *token, struct secret *out_bearer);
    void (*free)(struct token *token);
    const char *quota_project; /* sent as x-goog-user-project; NULL: none */
};

void token_free(struct token *token); /* NULL is fine */

/* How a service gives tokens that end. credentials makes a struct token of it. */
struct token_login {
    /* One thread at a time; may take long. The lifetime is at least a second. */
    bool (*log_in)(struct token_login *login, struct secret *out_token, int64_t *out_lifetime_s,
                   struct error *err);
    void (*free)(struct token_login *login);
};

#endif
