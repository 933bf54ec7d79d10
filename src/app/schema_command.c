/* SPDX-License-Identifier: Apache-2.0 */
/* schema_command.c - `caseload schema`: the tables of a stream, and how existing ones differ. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/suggest.h"
#include "bigquery/bigquery.h"
#include "commands.h"
#include "core/request.h"
#include "options.h"
#include "services.h"
#include "sources/sources.h"

#define DIFFERENCES_LIMIT (1024 * 1024)

static const char usage[] =
    "caseload schema STREAM\n"
    "caseload schema STREAM --diff --config FILE [--SETTING VALUE ...]\n"
    "caseload schema STREAM --deduplicate --config FILE [--SETTING VALUE ...]\n"
    "\n"
    "Prints the tables of a stream as BigQuery's tables.insert takes them, but for project and dataset.\n"
    "--diff shows how the tables in the dataset differ, a line a difference, and what the next run would do\n"
    "about it. It changes nothing.\n"
    "--deduplicate prints the SQL that removes rows which are there twice from the tables. It changes "
    "nothing.\n"
    "Exit code of --diff: 0 they do not differ, 1 they differ.\n"
    "\n"
    "  caseload schema contacts\n"
    "  caseload schema contacts --diff --config caseload.json\n";

static bool writes_table(const struct stream *stream, const char *name)
{
    if (strcmp(stream->name, name) == 0) return true;
    for (size_t i = 0; i < stream->child_count; i++)
        if (strcmp(stream->children[i].table->name, name) == 0) return true;
    return false;
}

/* The stream of that name, or the one that a child of that name comes with. */
static const struct stream *find_stream(const char *name, struct error *err)
{
    const struct source_type *type = source_type_at(0);
    const char *known[LIMIT_STREAMS];
    size_t count = 0;
    for (size_t i = 0; i < type->stream_count; i++) {
        if (type->streams[i]->kind == STREAM_RECONCILE) continue; /* it keeps no table of its own */
        if (writes_table(type->streams[i], name)) return type->streams[i];
        if (count < LIMIT_STREAMS) known[count++] = type->streams[i]->name;
    }
    const char *meant = suggest_name(name, known, count);
    (void)error_set(err, ERROR_REQUEST, "there is no stream \"%.64s\"; %s%s%s", name,
                    meant ? "did you mean \"" : "see caseload streams", meant ? meant : "",
                    meant ? "\"?" : "");
    return NULL;
}

static json_t *resource_of(const struct table *table)
{
    json_t *resource = bigquery_schema(table);
    json_object_set_new(resource, "tableReference", json_pack("{s:s}", "tableId", table->name));
    return resource;
}

static int print_schema(const struct stream *stream)
{
    AUTO(json_drop) json_t *tables = json_array();
    json_array_append_new(tables, resource_of(stream->table));
    for (size_t i = 0; i < stream->child_count; i++)
        json_array_append_new(tables, resource_of(stream->children[i].table));
    json_dumpf(tables, stdout, JSON_INDENT(2));
    putchar('\n');
    return 0;
}

static bool configured(const struct services *services, const struct stream *stream,
                       const struct selection **out_selection, struct error *err)
{
    for (size_t i = 0; i < services->selection_count; i++) {
        *out_selection = &services->selections[i];
        if (services->selections[i].stream == stream) return true;
    }
    return error_set(err, ERROR_CONFIG, "\"%s\" is not among the configured streams; add it to \"streams\"",
                     stream->name);
}

static bool compare(struct services *services, const struct stream *stream, bool *out_differs,
                    struct error *err)
{
    const struct selection *selection = NULL;
    AUTO(buf_done) struct buf text = buf_limited(DIFFERENCES_LIMIT);
    if (!configured(services, stream, &selection, err) ||
        !bigquery_schema_diff(services->warehouse, selection, &text, out_differs, err))
        return false;
    fputs(buf_string(&text), stdout);
    return true;
}

static bool print_deduplicate(struct services *services, const struct stream *stream, struct error *err)
{
    const struct selection *selection = NULL;
    AUTO(buf_done) struct buf text = buf_limited(DIFFERENCES_LIMIT);
    if (!configured(services, stream, &selection, err) ||
        !bigquery_deduplicate_text(services->warehouse, selection, &text, err))
        return false;
    fputs(buf_string(&text), stdout);
    return true;
}

static int look(const struct stream *stream, struct options *options, bool is_deduplicate)
{
    static struct services services; /* the signal's thread outlives this function */
    struct config config;
    struct error err = {0};
    bool differs = false, done;
    if (!config_load(options->config, options->flags, options->flag_count, &config, &err))
        return command_fail(&err);
    services_catch_signals(&services, error_rules[ERROR_STOPPED].run_exit_code);
    done = services_open(&services, &config, &err) &&
           (is_deduplicate ? print_deduplicate(&services, stream, &err)
                           : compare(&services, stream, &differs, &err));
    services_close(&services);
    config_done(&config);
    return done ? differs : command_fail(&err);
}

int schema_command(int count, char **arguments)
{
    static const char *const own[] = {NULL};
    struct options options;
    struct error err = {0};
    if (count == 0 || strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "-h") == 0) {
        fputs(usage, count ? stdout : stderr);
        return count ? 0 : error_rules[ERROR_REQUEST].run_exit_code;
    }
    const struct stream *stream = find_stream(arguments[0], &err);
    if (!stream) return command_fail(&err);
    if (count == 1) return print_schema(stream);
    bool is_deduplicate = strcmp(arguments[1], "--deduplicate") == 0;
    if (!is_deduplicate && strcmp(arguments[1], "--diff") != 0)
        return command_misused("after the stream's name comes --diff, --deduplicate or nothing");
    if (!options_parse(count - 2, arguments + 2, own, &options, &err)) return command_fail(&err);
    if (!options.help) return look(stream, &options, is_deduplicate);
    fputs(usage, stdout);
    return 0;
}
