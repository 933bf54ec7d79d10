/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

#include "core/run.h"

#define NOW_US (INT64_C(1772582400) * 1000000 + 12345678) /* a moment of PIPELINE_TODAY, UTC */

struct pipeline {
    struct source source; /* the ports are members: they find the pipeline from there */
    struct warehouse warehouse;
    struct json_value *const *records;
    size_t count, next;
    bool arrived; /* what was handed on last */
    const struct pipeline_listener *listener;
};

/* There is one pipeline at a time; readers and loads are it. */
static struct pipeline *pipeline_of_reader(struct reader *reader)
{
    return (struct pipeline *)reader;
}

static struct pipeline *pipeline_of_load(struct load *load)
{
    return (struct pipeline *)load;
}

/* --- the source --- */

static bool open_records(struct source *source, const struct selection *selection, struct window window,
                         struct reader **out_reader, struct error *err)
{
    (void)selection, (void)window, (void)err;
    *out_reader = (struct reader *)source;
    return true;
}

static bool next_record(struct reader *reader, struct page *out_page, struct error *err)
{
    static struct record record;
    struct pipeline *pipeline = pipeline_of_reader(reader);

    if (pipeline->next > 0 && !pipeline->arrived)
        return error_set(err, ERROR_FORMAT, "record %zu went nowhere", pipeline->next - 1);
    if (pipeline->next == pipeline->count) { /* the run has taken the one before */
        *out_page = (struct page){.last = true};
        return true;
    }
    pipeline->arrived = false;
    record = (struct record){.body = pipeline->records[pipeline->next++]};
    *out_page = (struct page){.records = &record, .count = 1};
    return true;
}

static void close_records(struct reader *reader)
{
    (void)reader;
}

/* --- the warehouse --- */

static bool prepare(struct warehouse *warehouse, const struct selection *selection,
                    const struct source_identity *identity, struct error *err)
{
    (void)warehouse, (void)selection, (void)identity, (void)err;
    return true;
}

static bool empty_state(struct warehouse *warehouse, const struct selection *const *selections, size_t count,
                        const char *message_id, struct state *out_states, struct error *err)
{
    (void)warehouse, (void)selections, (void)message_id, (void)err;
    for (size_t i = 0; i < count; i++)
        out_states[i] = (struct state){.now_us = NOW_US, .created_us = NOW_US - 1};
    return true;
}

static bool begin(struct warehouse *warehouse, const struct selection *selection, struct load **out_load,
                  struct error *err)
{
    (void)selection, (void)err;
    *out_load = (struct load *)(void *)((char *)warehouse - offsetof(struct pipeline, warehouse));
    return true;
}

static bool arrive(struct pipeline *pipeline, enum arrival arrival, const char *text, struct error *err)
{
    if (pipeline->arrived)
        return error_set(err, ERROR_FORMAT, "record %zu arrived twice", pipeline->next - 1);
    pipeline->arrived = true;
    pipeline->listener->arrived(pipeline->listener->context, pipeline->next - 1, arrival, text);
    return true;
}

static bool write_row(struct load *load, size_t table, const char *row, size_t size, struct error *err)
{
    (void)table, (void)size;
    return arrive(pipeline_of_load(load), ARRIVED_AS_ROW, row, err);
}

static bool write_reject(struct load *load, const struct reject *reject, struct error *err)
{
    return arrive(pipeline_of_load(load), ARRIVED_RAW, reject->record, err);
}

static bool commit(struct load *load, const struct commit *what, struct committed *out_committed,
                   struct error *err)
{
    (void)load, (void)what, (void)err;
    *out_committed = (struct committed){0};
    return true;
}

static void abort_load(struct load *load)
{
    (void)load;
}

static bool refresh(struct warehouse *warehouse, const struct selection *selection, struct error *err)
{
    (void)warehouse, (void)selection, (void)err;
    return true;
}

static bool settle(struct warehouse *warehouse, struct error *err)
{
    (void)warehouse, (void)err;
    return true;
}

/* --- the pipeline --- */

static const struct source_ops source_ops = {
    .open = open_records, .next = next_record, .close = close_records};
static const struct warehouse_ops warehouse_ops = {.prepare = prepare,
                                                   .state = empty_state,
                                                   .begin = begin,
                                                   .write = write_row,
                                                   .reject = write_reject,
                                                   .commit = commit,
                                                   .abort = abort_load,
                                                   .refresh = refresh,
                                                   .settle = settle};

bool pipeline_send(const struct table *table, struct json_value *const *records, size_t count,
                   const struct pipeline_listener *listener, struct error *err)
{
    struct pipeline pipeline = {.source = {&source_ops},
                                .warehouse = {.ops = &warehouse_ops},
                                .records = records,
                                .count = count,
                                .listener = listener};
    const struct stream stream = {
        .name = table->name, .kind = table->version ? STREAM_SCAN : STREAM_SNAPSHOT, .table = table};
    const struct selection selection = {.stream = &stream, .tables = {table}, .table_count = 1};
    const struct source_identity identity = {.workspace = "w1", .type = "test"};
    const struct request request = {.selections = {&selection}, .count = 1};
    const struct run_trigger trigger = {.run_id = "run", .message_id = "", .published_us = INT64_MAX};
    struct run_context context = {.source = &pipeline.source,
                                  .warehouse = &pipeline.warehouse,
                                  .max_rejected = LIMIT_REJECTS,
                                  .identity = &identity};
    struct run_report report;
    struct zone *utc;
    bool good;

    if (!zone_load("Etc/UTC", &utc, err)) return false;
    context.plan =
        (struct plan_settings){.zone = utc, .start = {20000}, .lookback_days = 2, .settle_minutes = 60};
    good = run_request(&context, &request, &trigger, &report, err);
    zone_free(utc);
    return good &&
           (pipeline.arrived || error_set(err, ERROR_FORMAT, "record %zu went nowhere", pipeline.next));
}
