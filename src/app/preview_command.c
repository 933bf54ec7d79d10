/* SPDX-License-Identifier: Apache-2.0 */
/* preview_command.c - `caseload preview`: the rows that a stream would get. BigQuery is not needed. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/suggest.h"
#include "commands.h"
#include "core/rows.h"
#include "options.h"
#include "report.h"
#include "services.h"

#define LIMIT_DEFAULT 5
#define LIMIT_MOST    1000

static const struct report_column columns[] = {
    {"table", "table", false, REPORT_WHOLE},
    {"column", "column", false, REPORT_WHOLE},
    {"value", "value", false, REPORT_WRAP},
};

struct preview {
    const struct services *services;
    const struct selection *selection;
    struct row_context context;
    struct report *report; /* a line for each value */
    json_t *rows;          /* the same, a row each */
    json_t *rejected;
    int64_t left;        /* records of the stream's own table */
    bool keeps_children; /* of the newest record */
    struct buf row;
};

static void add_value(struct report *report, const char *table, const char *column, const json_t *value)
{
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_ROW);
    if (json_is_string(value))
        (void)buf_text(&text, json_string_value(value));
    else
        (void)json_write(&text, value);
    report_row(report);
    report_text(report, table);
    report_text(report, column);
    report_text(report, buf_string(&text));
}

static void add_row(struct preview *preview, const struct table *table, json_t *row)
{
    const char *column, *shown = table->name;
    json_t *value;
    json_object_foreach (row, column, value) {
        if (json_is_null(value) || strcmp(column, COLUMN_SEQUENCE) == 0) continue;
        add_value(preview->report, shown, column, value);
        shown = ""; /* once a row */
    }
    (void)json_object_del(row, COLUMN_SEQUENCE);
    (void)json_array_append_new(preview->rows, json_pack("{s:s, s:O}", "table", table->name, "row", row));
}

static void add_reject(struct preview *preview, const struct table *table, const char *id, const char *reason)
{
    AUTO(json_drop) json_t *text = json_string(reason);
    add_value(preview->report, table->name, *id ? id : "(no id)", text);
    (void)json_array_append_new(
        preview->rejected, json_pack("{s:s, s:s, s:s}", "table", table->name, "id", id, "reason", reason));
}

static bool take(struct preview *preview, const struct record *record, struct error *err)
{
    const struct table *table = preview->selection->tables[record->table];
    struct row_facts facts = {.id = ""};
    if (record->table == 0) preview->keeps_children = preview->left-- > 0;
    if (!preview->keeps_children) return true;
    if (record->problem) {
        add_reject(preview, table, "", record->problem);
        return true;
    }
    if (row_build(table, record->body, &preview->context, &preview->row, &facts) == ROW_REJECTED) {
        add_reject(preview, table, facts.id, facts.problem);
        return true;
    }
    AUTO(json_drop) json_t *row = NULL;
    if (!json_read(preview->row.data, preview->row.size, NULL, &row, err)) return false;
    add_row(preview, table, row);
    return true;
}

static bool read_pages(struct preview *preview, struct window window, struct error *err)
{
    struct source *source = preview->services->source;
    struct reader *reader = NULL;
    struct page page = {.last = false};
    bool good = source->ops->open(source, preview->selection, window, &reader, err);
    while (good && !page.last && preview->left > 0) {
        good = source->ops->next(reader, &page, err);
        for (size_t i = 0; good && i < page.count; i++)
            good = take(preview, &page.records[i], err);
    }
    if (reader) source->ops->close(reader);
    return good;
}

static const struct selection *find_selection(const struct services *services, const char *name,
                                              struct error *err)
{
    char hint[SUGGEST_HINT];
    const char *known[LIMIT_STREAMS];
    size_t count = 0;
    for (size_t i = 0; i < services->selection_count; i++) {
        const struct stream *stream = services->selections[i].stream;
        if (stream->kind == STREAM_RECONCILE) continue;
        if (strcmp(stream->name, name) == 0) return &services->selections[i];
        known[count++] = stream->name;
    }
    (void)error_set(err, ERROR_REQUEST, "the stream \"%.64s\" is not configured; %s", name,
                    suggest_hint(name, known, count, "add it with --streams", hint));
    return NULL;
}

static void print(struct preview *preview, const struct options *options)
{
    if (options_has(options, "json")) {
        AUTO(json_drop)
        json_t *document = json_pack("{s:i, s:s, s:O, s:O}", "version", REPORT_VERSION, "stream",
                                     options->argument, "rows", preview->rows, "rejected", preview->rejected);
        (void)json_dumpf(document, stdout, JSON_INDENT(2));
        putchar('\n');
        return;
    }
    report_line(preview->report, "%zu rows, %zu rejected. Nothing was loaded.",
                json_array_size(preview->rows), json_array_size(preview->rejected));
    report_print(preview->report, false, stdout);
}

static bool preview_stream(struct services *services, const struct options *options, int *out_code,
                           struct error *err)
{
    const struct config *config = services->config;
    struct preview preview = {.services = services, .left = LIMIT_DEFAULT};
    (void)out_code; /* of a success */
    preview.selection = find_selection(services, options->argument, err);
    if (!preview.selection || !options_read_number(options, "limit", LIMIT_MOST, &preview.left, err) ||
        !services_open_reading(services, err))
        return false;
    const int64_t now_s = time(NULL);
    preview.context = (struct row_context){
        .zone = services->zone, .today = zone_day(services->zone, now_s), .read_us = now_s * 1000000};
    preview.report = report_new("rows", columns, sizeof columns / sizeof *columns);
    preview.rows = json_array();
    preview.rejected = json_array();
    buf_init(&preview.row, LIMIT_ROW);
    const struct window window = {.from_s = zone_start_s(services->zone, config->start_date),
                                  .to_s = WINDOW_OPEN};
    bool done = read_pages(&preview, window, err);
    if (done) print(&preview, options);
    report_free(preview.report);
    json_decref(preview.rows);
    json_decref(preview.rejected);
    buf_done(&preview.row);
    return done;
}

static int run(const struct options *options)
{
    return command_do(options, preview_stream);
}

static const struct command_option options[] = {
    {"limit", "N", "records to show, with their children (default 5)"},
    {"json", NULL, "one JSON document"},
};

static const char *const examples[] = {"contacts --config caseload.json --limit 5", NULL};

const struct command preview_command = {
    .name = "preview",
    .argument = "STREAM",
    .summary = "print the rows that a stream would get",
    .text = "Reads the first records since start_date and prints their rows as they would be written: the "
            "columns "
            "that hold something, and _extra; what would be rejected has its reason. Writes nothing, and "
            "asks only "
            "the source.",
    .examples = examples,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .config = CONFIG_NEEDED,
    .has_no_warehouse = true,
    .run = run,
};
