/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of functions: which rule fits the arguments, and what SQLite gets. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "sql/emit.h"
#include "sql/rules.h"
#include "store/time_text.h"

#define MOST_ARGS 1000

/* The arguments on their way to SQLite. */
struct function_call {
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
    size_t size = strcspn(takes, "+");
    bool is_repeated = takes[size] == '+';
    *out_enough = index >= size;
    if (index < size) return takes[index];
    return is_repeated ? takes[size - 1] : 0;
}

static bool fits(struct emitter *emitter, const struct function_call *call, size_t i, char letter)
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

static bool matches(struct emitter *emitter, const struct rule *rule, const struct function_call *call)
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
    if (arg->kind == EXPR_INTERVAL) return true;
    if (strcmp(call->name, "DATE_TRUNC") != 0 || call->args.count < 2 || arg != call->args.items[1])
        return false;
    bool is_week = arg->kind == EXPR_CALL && strcmp(arg->name, "WEEK") == 0;
    return arg->kind == EXPR_NAME || is_week;
}

static void emit_args(struct emitter *emitter, struct function_call *call)
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

static void fit_args(struct emitter *emitter, const struct rule *rule, struct function_call *call)
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

static const char *fill(struct emitter *emitter, const char *template, const struct function_call *call)
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

static _Noreturn void no_signature(struct emitter *emitter, const struct function_call *call, bool known)
{
    struct sql *sql = emitter->sql;
    if (!known) sql_fail_at(sql, call->expr->at, SQL_NO_FUNCTION, call->expr->name);
    const char *types = "";
    for (size_t i = 0; i < call->count; i++) {
        const char *type =
            call->values[i].sql != NULL ? type_name(&sql->arena, call->values[i].type) : "DATE_TIME_PART";
        types = sql_format(sql, "%s%s%s", types, i > 0 ? ", " : "", type);
    }
    sql_fail_at(sql, call->expr->at, "No matching signature for function %s for argument types: %s",
                call->expr->name, types);
}

static const struct rule *find_rule(struct emitter *emitter, const struct function_call *call)
{
    bool known = false;
    for (const struct rule *rule = sql_rules; rule->name != NULL; rule++) {
        if (strcmp(rule->name, call->expr->name) != 0) continue;
        known = true;
        if (matches(emitter, rule, call)) return rule;
    }
    no_signature(emitter, call, known);
}

static bool is_aggregate(const char *name, enum rule_kind *out_kind)
{
    *out_kind = SCALAR;
    for (const struct rule *rule = sql_rules; rule->name != NULL; rule++) {
        if (strcmp(rule->name, name) == 0) *out_kind = rule->kind;
    }
    if (is_collecting(name)) *out_kind = AGGREGATE;
    return *out_kind != SCALAR;
}

/* SAFE. takes the errors of the function away, not those of its arguments. */
static const char *safe_template(struct emitter *emitter, const struct rule *rule, const struct expr *expr)
{
    const char *text = "", *from = rule->sql;
    if (rule->kind != SCALAR)
        sql_fail_at(emitter->sql, expr->at, "Aggregates and analytic functions take no SAFE.");
    for (const char *own = strstr(from, "bq_"); own != NULL; own = strstr(from, "bq_")) {
        text = sql_format(emitter->sql, "%s%.*ssafe_bq_", text, (int)(own - from), from);
        from = own + 3;
    }
    return sql_format(emitter->sql, "%s%s", text, from);
}

/* Known before any row is read: no column, no query. */
bool expr_is_fixed(const struct emitter *emitter, const struct expr *expr)
{
    bool variable = false;
    if (expr == NULL) return true;
    if (expr->query != NULL) return false;
    for (size_t i = 0; expr->kind == EXPR_NAME && emitter->variables != NULL && i < emitter->variables->count;
         i++)
        variable =
            variable || strcasecmp(((struct variable *)emitter->variables->items[i])->name, expr->name) == 0;
    if (expr->kind == EXPR_NAME) return variable;
    for (size_t i = 0; i < expr->args.count; i++)
        if (!expr_is_fixed(emitter, expr->args.items[i])) return false;
    return true;
}

static struct value finish(struct emitter *emitter, const struct expr *expr, struct function_call *call)
{
    const struct rule *rule = find_rule(emitter, call);
    fit_args(emitter, rule, call);
    bool path = strncmp(rule->name, "JSON_", 5) == 0 && call->count == 2;
    if (path && !expr_is_fixed(emitter, expr->args.items[1]))
        sql_fail_at(emitter->sql, expr->at, "Argument 2 to %s must be a constant expression", rule->name);
    if (rule->gives == 'x' && rule->kind == AGGREGATE)
        need_groupable(emitter, call->common, expr->at, "MIN and MAX of");
    if (expr->distinct) {
        if (rule->kind != AGGREGATE || strcmp(rule->name, "COUNTIF") == 0) {
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
    const char *template = expr->safe ? safe_template(emitter, rule, expr) : rule->sql;
    struct value value = value_make(fill(emitter, template, call), type);
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
    struct function_call call = {.expr = expr};
    scope->aggregated = true;
    scope->in_aggregate = true;
    struct value value = value_make("count(*)", type_of(TYPE_INT64));
    if (emit_collecting(emitter, expr, &value)) {
        ; /* that was it */
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
    if (is_collecting(expr->name) || expr->distinct) {
        sql_fail_at(emitter->sql, expr->at, "%s%s is not supported as an analytic function", expr->name,
                    expr->distinct ? "(DISTINCT)" : "");
    }
    struct function_call call = {.expr = expr};
    struct value value = value_make("count(*)", type_of(TYPE_INT64));
    if (!expr->star) {
        emit_args(emitter, &call);
        value = finish(emitter, expr, &call);
    }
    return value_make(sql_format(emitter->sql, "%s%s", value.sql, emit_over(emitter, expr->window)),
                      value.type);
}

/* Functions whose type or text no rule can say. False: it is none of them. */
static bool emit_special(struct emitter *emitter, struct function_call *call, struct value *out_value)
{
    const char *name = call->expr->name;
    char text[40];
    if (strcmp(name, "CURRENT_TIMESTAMP") == 0 && call->count == 0) {
        time_text_format(emit_now(emitter), text);
        *out_value = value_make(sql_format(emitter->sql, "'%s'", text), type_of(TYPE_TIMESTAMP));
    } else if (strcmp(name, "CURRENT_DATE") == 0 && call->count <= 1) {
        time_text_format(emit_now(emitter), text);
        const char *zone = call->count == 1 ? call->values[0].sql : "'UTC'";
        *out_value =
            value_make(sql_format(emitter->sql, "bq_date('%s', %s)", text, zone), type_of(TYPE_DATE));
    } else if (strcmp(name, "TO_JSON_STRING") == 0 && call->count == 1) {
        *out_value = value_make(json_text_of(emitter, call->values[0]), type_of(TYPE_STRING));
    } else {
        return false;
    }
    return true;
}

struct value emit_call(struct emitter *emitter, const struct expr *expr)
{
    enum rule_kind kind = SCALAR;
    struct function_call call = {.expr = expr};
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
