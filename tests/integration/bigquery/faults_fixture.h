/* SPDX-License-Identifier: Apache-2.0 */
/* faults_fixture.h - waits that take a millisecond, and units of several chunks.
 *
 * Linked with --wrap for clock_ms, retry_wait_ms and clock_sleep_ms: the clock moves on by what was waited.
 */
#ifndef CASELOAD_TESTS_FAULTS_FIXTURE_H
#define CASELOAD_TESTS_FAULTS_FIXTURE_H

#include "bigquery_fixture.h"

#define MUCH_ROWS 100 /* of load_much; two chunks and a rest */

/* The clock moves on by `factor` times what is slept from now on; 1 at first. */
void sleeps_count(int factor);
/* As fault, until this thread sleeps after so long; then sleeps count once again. */
void fault_for(const char *line, int64_t ms);
int64_t longest_sleep_ms(void); /* since sleeps_count */

/* A bench whose chunks have 256 KiB; is_on_disk: and whose rows are kept in a file. */
struct bench chunked_bench(bool is_on_disk);
struct bigquery_settings *settings_of(const struct bench *bench);

/* Writes so many rows that do not compress well, from number `first` on. */
bool write_much(struct load *load, int first, int count, struct error *err);
/* The nth MUCH_ROWS rows, as one unit; each is written once. */
bool load_more(const struct bench *bench, int n, struct committed *out, struct error *err);
bool load_much(const struct bench *bench, struct committed *out, struct error *err); /* the first */
/* The first n of them are there, once each. */
void assert_much(const struct bench *bench, int n);

/* Of all entries of that operation since the last bench_new. */
size_t journal_connections(const char *operation);

#endif
