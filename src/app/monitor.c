/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "report.h"

#define LOOK_MS      1000
#define HEARTBEAT_MS INT64_C(300000)

void monitor_init(struct monitor *monitor, struct day start, int stall_s)
{
    *monitor = (struct monitor){.start = start,
                                .stall_ms = (int64_t)stall_s * 1000,
                                .started_us = clock_utc_us(),
                                .opening = "BigQuery and the source have not answered yet"};
    pthread_mutex_init(&monitor->mutex, NULL);
}

void monitor_open(struct monitor *monitor, const struct selection *selections, size_t count)
{
    pthread_mutex_lock(&monitor->mutex);
    for (size_t i = 0; i < count; i++)
        monitor->streams[i] = (struct monitored_stream){.name = selections[i].stream->name};
    monitor->stream_count = count;
    monitor->is_open = true;
    pthread_mutex_unlock(&monitor->mutex);
}

static void pulled(void *self, const struct error *err)
{
    struct monitored_worker *worker = self;
    pthread_mutex_lock(&worker->monitor->mutex);
    worker->is_reachable = err->kind == ERROR_NONE;
    (void)snprintf(worker->reason, sizeof worker->reason, "%s", err->text);
    pthread_mutex_unlock(&worker->monitor->mutex);
}

static void began(void *self, const struct delivery *delivery, const char *run_id)
{
    struct monitored_worker *worker = self;
    pthread_mutex_lock(&worker->monitor->mutex);
    (void)snprintf(worker->message_id, sizeof worker->message_id, "%s", delivery->message_id);
    (void)snprintf(worker->run_id, sizeof worker->run_id, "%s", run_id);
    worker->began_us = clock_utc_us();
    pthread_mutex_unlock(&worker->monitor->mutex);
}

static void add_recent(struct monitor *monitor, const char *run_id, const struct stream_result *result)
{
    struct recent_attempt *attempt = &monitor->recent[monitor->recent_count++ % MONITOR_RECENT];
    attempt->ended_us = clock_utc_us();
    attempt->inserted = result->inserted;
    (void)snprintf(attempt->run_id, sizeof attempt->run_id, "%s", run_id);
    (void)snprintf(attempt->stream, sizeof attempt->stream, "%s", result->stream);
    (void)snprintf(attempt->outcome, sizeof attempt->outcome, "%s", stream_outcome(result));
    (void)snprintf(attempt->error, sizeof attempt->error, "%.255s", result->error.text);
}

static void add_result(struct monitored_stream *stream, const struct stream_result *result)
{
    bool is_loaded = stream_is_good(result), is_stopped = result->error.kind == ERROR_STOPPED;
    bool is_failed = !is_loaded && !result->forbidden && !is_stopped;
    stream->is_tried = true;
    stream->requests += result->requests;
    stream->fetched += result->fetched;
    stream->inserted += result->inserted;
    stream->rejected += result->rejected;
    stream->failed += is_failed;
    stream->forbidden += result->forbidden;
    stream->stopped += is_stopped;
    stream->loaded += is_loaded;
    if (!is_stopped) stream->failures = is_failed ? stream->failures + 1 : 0;
    if (result->fresh_us > stream->fresh_us) stream->fresh_us = result->fresh_us;
    if (result->newest_us > stream->newest_us) stream->newest_us = result->newest_us;
    if (result->coverage.is_known) stream->coverage = result->coverage;
    (void)snprintf(stream->outcome, sizeof stream->outcome, "%s", stream_outcome(result));
    if (is_stopped && stream->failures > 0) return;
    (void)snprintf(stream->error, sizeof stream->error, "%s",
                   result->error.kind == ERROR_NONE ? "" : result->error.text);
}

static void ended(void *self, const struct run_report *report, const struct error *err)
{
    struct monitored_worker *worker = self;
    struct monitor *monitor = worker->monitor;
    pthread_mutex_lock(&monitor->mutex);
    monitor->messages[err->kind]++;
    for (size_t i = 0; i < report->count; i++) {
        add_recent(monitor, worker->run_id, &report->streams[i]);
        for (size_t k = 0; k < monitor->stream_count; k++)
            if (strcmp(monitor->streams[k].name, report->streams[i].stream) == 0)
                add_result(&monitor->streams[k], &report->streams[i]);
    }
    worker->message_id[0] = worker->run_id[0] = '\0';
    pthread_mutex_unlock(&monitor->mutex);
}

const struct worker_observer *monitor_add_worker(struct monitor *monitor, struct progress *progress)
{
    pthread_mutex_lock(&monitor->mutex);
    struct monitored_worker *worker = &monitor->workers[monitor->worker_count++];
    *worker = (struct monitored_worker){
        .monitor = monitor,
        .progress = progress,
        .moved_ms = clock_ms(),
        .reason = "Pub/Sub has not answered yet",
        .observer = {.pulled = pulled, .began = began, .ended = ended, .self = worker},
    };
    pthread_mutex_unlock(&monitor->mutex);
    return &worker->observer;
}

static void look(struct monitor *monitor)
{
    pthread_mutex_lock(&monitor->mutex);
    for (size_t i = 0; i < monitor->worker_count; i++) {
        struct monitored_worker *worker = &monitor->workers[i];
        worker->moved_ms = progress_look(&worker->watch, worker->progress, clock_ms());
    }
    pthread_mutex_unlock(&monitor->mutex);
}

/* The stream whose newest success is the oldest, for an alert. Of those that had one since the start. */
static const struct monitored_stream *oldest_success(const struct monitor *monitor)
{
    const struct monitored_stream *oldest = NULL;
    for (size_t i = 0; i < monitor->stream_count; i++) {
        const struct monitored_stream *stream = &monitor->streams[i];
        if (stream->fresh_us > 0 && (!oldest || stream->fresh_us < oldest->fresh_us)) oldest = stream;
    }
    return oldest;
}

/* "contacts 4 min, conversations 29 h": how old the newest records are that were read. */
void monitor_log_heartbeat(struct monitor *monitor)
{
    char ages[2048] = "", age[REPORT_NUMBER], running[LIMIT_NAME] = "";
    int64_t now_us = clock_utc_us(), messages = 0;
    pthread_mutex_lock(&monitor->mutex);
    const struct monitored_stream *oldest = oldest_success(monitor);
    const char *oldest_name = oldest ? oldest->name : "";
    int64_t oldest_s = oldest ? (now_us - oldest->fresh_us) / 1000000 : -1;
    for (size_t i = 0; i < monitor->stream_count; i++) {
        const struct monitored_stream *stream = &monitor->streams[i];
        size_t used = strlen(ages);
        if (stream->newest_us == 0) continue;
        double seconds = now_us > stream->newest_us ? (double)(now_us - stream->newest_us) / 1e6 : 0;
        (void)snprintf(ages + used, sizeof ages - used, "%s%s %s", used ? ", " : "", stream->name,
                       report_duration(seconds, age));
    }
    for (size_t i = 0; i < ERROR_KINDS; i++)
        messages += monitor->messages[i];
    for (size_t i = 0; i < monitor->worker_count && !*running; i++)
        memcpy(running, monitor->workers[i].message_id, sizeof running);
    pthread_mutex_unlock(&monitor->mutex);
    log_write(LOG_INFO, "heartbeat",
              LOG_FIELDS(LOG_TEXT("newest_records", ages), LOG_NUMBER("oldest_success_seconds", oldest_s),
                         LOG_TEXT("oldest_success", oldest_name), LOG_NUMBER("messages", messages),
                         LOG_TEXT("message_id", running)),
              "%s%s; newest records: %s", *running ? "working on message " : "waiting", running,
              *ages ? ages : "none was read yet");
}

static void *keep_looking(void *self)
{
    struct monitor *monitor = self;
    int64_t told_ms = clock_ms();
    while (clock_sleep_ms(LOOK_MS, &monitor->is_ending)) {
        look(monitor);
        if (clock_ms() - told_ms < HEARTBEAT_MS) continue;
        told_ms += HEARTBEAT_MS;
        monitor_log_heartbeat(monitor);
    }
    return NULL;
}

void monitor_start(struct monitor *monitor)
{
    monitor->is_started = pthread_create(&monitor->thread, NULL, keep_looking, monitor) == 0;
    if (!monitor->is_started) abort(); /* like no memory */
}

void monitor_done(struct monitor *monitor)
{
    atomic_store(&monitor->is_ending, true);
    if (monitor->is_started) (void)pthread_join(monitor->thread, NULL);
    pthread_mutex_destroy(&monitor->mutex);
}

bool monitor_is_live(const struct monitor *monitor)
{
    for (size_t i = 0; i < monitor->worker_count; i++)
        if (clock_ms() - monitor->workers[i].moved_ms >= monitor->stall_ms) return false;
    return true;
}

bool monitor_is_ready(const struct monitor *monitor, const char **out_reason)
{
    *out_reason = monitor->opening;
    if (!monitor->is_open) return false;
    for (size_t i = 0; i < monitor->worker_count; i++) {
        *out_reason = monitor->workers[i].reason;
        if (!monitor->workers[i].is_reachable) return false;
    }
    *out_reason = "";
    return monitor->worker_count > 0;
}
