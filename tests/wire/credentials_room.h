/* credentials_room.h - one test's room: the sandbox with its credentials, and a client that needs a token. */
#ifndef CASELOAD_TESTS_CREDENTIALS_ROOM_H
#define CASELOAD_TESTS_CREDENTIALS_ROOM_H

#include <jansson.h>

#include "net/http.h"
#include "sandbox.h"

#define ROOM_PATH 128

struct room {
    struct sandbox *sandbox;
    char folder[ROOM_PATH];
    char key_file[ROOM_PATH + 32]; /* the sandbox's own; its token_uri is Google's */
    char ca_file[ROOM_PATH + 32];
    char url[64]; /* http(s)://127.0.0.1:PORT */
    struct token_settings settings;
    struct http *http;
    struct token *token;
    struct error err;
};

/* No credentials are in the environment then, and none are found at home. */
void room_open(struct room *room, bool tls);
void room_close(struct room *room);

/* Credentials files into the room, named by GOOGLE_APPLICATION_CREDENTIALS. NULL members stay as they are. */
void room_use_key(struct room *room, const char *token_uri, const char *private_key);
void room_use_user(struct room *room, const char *refresh_token);
void room_use_text(struct room *room, const char *text);

bool room_credentials(struct room *room); /* token_from_google, into the room */
/* A BigQuery call with the room's token: its status, 0: no answer, and err says why. */
int room_call(struct room *room);
/* Changes the sandbox by /control/auth. */
void room_control(struct room *room, const char *json);
/* What must stay secret; yours. */
json_t *room_secrets(struct room *room);
void room_fault(struct room *room, const char *line);
void room_advance(struct room *room, int64_t seconds);
size_t room_count(struct room *room, const char *service, const char *operation);
void room_expect_error(struct room *room, enum error_kind kind, const char *says);

#endif
