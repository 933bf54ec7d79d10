/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - the result of a command: a table of at most 80 columns for people, one JSON document for
 * programs.
 *
 *     {"version": 1, "streams": [{"stream": "contacts", "rows": 12}], "requests": 40}
 *
 * Begin a row, then add one cell for each column, in their order. Texts are copied; they may come from
 * outside: control characters and what is not UTF-8 do not reach the terminal or the document. One thread.
 */
#ifndef CASELOAD_APP_REPORT_H
#define CASELOAD_APP_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/json.h"

#define REPORT_WIDTH   80
#define REPORT_VERSION 1 /* of the documents: keys are added, never renamed */

/* How a column changes when the table is wider than 80. */
enum report_fit {
    REPORT_WHOLE, /* nothing; when that is not enough, the longest cells are cut and end with "..." */
    REPORT_DROP,  /* it is left out, the last such column first; the JSON document keeps it */
    REPORT_WRAP   /* long texts continue below; at most one column, the last in the table */
};

struct report_column {
    const char *key; /* in JSON: "last_success" */
    /* In the table; NULL: only the JSON document has this column. If all are "", the table has no header. */
    const char *title;
    bool is_number; /* aligned at the right */
    enum report_fit fit;
};

struct report;

/* rows_key: of the rows in the document, such as "streams". All borrowed, constant. */
struct report *report_new(const char *rows_key, const struct report_column *columns, size_t count);
void report_free(struct report *report);  /* NULL is fine */
void report_drop(struct report **report); /* for AUTO(report_drop) struct report *r */

void report_row(struct report *report);
void report_text(struct report *report, const char *text); /* NULL: null, and blank in the table */
void report_number(struct report *report, int64_t number); /* in the table with commas: 412,000 */
void report_none(struct report *report);                   /* null; blank in the table */
/* Takes value; shown is the table's text. */
void report_value(struct report *report, json_t *value, const char *shown);

/* A member of the document itself; takes value. */
void report_set(struct report *report, const char *key, json_t *value);
/* A line below the table, of any width; wrapped at 80 columns. The document has no lines. */
void report_line(struct report *report, const char *format, ...) PRINTF(2, 3);

/* A table without rows is only its lines. */
void report_print(const struct report *report, bool as_json, FILE *out);

/* "412,000"; returns out. */
#define REPORT_NUMBER 32
const char *report_count(int64_t number, char out[REPORT_NUMBER]);
/* "0.4 s", "12 s", "1 min 12 s", "24 min", "3 h 5 min", "29 h", "4 days"; returns out. */
const char *report_duration(double seconds, char out[REPORT_NUMBER]);

#endif
