/* SPDX-License-Identifier: Apache-2.0 */
/* singer_command.c - `caseload singer`: the source as a tap of Singer. */
#include "singer/singer.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "commands.h"
#include "core/request.h"
#include "options.h"
#include "services.h"

#define ENDPOINT_LIMIT 128

/* The source's clock: the first response says what time it is there, and the time since then is added. */
struct tap {
    atomic_llong date_us; /* 0: it has not been heard yet */
    atomic_llong heard_us;
};

/* --- metrics --- */

static void log_metric(const json_t *metric)
{
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_MESSAGE);
    json_write(&text, metric);
    log_write(LOG_INFO, "metric", NULL, "METRIC: %s", buf_string(&text));
}

static void count_records(void *self, const char *stream, int64_t records)
{
    (void)self;
    AUTO(json_drop)
    json_t *metric = json_pack("{s:s, s:s, s:I, s:{s:s}}", "type", "counter", "metric", "record_count",
                               "value", (json_int_t)records, "tags", "endpoint", stream);
    log_metric(metric);
}

static void tell_wait(void *self, int64_t seconds)
{
    (void)self;
    log_write(LOG_WARNING, "reader_waits", NULL,
              "the target has read nothing from stdout for %" PRId64 " s; waiting for it", seconds);
}

/* A path with {id} for each segment that has a digit: ids would make an endpoint of each record. */
static void name_endpoint(const char *path, char out[ENDPOINT_LIMIT])
{
    size_t used = 0;
    out[0] = '\0';
    while (*path && used < ENDPOINT_LIMIT) {
        size_t size = strcspn(path + 1, "/");
        bool is_id = strcspn(path + 1, "0123456789") < size;
        used += (size_t)snprintf(out + used, ENDPOINT_LIMIT - used, "/%.*s", is_id ? 4 : (int)size,
                                 is_id ? "{id}" : path + 1);
        path += 1 + size;
    }
}

static void trace_request(void *self, const struct http_trace *trace)
{
    struct tap *tap = self;
    char endpoint[ENDPOINT_LIMIT];
    long long none = 0;
    if (trace->date_s > 0 && atomic_compare_exchange_strong(&tap->date_us, &none, trace->date_s * 1000000))
        atomic_store(&tap->heard_us, clock_boot_us());
    name_endpoint(trace->path, endpoint);
    AUTO(json_drop)
    json_t *metric = json_pack("{s:s, s:s, s:f, s:{s:s, s:i, s:s}}", "type", "timer", "metric",
                               "http_request_duration", "value", (double)trace->duration_ms / 1000, "tags",
                               "endpoint", endpoint, "http_status_code", trace->status, "status",
                               trace->status >= 200 && trace->status < 300 ? "succeeded" : "failed");
    log_metric(metric);
}

/* A source that does not say what time it is has this machine's. */
static int64_t now_us(void *self)
{
    struct tap *tap = self;
    int64_t date_us = atomic_load(&tap->date_us);
    if (date_us > 0) return date_us + (clock_boot_us() - atomic_load(&tap->heard_us));
    return clock_utc_us();
}

/* --- files --- */

static bool read_json(const char *what, const char *path, json_t **out_value, struct error *err)
{
    AUTO(buf_done) struct buf text = {0};
    *out_value = NULL;
    if (!path) return true;
    if (!file_read(path, LIMIT_SINGER_FILE, &text, err)) return error_wrap(err, "%s", what);
    if (json_read(buf_string(&text), text.size, NULL, out_value, err)) return true;
    err->kind = ERROR_CONFIG;
    return error_wrap(err, "%s %s is not one JSON value", what, path);
}

static void warn(const char *text)
{
    log_write(LOG_WARNING, "catalog_value", NULL, "%s", text);
}

static struct singer_streams streams_of(const struct config *config)
{
    return (struct singer_streams){config->source_type->streams, config->source_type->stream_count};
}

/* --- the run --- */

static bool print_catalog(struct services *services, struct error *err)
{
    const struct singer_streams streams = streams_of(services->config);
    AUTO(json_drop)
    json_t *catalog = singer_discover(&streams, services->selections, services->selection_count);
    bool written =
        json_dumpf(catalog, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0 && putchar('\n') != EOF;
    return (fflush(stdout) == 0 && written) ||
           error_set(err, ERROR_LIMIT, "the catalog can't be written to stdout");
}

/* The streams but for reconciliations, which need a table to compare with. The first is the one that the last
 * run was interrupted in. */
static void make_request(const struct services *services, const char *first, struct request *out)
{
    *out = (struct request){.count = 0};
    size_t begin = 0;
    for (size_t i = 0; first && i < services->selection_count; i++)
        if (strcmp(services->selections[i].stream->name, first) == 0) begin = i;
    for (size_t i = 0; i < services->selection_count; i++) {
        const struct selection *selection = &services->selections[(begin + i) % services->selection_count];
        if (selection->stream->kind != STREAM_RECONCILE) out->selections[out->count++] = selection;
    }
}

static bool load(struct services *services, const json_t *state, struct error *err)
{
    char run_id[RANDOM_NAME];
    struct request request;
    struct run_context context = services_context(services);
    struct run_report *report = mem_zero(1, sizeof *report);
    make_request(services, state ? singer_current_stream(state) : NULL, &request);
    random_name(run_id);
    bool done = run_request(
        &context, &request,
        &(struct run_trigger){.run_id = run_id, .message_id = "", .published_us = INT64_MAX}, report, err);
    mem_free(&report);
    struct error unwritten;
    if (singer_finish(services->warehouse, done, &unwritten)) return done;
    if (done) *err = unwritten;
    return false;
}

/* catalog: NULL: none is given. */
static bool open_and_load(struct services *services, const struct singer_catalog *catalog,
                          const json_t *state, struct tap *tap, struct error *err)
{
    if (!services_open_reading(services, err)) return false;
    const struct plan_settings plan = services_context(services).plan;
    const struct singer_settings settings = {.file = STDOUT_FILENO,
                                             .plan = &plan,
                                             .catalog = catalog,
                                             .state = state,
                                             .stop = &services->cancel_run,
                                             .now_us = now_us,
                                             .count = count_records,
                                             .wait = tell_wait,
                                             .self = tap};
    return singer_new(&settings, &services->warehouse, err) && load(services, state, err);
}

/* A catalog takes the place of the setting "streams". */
static bool tap_streams(struct services *services, const struct options *options, struct tap *tap,
                        struct error *err)
{
    AUTO(json_drop) json_t *catalog_file = NULL;
    AUTO(json_drop) json_t *state = NULL;
    const struct config *config = services->config;
    const struct singer_streams streams = streams_of(config);
    struct singer_catalog catalog = {.selected = NULL};
    struct config chosen = *config;
    chosen.latest_tables = chosen.contents_disabled = (struct name_list){.count = 0}; /* a warehouse's */
    if (!read_json("the state", options_value(options, "state"), &state, err) ||
        !read_json("the catalog", options_value(options, "catalog"), &catalog_file, err))
        return false;
    bool done = !catalog_file || singer_catalog_read(catalog_file, &streams, warn, &catalog, err);
    char *names[LIMIT_STREAMS * LIMIT_TABLES] = {NULL};
    for (size_t i = 0; i < catalog.name_count; i++)
        names[i] = mem_text(catalog.names[i]);
    if (catalog_file)
        chosen.streams = (struct name_list){.names = names, .count = catalog.name_count, .is_given = true};
    done = done && config_select(&chosen, err);
    if (done) services_use(services, &chosen);
    done = done && open_and_load(services, catalog_file ? &catalog : NULL, state, tap, err);
    services_use(services, config);
    for (size_t i = 0; i < catalog.name_count; i++)
        mem_free(&names[i]);
    singer_catalog_done(&catalog);
    return done;
}

static bool tap_or_discover(struct services *services, const struct options *options, int *out_code,
                            struct error *err)
{
    static struct tap tap; /* requests for tokens may outlive this function */
    (void)out_code;        /* of a success */
    services->trace = trace_request;
    services->trace_self = &tap;
    return options_has(options, "discover") ? print_catalog(services, err)
                                            : tap_streams(services, options, &tap, err);
}

static int run(const struct options *options)
{
    return command_do(options, tap_or_discover);
}

static const struct command_option options[] = {
    {"catalog", "FILE", "streams and fields that are selected; default: the setting streams, all fields"},
    {"state", "FILE", "value of the last STATE message; default: all from start_date on"},
    {"discover", NULL, "print the catalog of all streams, and end"},
};

static const char *const examples[] = {
    "--config caseload.json --discover > catalog.json",
    "--config caseload.json --catalog catalog.json --state state.json | target-jsonl > states.jsonl",
    NULL,
};

const struct command singer_command = {
    .name = "singer",
    .summary = "write records and state for a target of Singer",
    .text =
        "Writes to stdout what is newer than the state says, as messages of Singer (SCHEMA, RECORD, STATE, "
        "ACTIVATE_VERSION), one a line. Logs and metrics go to stderr. No BigQuery and no Pub/Sub is used, "
        "so that project, dataset and location may be missing.\n"
        "The state is the only memory: give the last value that the target has written. A run that is killed "
        "loses nothing; records since the last STATE come again.",
    .examples = examples,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .config = CONFIG_NEEDED,
    .has_no_warehouse = true,
    .is_tap = true,
    .error_prefix = "CRITICAL",
    .run = run,
};
