/* sql.c - statements from their texts. Values travel as parameters; only names are spliced in, after
 * validation. */
#include <assert.h>
#include <string.h>

#include "internal.h"

#define LIST_LIMIT (256 * 1024)

bool sql_name_valid(const char *name, bool dashes)
{
    size_t size = name ? strlen(name) : 0;
    const char *allowed = dashes ? "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
                                 : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return size > 0 && size < TABLE_ID && strspn(name, allowed) == size;
}

static const char *value_of(const struct sql_value *values, size_t count, const char *name, size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(values[i].name) == size && !memcmp(values[i].name, name, size)) return values[i].text;
    return NULL;
}

static bool placeholder_in(const char *text, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = text; (at = strstr(at, "${")) != NULL; at += 2)
        if (!strncmp(at + 2, name, size) && at[2 + size] == '}') return true;
    return false;
}

void sql_fill(struct buf *out, const char *text, const struct sql_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(placeholder_in(text, values[i].name));
        (void)placeholder_in; /* without assertions it has no other use */
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

/* --- Names and lists of columns --- */

struct list {
    struct buf text;
    const char *between;
};

static struct list list_new(const char *between)
{
    struct list list = {.between = between};
    buf_init(&list.text, LIST_LIMIT);
    return list;
}

static void list_done(struct list *list)
{
    buf_done(&list->text);
}

static void list_add(struct list *list, const char *prefix, const char *column)
{
    assert(sql_name_valid(column, false));
    buf_format(&list->text, "%s%s`%s`", list->text.size ? list->between : "", prefix, column);
}

static const char *list_text(const struct list *list)
{
    assert(!list->text.full);
    return buf_string(&list->text);
}

static void table_path(char out[3 * TABLE_ID], const struct sql_names *names, const char *dataset,
                       const char *table)
{
    assert(sql_name_valid(names->project, true) && sql_name_valid(dataset, false) &&
           sql_name_valid(table, false));
    snprintf(out, 3 * TABLE_ID, "%s.%s.%s", names->project, dataset, table);
}

/* The columns that name a row: the key and the version, each once. */
static size_t row_key(const struct table *table, const char *out_columns[16])
{
    const char *version = table->version ? table->version : COLUMN_PARTITION_DATE;
    bool among = false;
    size_t count = 0;
    assert(table->key_count > 0 && table->key_count < 16);
    for (size_t i = 0; i < table->key_count; i++) {
        out_columns[count++] = table->key[i];
        if (!strcmp(table->key[i], version)) among = true;
    }
    if (!among) out_columns[count++] = version;
    return count;
}

/* What the versions of one record have in common: the key without the version, and without flags, which tell
 * something of a record (a part that was redacted) but do not name another. */
static struct list identity_list(const struct table *table)
{
    struct list list = list_new(", ");
    for (size_t i = 0; i < table->key_count; i++) {
        const struct column *column = table_column(table, table->key[i]);
        bool flag = column && column->type == COLUMN_BOOL;
        if (!flag && strcmp(table->key[i], table->version) != 0) list_add(&list, "", table->key[i]);
    }
    return list;
}

static struct list key_list(const struct table *table)
{
    struct list list = list_new(", ");
    const char *key[16];
    size_t count = row_key(table, key);
    for (size_t i = 0; i < count; i++)
        list_add(&list, "", key[i]);
    return list;
}

static struct list column_list(const struct table *table, const char *prefix)
{
    struct list list = list_new(", ");
    list_add(&list, prefix, COLUMN_PARTITION_DATE);
    for (size_t i = 0; i < table->column_count; i++)
        list_add(&list, prefix, table->columns[i].name);
    list_add(&list, prefix, COLUMN_EXTRA);
    return list;
}

static struct list key_match_list(const struct table *table)
{
    struct list list = list_new(" AND ");
    const char *key[16];
    size_t count = row_key(table, key);
    for (size_t i = 0; i < count; i++) {
        list_add(&list, "k.", key[i]);
        buf_format(&list.text, " = s.`%s`", key[i]);
    }
    return list;
}

/* The condition under which a row contradicts its day. bounded: the unit's own days are a condition too. */
static struct list misplaced_list(const struct table *table, bool bounded, bool today)
{
    struct list list = list_new("");
    if (table->day) {
        buf_format(&list.text, COLUMN_PARTITION_DATE " IS DISTINCT FROM DATE(`%s`, @timezone)", table->day);
        if (bounded)
            buf_text(&list.text, " OR " COLUMN_PARTITION_DATE
                                 " < @lo OR (NOT @open AND " COLUMN_PARTITION_DATE " > @hi)");
    } else {
        buf_text(&list.text, today ? COLUMN_PARTITION_DATE " != @lo" : "FALSE");
    }
    return list;
}

static struct list keyless_list(const struct table *table)
{
    struct list list = list_new(" OR ");
    const char *key[16];
    size_t count = row_key(table, key);
    for (size_t i = 0; i < count; i++) {
        list_add(&list, "", key[i]);
        buf_text(&list.text, " IS NULL");
    }
    return list;
}

/* --- The commit --- */

static void add_check(const struct sql_names *names, const struct selection *selection, size_t index,
                      const char *stage, struct buf *out)
{
    const struct table *table = selection->tables[index];
    enum stream_kind kind = selection->stream->kind;
    bool bounded = index == 0 && (kind == STREAM_INCREMENTAL || kind == STREAM_EVENT);
    char path[3 * TABLE_ID], staged[32];
    table_path(path, names, names->control, stage);
    snprintf(staged, sizeof staged, "staged_%zu", index);
    AUTO(list_done) struct list misplaced = misplaced_list(table, bounded, true);
    const struct sql_value values[] = {
        {"stage", path}, {"staged", staged}, {"name", table->name}, {"misplaced", list_text(&misplaced)}};
    sql_fill(out, sql_commit_check, values, sizeof values / sizeof *values);
}

static void add_union(const struct sql_names *names, const struct table *table, size_t index,
                      const char *stage, struct buf *out)
{
    char stage_path[3 * TABLE_ID], target[3 * TABLE_ID], counter[32], first_key[TABLE_ID];
    table_path(stage_path, names, names->control, stage);
    table_path(target, names, names->dataset, table->name);
    snprintf(counter, sizeof counter, "n_%zu", index);
    snprintf(first_key, sizeof first_key, "`%s`", table->key[0]);
    AUTO(list_done) struct list columns = column_list(table, "");
    AUTO(list_done) struct list staged_columns = column_list(table, "s.");
    AUTO(list_done) struct list key = key_list(table);
    AUTO(list_done) struct list match = key_match_list(table);
    const struct sql_value values[] = {{"stage", stage_path},
                                       {"target", target},
                                       {"columns", list_text(&columns)},
                                       {"staged_columns", list_text(&staged_columns)},
                                       {"key", list_text(&key)},
                                       {"key_match", list_text(&match)},
                                       {"first_key", first_key},
                                       {"counter", counter}};
    sql_fill(out, sql_commit_union, values, sizeof values / sizeof *values);
}

static void add_doubled(const struct sql_names *names, const struct table *table, const char *stage,
                        struct buf *out)
{
    char stage_path[3 * TABLE_ID], target[3 * TABLE_ID];
    table_path(stage_path, names, names->control, stage);
    table_path(target, names, names->dataset, table->name);
    AUTO(list_done) struct list key = key_list(table);
    const struct sql_value values[] = {{"stage", stage_path}, {"target", target}, {"key", list_text(&key)}};
    sql_fill(out, sql_commit_doubled, values, sizeof values / sizeof *values);
}

static void add_rejected(const struct sql_names *names, const char *stage, struct buf *out)
{
    char stage_path[3 * TABLE_ID], rejected[3 * TABLE_ID];
    table_path(stage_path, names, names->control, stage);
    table_path(rejected, names, names->control, "rejected");
    const struct sql_value values[] = {{"stage", stage_path}, {"rejected", rejected}};
    sql_fill(out, sql_commit_rejected, values, sizeof values / sizeof *values);
}

static void add_lock(const struct sql_names *names, const struct stream *stream, struct buf *out)
{
    char name[TABLE_ID], lock[3 * TABLE_ID];
    snprintf(name, sizeof name, "lock_%s", stream->name);
    table_path(lock, names, names->control, name);
    const struct sql_value values[] = {{"lock", lock}, {"stream", stream->name}};
    sql_fill(out, sql_commit_lock, values, sizeof values / sizeof *values);
}

static void add_ledger(const struct sql_names *names, const struct selection *selection,
                       const char *counter_sum, struct buf *out)
{
    char runs[3 * TABLE_ID], table[3 * TABLE_ID];
    table_path(runs, names, names->control, "runs");
    table_path(table, names, names->dataset, selection->tables[0]->name);
    const struct sql_value values[] = {{"runs", runs}, {"table", table}, {"counter_sum", counter_sum}};
    sql_fill(out, sql_commit_ledger, values, sizeof values / sizeof *values);
}

bool sql_commit(const struct sql_names *names, const struct selection *selection,
                const char *const stages[LIMIT_TABLES + 1], struct buf *out_sql)
{
    char counters[LIMIT_TABLES * 16] = "", sum[LIMIT_TABLES * 16] = "";
    for (size_t i = 0; i < selection->table_count; i++) {
        snprintf(counters + strlen(counters), sizeof counters - strlen(counters), "%sn_%zu", i ? ", " : "",
                 i);
        snprintf(sum + strlen(sum), sizeof sum - strlen(sum), "%sn_%zu", i ? " + " : "", i);
    }
    const struct sql_value counted[] = {{"counters", counters}};
    sql_fill(out_sql, sql_commit_declare, counted, 1);
    for (size_t i = 0; i < selection->table_count; i++)
        if (stages[i]) add_check(names, selection, i, stages[i], out_sql);
    add_lock(names, selection->stream, out_sql);
    for (size_t i = 0; i < selection->table_count; i++)
        if (stages[i]) add_union(names, selection->tables[i], i, stages[i], out_sql);
    if (stages[SQL_STAGE_REJECTED]) add_rejected(names, stages[SQL_STAGE_REJECTED], out_sql);
    add_ledger(names, selection, sum, out_sql);
    if (stages[0]) add_doubled(names, selection->tables[0], stages[0], out_sql);
    sql_fill(out_sql, sql_commit_result, counted, 1);
    return !out_sql->full;
}

/* --- The other statements --- */

void sql_state_text(const struct sql_names *names, const struct stream *stream, struct buf *out_sql)
{
    char runs[3 * TABLE_ID], table[3 * TABLE_ID];
    table_path(runs, names, names->control, "runs");
    table_path(table, names, names->dataset, stream->table->name);
    const struct sql_value values[] = {{"runs", runs}, {"table", table}};
    sql_fill(out_sql, sql_state, values, sizeof values / sizeof *values);
}

void sql_latest_text(const struct sql_names *names, const struct table *table, struct buf *out_sql)
{
    char path[3 * TABLE_ID], newest[2 * TABLE_ID];
    table_path(path, names, names->dataset, table->name);
    const struct sql_value whole[] = {{"table", path}};
    if (!table->version) {
        sql_fill(out_sql, sql_latest_day, whole, 1);
        return;
    }
    snprintf(newest, sizeof newest, "`%s` DESC, " COLUMN_LOADED_AT " DESC", table->version);
    AUTO(list_done) struct list identity = identity_list(table);
    const struct sql_value values[] = {
        {"table", path}, {"identity", list_text(&identity)}, {"newest", newest}};
    sql_fill(out_sql, sql_latest, values, sizeof values / sizeof *values);
}

void sql_adopt_text(const struct sql_names *names, const struct table *table, struct buf *out_sql)
{
    char path[3 * TABLE_ID];
    table_path(path, names, names->dataset, table->name);
    AUTO(list_done) struct list misplaced = misplaced_list(table, false, false);
    AUTO(list_done) struct list keyless = keyless_list(table);
    const struct sql_value values[] = {
        {"table", path}, {"misplaced", list_text(&misplaced)}, {"keyless", list_text(&keyless)}};
    sql_fill(out_sql, sql_adopt, values, sizeof values / sizeof *values);
}

void sql_ledger_text(const struct sql_names *names, struct buf *out_sql)
{
    char runs[3 * TABLE_ID];
    table_path(runs, names, names->control, "runs");
    const struct sql_value values[] = {{"runs", runs}};
    sql_fill(out_sql, sql_ledger, values, 1);
}

void sql_seed_text(const struct sql_names *names, const struct stream *stream, struct buf *out_sql)
{
    char name[TABLE_ID], lock[3 * TABLE_ID];
    snprintf(name, sizeof name, "lock_%s", stream->name);
    table_path(lock, names, names->control, name);
    const struct sql_value values[] = {{"lock", lock}};
    sql_fill(out_sql, sql_seed, values, 1);
}
