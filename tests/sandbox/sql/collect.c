/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates that look at all values at once: collected and sorted by our own aggregate, bq_array_agg. */
#include <string.h>

#include "sql/emit.h"

bool is_collecting(const char *function)
{
    static const char *const names[] = {"ARRAY_AGG", "APPROX_QUANTILES", "MAX_BY", "MIN_BY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], function) == 0) return true;
    return false;
}

/* An ARRAY of the values; order: struct order. */
static const char *collect(struct emitter *emitter, const struct expr *expr, struct value value,
                           bool ignore_nulls)
{
    const char *keys = "", *limit = expr->limit != NULL ? emit_expr(emitter, expr->limit).sql : "-1";
    for (size_t i = 0; i < expr->order.count; i++) {
        const struct order *order = expr->order.items[i];
        keys = sql_format(emitter->sql, "%s, %s, %d", keys, emit_expr(emitter, order->expr).sql,
                          order->descending);
    }
    return sql_format(emitter->sql, "bq_array_agg(%s, %d, json_array(%s)%s)", limit, ignore_nulls,
                      json_of(emitter, value), keys);
}

/* ARRAY_AGG([DISTINCT] x [IGNORE NULLS] [ORDER BY ...] [LIMIT n]) */
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
    if (!expr->distinct) return value_make(collect(emitter, expr, value, expr->ignore_nulls), type);
    /* SQLite's DISTINCT takes aggregates of one argument only. */
    if (expr->limit != NULL || expr->ignore_nulls) {
        sql_fail_at(emitter->sql, expr->at, "ARRAY_AGG(DISTINCT ...) with more clauses is not supported");
    }
    return value_make(sql_format(emitter->sql, "json_group_array(DISTINCT %s)", json_of(emitter, value)),
                      type);
}

/* STRING_AGG(x [, delimiter] ORDER BY ... [LIMIT n]) */
static struct value emit_sorted_texts(struct emitter *emitter, const struct expr *expr)
{
    const char *mark = "','";
    struct value value =
        expr->args.count > 0 ? emit_expr(emitter, expr->args.items[0]) : value_make("", type_of(TYPE_NULL));
    if (expr->args.count == 2) mark = emit_expr(emitter, expr->args.items[1]).sql;
    if (value.type->kind != TYPE_STRING || expr->args.count > 2 || expr->distinct) {
        sql_fail_at(emitter->sql, expr->at,
                    "STRING_AGG with ORDER BY or LIMIT is supported for one STRING and a delimiter");
    }
    return value_make(
        sql_format(emitter->sql, "bq_array_to_string(%s, %s)", collect(emitter, expr, value, true), mark),
        value.type);
}

/* APPROX_QUANTILES(x, n [IGNORE | RESPECT NULLS]): here they are exact. */
static struct value emit_quantiles(struct emitter *emitter, const struct expr *expr)
{
    struct sql *sql = emitter->sql;
    if (expr->args.count != 2 || expr->order.count > 0 || expr->limit != NULL || expr->distinct) {
        sql_fail_at(sql, expr->at, "APPROX_QUANTILES takes a value and a number; DISTINCT is not supported");
    }
    struct value value = emit_expr(emitter, expr->args.items[0]);
    struct value number = coerce(emitter, emit_expr(emitter, expr->args.items[1]), type_of(TYPE_INT64));
    if (number.sql == NULL || !expr_is_fixed(emitter, expr->args.items[1])) {
        sql_fail_at(sql, expr->at,
                    "Argument 2 to APPROX_QUANTILES must be a literal or query parameter of type INT64");
    }
    need_groupable(emitter, value.type, expr->at, "APPROX_QUANTILES of");
    const char *all = sql_format(sql, "bq_array_agg(-1, %d, json_array(%s), %s, 0)", !expr->respect_nulls,
                                 json_of(emitter, value), value.sql);
    return value_make(sql_format(sql, "bq_quantiles(%s, %s)", all, number.sql),
                      type_array(&sql->arena, value.type));
}

/* MAX_BY(x, y): the x of the greatest y; a NULL is none. */
static struct value emit_by(struct emitter *emitter, const struct expr *expr)
{
    struct sql *sql = emitter->sql;
    if (expr->args.count != 2 || expr->order.count > 0 || expr->limit != NULL || expr->distinct)
        sql_fail_at(sql, expr->at, "%s takes two arguments", expr->name);
    struct value value = emit_expr(emitter, expr->args.items[0]);
    struct value by = emit_expr(emitter, expr->args.items[1]);
    need_groupable(emitter, by.type, expr->at, expr->name);
    const char *one = sql_format(
        sql, "bq_array_agg(1, 0, json_array(CASE WHEN %s IS NOT NULL THEN %s END), %s IS NULL, 0, %s, %d)",
        by.sql, json_of(emitter, value), by.sql, by.sql, expr->name[1] == 'A');
    return value_make(sql_format(sql, "bq_element(%s, 0, 1, %d)", one, value.type->kind == TYPE_JSON),
                      value.type);
}

bool emit_collecting(struct emitter *emitter, const struct expr *expr, struct value *out_value)
{
    bool sorted = expr->order.count > 0 || expr->limit != NULL;
    if (strcmp(expr->name, "ARRAY_AGG") == 0) {
        *out_value = emit_array_agg(emitter, expr);
    } else if (strcmp(expr->name, "APPROX_QUANTILES") == 0) {
        *out_value = emit_quantiles(emitter, expr);
    } else if (strcmp(expr->name, "MAX_BY") == 0 || strcmp(expr->name, "MIN_BY") == 0) {
        *out_value = emit_by(emitter, expr);
    } else if (strcmp(expr->name, "STRING_AGG") == 0 && sorted) {
        *out_value = emit_sorted_texts(emitter, expr);
    } else {
        return false;
    }
    return true;
}

/* PERCENTILE_CONT(x, where) OVER ([PARTITION BY ...]) */
bool emit_percentile(struct emitter *emitter, const struct expr *expr, struct value *out_value)
{
    struct sql *sql = emitter->sql;
    struct value sides[2];
    if (strcmp(expr->name, "PERCENTILE_CONT") != 0) return false;
    if (expr->args.count != 2 || expr->window->order.count > 0 || expr->window->frame[0] != '\0' ||
        expr->respect_nulls) {
        sql_fail_at(sql, expr->at,
                    "PERCENTILE_CONT takes a value and a place, and OVER without ORDER BY or frame");
    }
    for (size_t i = 0; i < 2; i++) {
        sides[i] = coerce(emitter, emit_expr(emitter, expr->args.items[i]), type_of(TYPE_FLOAT64));
        if (sides[i].sql == NULL)
            sql_fail_at(sql, expr->at, "No matching signature for function PERCENTILE_CONT");
    }
    if (!expr_is_fixed(emitter, expr->args.items[1])) {
        sql_fail_at(sql, expr->at, "Argument 2 to PERCENTILE_CONT must be a literal or query parameter");
    }
    *out_value = value_make(sql_format(sql, "bq_percentile(json_group_array(%s)%s, %s)", sides[0].sql,
                                       emit_over(emitter, expr->window), sides[1].sql),
                            type_of(TYPE_FLOAT64));
    return true;
}
