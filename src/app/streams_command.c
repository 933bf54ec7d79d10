/* SPDX-License-Identifier: Apache-2.0 */
/* streams_command.c - `caseload streams`: what can be loaded, for people and for programs. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "commands.h"
#include "sources/sources.h"

static json_t *key_of(const struct table *table)
{
    json_t *key = json_array();
    for (size_t i = 0; i < table->key_count; i++)
        json_array_append_new(key, json_string(table->key[i]));
    return key;
}

static const char *choice_name(enum child_choice choice)
{
    static const char *const names[] = {
        [CHILD_DEFAULT] = "default", [CHILD_NAMED] = "by name", [CHILD_ALWAYS] = "always"};
    return names[choice];
}

static json_t *describe_table(const struct table *table, const char *loaded)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s}", "name", table->name, "description",
                     table->description ? table->description : "", "key", key_of(table), "version",
                     table->version ? table->version : COLUMN_PARTITION_DATE, "day",
                     table->day ? table->day : "the day of reading", "loaded", loaded);
}

static json_t *describe_tables(const struct stream *stream)
{
    json_t *tables = json_array();
    if (stream->kind == STREAM_RECONCILE)
        json_array_append_new(tables, describe_table(stream->subject->gone, "always"));
    else
        json_array_append_new(tables,
                              describe_table(stream->table, stream->by_default ? "default" : "by name"));
    for (size_t i = 0; i < stream->child_count; i++)
        json_array_append_new(
            tables, describe_table(stream->children[i].table, choice_name(stream->children[i].choice)));
    return tables;
}

static json_t *describe_stream(const struct stream *stream)
{
    return json_pack("{s:s, s:s, s:b, s:s*, s:s*, s:s*, s:o}", "name", stream->name, "kind",
                     stream_kind_name(stream->kind), "default", stream->by_default, "requests", stream->cost,
                     "permission", stream->permission, "cannot_see", stream->limitations, "tables",
                     describe_tables(stream));
}

static json_t *describe_source(const struct source_type *type)
{
    json_t *streams = json_array();
    for (size_t i = 0; i < type->stream_count; i++)
        json_array_append_new(streams, describe_stream(type->streams[i]));
    return streams;
}

static int print_json(const struct source_type *type)
{
    AUTO(json_drop) json_t *streams = describe_source(type);
    json_dumpf(streams, stdout, JSON_INDENT(2));
    putchar('\n');
    return EXIT_DONE;
}

static void print_key(const json_t *table, char *out, size_t size)
{
    const json_t *key = json_object_get(table, "key");
    size_t used = 0;
    *out = '\0';
    for (size_t i = 0; i < json_array_size(key) && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
                                 json_string_value(json_array_get(key, i)));
}

static void print_table(const json_t *stream, size_t index)
{
    const json_t *table = json_array_get(json_object_get(stream, "tables"), index);
    const char *name = index == 0 ? json_text_at(stream, "name") : json_text_at(table, "name");
    char key[128];
    print_key(table, key, sizeof key);
    printf("%s%-*s  %-14s  %-42s  %-18s  %-8s", index ? "  " : "", index ? 26 : 28, name,
           index ? "child" : json_text_at(stream, "kind"), key, json_text_at(table, "version"),
           json_text_at(table, "loaded"));
    if (index == 0 && json_text_at(stream, "requests"))
        printf("  %s; %s", json_text_at(stream, "requests"),
               json_text_at(stream, "permission") ? json_text_at(stream, "permission") : "no permission");
    putchar('\n');
}

static int print_list(const struct source_type *type)
{
    AUTO(json_drop) json_t *streams = describe_source(type);
    printf("%-28s  %-14s  %-42s  %-18s  %-8s  %s\n", "stream", "kind", "key", "version", "loaded",
           "requests; permission");
    for (size_t i = 0; i < json_array_size(streams); i++) {
        const json_t *stream = json_array_get(streams, i);
        size_t count = json_array_size(json_object_get(stream, "tables"));
        for (size_t k = 0; k < count; k++)
            print_table(stream, k);
    }
    return EXIT_DONE;
}

static int run(const struct options *options)
{
    const struct source_type *type = NULL;
    struct error err = {0};
    if (!source_type_choose(options_value(options, "source"), &type, &err)) return command_fail(&err);
    return options_has(options, "json") ? print_json(type) : print_list(type);
}

static const struct command_option options[] = {
    {"source", "NAME", "of this source, as source.type names it; default: the first"},
    {"json", NULL, "the same as JSON, also what a stream can't see"}};

const struct command streams_command = {
    .name = "streams",
    .summary = "list the streams that can be loaded",
    .text = "Lists what can be loaded: each stream with its kind, key and version, whether it is loaded by "
            "default, the "
            "requests it takes, the permission the token needs, and its tables.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .run = run,
};
