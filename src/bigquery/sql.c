/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "sql.h"

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define REFUSED '\x01' /* no statement of ours holds this byte: see sql_check */

static bool is_made_of(const char *name, size_t size, const char *allowed)
{
    return size > 0 && size < TABLE_ID - 2 && strspn(name, allowed) >= size;
}

bool sql_is_name(const char *name)
{
    return name && is_made_of(name, strlen(name), LETTERS DIGITS "_");
}

bool sql_is_project(const char *project)
{
    const char *colon = project ? strchr(project, ':') : NULL;
    const char *id = colon ? colon + 1 : project;
    return project && (!colon || is_made_of(project, (size_t)(colon - project), LETTERS DIGITS "-.")) &&
           is_made_of(id, strlen(id), LETTERS DIGITS "_-");
}

static void refuse(char *out)
{
    out[0] = REFUSED;
    out[1] = '\0';
}

void sql_path(char out[SQL_PATH], const struct sql_names *names, const char *dataset, const char *table)
{
    if (sql_is_project(names->project) && sql_is_name(dataset) && sql_is_name(table))
        snprintf(out, SQL_PATH, "%s.%s.%s", names->project, dataset, table);
    else
        refuse(out);
}

void sql_quote(char out[TABLE_ID], const char *name)
{
    if (sql_is_name(name))
        snprintf(out, TABLE_ID, "`%s`", name);
    else
        refuse(out);
}

void sql_word(char out[TABLE_ID], const char *name)
{
    if (sql_is_name(name))
        snprintf(out, TABLE_ID, "%s", name);
    else
        refuse(out);
}

void sql_literal(struct buf *out, const char *text)
{
    buf_byte(out, '\'');
    for (const char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte == 0x7f)
            buf_format(out, "\\x%02x", byte);
        else if (byte == '\'' || byte == '\\')
            buf_format(out, "\\%c", byte);
        else
            buf_byte(out, *c);
    }
    buf_byte(out, '\'');
}

void sql_add_columns(struct buf *out, const char *const *columns, size_t count, const char *prefix)
{
    char column[TABLE_ID];
    for (size_t i = 0; i < count; i++) {
        sql_quote(column, columns[i]);
        buf_format(out, "%s%s%s", i ? ", " : "", prefix, column);
    }
}

void sql_add_match(struct buf *out, const char *const *columns, size_t count, const char *left,
                   const char *right)
{
    char column[TABLE_ID];
    for (size_t i = 0; i < count; i++) {
        sql_quote(column, columns[i]);
        buf_format(out, "%s%s.%s = %s.%s", i ? " AND " : "", left, column, right, column);
    }
}

bool sql_check(const struct buf *sql, const char *what, struct error *err)
{
    if (sql->full)
        return error_set(err, ERROR_LIMIT, "%s: the statement is larger than %d bytes; it was not sent", what,
                         LIMIT_SQL);
    if (!strchr(buf_string(sql), REFUSED)) return true;
    return error_set(err, ERROR_REFUSED,
                     "%s: the statement was not sent: a name in it has other characters than letters, digits "
                     "and _. Report this with the name of the stream",
                     what);
}

static const char *value_of(const struct sql_value *values, size_t count, const char *name, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(values[i].name) == size && !memcmp(values[i].name, name, size)) return values[i].text;
    return NULL;
}

static bool has_placeholder(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = text; (at = strstr(at, "${")) != NULL; at += 2)
        if (!strncmp(at + 2, name, size) && at[2 + size] == '}') return true;
    return false;
}

void sql_fill(struct buf *out, const char *text, const struct sql_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(has_placeholder(text, values[i].name));
        (void)has_placeholder; /* without assertions it has no other use */
    }
    for (const char *open; (open = strstr(text, "${")) != NULL;) {
        const char *close = strchr(open, '}');
        assert(close);
        const char *value = value_of(values, count, open + 2, (size_t)(close - open) - 2);
        assert(value);
        buf_add(out, text, (size_t)(open - text));
        buf_text(out, value);
        text = close + 1;
    }
    buf_text(out, text);
}

void sql_ledger_text(const struct sql_names *names, struct buf *out_sql)
{
    char runs[SQL_PATH];
    sql_path(runs, names, names->control, "runs");
    const struct sql_value values[] = {{"runs", runs}};
    sql_fill(out_sql, sql_ledger, values, 1);
}

void sql_provenance_text(const struct sql_names *names, struct buf *out_sql)
{
    char runs[SQL_PATH];
    sql_path(runs, names, names->control, "runs");
    const struct sql_value values[] = {{"runs", runs}};
    sql_fill(out_sql, sql_provenance, values, 1);
}

void sql_lock_row_text(const struct sql_names *names, const struct stream *stream, struct buf *out_sql)
{
    char name[TABLE_ID], lock[SQL_PATH], runs[SQL_PATH];
    snprintf(name, sizeof name, "lock_%s", stream_lock(stream));
    sql_path(lock, names, names->control, name);
    sql_path(runs, names, names->control, "runs");
    const struct sql_value values[] = {{"lock", lock}, {"runs", runs}};
    sql_fill(out_sql, sql_lock_row, values, sizeof values / sizeof *values);
}
