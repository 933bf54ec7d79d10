/* SPDX-License-Identifier: Apache-2.0 */
/* http_fixture.h - one test's fixture: a client, and a server that answers as written. */
#ifndef CASELOAD_TESTS_HTTP_FIXTURE_H
#define CASELOAD_TESTS_HTTP_FIXTURE_H

#include "net/http.h"
#include "server_script.h"

#define REPLY_LIMIT 65536
#define OK_REPLY    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define BUSY_REPLY  "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"

#define STEPS(...)                                                                                           \
    (const struct step[]){__VA_ARGS__}, sizeof((const struct step[]){__VA_ARGS__}) / sizeof(struct step)

extern const struct retry quick;

struct fixture {
    struct server_script *server;
    struct http *http;
    atomic_bool stop;
    char url[128];
    struct error err;
    struct http_reply reply;
};

void fixture_open(struct fixture *fixture, const struct step *steps, size_t count, bool tls);
void fixture_close(struct fixture *fixture);
/* A GET of the URL, whose query is a secret; 401 renews, 429 and 5xx are tried again quickly. */
struct http_request get(const struct fixture *fixture);
bool ask(struct fixture *fixture, const struct http_request *request); /* stored in the fixture */
void expect_error(struct fixture *fixture, enum error_kind kind);      /* ... and it keeps the secret */

#endif
