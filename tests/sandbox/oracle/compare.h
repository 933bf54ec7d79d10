/* SPDX-License-Identifier: Apache-2.0 */
/* compare.h - what the files of the comparison know of each other.
 *
 * compare.c           reads tables day by day, and reports
 * compare_subjects.c  what the rows of each table are compared with
 * compare_lists.c     the same for tables whose rows are records of a shelf
 * compare_records.c   the same for companies, tickets and what belongs to them
 * compare_gone.c      the same for what tells of the deleted
 * compare_latest.c    is <table>_latest what is there now?
 * compare_row.c       does a row say what a record said?
 */
#ifndef CASELOAD_SANDBOX_COMPARE_H
#define CASELOAD_SANDBOX_COMPARE_H

#include "oracle/row.h"
#include "sandbox_internal.h"

struct comparison;
struct shelf;
struct sql_result;

/* What a row of the warehouse turned out to be. */
struct finding {
    char name[320]; /* for people */
    int64_t at_s;   /* its version */
    int64_t day_s;  /* its partition_date is the day of this */
    int64_t place;  /* a number of its own for each key */
    json_t *truth;  /* what it should say, yours; NULL: there never was such */
};

struct subject {
    const char *table;
    bool (*expected)(struct sandbox *sandbox); /* must the table be there? */
    void (*find)(struct comparison *comparison, const json_t *fields, const json_t *row,
                 struct finding *out_finding);
    void (*find_missing)(struct comparison *comparison);
    void (*tell)(struct comparison *comparison, int64_t place, char *out, size_t size);
    const void *of; /* whatever these functions need to know */
};

struct comparison {
    struct sandbox *sandbox;
    const struct subject *subject;
    const char *dataset;
    int64_t rows;
    int64_t *places; /* one a row that was found in the world */
    size_t place_count, place_capacity;
    json_t *missing, *doubled, *altered;
    int64_t first_s, last_s; /* of the versions; first > last: none */
    char problem[1024];      /* the warehouse could not be read */
};

/* Each ends with a zeroed one; compare.c knows them all. */
extern const struct subject compare_subjects[], compare_list_subjects[], compare_record_subjects[],
    compare_gone_subjects[];

/* --- compare_lists.c: for subjects that have the name of a shelf, and whose `of` is a struct shelf_table ---
 */
struct shelf_table {
    const char *key;     /* the column with the record's key */
    const char *version; /* the column with the version's time; of snapshots NULL */
    bool events;         /* those before the first that was loaded are not missed */
    const char *group;   /* of snapshots: what is read is chosen by this member, so a record is missed only
                            if another with the same is there; NULL: all are read */
};

/* Rows are versions of records, and the newest of each current record is there. */
void compare_version_find(struct comparison *comparison, const json_t *fields, const json_t *row,
                          struct finding *out_finding);
void compare_version_missing(struct comparison *comparison);
void compare_version_tell(struct comparison *comparison, int64_t place, char *out, size_t size);
/* Rows are what the list said on a day, and the newest day holds the whole list. */
void compare_snapshot_find(struct comparison *comparison, const json_t *fields, const json_t *row,
                           struct finding *out_finding);
void compare_snapshot_missing(struct comparison *comparison);
void compare_snapshot_tell(struct comparison *comparison, int64_t place, char *out, size_t size);

/* A place of its own for each version of a shelf's records. */
int64_t compare_version_place(size_t number, size_t version);
/* The version with that time; as many as there are: none has it. */
size_t compare_shelf_version(struct shelf *shelf, size_t number, int64_t at_s);

bool compare_has(const struct comparison *comparison, int64_t place); /* once all rows were read */
/* Is a place in [first, last] there? */
bool compare_has_between(const struct comparison *comparison, int64_t first, int64_t last);
/* Rows of a query, yours; NULL: the problem is noted. */
bool compare_query(struct comparison *comparison, const char *sql, struct sql_result *out_result);
/* Whole seconds of a TIMESTAMP cell; 0 for what is none: nothing is found then. */
int64_t compare_seconds(const json_t *fields, const json_t *row, const char *column);
/* Nobody has to have such a table: it is compared if it is there. */
bool compare_expect_nothing(struct sandbox *sandbox);
/* --- compare_latest.c --- */
/* Holds each <table>_latest that is there the living records as they are now, and none that are known to be
 * gone? Adds a report for each; what differs makes *equal false. */
void compare_latest(struct sandbox *sandbox, const char *dataset, json_t *reports, bool *equal);

/* The report of a comparison, whose lists it takes. */
json_t *compare_report(struct comparison *comparison, const char *name, bool *equal);
struct comparison compare_begin(struct sandbox *sandbox, const char *dataset);
/* Adds an example to one of the lists. */
void compare_note(json_t *list, const char *name, int64_t at_s, const char *why);

#endif
