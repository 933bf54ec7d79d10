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

static bool writes_table(const struct stream *stream, const char *name)
{
    if (strcmp(stream->name, name) == 0) return true;
    for (size_t i = 0; i < stream->child_count; i++)
        if (strcmp(stream->children[i].table->name, name) == 0) return true;
    return false;
}

/* The stream of that name, or the one that a child of that name comes with. */
static const struct stream *find_stream(const struct source_type *type, const char *name, struct error *err)
{
    char hint[SUGGEST_HINT];
    const char *known[LIMIT_STREAMS];
    size_t count = 0;
    for (size_t i = 0; i < type->stream_count; i++) {
        if (type->streams[i]->kind == STREAM_RECONCILE) continue; /* it keeps no table of its own */
        if (writes_table(type->streams[i], name)) return type->streams[i];
        if (count < LIMIT_STREAMS) known[count++] = type->streams[i]->name;
    }
    (void)error_set(err, ERROR_REQUEST, "there is no stream \"%.64s\"; %s", name,
                    suggest_hint(name, known, count, "see caseload streams", hint));
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
    return EXIT_DONE;
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

static bool look(struct services *services, const struct options *options, int *out_code, struct error *err)
{
    const struct stream *stream = find_stream(services->config->source_type, options->argument, err);
    bool differs = false;
    bool done = stream && services_open(services, err) &&
                (options_has(options, "deduplicate") ? print_deduplicate(services, stream, err)
                                                     : compare(services, stream, &differs, err));
    *out_code = differs ? EXIT_FINDINGS : EXIT_DONE;
    return done;
}

static int run(const struct options *options)
{
    struct error err = {0};
    bool is_deduplicate = options_has(options, "deduplicate"), is_diff = options_has(options, "diff");
    const char *source = options_value(options, "source");
    const struct source_type *type = NULL;
    if (!source_type_choose(source, &type, &err)) return command_fail(&err);
    if (is_deduplicate && is_diff)
        (void)error_set(&err, ERROR_REQUEST, "--diff and --deduplicate exclude each other; give one");
    else if ((is_deduplicate || is_diff) && !options->config)
        (void)error_set(&err, ERROR_REQUEST, "--config FILE is missing");
    else if ((is_deduplicate || is_diff) && source)
        (void)error_set(&err, ERROR_REQUEST, "the configuration names the source; leave --source out");
    if (err.kind != ERROR_NONE) return command_fail(&err);
    if (is_deduplicate || is_diff) return command_do(options, look);
    const struct stream *stream = find_stream(type, options->argument, &err);
    return stream ? print_schema(stream) : command_fail(&err);
}

static const struct command_option options[] = {
    {"diff", NULL,
     "show how the tables in the dataset differ, a line a difference, and what the next run would do"},
    {"source", "NAME", "of this source, as source.type names it; default: the first, or that of --config"},
    {"deduplicate", NULL, "print the SQL that removes rows which are there twice"},
};

static const char *const examples[] = {"contacts", "contacts --diff --config caseload.json", NULL};

const struct command schema_command = {
    .name = "schema",
    .argument = "STREAM",
    .summary = "print its tables, how existing ones differ, or the SQL that mends them",
    .text = "Prints the tables of a stream as BigQuery's tables.insert takes them, but for project and "
            "dataset. Nothing is "
            "changed. Exit code of --diff: 0 they do not differ, 1 they differ.",
    .examples = examples,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .config = CONFIG_OPTIONAL,
    .run = run,
};
