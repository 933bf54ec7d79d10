/* SPDX-License-Identifier: Apache-2.0 */
/* credentials.h - where bearer tokens come from: variables, files, Google's credentials, Secret Manager.
 *
 * Each function makes a struct token (net/token.h), which the caller frees with token_free. Names and
 * settings are copied, but for `stop`.
 */
#ifndef CASELOAD_CREDENTIALS_CREDENTIALS_H
#define CASELOAD_CREDENTIALS_CREDENTIALS_H

#include <stdbool.h>

#include "base/setting.h"
#include "net/http.h"
#include "net/token.h"

/* A token in an environment variable or a file. It is read again after a 401; one trailing newline is
 * dropped. */
bool token_from_env(const char *name, struct token **out_token, struct error *err) CHECKED;
bool token_from_file(const char *path, struct token **out_token, struct error *err) CHECKED;

struct google_settings {
    const struct http_settings *http; /* copied, but for `stop` */
    /* Other addresses than Google's that a credentials file may name; NULL: none. */
    const char *sts_url;
    const char *iamcredentials_url;
};

/* Google's application default credentials: the file that GOOGLE_APPLICATION_CREDENTIALS names, else the one
 * that gcloud keeps, else the metadata server of the machine, which is waited for for half a minute. The
 * token is cached and renewed shortly before it expires, by one thread, while others get the old one.
 * ERROR_CONFIG: a file is wrong, or of an unsupported kind. ERROR_UNREACHABLE: there is no file, and no
 * metadata server. */
bool token_from_google(const struct google_settings *settings, struct token **out_token,
                       struct error *err) CHECKED;

/* The content of a Secret Manager version, "projects/P/secrets/S/versions/latest". `google` (borrowed)
 * authenticates the request; base_url NULL: Google's. Read once here, and again after a 401, at most once in
 * five minutes. */
bool token_from_secret(const struct http_settings *settings, const char *name, const char *base_url,
                       struct token *google, struct token **out_token, struct error *err) CHECKED;

/* An OAuth 2 client (RFC 6749), which asks for access tokens by its own secret (client credentials, 4.4), or
 * by a refresh token (6) that each access token replaces. The new one is kept in the place of the old one: in
 * a file, which is replaced as a whole, or in Secret Manager, as a new version. */
struct client_settings {
    const struct http_settings *http; /* copied, but for `stop` */
    const char *service;              /* for people: "Help Scout" */
    const char *token_url;
    const char *client_id;
    struct token *secret; /* ours after the call, also when it fails; read again when it is refused */
    const struct token_setting *refresh_token; /* NULL, or TOKEN_NONE: client credentials */
    struct token *google;                      /* of Secret Manager, if that keeps it; borrowed */
    const char *secretmanager_url;             /* NULL: Google's */
};

/* The token is cached, and renewed shortly before it expires or when it is refused. Nothing is asked for
 * here, and nothing is exchanged while the access token that is kept with a refresh token is good.
 * ERROR_CONFIG. */
bool token_from_client(const struct client_settings *settings, struct token **out_token,
                       struct error *err) CHECKED;

/* A token that a service's own login gives; login is ours after the call. Cached in the same way, without a
 * login here. */
struct token *token_from_login(struct token_login *login);

#endif
