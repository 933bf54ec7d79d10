/* SPDX-License-Identifier: Apache-2.0 */
/* sql_questions.c - the statements that answer people: status, history, rejected records. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "sql.h"

#define RECENT_DAYS 35 /* a record that is newer is found without reading all of a table */

struct literal {
    const char *parameter, *text;
};

/* A view takes no parameters: each stands there as a literal. Any other becomes a byte that sql_check
 * refuses.
 */
static void bind(struct buf *out, const char *text, const struct literal *literals, size_t count)
{
    for (const char *at; (at = strchr(text, '@')) != NULL;) {
        size_t size = 1, i = 0;
        while (isalnum((unsigned char)at[size]) || at[size] == '_')
            size++;
        while (i < count && (strlen(literals[i].parameter) != size - 1 ||
                             memcmp(literals[i].parameter, at + 1, size - 1) != 0))
            i++;
        buf_add(out, text, (size_t)(at - text));
        buf_text(out, i < count ? literals[i].text : "\x01");
        text = at + size;
    }
    buf_text(out, text);
}

/* The reading that runs plan from; without tables one that finds nothing. */
static void add_state(const struct sql_names *names, const struct sql_status *status, struct buf *out)
{
    const struct selection *kept[LIMIT_STREAMS];
    char first_day[DAY_TEXT], day[32], since[64];
    size_t count = 0;
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_SQL);
    for (size_t i = 0; i < status->count; i++)
        if (status->has_tables[i]) kept[count++] = &status->selections[i];
    day_format(status->first_day, first_day);
    snprintf(day, sizeof day, "DATE '%s'", first_day);
    snprintf(since, sizeof since, "DATE_SUB(CURRENT_DATE(), INTERVAL %d DAY)", REJECTED_DAYS);
    const struct literal literals[] = {{"message_id", "''"}, {"first_day", day}, {"rejected_since", since}};
    if (count == 0)
        buf_text(&text, "SELECT '' AS stream, '' AS kind, CAST(NULL AS DATE) AS day, 0 AS row_count, "
                        "CAST(NULL AS TIMESTAMP) AS seen_at, CAST(NULL AS TIMESTAMP) AS fetch_began_at, "
                        "CAST(NULL AS STRING) AS name");
    else
        sql_state_text(names, kept, count, &text);
    if (text.full) out->full = true;
    bind(out, buf_string(&text), literals, sizeof literals / sizeof *literals);
}

static void add_stream(const struct stream *stream, size_t place, struct buf *out)
{
    char name[TABLE_ID];
    sql_word(name, stream->name);
    buf_format(out, "%s    SELECT '%s' AS stream, %zu AS place, %s AS has_days, %s AS has_claims",
               out->size > 0 ? "\n     UNION ALL\n" : "", name, place,
               stream_is_windowed(stream) ? "TRUE" : "FALSE", stream_claims_days(stream) ? "TRUE" : "FALSE");
}

static void add_record(const struct sql_names *names, const struct stream *stream, struct buf *out)
{
    char name[TABLE_ID], time[TABLE_ID], path[SQL_PATH];
    if (stream->kind == STREAM_RECONCILE) return;
    sql_word(name, stream->name);
    sql_quote(time, stream->table->version ? stream->table->version : COLUMN_READ_AT);
    sql_path(path, names, names->dataset, stream->table->name);
    buf_format(out,
               "%s    SELECT '%s' AS stream, MAX(%s) AS newest_record_at FROM `%s`\n     WHERE "
               "partition_date >= DATE_SUB(CURRENT_DATE(), INTERVAL %d DAY)",
               out->size > 0 ? "\n     UNION ALL\n" : "", name, time, path, RECENT_DAYS);
}

/* "'loaded', 'empty', ..." */
static void add_good_outcomes(struct buf *out)
{
    for (size_t i = 0; good_outcomes[i]; i++) {
        if (i > 0) buf_text(out, ", ");
        sql_literal(out, good_outcomes[i]);
    }
}

void sql_status_text(const struct sql_names *names, const struct sql_status *status, struct buf *out_sql)
{
    char attempts[SQL_PATH], rejected[SQL_PATH], start[DAY_TEXT], max_age[32], rejected_days[32];
    AUTO(buf_done) struct buf state = buf_limited(LIMIT_SQL);
    AUTO(buf_done) struct buf streams = buf_limited(LIMIT_SQL);
    AUTO(buf_done) struct buf records = buf_limited(LIMIT_SQL);
    AUTO(buf_done) struct buf good = buf_limited(LIMIT_SQL);
    add_state(names, status, &state);
    add_good_outcomes(&good);
    for (size_t i = 0; i < status->count; i++) {
        add_stream(status->selections[i].stream, i, &streams);
        if (status->has_tables[i]) add_record(names, status->selections[i].stream, &records);
    }
    if (records.size == 0)
        buf_text(&records, "    SELECT '' AS stream, CAST(NULL AS TIMESTAMP) AS newest_record_at");
    sql_path(attempts, names, names->control, "attempts");
    sql_path(rejected, names, names->control, "rejected");
    day_format(status->start, start);
    snprintf(rejected_days, sizeof rejected_days, "%d", REJECTED_DAYS);
    snprintf(max_age, sizeof max_age, "%lld", (long long)status->max_age_s);
    const struct sql_value values[] = {
        {"state", buf_string(&state)},
        {"streams", buf_string(&streams)},
        {"records", buf_string(&records)},
        {"attempts", attempts},
        {"rejected", rejected},
        {"start", start},
        {"max_age", max_age},
        {"rejected_days", rejected_days},
        {"good", buf_string(&good)},
        {"stopped", error_rules[ERROR_STOPPED].name},
        {"forbidden", error_rules[ERROR_FORBIDDEN].name},
    };
    if (state.full) out_sql->full = true;
    sql_fill(out_sql, sql_status, values, sizeof values / sizeof *values);
}

void sql_history_text(const struct sql_names *names, int64_t limit, struct buf *out_sql)
{
    char attempts[SQL_PATH], rows[32];
    AUTO(buf_done) struct buf good = buf_limited(LIMIT_SQL);
    sql_path(attempts, names, names->control, "attempts");
    snprintf(rows, sizeof rows, "%lld", (long long)limit);
    add_good_outcomes(&good);
    const struct sql_value values[] = {{"attempts", attempts},
                                       {"limit", rows},
                                       {"good", buf_string(&good)},
                                       {"stopped", error_rules[ERROR_STOPPED].name}};
    sql_fill(out_sql, sql_history, values, sizeof values / sizeof *values);
}

void sql_rejects_text(const struct sql_names *names, bool with_text, int64_t limit, struct buf *out_sql)
{
    char rejected[SQL_PATH], rows[32];
    sql_path(rejected, names, names->control, "rejected");
    snprintf(rows, sizeof rows, "%lld", (long long)limit);
    const struct sql_value values[] = {
        {"rejected", rejected}, {"record", with_text ? "record" : "CAST(NULL AS STRING)"}, {"limit", rows}};
    sql_fill(out_sql, sql_rejects, values, sizeof values / sizeof *values);
}

void sql_mend_text(const struct sql_names *names, const struct table *table, struct buf *out_sql)
{
    char rejected[SQL_PATH], path[SQL_PATH], key[TABLE_ID];
    sql_path(rejected, names, names->control, "rejected");
    sql_path(path, names, names->dataset, table->name);
    sql_quote(key, table->key[0]);
    const struct sql_value values[] = {{"rejected", rejected}, {"table", path}, {"key", key}};
    sql_fill(out_sql, sql_mend, values, sizeof values / sizeof *values);
}
