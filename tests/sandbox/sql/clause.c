/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions, and ORDER BY and PARTITION BY of windows. */
#include "sql/emit.h"

const char *emit_condition(struct emitter *emitter, const struct expr *expr, const char *where)
{
    struct value value = emit_expr(emitter, expr);
    if (value.type->kind != TYPE_BOOL && value.type->kind != TYPE_NULL) {
        sql_fail_at(emitter->sql, expr->at, "%s should return type BOOL, but returns %s", where,
                    type_name(&emitter->sql->arena, value.type));
    }
    return value.sql;
}

const char *emit_order(struct emitter *emitter, const struct pointer_list *order)
{
    const char *text = "";
    for (size_t i = 0; i < order->count; i++) {
        const struct order *key = order->items[i];
        struct value value = emit_expr(emitter, key->expr);
        need_groupable(emitter, value.type, key->expr->at, "Ordering by");
        /* A bare integer would be taken for a column's number. */
        text = sql_format(emitter->sql, "%s%sifnull(%s, NULL)%s%s%s", text, i > 0 ? ", " : "", value.sql,
                          key->descending ? " DESC" : "", key->nulls != NULL ? " NULLS " : "",
                          key->nulls != NULL ? key->nulls : "");
    }
    return text;
}

const char *emit_over(struct emitter *emitter, const struct sql_window *window)
{
    const char *partition = "", *order = emit_order(emitter, &window->order);
    for (size_t i = 0; i < window->partition.count; i++) {
        const struct expr *key = window->partition.items[i];
        struct value value = emit_expr(emitter, key);
        need_groupable(emitter, value.type, key->at, "Partitioning by");
        partition = sql_format(emitter->sql, "%s%s%s", partition, i > 0 ? ", " : " PARTITION BY ", value.sql);
    }
    return sql_format(emitter->sql, " OVER (%s%s%s%s)", partition + (*partition == ' '),
                      *order ? " ORDER BY " : "", order, window->frame);
}
