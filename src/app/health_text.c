/* SPDX-License-Identifier: Apache-2.0 */
/* health_text.c - the monitor as Prometheus text and as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "health.h"
#include "report.h"

static double seconds_of(int64_t us)
{
    return (double)us / 1e6;
}

/* Names of streams and outcomes are ours: they need no escapes. */
static void add_streams(const struct monitor *monitor, struct buf *out)
{
    static const struct {
        const char *name, *help;
        size_t at;
    } gauges[] = {
        {"caseload_last_success_timestamp_seconds", "All changes before then are loaded.",
         offsetof(struct monitored_stream, fresh_us)},
        {"caseload_newest_record_timestamp_seconds", "The newest version of a record that was read.",
         offsetof(struct monitored_stream, newest_us)},
    };
    for (size_t k = 0; k < sizeof gauges / sizeof *gauges; k++) {
        metrics_help(out, gauges[k].name, "gauge", gauges[k].help);
        for (size_t i = 0; i < monitor->stream_count; i++) {
            const char *stream = (const char *)&monitor->streams[i];
            int64_t us;
            memcpy(&us, stream + gauges[k].at, sizeof us);
            if (us > 0)
                buf_format(out, "%s{stream=\"%s\"} %.6f\n", gauges[k].name, monitor->streams[i].name,
                           seconds_of(us));
        }
    }
}

struct counter {
    const char *name, *help, *label; /* NULL: no second label */
    struct {
        const char *value;
        size_t at;
    } values[4];
};

static const struct counter counters[] = {
    {"caseload_stream_runs_total",
     "Attempts of a stream, by outcome.",
     "outcome",
     {{"loaded", offsetof(struct monitored_stream, loaded)},
      {"failed", offsetof(struct monitored_stream, failed)},
      {"forbidden", offsetof(struct monitored_stream, forbidden)},
      {"stopped", offsetof(struct monitored_stream, stopped)}}},
    {"caseload_rows_total",
     "Records that were read, and rows that were new.",
     "stage",
     {{"fetched", offsetof(struct monitored_stream, fetched)},
      {"inserted", offsetof(struct monitored_stream, inserted)}}},
    {"caseload_source_requests_total",
     "Requests to the source whose answers were used.",
     NULL,
     {{"", offsetof(struct monitored_stream, requests)}}},
    {"caseload_rejected_total",
     "Records that were rejected, and had not been before.",
     NULL,
     {{"", offsetof(struct monitored_stream, rejected)}}},
};

static void add_counter(const struct monitor *monitor, const struct counter *counter, struct buf *out)
{
    metrics_help(out, counter->name, "counter", counter->help);
    for (size_t i = 0; i < monitor->stream_count; i++) {
        const char *stream = (const char *)&monitor->streams[i];
        for (size_t k = 0; k < sizeof counter->values / sizeof *counter->values && counter->values[k].value;
             k++) {
            int64_t number;
            memcpy(&number, stream + counter->values[k].at, sizeof number);
            buf_format(out, "%s{stream=\"%s\"", counter->name, monitor->streams[i].name);
            if (counter->label) buf_format(out, ",%s=\"%s\"", counter->label, counter->values[k].value);
            buf_format(out, "} %" PRId64 "\n", number);
        }
    }
}

static void add_process(const struct monitor *monitor, struct buf *out)
{
    struct timespec used = {0};
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
    if (file) (void)fclose(file);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    metrics_help(out, "process_start_time_seconds", "gauge", "When the process began.");
    buf_format(out, "process_start_time_seconds %.3f\n", seconds_of(monitor->started_us));
    metrics_help(out, "process_cpu_seconds_total", "counter", "Time on processors.");
    buf_format(out, "process_cpu_seconds_total %.3f\n", (double)used.tv_sec + (double)used.tv_nsec / 1e9);
    metrics_help(out, "process_resident_memory_bytes", "gauge", "Memory in use.");
    buf_format(out, "process_resident_memory_bytes %lld\n", (long long)resident * sysconf(_SC_PAGESIZE));
}

void health_metrics(const struct monitor *monitor, struct buf *out)
{
    const char *reason;
    metrics_help(out, "caseload_build_info", "gauge", "The version of caseload.");
    buf_format(out, "caseload_build_info{version=\"%s\"} 1\n", CASELOAD_VERSION);
    metrics_help(out, "caseload_ready", "gauge", "1 once Pub/Sub, BigQuery and the source have answered.");
    buf_format(out, "caseload_ready %d\n", monitor_is_ready(monitor, &reason));
    metrics_help(out, "caseload_messages_total", "counter", "Messages that were served, by outcome.");
    for (size_t i = 0; i < ERROR_KINDS; i++)
        buf_format(out, "caseload_messages_total{outcome=\"%s\"} %" PRId64 "\n",
                   i == ERROR_NONE ? "done" : error_rules[i].name, monitor->messages[i]);
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        add_counter(monitor, &counters[i], out);
    add_streams(monitor, out);
    add_process(monitor, out);
}

static json_t *instant_or_null(int64_t us)
{
    char text[INSTANT_TEXT];
    if (us <= 0) return json_null();
    instant_format(us, text);
    return json_string(text);
}

/* It may quote a peer. */
static json_t *text_or_null(const char *text)
{
    return *text ? json_kept_text(text, strlen(text)) : json_null();
}

static json_t *stream_status(const struct monitored_stream *stream)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "stream", stream->name, "outcome",
                     text_or_null(stream->outcome), "error", text_or_null(stream->error), "fresh_at",
                     instant_or_null(stream->fresh_us), "newest_record_at",
                     instant_or_null(stream->newest_us), "failures", (json_int_t)stream->failures, "requests",
                     (json_int_t)stream->requests, "fetched", (json_int_t)stream->fetched, "inserted",
                     (json_int_t)stream->inserted, "rejected", (json_int_t)stream->rejected);
}

static json_t *worker_status(const struct monitored_worker *worker)
{
    const char *where = progress_where(worker->progress);
    return json_pack("{s:o, s:o, s:o, s:s, s:I}", "message_id", text_or_null(worker->message_id), "run_id",
                     text_or_null(worker->run_id), "began_at",
                     instant_or_null(*worker->message_id ? worker->began_us : 0), "doing",
                     where ? where : "nothing yet", "still_seconds",
                     (json_int_t)((clock_ms() - worker->moved_ms) / 1000));
}

json_t *health_status(const struct monitor *monitor)
{
    const char *reason;
    bool is_ready = monitor_is_ready(monitor, &reason);
    json_t *streams = json_array(), *workers = json_array(), *messages = json_object();
    for (size_t i = 0; i < monitor->stream_count; i++)
        json_array_append_new(streams, stream_status(&monitor->streams[i]));
    for (size_t i = 0; i < monitor->worker_count; i++)
        json_array_append_new(workers, worker_status(&monitor->workers[i]));
    for (size_t i = 0; i < ERROR_KINDS; i++)
        json_object_set_new(messages, i == ERROR_NONE ? "done" : error_rules[i].name,
                            json_integer(monitor->messages[i]));
    return json_pack("{s:i, s:s, s:o, s:b, s:b, s:o, s:o, s:o, s:o}", "version", REPORT_VERSION, "caseload",
                     CASELOAD_VERSION, "started_at", instant_or_null(monitor->started_us), "live",
                     monitor_is_live(monitor), "ready", is_ready, "reason", text_or_null(reason), "messages",
                     messages, "workers", workers, "streams", streams);
}
