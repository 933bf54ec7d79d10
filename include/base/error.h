/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - the one way to fail.
 *
 * A function that can fail returns bool (true: done) and takes a `struct error *` last, never NULL, which it
 * fills only when it returns false. The caller owns the error on its stack: it has a fixed size and no
 * pointers to free. No secret may enter a text.
 *
 * The kind says what has to happen next: retry (BUSY), change a setting (CONFIG), look at credentials (AUTH).
 * error_rules alone decides what it means for the message and the process.
 *
 * The text is for the operator: "failure: cause. Remedy." The innermost function writes it with error_set;
 * callers that know more put their context in front with error_wrap:
 *
 *     bool stage_open(struct stage *stage, const char *name, struct error *err)
 *     {
 *         if (!create_table(stage, name, err)) return error_wrap(err, "staging table %s", name);
 *         ...
 *     static bool create_table(...)
 *         if (reply.status == 403)
 *             return error_set_status(err, ERROR_CONFIG, 403, "access denied: grant bigquery.tables.create");
 *
 *     config, 403, "staging table x: access denied: grant bigquery.tables.create", at stage.c:41
 *
 * error_set overwrites all of an error that was handled. To change its class on the way up, assign err->kind.
 * The log shows file and line of the innermost error_set as "at".
 */
#ifndef CASELOAD_BASE_ERROR_H
#define CASELOAD_BASE_ERROR_H

#include <stdbool.h>

#include "base/attr.h"

enum error_kind {
    ERROR_NONE,
    ERROR_CONFIG,      /* our settings are wrong: a person must change them */
    ERROR_AUTH,        /* credentials are refused: a person must look */
    ERROR_REQUEST,     /* the trigger message is not understood */
    ERROR_FORBIDDEN,   /* the source's plan or the token's scope excludes this stream */
    ERROR_BUSY,        /* the same call may work later */
    ERROR_REFUSED,     /* the peer will never accept this */
    ERROR_FORMAT,      /* the peer said something that can't be read */
    ERROR_LIMIT,       /* one of our own ceilings was hit */
    ERROR_UNREACHABLE, /* nothing answers at an address that we begin with */
    ERROR_STOPPED,     /* we are shutting down, or lost the lease */
    ERROR_KINDS
};

struct error {
    enum error_kind kind;
    int status;       /* HTTP or gRPC status of the response, 0 if there was none */
    const char *file; /* where error_set was called; a constant */
    int line;
    char text[1004];
};
_Static_assert(sizeof(struct error) == 1024, "one error is 1024 bytes");

enum error_message { MESSAGE_ACK, MESSAGE_NACK, MESSAGE_NACK_NOW };

struct error_rule {
    const char *name;           /* stable, for logs and tables */
    const char *meaning;        /* one clause for people */
    enum error_message message; /* when a whole run ends so */
    bool leave;                 /* the process exits */
    bool stream_only;           /* other streams of the request go on */
    int run_exit_code;          /* of a command that ends so; the codes are those of sysexits.h */
    int serve_exit_code;        /* of `serve`, if it can't start or leaves */
};

extern const struct error_rule error_rules[ERROR_KINDS];

/* All return false, so that `return error_set(...)` reads well. Texts that do not fit are cut; control
 * characters, as a peer may send them, become blanks. */
#define error_set(err, kind, ...) error_set_at(__FILE__, __LINE__, err, kind, 0, __VA_ARGS__)
#define error_set_status(err, kind, status, ...)                                                             \
    error_set_at(__FILE__, __LINE__, err, kind, status, __VA_ARGS__)
bool error_set_at(const char *file, int line, struct error *err, enum error_kind kind, int status,
                  const char *format, ...) PRINTF(6, 7);
/* "context: text"; kind, status, file and line stay. */
bool error_wrap(struct error *err, const char *format, ...) PRINTF(2, 3);

#define ERROR_ORIGIN 64
/* "run.c:123", without folders; "" without an error. Returns out. */
const char *error_origin(const struct error *err, char out[ERROR_ORIGIN]);

#endif
