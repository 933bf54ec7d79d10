/* The functions of GoogleSQL that are known, as one table:
 * https://cloud.google.com/bigquery/docs/reference/standard-sql/functions-all */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "sql_emit.h"

enum rule_kind { SCALAR, AGGREGATE, ANALYTIC };

/* takes, a letter an argument: i INT64, f FLOAT64, s STRING, d DATE, t TIMESTAMP, b BOOL, j JSON, a any
 * array, x values of one common type, y a value of any type, p a date part, v an INTERVAL (two arguments of
 * SQLite);
 * + behind a letter: one or more; ? before letters: the rest may be absent. gives: the same letters, or "x"
 * for the common type. In sql, $1 is the first argument of SQLite, $* all of them. */
struct rule {
    const char *name, *takes;
    char gives;
    const char *sql;
    enum rule_kind kind;
};

static const struct rule rules[] = {
    /* aggregates */
    {"COUNT", "y", 'i', "count($1)", AGGREGATE},
    {"COUNTIF", "b", 'i', "count(CASE WHEN $1 THEN 1 END)", AGGREGATE},
    {"COUNT_IF", "b", 'i', "count(CASE WHEN $1 THEN 1 END)", AGGREGATE},
    {"SUM", "i", 'i', "sum($1)", AGGREGATE},
    {"SUM", "f", 'f', "sum($1)", AGGREGATE},
    {"AVG", "f", 'f', "avg($1)", AGGREGATE},
    {"MIN", "x", 'x', "min($1)", AGGREGATE},
    {"MAX", "x", 'x', "max($1)", AGGREGATE},
    {"ANY_VALUE", "x", 'x', "max($1)", AGGREGATE},
    {"LOGICAL_OR", "b", 'b', "max($1)", AGGREGATE},
    {"LOGICAL_AND", "b", 'b', "min($1)", AGGREGATE},
    {"STRING_AGG", "s", 's', "group_concat($1)", AGGREGATE},
    {"STRING_AGG", "ss", 's', "group_concat($1, $2)", AGGREGATE},
    /* analytic functions */
    {"ROW_NUMBER", "", 'i', "row_number()", ANALYTIC},
    {"RANK", "", 'i', "rank()", ANALYTIC},
    {"DENSE_RANK", "", 'i', "dense_rank()", ANALYTIC},
    {"PERCENT_RANK", "", 'f', "percent_rank()", ANALYTIC},
    {"CUME_DIST", "", 'f', "cume_dist()", ANALYTIC},
    {"NTILE", "i", 'i', "ntile($1)", ANALYTIC},
    {"LAG", "x", 'x', "lag($1)", ANALYTIC},
    {"LAG", "xi", 'x', "lag($1, $2)", ANALYTIC},
    {"LAG", "xix", 'x', "lag($1, $2, $3)", ANALYTIC},
    {"LEAD", "x", 'x', "lead($1)", ANALYTIC},
    {"LEAD", "xi", 'x', "lead($1, $2)", ANALYTIC},
    {"LEAD", "xix", 'x', "lead($1, $2, $3)", ANALYTIC},
    {"FIRST_VALUE", "x", 'x', "first_value($1)", ANALYTIC},
    {"LAST_VALUE", "x", 'x', "last_value($1)", ANALYTIC},
    {"NTH_VALUE", "xi", 'x', "nth_value($1, $2)", ANALYTIC},
    /* conditions */
    {"IF", "bxx", 'x', "CASE WHEN $1 THEN $2 ELSE $3 END", SCALAR},
    {"IFNULL", "xx", 'x', "ifnull($1, $2)", SCALAR},
    {"COALESCE", "x+", 'x', "coalesce($*, NULL)", SCALAR},
    {"NULLIF", "xx", 'x', "nullif($1, $2)", SCALAR},
    {"LEAST", "x", 'x', "$1", SCALAR},
    {"LEAST", "x+", 'x', "min($*)", SCALAR},
    {"GREATEST", "x", 'x', "$1", SCALAR},
    {"GREATEST", "x+", 'x', "max($*)", SCALAR},
    {"ERROR", "s", 'x', "bq_error($1)", SCALAR},
    /* numbers */
    {"ABS", "i", 'i', "abs($1)", SCALAR},
    {"ABS", "f", 'f', "abs($1)", SCALAR},
    {"SIGN", "f", 'f', "CAST(sign($1) AS REAL)", SCALAR},
    {"ROUND", "f?i", 'f', "round($*)", SCALAR},
    {"FLOOR", "f", 'f', "bq_round('FLOOR', $1)", SCALAR},
    {"CEIL", "f", 'f', "bq_round('CEIL', $1)", SCALAR},
    {"CEILING", "f", 'f', "bq_round('CEIL', $1)", SCALAR},
    {"TRUNC", "f", 'f', "bq_round('TRUNC', $1)", SCALAR},
    {"MOD", "ii", 'i', "bq_int('%', $1, $2)", SCALAR},
    {"DIV", "ii", 'i', "bq_int('/', $1, $2)", SCALAR},
    {"SAFE_DIVIDE", "ff", 'f', "(CAST($1 AS REAL) / $2)", SCALAR},
    {"IEEE_DIVIDE", "ff", 'f', "(CAST($1 AS REAL) / $2)", SCALAR},
    /* texts */
    {"LOWER", "s", 's', "lower($1)", SCALAR},
    {"UPPER", "s", 's', "upper($1)", SCALAR},
    {"LENGTH", "s", 'i', "length($1)", SCALAR},
    {"CHAR_LENGTH", "s", 'i', "length($1)", SCALAR},
    {"BYTE_LENGTH", "s", 'i', "length(CAST($1 AS BLOB))", SCALAR},
    {"SUBSTR", "si?i", 's', "bq_substr($*)", SCALAR},
    {"SUBSTRING", "si?i", 's', "bq_substr($*)", SCALAR},
    {"LEFT", "si", 's', "bq_substr($1, 1, $2)", SCALAR},
    {"CONCAT", "s+", 's', "bq_concat($*)", SCALAR},
    {"TRIM", "s?s", 's', "trim($*)", SCALAR},
    {"LTRIM", "s?s", 's', "ltrim($*)", SCALAR},
    {"RTRIM", "s?s", 's', "rtrim($*)", SCALAR},
    {"REPLACE", "sss", 's', "CASE WHEN $2 = '' THEN $1 ELSE replace($1, $2, $3) END", SCALAR},
    {"STRPOS", "ss", 'i', "instr($1, $2)", SCALAR},
    {"STARTS_WITH", "ss", 'b', "(substr($1, 1, length($2)) = $2)", SCALAR},
    {"ENDS_WITH", "ss", 'b', "(length($2) = 0 OR substr($1, -length($2)) = $2)", SCALAR},
    {"REGEXP_CONTAINS", "ss", 'b', "bq_regexp($1, $2)", SCALAR},
    {"SPLIT", "s?s", 'S', "bq_split($*)", SCALAR},
    /* days and instants */
    {"DATE", "d", 'd', "$1", SCALAR},
    {"DATE", "t", 'd', "bq_date($1, 'UTC')", SCALAR},
    {"DATE", "ts", 'd', "bq_date($1, $2)", SCALAR},
    {"DATE", "iii", 'd', "bq_date_of($1, $2, $3)", SCALAR},
    {"DATE_ADD", "dv", 'd', "bq_date_add($1, $2, $3)", SCALAR},
    {"DATE_SUB", "dv", 'd', "bq_date_add($1, -($2), $3)", SCALAR},
    {"DATE_DIFF", "ddp", 'i', "bq_date_diff($1, $2, $3)", SCALAR},
    {"DATE_TRUNC", "dp", 'd', "bq_date_trunc($1, $2)", SCALAR},
    {"LAST_DAY", "d", 'd', "bq_date_add(bq_date_add(bq_date_trunc($1, 'MONTH'), 1, 'MONTH'), -1, 'DAY')",
     SCALAR},
    {"DATE_FROM_UNIX_DATE", "i", 'd', "bq_date_add('1970-01-01', $1, 'DAY')", SCALAR},
    {"UNIX_DATE", "d", 'i', "bq_date_diff($1, '1970-01-01', 'DAY')", SCALAR},
    {"FORMAT_DATE", "sd", 's', "bq_format_time($1, $2, 'UTC')", SCALAR},
    {"TIMESTAMP", "t", 't', "$1", SCALAR},
    {"TIMESTAMP", "ss", 't', "bq_cast($1 || ' ' || $2, 'STRING', 'TIMESTAMP', 0)", SCALAR},
    {"TIMESTAMP", "d", 't', "bq_timestamp($1, 'UTC')", SCALAR},
    {"TIMESTAMP", "ds", 't', "bq_timestamp($1, $2)", SCALAR},
    {"TIMESTAMP", "s", 't', "bq_cast($1, 'STRING', 'TIMESTAMP', 0)", SCALAR},
    {"TIMESTAMP_ADD", "tv", 't', "bq_timestamp_add($1, $2, $3)", SCALAR},
    {"TIMESTAMP_SUB", "tv", 't', "bq_timestamp_add($1, -($2), $3)", SCALAR},
    {"TIMESTAMP_DIFF", "ttp", 'i', "bq_timestamp_diff($1, $2, $3)", SCALAR},
    {"TIMESTAMP_TRUNC", "tp", 't', "bq_timestamp_trunc($1, $2, 'UTC')", SCALAR},
    {"TIMESTAMP_TRUNC", "tps", 't', "bq_timestamp_trunc($1, $2, $3)", SCALAR},
    {"TIMESTAMP_SECONDS", "i", 't', "bq_timestamp_of($1, 1000000)", SCALAR},
    {"TIMESTAMP_MILLIS", "i", 't', "bq_timestamp_of($1, 1000)", SCALAR},
    {"TIMESTAMP_MICROS", "i", 't', "bq_timestamp_of($1, 1)", SCALAR},
    {"UNIX_SECONDS", "t", 'i', "bq_unix($1, 1000000)", SCALAR},
    {"UNIX_MILLIS", "t", 'i', "bq_unix($1, 1000)", SCALAR},
    {"UNIX_MICROS", "t", 'i', "bq_unix($1, 1)", SCALAR},
    {"FORMAT_TIMESTAMP", "st?s", 's', "bq_format_time($*)", SCALAR},
    {"STRING", "t", 's', "bq_cast($1, 'TIMESTAMP', 'STRING', 0)", SCALAR},
    /* arrays */
    {"ARRAY_LENGTH", "a", 'i', "json_array_length($1)", SCALAR},
    {"ARRAY_TO_STRING", "as?s", 's', "bq_array_to_string($*)", SCALAR},
    {"GENERATE_DATE_ARRAY", "dd", 'D', "bq_date_array($1, $2, 1, 'DAY')", SCALAR},
    {"GENERATE_DATE_ARRAY", "ddv", 'D', "bq_date_array($1, $2, $3, $4)", SCALAR},
    {"GENERATE_ARRAY", "ii?i", 'I', "bq_int_array($*)", SCALAR},
    /* JSON */
    {"PARSE_JSON", "s", 'j', "json($1)", SCALAR},
    {"JSON_VALUE", "j?s", 's', "bq_json_value($*)", SCALAR},
    {"JSON_VALUE", "s?s", 's', "bq_json_value($*)", SCALAR},
    {"JSON_EXTRACT_SCALAR", "j?s", 's', "bq_json_value($*)", SCALAR},
    {"JSON_EXTRACT_SCALAR", "s?s", 's', "bq_json_value($*)", SCALAR},
    {"JSON_QUERY", "js", 'j', "($1 -> $2)", SCALAR},
    {"JSON_QUERY", "ss", 's', "CASE WHEN json_valid($1) THEN nullif($1 -> $2, 'null') END", SCALAR},
    {"JSON_TYPE", "j", 's', "bq_json_type($1)", SCALAR},
    {"STRING", "j", 's', "bq_json_as($1, 'text')", SCALAR},
    {"INT64", "j", 'i', "bq_json_as($1, 'integer')", SCALAR},
    {"FLOAT64", "j", 'f', "CAST(bq_json_as($1, 'real') AS REAL)", SCALAR},
    {"BOOL", "j", 'b', "bq_json_as($1, 'bool')", SCALAR},
};

#define RULES     (sizeof rules / sizeof *rules)
#define MOST_ARGS 1000

/* The arguments on their way to SQLite. */
struct call {
    const struct expr *expr;
    struct value *values; /* of GoogleSQL; sql is NULL for date parts and intervals until they are matched */
    size_t count;
    const char **sql; /* of SQLite */
    size_t sql_count;
    const struct type *common;
};

static const struct type *type_of_letter(struct emitter *emitter, char letter, const struct type *common)
{
    static const struct {
        char letter;
        enum type_kind kind;
    } letters[] = {{'i', TYPE_INT64}, {'f', TYPE_FLOAT64},   {'s', TYPE_STRING}, {'d', TYPE_DATE},
                   {'b', TYPE_BOOL},  {'t', TYPE_TIMESTAMP}, {'j', TYPE_JSON}};
    if (letter == 'x') return common;
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        const struct type *type = type_of(letters[i].kind);
        if (letters[i].letter == letter) return type;
        if (letters[i].letter == tolower((unsigned char)letter))
            return type_array(&emitter->sql->arena, type);
    }
    return NULL;
}

const char *emit_part(struct emitter *emitter, const struct expr *expr)
{
    static const char *const parts[] = {"MICROSECOND", "MILLISECOND", "SECOND", "MINUTE",  "HOUR", "DAY",
                                        "WEEK",        "ISOWEEK",     "MONTH",  "QUARTER", "YEAR", "ISOYEAR"};
    const char *name = expr->kind == EXPR_NAME || expr->kind == EXPR_INTERVAL ? expr->name : "";
    if (expr->kind == EXPR_CALL && strcmp(expr->name, "WEEK") == 0 && expr->args.count == 1) {
        const struct expr *day = expr->args.items[0];
        if (day->kind == EXPR_NAME && strcasecmp(day->name, "MONDAY") == 0) return "'ISOWEEK'";
        if (day->kind == EXPR_NAME && strcasecmp(day->name, "SUNDAY") == 0) return "'WEEK'";
    }
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcasecmp(parts[i], name) == 0) return sql_format(emitter->sql, "'%s'", parts[i]);
    }
    sql_fail_at(emitter->sql, expr->at, "A valid date part name is required but found %s", name);
}

/* The letter that an argument must satisfy; 0: too many arguments. out_enough: no argument more is needed. */
static char letter_at(const char *takes, size_t index, bool *out_enough)
{
    char last = 0;
    bool optional = false;
    size_t at = 0;
    for (; *takes != '\0'; takes++) {
        if (*takes == '?') {
            optional = true;
        } else if (*takes == '+') {
            *out_enough = true;
            return last;
        } else {
            last = *takes;
            if (at++ == index && takes[1] != '+') break;
            if (at > index) break;
        }
    }
    *out_enough = *takes == '\0' || optional;
    return *takes == '\0' ? 0 : last;
}

static bool fits(struct emitter *emitter, const struct call *call, size_t i, char letter)
{
    const struct expr *arg = call->expr->args.items[i];
    if (letter == 'p') return call->values[i].sql == NULL && arg->kind != EXPR_INTERVAL;
    if (letter == 'v') return arg->kind == EXPR_INTERVAL;
    if (call->values[i].sql == NULL) return false;
    if (letter == 'x' || letter == 'y') return true;
    if (letter == 'a')
        return call->values[i].type->kind == TYPE_ARRAY || call->values[i].type->kind == TYPE_NULL;
    return coerce(emitter, call->values[i], type_of_letter(emitter, letter, NULL)).sql != NULL;
}

static bool matches(struct emitter *emitter, const struct rule *rule, const struct call *call)
{
    bool enough = false;
    for (size_t i = 0; i < call->count; i++) {
        char letter = letter_at(rule->takes, i, &enough);
        if (letter == 0 || !fits(emitter, call, i, letter)) return false;
    }
    return letter_at(rule->takes, call->count, &enough) == 0 || enough;
}

static bool is_part(const struct expr *call, const struct expr *arg)
{
    bool dated = strstr(call->name, "_DIFF") != NULL || strstr(call->name, "_TRUNC") != NULL;
    if (arg->kind == EXPR_INTERVAL) return true;
    if (!dated || arg == call->args.items[0]) return false;
    bool week = arg->kind == EXPR_CALL && strcmp(arg->name, "WEEK") == 0;
    size_t last = strstr(call->name, "_DIFF") != NULL ? 2 : 1;
    return call->args.count > last && arg == call->args.items[last] && (arg->kind == EXPR_NAME || week);
}

static void emit_args(struct emitter *emitter, struct call *call)
{
    call->count = call->expr->args.count;
    if (call->count > MOST_ARGS) sql_fail_at(emitter->sql, call->expr->at, "Too many arguments");
    call->values = arena_zero(&emitter->sql->arena, (call->count + 1) * sizeof *call->values);
    call->sql = arena_zero(&emitter->sql->arena, (call->count * 2 + 1) * sizeof *call->sql);
    for (size_t i = 0; i < call->count; i++) {
        const struct expr *arg = call->expr->args.items[i];
        call->values[i].type = type_of(TYPE_NULL);
        if (!is_part(call->expr, arg)) call->values[i] = emit_expr(emitter, arg);
    }
}

static void fit_args(struct emitter *emitter, const struct rule *rule, struct call *call)
{
    bool enough = false;
    struct value *common = arena_zero(&emitter->sql->arena, (call->count + 1) * sizeof *common);
    size_t common_count = 0;
    for (size_t i = 0; i < call->count; i++) {
        if (letter_at(rule->takes, i, &enough) == 'x') common[common_count++] = call->values[i];
    }
    call->common = common_type(emitter, common, common_count, call->expr->at,
                               sql_format(emitter->sql, "function %s", rule->name));
    for (size_t i = 0; i < call->count; i++) {
        const struct expr *arg = call->expr->args.items[i];
        char letter = letter_at(rule->takes, i, &enough);
        const struct type *type = type_of_letter(emitter, letter, call->common);
        if (letter == 'v') {
            struct value count = coerce(emitter, emit_expr(emitter, arg->args.items[0]), type_of(TYPE_INT64));
            if (count.sql == NULL) sql_fail_at(emitter->sql, arg->at, "INTERVAL needs an INT64");
            call->sql[call->sql_count++] = count.sql;
            call->sql[call->sql_count++] = emit_part(emitter, arg);
        } else if (letter == 'p') {
            call->sql[call->sql_count++] = emit_part(emitter, arg);
        } else {
            call->sql[call->sql_count++] =
                type != NULL ? coerce(emitter, call->values[i], type).sql : call->values[i].sql;
        }
    }
}

static const char *fill(struct emitter *emitter, const char *template, const struct call *call)
{
    const char *text = "";
    for (const char *dollar = strchr(template, '$'); dollar != NULL; dollar = strchr(template, '$')) {
        text = sql_format(emitter->sql, "%s%.*s", text, (int)(dollar - template), template);
        if (dollar[1] == '*') {
            for (size_t i = 0; i < call->sql_count; i++)
                text = sql_format(emitter->sql, "%s%s%s", text, i > 0 ? ", " : "", call->sql[i]);
        } else {
            text = sql_format(emitter->sql, "%s%s", text, call->sql[dollar[1] - '1']);
        }
        template = dollar + 2;
    }
    return sql_format(emitter->sql, "%s%s", text, template);
}

static _Noreturn void no_signature(struct emitter *emitter, const struct call *call, bool known)
{
    struct sql *sql = emitter->sql;
    if (!known) sql_fail_at(sql, call->expr->at, "Function not found: %s", call->expr->name);
    const char *types = "";
    for (size_t i = 0; i < call->count; i++) {
        const char *type =
            call->values[i].sql != NULL ? type_name(&sql->arena, call->values[i].type) : "DATE_TIME_PART";
        types = sql_format(sql, "%s%s%s", types, i > 0 ? ", " : "", type);
    }
    sql_fail_at(sql, call->expr->at, "No matching signature for function %s for argument types: %s",
                call->expr->name, types);
}

static const struct rule *find_rule(struct emitter *emitter, const struct call *call)
{
    bool known = false;
    for (size_t i = 0; i < RULES; i++) {
        if (strcmp(rules[i].name, call->expr->name) != 0) continue;
        known = true;
        if (matches(emitter, &rules[i], call)) return &rules[i];
    }
    no_signature(emitter, call, known);
}

static bool is_aggregate(const char *name, enum rule_kind *out_kind)
{
    *out_kind = SCALAR;
    for (size_t i = 0; i < RULES; i++) {
        if (strcmp(rules[i].name, name) == 0) *out_kind = rules[i].kind;
    }
    if (strcmp(name, "ARRAY_AGG") == 0) *out_kind = AGGREGATE;
    return *out_kind != SCALAR;
}

/* ARRAY_AGG([DISTINCT] x [IGNORE NULLS] [ORDER BY ...] [LIMIT n]): sorted by our own aggregate. */
static struct value emit_array_agg(struct emitter *emitter, const struct expr *expr)
{
    if (expr->args.count != 1) sql_fail_at(emitter->sql, expr->at, "ARRAY_AGG takes one argument");
    struct value value = emit_expr(emitter, expr->args.items[0]);
    if (value.type->kind == TYPE_ARRAY) {
        sql_fail_at(emitter->sql, expr->at, "The argument to ARRAY_AGG must not be an array type");
    }
    if (expr->distinct && expr->order.count > 0) {
        sql_fail_at(emitter->sql, expr->at, "ARRAY_AGG(DISTINCT ... ORDER BY ...) is not supported");
    }
    const struct type *type = type_array(&emitter->sql->arena, value.type);
    const char *limit = expr->limit != NULL ? emit_expr(emitter, expr->limit).sql : "-1";
    /* SQLite's DISTINCT takes aggregates of one argument only. */
    if (expr->distinct) {
        if (expr->limit != NULL || expr->ignore_nulls) {
            sql_fail_at(emitter->sql, expr->at, "ARRAY_AGG(DISTINCT ...) with more clauses is not supported");
        }
        return value_make(sql_format(emitter->sql, "json_group_array(DISTINCT %s)", json_of(emitter, value)),
                          type);
    }
    const char *keys = "";
    for (size_t i = 0; i < expr->order.count; i++) {
        const struct order *order = expr->order.items[i];
        keys = sql_format(emitter->sql, "%s, %s, %d", keys, emit_expr(emitter, order->expr).sql,
                          order->descending);
    }
    return value_make(sql_format(emitter->sql, "bq_array_agg(%s, %d, json_array(%s)%s)", limit,
                                 expr->ignore_nulls, json_of(emitter, value), keys),
                      type);
}

static struct value finish(struct emitter *emitter, const struct expr *expr, struct call *call)
{
    const struct rule *rule = find_rule(emitter, call);
    fit_args(emitter, rule, call);
    bool compares = rule->gives == 'x' && (rule->kind == AGGREGATE) && strcmp(rule->name, "ANY_VALUE") != 0;
    if (compares) need_groupable(emitter, call->common, expr->at, "MIN and MAX of");
    if (expr->distinct) {
        if (rule->kind != AGGREGATE || strncmp(rule->name, "COUNT_IF", 7) == 0) {
            sql_fail_at(emitter->sql, expr->at, "Function %s does not support DISTINCT", rule->name);
        }
        need_groupable(emitter, call->values[0].type, expr->at, "DISTINCT of");
        call->sql[0] = sql_format(emitter->sql, "DISTINCT %s", call->sql[0]);
    }
    if (expr->order.count > 0 || expr->limit != NULL || (expr->ignore_nulls && rule->kind != AGGREGATE)) {
        sql_fail_at(emitter->sql, expr->at, "ORDER BY, LIMIT and IGNORE NULLS in %s are not supported",
                    rule->name);
    }
    const struct type *type = type_of_letter(emitter, rule->gives, call->common);
    struct value value = value_make(fill(emitter, rule->sql, call), type);
    if (type->kind == TYPE_NULL) value.type = type_of(TYPE_INT64);
    return value;
}

static struct value emit_aggregate(struct emitter *emitter, const struct expr *expr)
{
    struct scope *scope = emitter->scope;
    if (scope == NULL || scope->forbidden != NULL) {
        sql_fail_at(emitter->sql, expr->at, "Aggregate function %s not allowed in %s", expr->name,
                    scope != NULL ? scope->forbidden : "an expression without FROM");
    }
    if (scope->in_aggregate) {
        sql_fail_at(emitter->sql, expr->at, "Aggregations of aggregations are not allowed");
    }
    struct call call = {.expr = expr};
    scope->aggregated = true;
    scope->in_aggregate = true;
    struct value value = value_make("count(*)", type_of(TYPE_INT64));
    if (strcmp(expr->name, "ARRAY_AGG") == 0) {
        value = emit_array_agg(emitter, expr);
    } else if (!expr->star) {
        emit_args(emitter, &call);
        value = finish(emitter, expr, &call);
    }
    scope->in_aggregate = false;
    return value;
}

static struct value emit_window(struct emitter *emitter, const struct expr *expr)
{
    struct scope *scope = emitter->scope;
    if (scope == NULL || (scope->forbidden != NULL)) {
        sql_fail_at(emitter->sql, expr->at, "Analytic function %s not allowed in %s", expr->name,
                    scope != NULL ? scope->forbidden : "an expression without FROM");
    }
    if (strcmp(expr->name, "ARRAY_AGG") == 0 || expr->distinct) {
        sql_fail_at(emitter->sql, expr->at, "%s%s is not supported as an analytic function", expr->name,
                    expr->distinct ? "(DISTINCT)" : "");
    }
    struct call call = {.expr = expr};
    struct value value = value_make("count(*)", type_of(TYPE_INT64));
    if (!expr->star) {
        emit_args(emitter, &call);
        value = finish(emitter, expr, &call);
    }
    return value_make(sql_format(emitter->sql, "%s%s", value.sql, emit_over(emitter, expr->window)),
                      value.type);
}

/* FORMAT('%s: %d', ...): the arguments' types must fit the directives. */
static struct value emit_format(struct emitter *emitter, struct call *call)
{
    const char *args = "";
    for (size_t i = 0; i < call->count; i++) {
        struct value value = call->values[i];
        enum type_kind kind = value.type->kind;
        if (i > 0 && (kind == TYPE_DATE || kind == TYPE_TIMESTAMP || kind == TYPE_BOOL)) {
            value.sql = sql_format(emitter->sql, "bq_cast(%s, '%s', 'STRING', 0)", value.sql,
                                   type_name(&emitter->sql->arena, value.type));
        } else if (i > 0 && (kind == TYPE_STRUCT || kind == TYPE_ARRAY)) {
            value.sql = json_text_of(emitter, value);
        }
        args = sql_format(emitter->sql, "%s%s%s", args, i > 0 ? ", " : "", value.sql);
    }
    return value_make(sql_format(emitter->sql, "bq_format(%s)", args), type_of(TYPE_STRING));
}

/* Functions whose type or text no rule can say. False: it is none of them. */
static bool emit_special(struct emitter *emitter, struct call *call, struct value *out_value)
{
    const char *name = call->expr->name;
    char text[40];
    if (strcmp(name, "CURRENT_TIMESTAMP") == 0 && call->count == 0) {
        runtime_timestamp_format(emit_now(emitter), text);
        *out_value = value_make(sql_format(emitter->sql, "'%s'", text), type_of(TYPE_TIMESTAMP));
    } else if (strcmp(name, "CURRENT_DATE") == 0 && call->count <= 1) {
        runtime_timestamp_format(emit_now(emitter), text);
        const char *zone = call->count == 1 ? call->values[0].sql : "'UTC'";
        *out_value =
            value_make(sql_format(emitter->sql, "bq_date('%s', %s)", text, zone), type_of(TYPE_DATE));
    } else if (strcmp(name, "TO_JSON_STRING") == 0 && call->count == 1) {
        *out_value = value_make(json_text_of(emitter, call->values[0]), type_of(TYPE_STRING));
    } else if (strcmp(name, "TO_JSON") == 0 && call->count == 1) {
        *out_value = value_make(json_text_of(emitter, call->values[0]), type_of(TYPE_JSON));
    } else if (strcmp(name, "FORMAT") == 0 && call->count >= 1) {
        *out_value = emit_format(emitter, call);
    } else if (strcmp(name, "ARRAY_CONCAT") == 0 && call->count >= 1) {
        const char *all = call->values[0].sql;
        const struct type *type =
            common_type(emitter, call->values, call->count, call->expr->at, "function ARRAY_CONCAT");
        for (size_t i = 1; i < call->count; i++)
            all = sql_format(emitter->sql, "bq_array_concat(%s, %s)", all,
                             coerce(emitter, call->values[i], type).sql);
        *out_value = value_make(all, type);
    } else if (strcmp(name, "ARRAY_REVERSE") == 0 && call->count == 1 &&
               call->values[0].type->kind == TYPE_ARRAY) {
        *out_value = value_make(sql_format(emitter->sql, "bq_array_reverse(%s)", call->values[0].sql),
                                call->values[0].type);
    } else {
        return false;
    }
    return true;
}

struct value emit_call(struct emitter *emitter, const struct expr *expr)
{
    enum rule_kind kind = SCALAR;
    struct call call = {.expr = expr};
    struct value value = {0};
    bool aggregate = is_aggregate(expr->name, &kind);
    if (expr->star && strcmp(expr->name, "COUNT") != 0) {
        sql_fail_at(emitter->sql, expr->at, "Argument * can only be used in COUNT(*)");
    }
    if (aggregate && expr->window != NULL) return emit_window(emitter, expr);
    if (kind == ANALYTIC) {
        sql_fail_at(emitter->sql, expr->at, "Analytic function %s cannot be called without an OVER clause",
                    expr->name);
    }
    if (aggregate) return emit_aggregate(emitter, expr);
    if (expr->window != NULL) {
        sql_fail_at(emitter->sql, expr->at, "Function %s does not support an OVER clause", expr->name);
    }
    emit_args(emitter, &call);
    if (emit_special(emitter, &call, &value)) return value;
    return finish(emitter, expr, &call);
}
