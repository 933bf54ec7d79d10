/* SPDX-License-Identifier: Apache-2.0 */
/* latency.c - how long the service takes, for benchmarks. The figures are those of users' reports; which one
 * of its range a job gets follows from the seed and the order of the jobs.
 */
#include <string.h>

#include "base/clock.h"
#include "bigquery/internal.h"

static const struct {
    int least_ms, most_ms;
} ranges[] = {
    [LATENCY_QUERY] = {1000, 2000},
    [LATENCY_LOAD] = {3000, 8000},
    [LATENCY_SCRIPT] = {5000, 12000},
    [LATENCY_UPLOAD] = {100, 100},
};

int64_t bq_latency_ms(struct bigquery_server *bigquery, enum latency_kind kind)
{
    uint32_t spread = (uint32_t)(ranges[kind].most_ms - ranges[kind].least_ms) + 1;
    if (bigquery->latency <= 0) return 0;
    return (int64_t)((ranges[kind].least_ms + (int)rng_below(&bigquery->rng, spread)) * bigquery->latency);
}

enum latency_kind bq_latency_kind(const struct job *job)
{
    const json_t *query = json_object_get(json_object_get(job->configuration, "query"), "query");
    if (job->type == JOB_LOAD) return LATENCY_LOAD;
    const char *text = json_string_value(query), *end = text ? strchr(text, ';') : NULL;
    bool is_script = end && end[1 + strspn(end + 1, " \t\r\n")] != '\0';
    return is_script ? LATENCY_SCRIPT : LATENCY_QUERY;
}

void bq_delay_upload(struct bigquery_server *bigquery)
{
    pthread_mutex_lock(&bigquery->mutex);
    int64_t ms = bigquery->stopping ? 0 : bq_latency_ms(bigquery, LATENCY_UPLOAD);
    pthread_mutex_unlock(&bigquery->mutex);
    if (ms > 0) (void)clock_sleep_ms(ms, NULL); /* nothing cuts it short */
}
