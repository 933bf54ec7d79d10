/* SPDX-License-Identifier: Apache-2.0 */
/* error.h - the one way to fail.
 *
 * A function that can fail returns bool (true: done) and takes a `struct error *` last, never NULL, which it
 * fills only when it returns false. The kind is chosen by what has to be done next, not by where the error
 * came from; error_rules is the one table that says what that is. The text is a sentence with the way out:
 * what failed, for which stream, unit, page and request id, what it means, what to do. Callers put context in
 * front of it with error_wrap on the way up.
 *
 * Errors live on the caller's stack, have a fixed size and own nothing. No secret may enter a text.
 */
#ifndef CASELOAD_BASE_ERROR_H
#define CASELOAD_BASE_ERROR_H

#include <stdbool.h>

#include "base/attr.h"

enum error_kind {
    ERROR_NONE,
    ERROR_CONFIG,    /* our settings are wrong: a person must change them */
    ERROR_AUTH,      /* credentials are refused: a person must look */
    ERROR_REQUEST,   /* the trigger message is not understood */
    ERROR_FORBIDDEN, /* the source's plan or the token's scope excludes this stream */
    ERROR_BUSY,      /* the same call may work later */
    ERROR_REFUSED,   /* the peer will never accept this */
    ERROR_FORMAT,    /* the peer said something that can't be read */
    ERROR_LIMIT,     /* one of our own ceilings was hit */
    ERROR_STOPPED,   /* we are shutting down, or lost the lease */
    ERROR_KINDS
};

struct error {
    enum error_kind kind;
    int status; /* HTTP or gRPC status behind it, 0 if none */
    char text[1016];
};
_Static_assert(sizeof(struct error) == 1024, "one error is 1024 bytes");

/* What becomes of the message and of the process. */
enum error_message { MESSAGE_ACK, MESSAGE_NACK, MESSAGE_NACK_NOW };

struct error_rule {
    const char *name;           /* stable, for logs and tables */
    const char *meaning;        /* one clause for people */
    enum error_message message; /* when a whole run ends so */
    bool leave;                 /* the process exits */
    bool stream_only;           /* other streams of the request go on */
    int exit_code;              /* of `run`, and of `serve` when it leaves; see sysexits.h */
};

extern const struct error_rule error_rules[ERROR_KINDS];

/* Both return false, so that `return error_set(...)` reads well. Texts that do not fit are cut; control
 * characters, as a peer may send them, become blanks. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF(3, 4);
bool error_wrap(struct error *err, const char *format, ...) PRINTF(2, 3); /* "context: what was there" */

#endif
