/* SPDX-License-Identifier: Apache-2.0 */
#include "faults_fixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "skipped_waits.h"

#define NOISE 8000

static int sleep_factor = 1;
static int64_t longest_ms;
static int64_t outage_end_ms;
static pthread_t outage_thread;

/* The sandbox sleeps by the same function, in threads of its own. */
bool __real_clock_sleep_ms(int64_t ms, const atomic_bool *stop);
bool __wrap_clock_sleep_ms(int64_t ms, const atomic_bool *stop);

bool __wrap_clock_sleep_ms(int64_t ms, const atomic_bool *stop)
{
    if (ms > longest_ms) longest_ms = ms;
    skip_ms(ms * sleep_factor);
    if (outage_end_ms && pthread_equal(outage_thread, pthread_self()) && clock_ms() >= outage_end_ms) {
        outage_end_ms = 0;
        sleep_factor = 1;
        fault(NULL);
    }
    return __real_clock_sleep_ms(ms > 0 ? 1 : 0, stop);
}

void sleeps_count(int factor)
{
    sleep_factor = factor;
    longest_ms = 0;
}

void fault_for(const char *line, int64_t ms)
{
    fault(line);
    outage_thread = pthread_self();
    outage_end_ms = clock_ms() + ms;
}

int64_t longest_sleep_ms(void)
{
    return longest_ms;
}

struct bigquery_settings *settings_of(const struct bench *bench)
{
    return &((struct bigquery *)bench->warehouse)->settings;
}

struct bench chunked_bench(bool is_on_disk)
{
    struct error err = {0};
    struct bench bench = bench_new();
    settings_of(&bench)->chunk_bytes = 262144;
    settings_of(&bench)->kept_bytes = is_on_disk ? 1000 : 0;
    must(prepare(&bench, &both, &err), &err);
    return bench;
}

static void fill_noise(char *out, uint32_t state)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
    for (size_t i = 0; i < NOISE; i++) {
        state = state * 1664525 + 1013904223;
        out[i] = letters[state >> 26];
    }
}

bool write_much(struct load *load, int first, int count, struct error *err)
{
    char text[NOISE], row[NOISE + 1000];
    for (int i = first; i < first + count; i++) {
        fill_noise(text, (uint32_t)i * 7919 + 1);
        int size = snprintf(row, sizeof row,
                            "{\"id\":\"r%d\",\"updated_at\":\"2026-02-03T10:00:00Z\",\"partition_date\":"
                            "\"2026-02-03\",\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":%d,\"order\":"
                            "\"%.*s\"}",
                            i, i, NOISE, text);
        if (!load->bq->warehouse.ops->write(load, 0, row, (size_t)size, err)) return false;
    }
    return true;
}

bool load_more(const struct bench *bench, int n, struct committed *out, struct error *err)
{
    struct load *load = begin(bench, &both);
    struct commit commit = commit_of(3, 3);
    if (write_much(load, (n - 1) * MUCH_ROWS, MUCH_ROWS, err))
        return bench->warehouse->ops->commit(load, &commit, out, err);
    bench->warehouse->ops->abort(load);
    return false;
}

bool load_much(const struct bench *bench, struct committed *out, struct error *err)
{
    return load_more(bench, 1, out, err);
}

void assert_much(const struct bench *bench, int n)
{
    assert_int_equal(rows_in(bench, "tickets"), n * MUCH_ROWS);
    assert_int_equal(ask("SELECT COUNT(DISTINCT id) FROM `acme-data.%s.tickets` WHERE partition_date = DATE "
                         "'2026-02-03' AND LENGTH(`order`) = %d",
                         bench->dataset, NOISE),
                     n * MUCH_ROWS);
}

size_t journal_connections(const char *operation)
{
    json_int_t seen[100];
    size_t count = 0;
    AUTO(mem_free) char *journal = journal_text();
    for (char *line = journal, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        struct error err = {0};
        AUTO(json_drop) json_t *entry = NULL;
        must(json_read(line, (size_t)(end - line), NULL, &entry, &err), &err);
        const char *name = json_text_at(entry, "operation");
        json_int_t number = json_int_at(entry, "connection", 0);
        bool is_new = name && strcmp(name, operation) == 0;
        for (size_t i = 0; i < count; i++)
            is_new = is_new && seen[i] != number;
        if (is_new && count < 100) seen[count++] = number;
    }
    return count;
}
