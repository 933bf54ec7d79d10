/* SPDX-License-Identifier: Apache-2.0 */
/* gone_fixture.h - people with teams, the list of all their ids, and comparisons with it. Fails the test. */
#ifndef CASELOAD_TESTS_GONE_FIXTURE_H
#define CASELOAD_TESTS_GONE_FIXTURE_H

#include "bigquery_fixture.h"
#include "fake_members.h"

#define GONE_OLDEST "partition_date >= DATE '0001-01-01'"

extern const struct selection gone_all, gone_compared;

struct texts {
    char text[16][256];
    struct row rows[16];
    size_t count;
};

struct comparison {
    const char *listed;
    int on;
    const char *alive, *gone; /* answers; gone NULL: all that is missing and not alive is gone */
    bool confirms_missing;
    const char *rejected; /* ids of records that were read and can't be loaded; '-': without id. NULL: none */
};

void add_person(struct texts *texts, const char *id, int on);
void add_team(struct texts *texts, const char *person, const char *id, int on);
void add_deleted(struct texts *texts, const char *id, int on); /* two hours before noon */
void add_deleted_at(struct texts *texts, const char *id, int on, const char *time);
/* A unit of everything that began at noon of that day. */
struct commit whole(int on);
void put(const struct bench *bench, const struct texts *texts);
void add_listed(struct texts *texts, const char *ids);
/* out_missing: the ids that the list lacks, in the order in which they are to be asked for, the total, and
 * the number of those that were alive before. Yours; may be NULL. */
struct committed compare_as(const struct bench *bench, const struct comparison *comparison,
                            char **out_missing);
/* All that the list lacks is gone. */
int64_t compare(const struct bench *bench, const char *ids, int on);
int64_t in_latest(const struct bench *bench, const char *id);
int64_t noted(const struct bench *bench, const char *id);
struct bench bench_with(const char *ids);

#endif
