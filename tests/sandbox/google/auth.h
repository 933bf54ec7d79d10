/* SPDX-License-Identifier: Apache-2.0 */
/* auth.h - who may come in: service account, user, access tokens, the source's token. Any thread.
 *
 * auth.c         what is known, and the check of a bearer token
 * auth_jwt.c     signed assertions
 * auth_routes.c  the token server, the metadata server, Secret Manager, /control/auth
 *
 * Issued tokens expire by the virtual clock; an assertion's times are judged by the real one, which the
 * answers' Date header tells.
 */
#ifndef CASELOAD_SANDBOX_AUTH_H
#define CASELOAD_SANDBOX_AUTH_H

#include <jansson.h>
#include <openssl/types.h>
#include <pthread.h>

#include "sandbox_internal.h"

#define AUTH_EMAIL  "caseload@sandbox.iam.gserviceaccount.com"
#define AUTH_SECRET "intercom-token" /* the one secret of every project */
#define AUTH_NAME   65

enum jwt_fault { JWT_GOOD, JWT_MALFORMED, JWT_UNKNOWN_ACCOUNT, JWT_BAD_SIGNATURE, JWT_BAD_TIME };

struct auth {
    struct sandbox *sandbox;
    EVP_PKEY *key; /* the service account's; NULL without --auth */
    char *key_pem;
    char key_id[AUTH_NAME];
    char client_id[AUTH_NAME];
    char client_secret[AUTH_NAME];
    char refresh_token[AUTH_NAME];

    pthread_mutex_t lock;  /* over what follows */
    json_t *tokens;        /* all that were issued: token -> when it expires, virtual us */
    char *source_token;    /* the newest version of the secret */
    int64_t version;       /* its number; older ones are disabled */
    bool version_disabled; /* and so is it */
    bool revoked;          /* key and refresh token */
    int64_t lifetime_s;    /* of tokens to come */
    int64_t refusals;      /* so many bearer tokens to come are refused, whatever they are */
};

/* One check of an Authorization header's value; NULL: absent. */
bool auth_accepts(struct auth *auth, const char *authorization);
/* {"access_token": .., "expires_in": .., "token_type": "Bearer"}; yours. */
json_t *auth_issue(struct auth *auth);

/* Is it signed by the account's key, and timely? The claims are yours in any case; NULL if there are none. */
enum jwt_fault jwt_verify(const struct auth *auth, const char *text, json_t **out_claims);
uint32_t auth_crc32c(const char *bytes, size_t size);

#endif
