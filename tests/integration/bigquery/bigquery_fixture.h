/* SPDX-License-Identifier: Apache-2.0 */
/* bigquery_fixture.h - a BigQuery of the sandbox, warehouses on it, and a small unit of work.
 *
 * One sandbox a program; each bench has a dataset of its own. For cmocka tests: what goes wrong fails the
 * test.
 */
#ifndef CASELOAD_TESTS_BIGQUERY_FIXTURE_H
#define CASELOAD_TESTS_BIGQUERY_FIXTURE_H

#include "../../../src/bigquery/job.h" /* cells */
#include "../../../src/bigquery/schema.h"
#include "../../../src/bigquery/stage.h" /* one test spoils a load from inside */
#include "../../../src/bigquery/table.h"
#include "base/mem.h"

struct bench {
    struct http *http;
    struct warehouse *warehouse;
    char *dataset, *control;
};

/* A stream of tickets with a child table of parts; the same table with a column less, and with another type.
 */
extern const struct selection both, shorter, wrong;
/* Another stream that writes the same table of parts. */
extern const struct selection gone;

int bench_start(void **unused);
int bench_stop(void **unused);
const char *bench_url(void); /* the sandbox's; after bench_start */

/* Fails the test with the error's text. */
void must(bool good, const struct error *err);
/* A warehouse on that dataset; bench_new: on one of its own, checked. */
struct bench bench_in(const char *dataset);
struct bench bench_new(void);
void bench_done(struct bench *bench);
/* A call to the sandbox itself; the answer is yours. */
char *control_call(const char *method, const char *path, const char *body);
/* Forgets all faults and adds these lines; NULL: none. */
void fault(const char *line);
/* The first cell of the first row, as a number; asked of the sandbox, not through our code. */
int64_t ask(const char *format, ...) PRINTF(1, 2);
/* Runs a statement that returns no rows; not through our code. */
void change(const char *format, ...) PRINTF(1, 2);
int64_t rows_in(const struct bench *bench, const char *table);
/* BigQuery's entries in the journal since the last bench_new; yours. */
char *journal_text(void);
/* How often a text stands in BigQuery's journal since the last bench_new. */
size_t journal_count(const char *text);
/* The nth of February 2026. */
struct day day(int n);
struct commit commit_of(int lo, int hi);
/* A row of a ticket or part of that day. */
bool ticket(struct load *load, const char *id, int on, int sequence, struct error *err);
bool part(struct load *load, const char *id, int on, int sequence, struct error *err);
bool prepare(const struct bench *bench, const struct selection *selection, struct error *err);
struct load *begin(const struct bench *bench, const struct selection *selection);
/* A row as JSON; table is an index into the selection. */
struct row {
    size_t table;
    const char *json;
};
/* Stages the rows and commits them; prepared before. */
bool try_rows(const struct bench *bench, const struct selection *selection, const struct row *rows,
              size_t count, const struct commit *commit, struct committed *out, struct error *err);
/* The same; prepares first, and fails the test if it can't. */
struct committed put_rows(const struct bench *bench, const struct selection *selection,
                          const struct row *rows, size_t count, const struct commit *commit);
void refresh(const struct bench *bench, const struct selection *selection);
/* prepare, state, then two tickets, one part older than the unit and one rejected record; days 3 to 5. */
bool load_unit(const struct bench *bench, struct committed *out, struct error *err);
void assert_unit_once(const struct bench *bench);

#endif
