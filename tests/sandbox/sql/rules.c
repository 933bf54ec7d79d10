/* SPDX-License-Identifier: Apache-2.0 */
/* https://cloud.google.com/bigquery/docs/reference/standard-sql/functions-all
 * The functions that the loader, a scenario, a test or the documentation sends; tests/lint/sql_functions.py
 * checks that each of them is sent. Those that need code of their own are in functions.c and collect.c. */
#include "sql/rules.h"

#include <stddef.h>

const struct rule sql_rules[] = {
    /* aggregates */
    {"COUNT", "y", 'i', "count($1)", AGGREGATE},
    {"COUNTIF", "b", 'i', "count(CASE WHEN $1 THEN 1 END)", AGGREGATE},
    {"SUM", "i", 'i', "sum($1)", AGGREGATE},
    {"SUM", "f", 'f', "sum($1)", AGGREGATE},
    {"MIN", "x", 'x', "min($1)", AGGREGATE},
    {"MAX", "x", 'x', "max($1)", AGGREGATE},
    {"LOGICAL_AND", "b", 'b', "min($1)", AGGREGATE},
    /* analytic functions */
    {"ROW_NUMBER", "", 'i', "row_number()", ANALYTIC},
    {"LAG", "x", 'x', "lag($1)", ANALYTIC},
    /* conditions */
    {"IF", "bxx", 'x', "CASE WHEN $1 THEN $2 ELSE $3 END", SCALAR},
    {"IFNULL", "xx", 'x', "ifnull($1, $2)", SCALAR},
    {"COALESCE", "x+", 'x', "coalesce($*, NULL)", SCALAR},
    /* chance */
    {"RAND", "", 'f', "abs(random() / 9223372036854775808.0)", SCALAR},
    /* texts */
    {"LENGTH", "s", 'i', "length($1)", SCALAR},
    {"CONCAT", "s+", 's', "bq_concat($*)", SCALAR},
    {"CONTAINS_SUBSTR", "ss", 'b', "(instr(bq_lower($1), bq_lower($2)) > 0)", SCALAR},
    /* days and instants */
    {"DATE", "t", 'd', "bq_date($1, 'UTC')", SCALAR},
    {"DATE", "ts", 'd', "bq_date($1, $2)", SCALAR},
    {"DATE_SUB", "dv", 'd', "bq_date_add($1, -($2), $3)", SCALAR},
    {"DATE_TRUNC", "dp", 'd', "bq_date_trunc($1, $2)", SCALAR},
    {"TIMESTAMP_ADD", "tv", 't', "bq_timestamp_add($1, $2, $3)", SCALAR},
    {"TIMESTAMP_SUB", "tv", 't', "bq_timestamp_add($1, -($2), $3)", SCALAR},
    {"TIMESTAMP_SECONDS", "i", 't', "bq_timestamp_of($1, 1000000)", SCALAR},
    {"TIMESTAMP_MILLIS", "i", 't', "bq_timestamp_of($1, 1000)", SCALAR},
    {"UNIX_SECONDS", "t", 'i', "bq_unix($1, 1000000)", SCALAR},
    /* arrays */
    {"ARRAY_LENGTH", "a", 'i', "json_array_length($1)", SCALAR},
    {"GENERATE_DATE_ARRAY", "dd", 'D', "bq_date_array($1, $2)", SCALAR},
    {"GENERATE_ARRAY", "ii", 'I', "bq_int_array($1, $2)", SCALAR},
    /* JSON */
    {"PARSE_JSON", "s", 'j', "bq_parse_json($1)", SCALAR},
    {"PARSE_JSON", "ss", 'j', "bq_parse_json($*)", SCALAR}, /* the second by its name: parse_expr.c */
    {"JSON_VALUE", "j", 's', "bq_json_value($1)", SCALAR},
    {"JSON_VALUE", "js", 's', "bq_json_value($*)", SCALAR},
    {0},
};
