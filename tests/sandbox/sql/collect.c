/* SPDX-License-Identifier: Apache-2.0 */
/* Aggregates that look at all values at once: collected and sorted by our own aggregate, bq_array_agg. */
#include <string.h>

#include "sql/emit.h"

bool is_collecting(const char *function)
{
    static const char *const names[] = {"ARRAY_AGG", "APPROX_QUANTILES"};
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

bool emit_collecting(struct emitter *emitter, const struct expr *expr, struct value *out_value)
{
    if (strcmp(expr->name, "ARRAY_AGG") == 0) {
        *out_value = emit_array_agg(emitter, expr);
    } else if (strcmp(expr->name, "APPROX_QUANTILES") == 0) {
        *out_value = emit_quantiles(emitter, expr);
    } else {
        return false;
    }
    return true;
}
