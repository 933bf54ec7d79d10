/* SPDX-License-Identifier: Apache-2.0 */
/* source_fixture.h - Intercom as a source, against responses that a test scripts.
 *
 * Write the answers, begin, read, end. The functions assert.
 */
#ifndef CASELOAD_TESTS_SOURCE_FIXTURE_H
#define CASELOAD_TESTS_SOURCE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/source.h"
#include "intercom_link.h"
#include "server_script.h"

#define MOST_STEPS 256
#define BEGIN      1772323200 /* 2026-03-01T00:00:00Z */

/* Zeroed: an empty script. */
struct fixture {
    struct step steps[MOST_STEPS];
    char *texts[MOST_STEPS];
    char *whens[MOST_STEPS];
    size_t count;
    const char *version; /* of the API; NULL: the default */
    int64_t to_s;        /* end of the window; 0: it is open */
    int port;            /* of a server elsewhere, which answers instead of this script; 0: none */
    struct server_script *server;
    struct link link;
    struct reader *reader;
    struct selection selection;
    atomic_bool stop;
    struct error err;
    char problem[256]; /* of the newest rejected record */
    int64_t deleted_during_read, incomplete, requests, normalisations, pages; /* of all pages */
};

/* when: a text in the request that is answered so; NULL: any. head: status and further headers. The nth
 * response has the id req-n, from 0 on. */
struct step *add(struct fixture *fixture, const char *when, const char *head, const char *body);

void start(struct fixture *fixture); /* the server and the source, without a stream */
/* Starts, and opens a stream from `from_s` on, with those of its tables whose names are in `children`. */
bool open_stream(struct fixture *fixture, const char *stream, const char *children, int64_t from_s);
void begin(struct fixture *fixture, const char *stream,
           const char *children); /* the same from BEGIN on; must work */
void end(struct fixture *fixture);

/* Reads to the end: "1 +s@0 +101@1 !2": a record, two parts with their places, a rejected record. False:
 * fixture->err says why. out: yours. */
bool read_all(struct fixture *fixture, struct buf *out);
void expect(struct fixture *fixture, const char *expected);
/* The same with steps that are held: when so many requests came, no more do until these are answered. */
void expect_in_flight(struct fixture *fixture, size_t requests, const char *expected);
void expect_failure(struct fixture *fixture, enum error_kind kind);

#endif
