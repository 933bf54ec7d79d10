/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - shared by the files of this folder.
 *
 * token_from_local    a token in a variable or a file
 * token_from_google   finds credentials and their grant
 * grant               the grant of a credentials file, by its type
 * grant_account       service accounts and users
 * grant_external      workload and workforce identity federation
 * grant_impersonated  a service account's token, by another account's
 * grant_metadata      the grant of a machine
 * grant_client        the grant of an OAuth client: the token of a source
 * subject_token       the token of another identity provider, from a file or an address
 * token_form          requests of token servers
 * token_reply         their replies
 * token_cache         caches the token of a grant until shortly before it expires
 * token_from_login    the login of a service as a grant
 * token_from_secret   a secret of Secret Manager as a token
 * secret_manager      versions of a secret: read, added, destroyed
 * refresh_store       where a refresh token is kept: refresh_file, refresh_secret
 * google_url          which addresses a credentials file may name
 * jwt                 signed assertions
 *
 * Sources: RFC 6749, 7523 and 8693; google.aip.dev/auth/4110 to 4117; the IAM Service Account Credentials
 * API. Requests carry credentials, and files come from elsewhere: addresses are bounded by google_url.
 */
#ifndef CASELOAD_CREDENTIALS_INTERNAL_H
#define CASELOAD_CREDENTIALS_INTERNAL_H

#include <openssl/types.h>
#include <stdint.h>

#include "base/json.h"
#include "credentials/credentials.h"
#include "net/http.h"

#define SCOPE_CLOUD_PLATFORM "https://www.googleapis.com/auth/cloud-platform"

/* One way to get an access token. request_token is called by one thread at a time. */
struct grant {
    bool (*request_token)(struct grant *grant, struct secret *out_token, int64_t *out_lifetime_s,
                          struct error *err);
    void (*free)(struct grant *grant); /* called by grant_free */
    char *quota_project;               /* the grant's own; may be NULL */
};

void grant_free(struct grant *grant); /* NULL is fine */
/* Replaces the quota project, which becomes a header line. where names its place; value NULL changes nothing.
 */
bool grant_set_quota_project(struct grant *grant, const char *where, const char *value,
                             struct error *err) CHECKED;

/* credentials: the parsed file, borrowed; its secrets are wiped in place. path is for error texts. */
bool grant_new(const struct google_settings *settings, const char *path, json_t *credentials,
               struct grant **out_grant, struct error *err) CHECKED;
bool grant_account_new(const struct google_settings *settings, const char *path, json_t *credentials,
                       struct grant **out_grant, struct error *err) CHECKED;
bool grant_external_new(const struct google_settings *settings, const char *path, json_t *credentials,
                        struct grant **out_grant, struct error *err) CHECKED;
/* Takes `source`, also when it fails. credentials has service_account_impersonation_url; delegates may be
 * NULL. */
bool grant_impersonated_new(const struct google_settings *settings, const char *path,
                            const json_t *credentials, struct grant *source, struct grant **out_grant,
                            struct error *err) CHECKED;
/* Waits until the metadata server is there, as `patience` allows. ERROR_BUSY: it is not. */
bool grant_metadata_new(const struct http_settings *settings, const struct retry *patience,
                        struct grant **out_grant, struct error *err) CHECKED;
extern const struct retry metadata_patience;

/* How a service account becomes an access token. Google's own APIs take the signed assertion itself, which
 * needs no network; any other token server, or another universe of Google's, wants it exchanged. Both texts
 * may be NULL: Google's. */
enum account_way { WAY_SELF_SIGNED, WAY_EXCHANGE, WAY_REFRESH };
enum account_way grant_account_way(const char *token_uri, const char *universe_domain);

/* Takes the grant. now_ms is a monotonic clock; NULL: clock_ms. */
struct token *token_cache_new(struct grant *grant, int64_t (*now_ms)(void));

/* The token of another identity provider. */
struct subject_token;
bool subject_token_new(const struct google_settings *settings, const char *path, const json_t *source,
                       struct subject_token **out_subject, struct error *err) CHECKED;
/* Read again each time. */
bool subject_token_read(struct subject_token *subject, struct secret *out_token, struct error *err) CHECKED;
void subject_token_free(struct subject_token *subject); /* NULL is fine */

/* One secret of Secret Manager. name: of a version, "projects/P/secrets/S/versions/latest". */
struct secret_manager {
    struct http *http;
    struct token *google; /* borrowed */
    char *name, *host, *access_url;
};

/* base_url NULL: Google's. */
bool secret_manager_open(const struct http_settings *settings, const char *name, const char *base_url,
                         struct token *google, struct secret_manager *out_manager, struct error *err) CHECKED;
void secret_manager_close(struct secret_manager *manager);
/* out_version: the name of the version that was read, yours; may be NULL. */
bool secret_manager_read(const struct secret_manager *manager, struct secret *out, char **out_version,
                         struct error *err) CHECKED;
bool secret_manager_add(const struct secret_manager *manager, const struct secret *value,
                        struct error *err) CHECKED;
bool secret_manager_destroy(const struct secret_manager *manager, const char *version,
                            struct error *err) CHECKED;

/* Where a refresh token is kept, with the access token that came with it. Its value is one text: what a
 * person put there, or {"refresh_token": .., "access_token": ..}. One thread at a time, and one process where
 * that can be ensured. */
struct refresh_store {
    /* Between these, no other process changes the value, if the store can ensure that. lock also ends what
     * another process began and did not end. */
    bool (*lock)(struct refresh_store *store, struct error *err);
    void (*unlock)(struct refresh_store *store);
    bool (*read)(struct refresh_store *store, struct secret *out_value, struct error *err);
    /* A write will follow: fails now if that would fail for a reason that is known now. */
    bool (*prepare)(struct refresh_store *store, struct error *err);
    /* Replaces the value: afterwards it is there, or the old one is. */
    bool (*write)(struct refresh_store *store, const struct secret *value, struct error *err);
    void (*free)(struct refresh_store *store);
    const char *name;     /* for people; lives as long as the store */
    bool was_interrupted; /* a process ended between prepare and the end of write */
    bool is_shared;       /* others may change the value at any time */
};

bool refresh_file_new(const char *path, struct refresh_store **out_store, struct error *err) CHECKED;
bool refresh_secret_new(const struct http_settings *settings, const char *name, const char *base_url,
                        struct token *google, struct refresh_store **out_store, struct error *err) CHECKED;

/* A text of the file: NULL, and an error, if it is absent, empty or no text. */
const char *google_member(const json_t *credentials, const char *key, const char *path,
                          struct error *err) CHECKED;
/* Must the address that the file names under `key` be refused? Allowed are https, the hosts of the service
 * ("sts": sts.googleapis.com, its regional ones and those of Private Service Connect), and `other`, a
 * configured address (may be NULL). */
bool google_url_check(const char *url, const char *service, const char *other, const char *path,
                      const char *key, struct error *err) CHECKED;

/* An RSA key in PEM; EVP_PKEY_free wipes it. ERROR_CONFIG; the text holds nothing of the key. */
bool jwt_key(const char *pem, EVP_PKEY **out_key, struct error *err) CHECKED;
/* header.claims.signature by RS256. key_id may be NULL. */
bool jwt_sign(EVP_PKEY *key, const char *key_id, const json_t *claims, struct secret *out_jwt,
              struct error *err) CHECKED;

/* application/x-www-form-urlencoded. Never reallocated, so that wiping it leaves no copy. */
struct token_form {
    char *text;
    size_t size;
};
void token_form_add(struct token_form *form, const char *name, const char *value);
void token_form_done(struct token_form *form);
/* Posts the form. The reply is yours, whatever its status. */
bool token_form_post(struct http *http, const char *url, const struct token_form *form, const char *who,
                     struct http_reply *out_reply, struct error *err) CHECKED;

/* NULL if the variable is not set, or empty. */
const char *environment(const char *name);
/* Retries what may work later; everything else is the caller's. */
extern const struct http_policy token_policy;
extern const struct retry token_retry;
#define TOKEN_TIMEOUT_S   20
#define TOKEN_REPLY_LIMIT 65536
/* The wall clock, which the program has only for assertions and their answers. */
int64_t real_time_s(void);
/* NULL if the reply is not JSON, without an error that would quote it. Yours. */
json_t *token_json(const struct http_reply *reply);
/* {"access_token": .., "expires_in": ..}; wipes the reply. who names the server. */
bool token_reply(struct http_reply *reply, const char *who, struct secret *out_token, int64_t *out_lifetime_s,
                 struct error *err) CHECKED;
/* {"accessToken": .., "expireTime": ..}, by the server's own clock; wipes the reply. */
bool token_reply_until(struct http_reply *reply, const char *who, struct secret *out_token,
                       int64_t *out_lifetime_s, struct error *err) CHECKED;
/* Text of a peer for a sentence: printable ASCII, cut. */
void token_quote(const char *text, char *out_text, size_t size);
/* Fails unless the text can stand in a header line. where names its place. */
bool token_check(const struct secret *secret, const char *where, struct error *err) CHECKED;
/* In a time that tells nothing of their bytes. */
bool token_is_same(const struct secret *one, const struct secret *other) CHECKED;
/* Overwrites a text in place, wherever it is: jansson's strings are const to others. */
void token_wipe(const char *text);

#endif
