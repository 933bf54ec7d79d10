/* SPDX-License-Identifier: Apache-2.0 */
/* intercom_fixture.h - one stream of Intercom, read from answers that a test wrote down.
 *
 * Waits are skipped and counted: no test takes the time that a scroll takes to lapse. One thread.
 */
#ifndef CASELOAD_TESTS_INTERCOM_FIXTURE_H
#define CASELOAD_TESTS_INTERCOM_FIXTURE_H

#include "base/buf.h"
#include "core/source.h"
#include "intercom_link.h"
#include "server_script.h"

#define MOST_STEPS 64
#define DAY_S      86400
#define BEGIN      1772323200 /* 2026-03-01T00:00:00Z */

struct fixture {
    struct step steps[MOST_STEPS];
    char *texts[MOST_STEPS];
    size_t count;
    struct name_list custom_objects; /* set before fixture_begin, as version */
    const char *version;             /* of the API; NULL: the default */
    const char *rendering;           /* the setting bodies; NULL: the default */
    struct window window;
    struct server_script *server;
    struct link link;
    struct reader *reader;
    struct selection selection; /* with all children, whatever their choice */
    struct progress progress;
    atomic_bool stop;
    struct buf bodies;                /* of all records, "table:{...}" each, with blanks between */
    int64_t requests, normalisations; /* as the pages tell */
    struct error err;
};

/* head is "200 OK", perhaps with more lines: "200 OK\r\nDate: ...". */
void fixture_answer(struct fixture *fixture, const char *head, const char *body);
void fixture_refuse(struct fixture *fixture, const char *status,
                    const char *code);      /* "400 Bad Request", "scroll_exists" */
void fixture_lose(struct fixture *fixture); /* the connection is torn */

/* Starts everything but the reader. */
void fixture_begin(struct fixture *fixture, const char *stream);
/* ... and reads to the end. False: err says why. */
bool fixture_read(struct fixture *fixture, const char *stream);
/* ... and expects it to go well, after all answers were taken; bodies is compared. */
void fixture_expect(struct fixture *fixture, const char *stream, const char *bodies);
void fixture_expect_error(struct fixture *fixture, const char *stream, enum error_kind kind,
                          const char *words);
/* Requests' first lines from `first` on, without method and protocol. */
void fixture_asked(struct fixture *fixture, size_t first, const char *const *targets, size_t count);
#define ASKED(fixture, first, ...)                                                                           \
    fixture_asked(fixture, first, (const char *const[]){__VA_ARGS__},                                        \
                  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))
/* ... the first ones, each once and in any order, as those that are in flight at once arrive. */
void fixture_asked_together(struct fixture *fixture, const char *const *targets, size_t count);

int64_t fixture_waited_ms(const struct fixture *fixture); /* by the source itself, not by http */
void fixture_stop_waiting(struct fixture *fixture); /* the process is to stop as soon as the source waits */
void fixture_close(struct fixture *fixture);

#endif
