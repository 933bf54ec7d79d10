/* compare.h - what the files of the comparison know of each other.
 *
 * compare.c           reads tables day by day, and reports
 * compare_subjects.c  what the rows of each table are compared with
 * compare_row.c       does a row say what a record said?
 */
#ifndef CASELOAD_SANDBOX_COMPARE_H
#define CASELOAD_SANDBOX_COMPARE_H

#include "compare_row.h"
#include "internal.h"

struct comparison;

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

extern const struct subject compare_subjects[]; /* ends with a zeroed one */

bool compare_has(const struct comparison *comparison, int64_t place); /* once all rows were read */
/* Adds an example to one of the lists. */
void compare_note(json_t *list, const char *name, int64_t at_s, const char *why);

#endif
