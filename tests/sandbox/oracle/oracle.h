/* SPDX-License-Identifier: Apache-2.0 */
/* oracle.h - is the warehouse equal to what the help desk's workspace ever said?
 *
 * compare.c     reads tables day by day, and reports
 * records.c     tables whose rows are versions of records, or what a list said on a day
 * children.c    tables whose rows are children of records
 * tombstones.c  tables of the deleted
 * latest.c      is <table>_latest what is there now?
 * row.c         does a row say what a record said?
 *
 * Every row must say what some version of its record said, no key may be there twice, and whatever must have
 * been loaded must be there. A help desk names its tables, and adds functions of its own where a table is
 * made of more than one record. Independent of the product's code but for base. One thread a comparison.
 */
#ifndef CASELOAD_SANDBOX_ORACLE_H
#define CASELOAD_SANDBOX_ORACLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/row.h"
#include "workspace/collection.h"

struct comparison;
struct sql_result;
struct store;
struct virtual_clock;

/* The result of the comparison of one row. */
struct finding {
    char name[320]; /* for people */
    int64_t at_s;   /* its version */
    int64_t day_s;  /* its partition_date is the day of this */
    int64_t place;  /* a number of its own for each key */
    json_t *truth;  /* what it should say, yours; NULL: there never was such */
};

/* How the rows of a kind of tables are compared. */
struct oracle_rules {
    void (*find)(struct comparison *comparison, const json_t *fields, const json_t *row,
                 struct finding *out_finding);
    void (*find_missing)(struct comparison *comparison);
    void (*describe)(struct comparison *comparison, int64_t place, char *out, size_t size);
};

/* A field that comes under another name, too, or in another form; see tests/support/row_oracle.h. */
struct oracle_form {
    const char *path;                       /* of the column: "teammates.teammates" */
    const char *alternative, *value_member; /* NULL: there is none */
};

struct oracle_table {
    const char *name;
    const struct oracle_form *forms; /* a zeroed one ends them; may be NULL */
    const struct oracle_rules *rules;
    const char *kind;    /* of the collection that it is loaded from; NULL: named as the table */
    const char *key;     /* the column with the record's key, or with a child's parent; NULL: "id" */
    const char *version; /* the column with the version's time; NULL: "updated_at" */
    const char *group;   /* of snapshots: what is read is chosen by this member, so a record is missed only
                            if another with the same is there; NULL: all are read */
    const char *feed;    /* of tombstones: the table without which nothing tells of a removal; NULL: nothing
                            does */
    bool is_required;    /* it must be there if the collection has records */
    bool is_event;       /* records before the first that was loaded are not missed */
    json_t *(*row)(json_t *body); /* what the loader makes of a body, which it takes; NULL: nothing else */
    json_t *(*child_row)(const struct child_record *child,
                         const char *parent); /* the same of a child; yours */
};

/* contents: of versions with the same time each may be a row, and the newest that was shown must be one. */
extern const struct oracle_rules oracle_versions, oracle_contents, oracle_snapshots, oracle_children,
    oracle_tombstones;

/* A table or view <name>_latest; its collection's kind is its name unless it lists by itself. */
struct oracle_latest {
    const char *name;
    const char *key;     /* an expression over its columns: what names a row */
    const char *version; /* a TIMESTAMP column */
    const char *deleted; /* the table of tombstones; NULL: there is none */
    /* Names the rows of version `version` of record `number`; calls add for each. NULL: one, by its key. */
    void (*list)(struct collection *collection, size_t number, size_t version,
                 void (*add)(void *self, const char *name), void *self);
    const char *kind; /* NULL: named as the table */
};

struct oracle {
    struct store *store;
    struct virtual_clock *clock;
    struct workspace *workspace;
    const struct oracle_table *tables; /* both arrays end with a zeroed element */
    const struct oracle_latest *latest;
    void (*name_field)(const char *column, char *out_field, size_t size); /* of the service; may be NULL */
};

/* Adds a report for each table that is there or must be: {"stream","rows","keys","missing":[..],
 * "doubled":[..],"altered":[..],"first","last"}, lists cut at 20. False: something differs. has_latest:
 * <table>_latest are compared, too. */
bool oracle_compare(const struct oracle *oracle, const char *dataset, bool has_latest, json_t *reports);

bool oracle_compare_latest(const struct oracle *oracle, const char *dataset, json_t *reports);

/* --- for the rules of tables --- */

struct comparison {
    const struct oracle *oracle;
    const struct oracle_table *table;
    struct collection *collection;
    const char *dataset;
    int64_t rows;
    int64_t *places; /* one a row that was found */
    size_t place_count, place_capacity;
    json_t *missing, *doubled, *altered;
    int64_t first_s, last_s; /* of the versions; first > last: none */
    char problem[1024];      /* the warehouse could not be read */
};

struct comparison comparison_begin(const struct oracle *oracle, const char *dataset);
/* The report, which takes the lists; what differs makes *is_equal false. */
json_t *comparison_report(struct comparison *comparison, const char *name, bool *is_equal);
/* Adds an example to one of the lists. */
void comparison_note(json_t *list, const char *name, int64_t at_s, const char *why);
bool comparison_has(const struct comparison *comparison, int64_t place); /* once all rows were read */
/* Is a place in [first, last] there? */
bool comparison_has_between(const struct comparison *comparison, int64_t first, int64_t last);
/* Rows of a query, yours; false: the problem is noted. */
bool comparison_query(struct comparison *comparison, const char *sql, struct sql_result *out_result);
bool comparison_has_table(const struct comparison *comparison, const char *name);
/* Whole seconds of a TIMESTAMP cell; 0 for what is none: nothing is found then. */
int64_t comparison_seconds(const json_t *fields, const json_t *row, const char *column);
/* The place of a version of a record. */
int64_t version_place(size_t number, size_t version);
void describe_place(struct comparison *comparison, int64_t place, char *out, size_t size);
/* Must a removal of that time have been loaded by now? */
bool comparison_is_settled(const struct comparison *comparison, int64_t at_s);

#endif
