/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

#define PUBSUB   HTTP_SERVICES /* a further one, over gRPC */
#define SERVICES (PUBSUB + 1)
#define STATUSES 600 /* of HTTP; 0: no response, or a number that is none */
#define CODES    20  /* of gRPC */
#define SOURCES  2

static const char *const service_names[SERVICES] = {
    [HTTP_CREDENTIALS] = "credentials",
    [HTTP_SOURCE] = "source",
    [HTTP_BIGQUERY] = "bigquery",
    [PUBSUB] = "pubsub",
};

/* Upper ends of the buckets; the last one has none. A pull of Pub/Sub waits for up to 90 s. */
static const int64_t bucket_ms[] = {50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000};
#define BUCKETS (sizeof bucket_ms / sizeof *bucket_ms)

struct histogram {
    int64_t counts[BUCKETS + 1];
    int64_t sum_ms;
};

struct code_count {
    const char *code;
    int64_t count;
};

struct metrics {
    pthread_mutex_t mutex;
    int64_t statuses[SERVICES][STATUSES];
    struct code_count codes[CODES];
    struct histogram seconds[SERVICES];
    int64_t extended, not_extended;
    struct {
        const char *worker;
        struct source *source;
    } sources[SOURCES];
    size_t source_count;
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = mem_zero(1, sizeof *metrics);
    if (pthread_mutex_init(&metrics->mutex, NULL) != 0) abort(); /* like no memory */
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics) return;
    (void)pthread_mutex_destroy(&metrics->mutex);
    free(metrics);
}

static void observe(struct histogram *histogram, int64_t duration_ms)
{
    size_t i = 0;
    while (i < BUCKETS && duration_ms > bucket_ms[i])
        i++;
    histogram->counts[i]++;
    histogram->sum_ms += duration_ms;
}

void metrics_http(struct metrics *metrics, enum http_service service, int status, int64_t duration_ms)
{
    pthread_mutex_lock(&metrics->mutex);
    metrics->statuses[service][status > 0 && status < STATUSES ? status : 0]++;
    observe(&metrics->seconds[service], duration_ms);
    pthread_mutex_unlock(&metrics->mutex);
}

void metrics_rpc(struct metrics *metrics, const char *code, int64_t duration_ms)
{
    size_t i = 0;
    pthread_mutex_lock(&metrics->mutex);
    while (i + 1 < CODES && metrics->codes[i].code && metrics->codes[i].code != code)
        i++;
    metrics->codes[i].code = code;
    metrics->codes[i].count++;
    observe(&metrics->seconds[PUBSUB], duration_ms);
    pthread_mutex_unlock(&metrics->mutex);
}

void metrics_lease(struct metrics *metrics, bool is_extended)
{
    pthread_mutex_lock(&metrics->mutex);
    (*(is_extended ? &metrics->extended : &metrics->not_extended))++;
    pthread_mutex_unlock(&metrics->mutex);
}

void metrics_add_source(struct metrics *metrics, const char *worker, struct source *source)
{
    pthread_mutex_lock(&metrics->mutex);
    if (source->ops->rate && metrics->source_count < SOURCES) {
        metrics->sources[metrics->source_count].worker = worker;
        metrics->sources[metrics->source_count++].source = source;
    }
    pthread_mutex_unlock(&metrics->mutex);
}

/* --- the text --- */

void metrics_help(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_requests(const struct metrics *metrics, struct buf *out)
{
    metrics_help(out, "caseload_requests_total", "counter", "Tries of requests, by service and status code.");
    for (size_t service = 0; service < SERVICES; service++) {
        for (int status = 0; status < STATUSES; status++) {
            char code[8] = "none";
            if (status > 0) (void)snprintf(code, sizeof code, "%d", status);
            if (metrics->statuses[service][status] > 0)
                buf_format(out, "caseload_requests_total{service=\"%s\",code=\"%s\"} %" PRId64 "\n",
                           service_names[service], code, metrics->statuses[service][status]);
        }
    }
    for (size_t i = 0; i < CODES && metrics->codes[i].code; i++)
        buf_format(out, "caseload_requests_total{service=\"pubsub\",code=\"%s\"} %" PRId64 "\n",
                   metrics->codes[i].code, metrics->codes[i].count);
}

static void write_seconds(const struct metrics *metrics, struct buf *out)
{
    static const char name[] = "caseload_request_seconds";
    metrics_help(out, name, "histogram", "How long each try of a request took.");
    for (size_t service = 0; service < SERVICES; service++) {
        const struct histogram *seconds = &metrics->seconds[service];
        int64_t count = 0;
        for (size_t i = 0; i <= BUCKETS; i++) {
            char end[16] = "+Inf";
            if (i < BUCKETS) (void)snprintf(end, sizeof end, "%g", (double)bucket_ms[i] / 1000);
            count += seconds->counts[i];
            buf_format(out, "%s_bucket{service=\"%s\",le=\"%s\"} %" PRId64 "\n", name, service_names[service],
                       end, count);
        }
        buf_format(out, "%s_sum{service=\"%s\"} %.3f\n", name, service_names[service],
                   (double)seconds->sum_ms / 1000);
        buf_format(out, "%s_count{service=\"%s\"} %" PRId64 "\n", name, service_names[service], count);
    }
}

static void write_leases(const struct metrics *metrics, struct buf *out)
{
    metrics_help(out, "caseload_lease_extensions_total", "counter",
                 "Tries to extend the lease of the message that is worked on.");
    buf_format(out, "caseload_lease_extensions_total{outcome=\"done\"} %" PRId64 "\n", metrics->extended);
    buf_format(out, "caseload_lease_extensions_total{outcome=\"failed\"} %" PRId64 "\n",
               metrics->not_extended);
}

/* A limit that the source has not said yet is absent. */
static void write_rates(const struct metrics *metrics, struct buf *out)
{
    struct source_rate rates[SOURCES];
    for (size_t i = 0; i < metrics->source_count; i++)
        metrics->sources[i].source->ops->rate(metrics->sources[i].source, &rates[i]);
    metrics_help(out, "caseload_rate_limit_allowed", "gauge",
                 "Requests that the source allows in each window.");
    for (size_t i = 0; i < metrics->source_count; i++)
        if (rates[i].limit >= 0)
            buf_format(out, "caseload_rate_limit_allowed{worker=\"%s\"} %" PRId64 "\n",
                       metrics->sources[i].worker, rates[i].limit);
    metrics_help(out, "caseload_rate_limit_remaining", "gauge",
                 "Requests left in the window, as the source says.");
    for (size_t i = 0; i < metrics->source_count; i++)
        if (rates[i].remaining >= 0)
            buf_format(out, "caseload_rate_limit_remaining{worker=\"%s\"} %" PRId64 "\n",
                       metrics->sources[i].worker, rates[i].remaining);
    metrics_help(out, "caseload_rate_limit_wait_seconds_total", "counter",
                 "How long requests waited for the rate limit, each of them.");
    for (size_t i = 0; i < metrics->source_count; i++)
        buf_format(out, "caseload_rate_limit_wait_seconds_total{worker=\"%s\"} %.3f\n",
                   metrics->sources[i].worker, (double)rates[i].waited_ms / 1000);
}

void metrics_write(struct metrics *metrics, struct buf *out)
{
    pthread_mutex_lock(&metrics->mutex);
    write_requests(metrics, out);
    write_seconds(metrics, out);
    write_rates(metrics, out);
    write_leases(metrics, out);
    pthread_mutex_unlock(&metrics->mutex);
}
