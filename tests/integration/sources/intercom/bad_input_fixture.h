/* SPDX-License-Identifier: Apache-2.0 */
/* bad_input_fixture.h - a run of one unit, 2026-03-02..2026-03-03, against answers that a test wrote down.
 *
 * Write the answers, run once, look at what became of them, end. Linked with --wrap for clock_ms and
 * retry_wait_ms: what is tried again is tried at once, by a clock that has moved on. The functions assert.
 */
#ifndef CASELOAD_TESTS_BAD_INPUT_FIXTURE_H
#define CASELOAD_TESTS_BAD_INPUT_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/run.h"
#include "fake_warehouse.h"
#include "intercom_link.h"
#include "server_script.h"

#define MOST_STEPS 80
#define BEGIN      INT64_C(1772409600) /* 2026-03-02T00:00:00Z, as seconds */
#define UNIT       "2026-03-02..2026-03-03"

#define GOOD "{\"type\":\"contact\",\"id\":\"good\",\"updated_at\":1772409660}"
#define MIB  ((size_t)1024 * 1024)

/* Answers that no record can be taken from; words: why. A head that is NULL ends them. */
struct unreadable {
    const char *head, *body, *words;
};
extern const struct unreadable unreadable[];

/* Zeroed: an empty script. */
struct fixture {
    struct step steps[MOST_STEPS];
    char *texts[MOST_STEPS]; /* the steps' bytes, if they are ours to free */
    size_t count;
    const char *child; /* a table of the stream's children that is selected, too; may be NULL */
    struct server_script *server;
    struct link link;
    struct fake_warehouse warehouse;
    struct zone *zone;
    int64_t now_us;
    struct run_report report;
    struct error err;
};

/* The nth response has the id req-n. head: status and further headers. */
struct step *answer_bytes(struct fixture *fixture, const char *head, const char *body, size_t size);
struct step *answer(struct fixture *fixture, const char *head, const char *body);
void answer_file(struct fixture *fixture, const char *name); /* of tests/data/bad_input, with 200 OK */
void answer_always(struct fixture *fixture, const char *head, const char *body); /* the rest of the script */
/* A page with GOOD, and before it a contact with a name of so many bytes. */
void answer_large(struct fixture *fixture, size_t size);
void add_bomb(struct buf *out); /* a GiB of zeros, as gzip */

bool run(struct fixture *fixture, const char *stream);
void must_run(struct fixture *fixture, const char *stream); /* and the unit is claimed */
void end(struct fixture *fixture);

/* Runs contacts: it fails, the text says where, and nothing of the unit is in the warehouse. */
void expect_error(struct fixture *fixture, enum error_kind kind, const char *page, const char *request_id);
void expect_words(const struct fixture *fixture, const char *words); /* in the error's text */

/* After a run. */
void expect_rows(struct fixture *fixture, const char *table, size_t rows, size_t requests);
/* There is one, with this id, and reason and text contain these words. */
void expect_rejected(const struct fixture *fixture, const char *id, const char *reason, const char *record);
/* The column of a contact's row, as JSON; NULL: the row has none. */
void expect_column(struct fixture *fixture, const char *id, const char *column, const char *expected);

#endif
