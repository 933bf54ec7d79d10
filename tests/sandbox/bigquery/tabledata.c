/* SPDX-License-Identifier: Apache-2.0 */
/* tabledata.c - tabledata.list: a table's rows without SQL, though SQL is what reads them here. */
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "bigquery/internal.h"

#define ROWS_A_PAGE 100000
#define QUERY_LIMIT (64 * 1024)

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* "a,b" of the query as a select list; top-level columns only. */
static bool add_selected(struct buf *query, const json_t *fields, const char *selected,
                         struct store_error *err)
{
    for (const char *at = selected; *at;) {
        size_t size = strcspn(at, ",");
        AUTO(mem_free) char *name = mem_bytes(at, size);
        if (!bq_schema_field(fields, name))
            return bq_problem(err, "invalid", "Selected field %s is not a column of the table", name);
        buf_format(query, "%s`%s`", at == selected ? "" : ", ", name);
        at += size;
        at += *at == ',';
    }
    return true;
}

/* A table may insist on a filter on its partitions: one that every row passes. */
static void add_filter(struct buf *query, const json_t *resource)
{
    const char *name = text_of(json_object_get(resource, "timePartitioning"), "field");
    if (!name || !json_is_true(json_object_get(resource, "requirePartitionFilter"))) return;
    const json_t *field =
        bq_schema_field(json_object_get(json_object_get(resource, "schema"), "fields"), name);
    const char *type = text_of(field, "type"), *mode = text_of(field, "mode");
    buf_format(query, " WHERE `%s` >= %s '0001-01-01%s'", name, type,
               strcmp(type, "TIMESTAMP") == 0 ? " 00:00:00+00" : "");
    if (!mode || strcmp(mode, "REQUIRED") != 0) buf_format(query, " OR `%s` IS NULL", name);
}

static bool read_rows(struct exchange *exchange, const json_t *resource, const struct result_page *page,
                      struct sql_result *out_result, struct store_error *err)
{
    const char *selected = exchange_query(exchange, "selectedFields");
    struct buf text;
    buf_init(&text, QUERY_LIMIT);
    buf_text(&text, "SELECT ");
    bool done = true;
    if (selected && *selected)
        done = add_selected(&text, json_object_get(json_object_get(resource, "schema"), "fields"), selected,
                            err);
    else
        buf_text(&text, "*");
    buf_format(&text, " FROM `%s.%s.%s`", exchange->capture[0], exchange->capture[1], exchange->capture[2]);
    add_filter(&text, resource);
    buf_format(&text, " LIMIT %zu OFFSET %zu", page->count, page->first);
    if (text.full) done = bq_problem(err, "invalid", "selectedFields is too long");
    struct sql_query query = {.text = buf_string(&text), .project = exchange->capture[0]};
    done = done && sql_run(bq_of(exchange)->store, &query, out_result, err);
    buf_done(&text);
    return done;
}

static void reply_rows(struct exchange *exchange, const json_t *resource, enum timestamp_format format)
{
    struct store_error err = {.reason = ""};
    struct sql_result result = {.affected = -1};
    size_t total =
        (size_t)store_table_rows(bq_of(exchange)->store, exchange->capture[1], exchange->capture[2]);
    struct result_page page;
    if (!bq_read_page(exchange, total, ROWS_A_PAGE, &page, &err) ||
        !read_rows(exchange, resource, &page, &result, &err)) {
        (void)bq_problem_reply(exchange, &err);
        sql_result_done(&result);
        return;
    }
    struct result_page read = {.first = 0, .count = json_array_size(result.rows)};
    json_t *rows = bq_format_rows(result.schema, result.rows, &read, format);
    json_t *reply = json_pack("{s:s, s:O, s:o}", "kind", "bigquery#tableDataList", "etag",
                              json_object_get(resource, "etag"), "totalRows", bq_int64_text((int64_t)total));
    if (json_array_size(rows) > 0) json_object_set(reply, "rows", rows);
    if (read.count > 0) bq_set_page_token(reply, "pageToken", page.first + read.count, total);
    json_decref(rows);
    sql_result_done(&result);
    exchange_reply_json(exchange, 200, reply);
}

void bq_tabledata_list(struct exchange *exchange)
{
    struct bigquery_server *bigquery = exchange->service;
    struct store_error err = {.reason = ""};
    enum timestamp_format format;
    bq_expire_tables(bigquery);
    json_object_set_new(exchange->detail, "table",
                        json_sprintf("%s.%s", exchange->capture[1], exchange->capture[2]));
    json_t *resource =
        bq_find_table(bigquery, exchange->capture[0], exchange->capture[1], exchange->capture[2], &err);
    bool right = resource && bq_read_timestamp_format(exchange, NULL, &format, &err);
    if (right && json_object_get(resource, "view"))
        right = bq_problem(&err, "invalid", "Cannot list a table of type VIEW.");
    if (right)
        reply_rows(exchange, resource, format);
    else
        (void)bq_problem_reply(exchange, &err);
    json_decref(resource);
}
