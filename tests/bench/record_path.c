/* SPDX-License-Identifier: Apache-2.0 */
/* record_path.c - the CPU time of a record, step by step, for pages that were recorded.
 *
 *     record_path STREAM LIST PAGE     LIST: the member of the page that holds the records of the stream
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "base/file.h"
#include "base/json_value.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/content.h"
#include "core/rows.h"
#include "sources/sources.h"

#define ROUNDS 200

struct bench {
    struct buf page;
    const char *path[2]; /* to the list */
    const struct table *table;
    struct projection *projection;
    struct zone *zone;
    struct json_value *value; /* of the page */
    struct buf rows;          /* of all its records */
    size_t sink;              /* so that nothing is optimised away */
};

static double cpu_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void cut(struct bench *bench)
{
    struct json_scan scan;
    struct json_token token;
    json_scan_init(&scan, bench->page.data, bench->page.size);
    if (!json_scan_find_list(&scan, bench->path)) abort();
    while (json_scan_next(&scan, &token) == JSON_TOKEN_OBJECT)
        bench->sink += json_scan_leave(&scan);
}

static void scan_tokens(struct bench *bench)
{
    struct json_scan scan;
    struct json_token token;
    json_scan_init(&scan, bench->page.data, bench->page.size);
    while (json_scan_next(&scan, &token) != JSON_TOKEN_END)
        bench->sink += token.size;
}

static void parse(struct bench *bench)
{
    struct error err;
    value_drop(&bench->value);
    if (!value_read(bench->page.data, bench->page.size, true, NULL, &bench->value, &err)) abort();
}

static void parse_with_jansson(struct bench *bench)
{
    AUTO(json_drop) json_t *value = json_loadb(bench->page.data, bench->page.size, 0, NULL);
    bench->sink += json_object_size(value);
}

static void build_rows(struct bench *bench)
{
    AUTO(buf_done) struct buf row = buf_limited(LIMIT_ROW);
    const struct json_value *record = value_elements(value_at(bench->value, bench->path[0]));
    buf_reset(&bench->rows);
    for (; record; record = record->next) {
        struct row_facts facts;
        const struct row_context context = {.zone = bench->zone, .projection = bench->projection};
        if (row_build(bench->table, record, &context, &row, &facts) != ROW_BUILT) abort();
        buf_add(&bench->rows, row.data, row.size);
        buf_byte(&bench->rows, '\n');
    }
}

static void hash_contents(struct bench *bench)
{
    const struct json_value *record = value_elements(value_at(bench->value, bench->path[0]));
    for (; record; record = record->next)
        bench->sink += (size_t)content_hash(bench->table, record);
}

static void deflate_rows(struct bench *bench, bool is_each)
{
    static unsigned char out[128 * 1024];
    z_stream stream = {.next_in = (unsigned char *)bench->rows.data};
    unsigned char *end = stream.next_in + bench->rows.size;
    if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    while (stream.next_in < end) {
        unsigned char *newline = memchr(stream.next_in, '\n', (size_t)(end - stream.next_in));
        size_t size = (size_t)((is_each && newline > stream.next_in ? newline
                                : is_each                           ? newline + 1
                                                                    : end) -
                               stream.next_in);
        stream.avail_in = (unsigned)size;
        stream.next_out = out;
        stream.avail_out = sizeof out;
        if (deflate(&stream, Z_NO_FLUSH) != Z_OK) abort();
    }
    bench->sink += stream.total_out;
    (void)deflateEnd(&stream);
}

static void deflate_each(struct bench *bench)
{
    deflate_rows(bench, true);
}

static void deflate_block(struct bench *bench)
{
    deflate_rows(bench, false);
}

static void measure(struct bench *bench, const char *name, void (*step)(struct bench *bench))
{
    double best = 1e18;
    for (int i = 0; i < ROUNDS; i++) {
        double began = cpu_us();
        step(bench);
        double took = cpu_us() - began;
        best = took < best ? took : best;
    }
    size_t records = value_count(value_at(bench->value, bench->path[0]));
    (void)printf("    %-28s %8.2f us a record\n", name, best / (double)records);
}

static const struct table *find_table(const char *stream)
{
    const struct source_type *type = source_type_find("intercom");
    for (size_t i = 0; i < type->stream_count; i++)
        if (strcmp(type->streams[i]->name, stream) == 0) return type->streams[i]->table;
    return NULL;
}

int main(int argc, char **argv)
{
    struct bench bench = {.sink = 0};
    struct error err = {0};
    if (argc != 4) return 64;
    mem_keep_freed();
    bench.table = find_table(argv[1]);
    bench.path[0] = argv[2];
    buf_init(&bench.page, LIMIT_PAGE);
    buf_init(&bench.rows, LIMIT_PAGE);
    if (!bench.table || !file_read(argv[3], LIMIT_PAGE, &bench.page, &err) ||
        !zone_load("Etc/UTC", &bench.zone, &err)) {
        (void)fprintf(stderr, "record_path: %s\n", err.text);
        return 1;
    }
    bench.projection = projection_new(bench.table);
    parse(&bench);
    size_t records = value_count(value_at(bench.value, bench.path[0]));
    (void)printf("%s: %zu records of %zu bytes\n", argv[1], records, bench.page.size / records);
    measure(&bench, "cut into records", cut);
    measure(&bench, "scan every token", scan_tokens);
    measure(&bench, "parse", parse);
    measure(&bench, "parse with jansson", parse_with_jansson);
    measure(&bench, "make rows", build_rows);
    measure(&bench, "hash contents", hash_contents);
    measure(&bench, "deflate each row", deflate_each);
    measure(&bench, "deflate in one block", deflate_block);
    value_drop(&bench.value);
    buf_done(&bench.page);
    buf_done(&bench.rows);
    zone_free(bench.zone);
    projection_free(&bench.projection);
    return 0;
}
