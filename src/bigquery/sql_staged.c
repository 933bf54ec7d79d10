/* SPDX-License-Identifier: Apache-2.0 */
/* sql_staged.c - staged values as the data tables hold them.
 *
 * A staging table holds JSON as text. PARSE_JSON refuses numbers whose double has another text, unless it may
 * round: then the double stays, and its spelling may change.
 */
#include "sql.h"

#define ALIAS_BYTES 16

static bool holds_json(const struct column *column)
{
    if (column->type != COLUMN_RECORD) return column->type == COLUMN_JSON;
    for (size_t i = 0; i < column->field_count; i++)
        if (holds_json(&column->fields[i])) return true;
    return false;
}

static void add_column(const struct column *column, const char *row, struct buf *out)
{
    char quoted[TABLE_ID];
    sql_quote(quoted, column->name);
    buf_format(out, "%s.%s", row, quoted);
}

static void add_value(const struct column *column, const char *row, int depth, struct buf *out);

/* "PARSE_JSON(e1)", "STRUCT(e1.`a` AS `a`, PARSE_JSON(e1.`b`) AS `b`)"; value: an expression without side
 * effects */
static void add_one(const struct column *column, const char *value, int depth, struct buf *out)
{
    char quoted[TABLE_ID];
    if (column->type == COLUMN_JSON) {
        buf_format(out, "PARSE_JSON(%s, wide_number_mode => 'round')", value);
        return;
    }
    buf_text(out, "STRUCT(");
    for (size_t i = 0; i < column->field_count; i++) {
        buf_text(out, i ? ", " : "");
        add_value(&column->fields[i], value, depth, out);
        sql_quote(quoted, column->fields[i].name);
        buf_format(out, " AS %s", quoted);
    }
    buf_byte(out, ')');
}

static void add_value(const struct column *column, const char *row, int depth, struct buf *out)
{
    AUTO(buf_done) struct buf value = buf_limited(LIMIT_SQL);
    char each[ALIAS_BYTES];
    add_column(column, row, &value);
    if (!holds_json(column)) {
        buf_text(out, buf_string(&value));
    } else if (column->mode == COLUMN_REPEATED) {
        snprintf(each, sizeof each, "e%d", depth);
        buf_text(out, "ARRAY(SELECT ");
        add_one(column, each, depth + 1, out);
        buf_format(out, " FROM UNNEST(%s) AS %s WITH OFFSET AS o%d ORDER BY o%d)", buf_string(&value), each,
                   depth, depth);
    } else if (column->type == COLUMN_RECORD) {
        buf_format(out, "IF(%s IS NULL, NULL, ", buf_string(&value));
        add_one(column, buf_string(&value), depth, out);
        buf_byte(out, ')');
    } else {
        add_one(column, buf_string(&value), depth, out);
    }
    if (value.full) out->full = true;
}

void sql_staged_value(const struct column *column, const char *row, struct buf *out)
{
    add_value(column, row, 1, out);
}
