/* token.h - who we are, as a bearer token. One implementation a kind; a cache is one too.
 *
 * get may be called from any thread. The text it fills is yours (secret_done).
 */
#ifndef CASELOAD_NET_TOKEN_H
#define CASELOAD_NET_TOKEN_H

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"

struct token {
    /* renew: the last one was refused (401): fetch another. ERROR_AUTH or ERROR_BUSY. */
    bool (*get)(struct token *token, bool renew, struct secret *out_bearer, struct error *err);
    void (*free)(struct token *token);
};

/* A token read from an environment variable or a file (again after a 401; one trailing newline is dropped).
 * The names are copied. */
bool token_from_env(const char *name, struct token **out_token, struct error *err) CHECKED;
bool token_from_file(const char *path, struct token **out_token, struct error *err) CHECKED;
void token_free(struct token *token); /* NULL is fine */

#endif
