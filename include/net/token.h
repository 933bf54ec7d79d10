/* token.h - who we are, as a bearer token. One implementation a kind; a cache is one too.
 *
 * get may be called from any thread. The text it fills is yours (secret_done).
 */
#ifndef CASELOAD_NET_TOKEN_H
#define CASELOAD_NET_TOKEN_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"

struct token {
    /* renew: the last one was refused (401): fetch another. ERROR_AUTH or ERROR_BUSY. */
    bool (*get)(struct token *token, bool renew, struct secret *out_bearer, struct error *err);
    void (*free)(struct token *token);
    const char *quota_project; /* sent beside it as x-goog-user-project; NULL: none */
};

/* A token read from an environment variable or a file (again after a 401; one trailing newline is dropped).
 * The names are copied. */
bool token_from_env(const char *name, struct token **out_token, struct error *err) CHECKED;
bool token_from_file(const char *path, struct token **out_token, struct error *err) CHECKED;

/* What those need that ask over the network. Copied, but for stop. */
struct token_settings {
    const char *user_agent;
    const char *ca_file;     /* NULL: the system's */
    const atomic_bool *stop; /* may be NULL */
};

/* Google's application default credentials: the file that GOOGLE_APPLICATION_CREDENTIALS names, else the one
 * that gcloud keeps, else the metadata server of the machine. Service accounts (a signed assertion, used as
 * it is or exchanged) and users (a refresh token). Cached, and fetched anew shortly before it expires, by one
 * thread at a time; while that lasts the others get the old one as long as it is valid. The first token is
 * fetched by the first get. ERROR_CONFIG: there are no credentials, or they are of another kind. */
bool token_from_google(const struct token_settings *settings, struct token **out_token,
                       struct error *err) CHECKED;

/* The content of a Secret Manager version, "projects/P/secrets/S/versions/latest". google (borrowed) pays for
 * the road there; base_url NULL: Google's. Read again after a 401, at most once in five minutes. The first
 * reading happens here. */
bool token_from_secret(const struct token_settings *settings, const char *name, const char *base_url,
                       struct token *google, struct token **out_token, struct error *err) CHECKED;

void token_free(struct token *token); /* NULL is fine */

#endif
