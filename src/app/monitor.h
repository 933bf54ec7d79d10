/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.h - what `serve` knows of itself, in memory: for the health port and the heartbeat in the log.
 *
 * The workers write it through their observers; the health port reads it from its own thread. Everything is
 * counted since the start of the process. Times are in microseconds since 1970.
 */
#ifndef CASELOAD_APP_MONITOR_H
#define CASELOAD_APP_MONITOR_H

#include <pthread.h>

#include "base/json.h"
#include "core/worker.h"

#define MONITOR_WORKERS 2
#define MONITOR_RECENT  20

struct monitored_stream {
    const char *name;
    bool is_tried;
    int64_t loaded, failed, forbidden, stopped;    /* attempts */
    int64_t requests, fetched, inserted, rejected; /* sums */
    int64_t fresh_us, newest_us;                   /* 0: unknown */
    int64_t failures;                              /* since the last success */
    char outcome[32];                              /* of the newest attempt */
    char error[1004];                              /* of the same, but of a stop: of the failure before */
    struct coverage coverage;
};

struct recent_attempt {
    int64_t ended_us;
    char run_id[32], stream[LIMIT_NAME], outcome[32], error[256];
    int64_t inserted;
};

struct monitored_worker {
    struct monitor *monitor;
    struct progress *progress; /* of its first thread; borrowed */
    struct progress_watch watch;
    int64_t moved_ms;
    bool is_reachable;                       /* Pub/Sub has answered */
    char reason[1004];                       /* why not */
    char message_id[LIMIT_NAME], run_id[32]; /* that runs; "": none */
    int64_t began_us;
    struct worker_observer observer;
};

struct monitor {
    pthread_mutex_t mutex;
    pthread_t thread; /* looks at the workers, and logs the heartbeat */
    atomic_bool is_ending;
    bool is_started;
    int64_t started_us;
    int64_t stall_ms;
    struct day start;   /* the first day that is to be loaded */
    bool is_open;       /* BigQuery and the source have answered */
    char opening[1004]; /* what failed at the start */
    int64_t messages[ERROR_KINDS];
    struct monitored_worker workers[MONITOR_WORKERS];
    size_t worker_count;
    struct monitored_stream streams[LIMIT_STREAMS];
    size_t stream_count;
    struct recent_attempt recent[MONITOR_RECENT]; /* a ring */
    size_t recent_count;
};

void monitor_init(struct monitor *monitor, struct day start, int stall_s);
/* The streams of the configuration; before the workers begin. */
void monitor_open(struct monitor *monitor, const struct selection *selections, size_t count);
/* Returns the observer for a worker with that progress. */
const struct worker_observer *monitor_add_worker(struct monitor *monitor, struct progress *progress);
void monitor_start(struct monitor *monitor);         /* the heartbeat */
void monitor_log_heartbeat(struct monitor *monitor); /* once; the thread does it each five minutes */
void monitor_done(struct monitor *monitor);

/* For readers, who hold the mutex. */
bool monitor_is_live(const struct monitor *monitor);
bool monitor_is_ready(const struct monitor *monitor, const char **out_reason);

#endif
