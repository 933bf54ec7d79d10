/* SPDX-License-Identifier: Apache-2.0 */
/* rules.h - the functions of GoogleSQL that are known, as a table. Private to rules.c and
 * functions.c. */
#ifndef CASELOAD_SANDBOX_SQL_RULES_H
#define CASELOAD_SANDBOX_SQL_RULES_H

enum rule_kind { SCALAR, AGGREGATE, ANALYTIC };

/* takes, a letter an argument: i INT64, f FLOAT64, s STRING, d DATE, t TIMESTAMP, b BOOL, j JSON, a any
 * array, x values of one common type, y a value of any type, p a date part, v an INTERVAL (two arguments of
 * SQLite);
 * + after the last letter: one or more. gives: the same letters, or "x"
 * for the common type. In sql, $1 is the first argument of SQLite, $* all of them. */
struct rule {
    const char *name, *takes;
    char gives;
    const char *sql;
    enum rule_kind kind;
};

extern const struct rule sql_rules[]; /* a zeroed one ends it */

#endif
