/* SPDX-License-Identifier: Apache-2.0 */
/* credentials_fixture.h - one test's fixture: the sandbox with its credentials, and a client that needs a
 * token.
 */
#ifndef CASELOAD_TESTS_CREDENTIALS_FIXTURE_H
#define CASELOAD_TESTS_CREDENTIALS_FIXTURE_H

#include <jansson.h>

#include "credentials/credentials.h"
#include "net/http.h"
#include "sandbox.h"

#define ROOM_PATH 128

struct fixture {
    struct sandbox *sandbox;
    char folder[ROOM_PATH];
    char key_file[ROOM_PATH + 32]; /* the sandbox's own; its token_uri is Google's */
    char ca_file[ROOM_PATH + 32];
    char url[64]; /* http(s)://127.0.0.1:PORT */
    struct http_settings settings;
    struct google_settings google; /* the sandbox stands for Google's token services, too */
    struct http *http;
    struct token *token;
    struct error err;
};

/* No credentials are in the environment then, and none are found at home. */
void fixture_open(struct fixture *fixture, bool tls);
void fixture_close(struct fixture *fixture);

/* Credentials files into the fixture, named by GOOGLE_APPLICATION_CREDENTIALS. NULL members stay as they are.
 */
void fixture_use_key(struct fixture *fixture, const char *token_uri, const char *private_key);
void fixture_use_user(struct fixture *fixture, const char *refresh_token);
void fixture_use_text(struct fixture *fixture, const char *text);
void fixture_use(struct fixture *fixture, const json_t *value);
json_t *fixture_user(const struct fixture *fixture, const char *refresh_token); /* yours */
/* Federated, by {"url": ..} of the sandbox's own provider with its header; yours. */
json_t *fixture_external(const struct fixture *fixture);

bool fixture_credentials(struct fixture *fixture); /* token_from_google, into the fixture */
/* A BigQuery call with the fixture's token: its status, 0: no answer, and err says why. */
int fixture_call(struct fixture *fixture);
/* Changes the sandbox by /control/auth. */
void fixture_control(struct fixture *fixture, const char *json);
/* Texts that must stay secret; yours. */
json_t *fixture_secrets(struct fixture *fixture);
void fixture_fault(struct fixture *fixture, const char *line);
void fixture_advance(struct fixture *fixture, int64_t seconds);
size_t fixture_count(struct fixture *fixture, const char *service, const char *operation);
void fixture_expect_error(struct fixture *fixture, enum error_kind kind, const char *says);

#endif
