/* SPDX-License-Identifier: Apache-2.0 */
/* auth.h - who may come in: service account, user, access tokens, the source's token. Any thread.
 *
 * auth.c        what is known, and the check of a bearer token
 * federation.c  another identity provider, the Security Token Service, impersonation
 * jwt.c         signed assertions
 * routes.c      the token server, the metadata server, Secret Manager, /control/auth
 *
 * Issued tokens expire by the virtual clock; an assertion's times are judged by the real one.
 */
#ifndef CASELOAD_SANDBOX_AUTH_H
#define CASELOAD_SANDBOX_AUTH_H

#include <jansson.h>
#include <openssl/types.h>
#include <pthread.h>

#include "base/error.h"
#include "httpd/httpd.h"
#include "shared/virtual_clock.h"

#define AUTH_EMAIL   "caseload@sandbox.iam.gserviceaccount.com"
#define AUTH_CHAINED "chained@sandbox.iam.gserviceaccount.com" /* may be impersonated by AUTH_EMAIL alone */
#define AUTH_WORKLOAD                                                                                        \
    "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/pool/providers/oidc"
#define AUTH_WORKFORCE "//iam.googleapis.com/locations/global/workforcePools/pool/providers/oidc"
#define AUTH_SECRET    "intercom-token" /* a secret of every project */
#define AUTH_NAME      65

enum jwt_fault { JWT_GOOD, JWT_MALFORMED, JWT_UNKNOWN_ACCOUNT, JWT_BAD_SIGNATURE, JWT_BAD_TIME };

struct auth_options {
    struct virtual_clock *clock;
    const char *source_token; /* the first version of the secret */
    bool is_required;         /* Google's services want bearer tokens */
    const char *key_file;     /* where the service account's key is written; may be NULL */
};

struct auth {
    struct virtual_clock *clock;
    bool is_required;
    EVP_PKEY *key; /* the service account's; NULL: bearer tokens are not required */
    char *key_pem;
    char key_id[AUTH_NAME];
    char client_id[AUTH_NAME];
    char client_secret[AUTH_NAME];
    char refresh_token[AUTH_NAME];

    pthread_mutex_t lock;  /* over what follows */
    json_t *tokens;        /* all that were issued: token -> when it expires, virtual us */
    char *subject_token;   /* of the other identity provider, now */
    json_t *secrets;       /* others, by name: the texts of their versions, null where they are destroyed */
    char *source_token;    /* the newest version of the secret */
    int64_t version;       /* its number; older ones are disabled */
    bool version_disabled; /* and so is it */
    bool revoked;          /* key and refresh token */
    int64_t lifetime_s;    /* of tokens to come */
    int64_t refusals;      /* so many bearer tokens to come are refused, whatever they are */
};

struct auth *auth_new(const struct auth_options *options, struct error *err); /* NULL: err says why */
void auth_free(struct auth *auth);
extern const struct route auth_routes[]; /* their service is the struct auth */

bool auth_is_source_token(struct auth *auth, const char *token);
/* Has the request a valid bearer token (or is none required)? Else it is answered 401. */
bool auth_admits(struct auth *auth, struct exchange *exchange);
/* The same for gRPC: NULL, or the words of the refusal. authorization may be NULL. */
const char *auth_refusal(struct auth *auth, const char *authorization);
json_t *auth_key_file(const struct auth *auth); /* the service account's; yours */

void auth_handle_subject(struct exchange *exchange);
void auth_handle_sts(struct exchange *exchange);
void auth_handle_impersonation(struct exchange *exchange);

/* One check of an Authorization header's value; NULL: absent. */
bool auth_accepts(struct auth *auth, const char *authorization);
/* {"access_token": .., "expires_in": .., "token_type": "Bearer"}; yours. */
json_t *auth_issue(struct auth *auth);

/* Is it signed by the account's key, and timely? The claims are yours in any case; NULL if there are none. */
enum jwt_fault jwt_verify(const struct auth *auth, const char *text, json_t **out_claims);
uint32_t auth_crc32c(const char *bytes, size_t size);

/* --- secrets.c --- */
void auth_refuse_secret(struct exchange *exchange, int status, const char *word, const char *text);
void auth_reply_secret(struct exchange *exchange, const char *secret, const char *payload, int64_t version);
/* version: "latest:access". */
void auth_read_kept_secret(struct exchange *exchange, const char *secret, const char *version);
void auth_add_version(struct exchange *exchange);
void auth_destroy_version(struct exchange *exchange);

/* A field of a form, decoded; yours, NULL: absent. */
char *auth_form_field(const struct exchange *exchange, const char *name);

#endif
