/* SPDX-License-Identifier: Apache-2.0 */
/* lossless.c - each leaf of each payload is found again in exactly one place.
 *
 *     lossless [--extra] < payloads
 *
 * Payloads come as lossless.py writes them; others are made of the tables. Each is sent to the table it is
 * for, and to some it is not for; then mutations of all of them. --extra prints which paths of payloads ended
 * in _extra of their own table. The same input gives the same mutations.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "catalog.h"
#include "mutate.h"
#include "pipeline.h"
#include "table_oracle.h"

#define MUTATIONS     12000
#define MADE          6  /* payloads made of each table */
#define STRANGERS     2  /* tables that a payload is not for */
#define FAILURES      10 /* then it is enough */
#define OWN_SHARE_MAX 2  /* percent of the leaves of payloads of the source's own that may be in _extra */
#define LONGEST_LINE  (8 * 1024 * 1024)

enum kind {
    FOREIGN,  /* to the table: it may hold anything */
    OWN,      /* a record of that table */
    OWN_WHOLE /* ... with all documented fields: there is a column for each */
};

struct payload {
    json_t *tree;
    size_t table; /* the one it is for, or nearest to */
    enum kind kind;
};

struct tally {
    size_t rows, rejected, columns, extra;
};

/* Records that are sent to one table together. */
struct queue {
    json_t *sent[PIPELINE_MAX];            /* what they mean */
    struct json_value *read[PIPELINE_MAX]; /* what a lenient reading makes of them */
    enum kind kinds[PIPELINE_MAX];
    size_t count;
    struct tally all, examples; /* examples: those that are for this table */
};

struct test {
    struct tables tables;
    struct queue *queues; /* one a table */
    size_t sending;       /* the table that is being filled */
    struct payload *payloads;
    size_t payload_count;
    json_t *extra_paths; /* of examples: table and path, and how often */
    uint64_t seed;
    size_t failures;
};

static void fail(struct test *test, const char *table, const json_t *sent, const char *problem)
{
    char *text = json_dumps(sent, JSON_ENCODE_ANY | JSON_COMPACT);

    if (++test->failures <= FAILURES)
        (void)printf("FAILED %s: %s\n    %.2000s\n", table, problem, text ? text : "");
    free(text);
}

/* With "#" for positions, so that the same fields meet. */
static void note_extra(struct test *test, const char *table, const char *row)
{
    AUTO(json_drop) json_t *read = json_loads(row, 0, NULL);
    const char *extra = json_text_at(read, COLUMN_EXTRA);
    AUTO(json_drop) json_t *leaves = extra ? json_loads(extra, 0, NULL) : NULL;
    const char *path;
    json_t *value;

    json_object_foreach (leaves, path, value) {
        AUTO(buf_done) struct buf name;

        buf_init(&name, LIMIT_ROW);
        buf_format(&name, "%s: ", table);
        for (const char *at = path; *at; at++)
            buf_byte(&name, (char)(*at >= '0' && *at <= '9' ? '#' : *at));
        (void)json_object_set_new(
            test->extra_paths, buf_string(&name),
            json_integer(1 + json_integer_value(json_object_get(test->extra_paths, buf_string(&name)))));
    }
}

static void add(struct tally *tally, enum arrival arrival, const struct row_verdict *verdict)
{
    tally->rows += arrival == ARRIVED_AS_ROW;
    tally->rejected += arrival == ARRIVED_RAW;
    tally->columns += verdict->columns;
    tally->extra += verdict->extra;
}

static void arrived(void *context, size_t index, enum arrival arrival, const char *text)
{
    struct test *test = context;
    const struct table *table = test->tables.list[test->sending];
    struct queue *queue = &test->queues[test->sending];
    const json_t *sent = queue->sent[index];
    struct row_verdict verdict;
    bool good = arrival == ARRIVED_AS_ROW ? table_oracle_row(table, sent, text, PIPELINE_TODAY, &verdict)
                                          : table_oracle_reject(table, sent, text, &verdict);

    if (!good) fail(test, table->name, sent, verdict.problem);
    add(&queue->all, arrival, &verdict);
    if (queue->kinds[index] == FOREIGN) return;
    if (queue->kinds[index] == OWN_WHOLE && arrival == ARRIVED_RAW)
        fail(test, table->name, sent, "a record with all documented fields was rejected");
    if (queue->kinds[index] == OWN_WHOLE && verdict.extra > 0)
        fail(test, table->name, sent, "a documented field has no column: see --extra");
    add(&queue->examples, arrival, &verdict);
    if (arrival == ARRIVED_AS_ROW) note_extra(test, table->name, text);
}

static void send_queue(struct test *test, size_t table)
{
    const struct pipeline_listener listener = {test, arrived};
    struct queue *queue = &test->queues[table];
    struct error err = {0};

    if (queue->count == 0) return;
    test->sending = table;
    if (!pipeline_send(test->tables.list[table], queue->read, queue->count, &listener, &err))
        fail(test, test->tables.list[table]->name, queue->sent[0], err.text);
    for (size_t i = 0; i < queue->count; i++) {
        json_decref(queue->sent[i]);
        value_drop(&queue->read[i]);
    }
    queue->count = 0;
}

/* As it comes over the wire, in a list. */
static void send_tree(struct test *test, size_t table, const json_t *tree, enum kind kind)
{
    struct queue *queue = &test->queues[table];
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_PAGE);
    AUTO(value_drop) struct json_value *list = NULL;
    struct error err;

    buf_byte(&text, '[');
    wire_text(&text, tree);
    buf_byte(&text, ']');
    queue->sent[queue->count] = wire_meaning(tree);
    queue->kinds[queue->count] = kind;
    if (value_read(buf_string(&text), text.size, true, NULL, &list, &err)) {
        queue->read[queue->count++] = value_hold(value_elements(list));
    } else {
        fail(test, test->tables.list[table]->name, queue->sent[queue->count], err.text);
        json_decref(queue->sent[queue->count]);
    }
    if (queue->count == PIPELINE_MAX) send_queue(test, table);
}

/* With what each row needs, if it lacks that, and as the source hands it on. */
static void send_completed(struct test *test, size_t table, const json_t *tree, enum kind kind)
{
    AUTO(json_drop) json_t *copy = json_deep_copy(tree);

    payload_complete(copy, test->tables.list[table]);
    if (kind != FOREIGN) tables_part(test->tables.list[table], copy);
    send_tree(test, table, copy, kind);
}

static void add_payload(struct test *test, json_t *tree, size_t table, enum kind kind)
{
    if ((test->payload_count & (test->payload_count - 1)) == 0)
        test->payloads = mem_grow(test->payloads, test->payload_count ? 2 * test->payload_count : 1,
                                  sizeof *test->payloads);
    test->payloads[test->payload_count++] = (struct payload){.tree = tree, .table = table, .kind = kind};
}

static void read_payloads(struct test *test)
{
    char *line = mem_zero(1, LONGEST_LINE);

    while (fgets(line, LONGEST_LINE, stdin)) {
        AUTO(json_drop) json_t *read = json_loads(line, 0, NULL);
        json_t *tree = json_object_get(read, "record");
        struct origin origin;
        bool own;
        size_t table;

        if (!tree) {
            (void)printf("FAILED: a line of the input is no payload: %.200s\n", line);
            test->failures++;
            break;
        }
        origin = (struct origin){.path = json_text_at(read, "path"),
                                 .list = json_text_at(read, "list"),
                                 .schema = json_text_at(read, "schema")};
        table = tables_find(&test->tables, tree, &origin, &own);
        add_payload(test, json_incref(tree), table, own ? origin.schema ? OWN_WHOLE : OWN : FOREIGN);
    }
    free(line);
}

static void make_payloads(struct test *test)
{
    for (size_t i = 0; i < test->tables.count; i++)
        for (int j = 0; j < MADE; j++)
            add_payload(test, payload_of(test->tables.list[i], &test->seed), i, FOREIGN);
}

static void send_payloads(struct test *test)
{
    for (size_t i = 0; i < test->payload_count; i++) {
        const struct payload *payload = &test->payloads[i];

        send_tree(test, payload->table, payload->tree, FOREIGN);
        send_completed(test, payload->table, payload->tree, payload->kind);
        for (int j = 0; j < STRANGERS; j++)
            send_completed(test, chance_below(&test->seed, (uint32_t)test->tables.count), payload->tree,
                           FOREIGN);
    }
}

static void send_mutations(struct test *test)
{
    for (size_t i = 0, sent = 0; sent < MUTATIONS; i++) {
        const struct payload *payload = &test->payloads[i % test->payload_count];
        size_t table = chance_below(&test->seed, 8) ? payload->table
                                                    : chance_below(&test->seed, (uint32_t)test->tables.count);
        AUTO(json_drop) json_t *tree = json_deep_copy(payload->tree);
        AUTO(json_drop) json_t *mutation = NULL;

        if (!json_is_object(payload->tree)) continue; /* too little to change in it */
        sent++;
        if (chance_below(&test->seed, 4)) payload_complete(tree, test->tables.list[table]);
        mutation = wire_mutate(tree, &test->seed);
        send_tree(test, table, mutation, FOREIGN);
    }
}

static double share(const struct tally *tally)
{
    size_t leaves = tally->columns + tally->extra;

    return leaves ? 100.0 * (double)tally->extra / (double)leaves : 0;
}

static void print_tally(const char *name, const struct tally *all, const struct tally *examples)
{
    (void)printf("%-26s %6zu %8zu %8zu %6.1f%% %9zu %7zu %6.1f%%\n", name, all->rows, all->rejected,
                 all->columns + all->extra, share(all), examples->rows, examples->columns + examples->extra,
                 share(examples));
}

/* Returns the share of examples. */
static double print_tallies(const struct test *test)
{
    struct tally all = {0}, examples = {0};

    (void)printf("%-26s %6s %8s %8s %7s %9s %7s %7s\n", "table", "rows", "rejected", "leaves", "_extra",
                 "examples", "leaves", "_extra");
    for (size_t i = 0; i < test->tables.count; i++) {
        const struct queue *queue = &test->queues[i];
        const struct tally *from[] = {&queue->all, &queue->examples};
        struct tally *to[] = {&all, &examples};

        print_tally(test->tables.list[i]->name, &queue->all, &queue->examples);
        for (int j = 0; j < 2; j++) {
            to[j]->rows += from[j]->rows;
            to[j]->rejected += from[j]->rejected;
            to[j]->columns += from[j]->columns;
            to[j]->extra += from[j]->extra;
        }
    }
    print_tally("all", &all, &examples);
    return share(&examples);
}

static void test_done(struct test *test)
{
    for (size_t i = 0; i < test->payload_count; i++)
        json_decref(test->payloads[i].tree);
    free(test->payloads);
    free(test->queues);
    json_decref(test->extra_paths);
}

int main(int argc, char **argv)
{
    struct test test = {.seed = 7, .extra_paths = json_object()};
    const char *path;
    json_t *count;
    double in_extra;

    log_open(STDERR_FILENO, LOG_CRITICAL);
    tables_collect(&test.tables);
    test.queues = mem_zero(test.tables.count, sizeof *test.queues);
    read_payloads(&test);
    make_payloads(&test);
    send_payloads(&test);
    send_mutations(&test);
    for (size_t i = 0; i < test.tables.count; i++)
        send_queue(&test, i);
    in_extra = print_tallies(&test);
    (void)printf("%zu payloads, %d mutations, %zu failures\n", test.payload_count, MUTATIONS, test.failures);
    if (argc > 1 && strcmp(argv[1], "--extra") == 0)
        json_object_foreach (test.extra_paths, path, count)
            (void)printf("%5" JSON_INTEGER_FORMAT " %s\n", json_integer_value(count), path);
    if (in_extra > OWN_SHARE_MAX) {
        (void)printf("FAILED: more than %d%% of the examples' leaves have no column\n", OWN_SHARE_MAX);
        test.failures++;
    }
    test_done(&test);
    return test.failures ? 1 : 0;
}
