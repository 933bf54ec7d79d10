/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - shared by the files of this folder.
 *
 * token_from_local    a token in a variable or a file
 * token_from_google   finds credentials and their grant
 * grant_account       grants of a credentials file
 * grant_metadata      the grant of a machine
 * token_cache         caches the token of a grant until shortly before it expires
 * token_from_secret   a secret of Secret Manager as a token
 * token_reply         the replies of token servers
 * jwt                 signed assertions
 */
#ifndef CASELOAD_CREDENTIALS_INTERNAL_H
#define CASELOAD_CREDENTIALS_INTERNAL_H

#include <openssl/types.h>
#include <stdint.h>

#include "base/json.h"
#include "credentials/credentials.h"
#include "net/http.h"

/* One way to get an access token. request_token is called by one thread at a time. */
struct grant {
    bool (*request_token)(struct grant *grant, struct secret *out_token, int64_t *out_lifetime_s,
                          struct error *err);
    void (*free)(struct grant *grant);
    const char *quota_project; /* the grant's own; may be NULL */
};

/* Takes the grant. now_ms is a monotonic clock; NULL: clock_ms. */
struct token *token_cache_new(struct grant *grant, int64_t (*now_ms)(void));

/* How a service account becomes an access token. Google's own APIs take the signed assertion itself, which
 * needs no network; any other token server, or another universe of Google's, wants it exchanged. Both texts
 * may be NULL: Google's. */
enum account_way { WAY_SELF_SIGNED, WAY_EXCHANGE, WAY_REFRESH };
enum account_way grant_account_way(const char *token_uri, const char *universe_domain);

/* credentials: the parsed file, borrowed; its secrets are wiped in place. path is for error texts. */
bool grant_account_new(const struct http_settings *settings, const char *path, json_t *credentials,
                       struct grant **out_grant, struct error *err) CHECKED;
/* Asks the metadata server whether it is one. */
bool grant_metadata_new(const struct http_settings *settings, struct grant **out_grant,
                        struct error *err) CHECKED;

/* An RSA key in PEM; EVP_PKEY_free wipes it. ERROR_CONFIG; the text holds nothing of the key. */
bool jwt_key(const char *pem, EVP_PKEY **out_key, struct error *err) CHECKED;
/* header.claims.signature by RS256. key_id may be NULL. */
bool jwt_sign(EVP_PKEY *key, const char *key_id, const json_t *claims, struct secret *out_jwt,
              struct error *err) CHECKED;

/* NULL if the variable is not set, or empty. */
const char *environment(const char *name);
/* Retries what may work later; everything else is the caller's. */
extern const struct http_policy token_policy;
extern const struct retry token_retry;
/* NULL if the reply is not JSON, without an error that would quote it. Yours. */
json_t *token_json(const struct http_reply *reply);
/* {"access_token": .., "expires_in": ..}; wipes the reply. who names the server. */
bool token_reply(struct http_reply *reply, const char *who, struct secret *out_token, int64_t *out_lifetime_s,
                 struct error *err) CHECKED;
/* Text of a peer for a sentence: printable ASCII, cut. */
void token_quote(const char *text, char *out_text, size_t size);
/* Fails unless the text can stand in a header line. where names its place. */
bool token_check(const struct secret *secret, const char *where, struct error *err) CHECKED;
/* Overwrites a text in place, wherever it is: jansson's strings are const to others. */
void token_wipe(const char *text);

#endif
