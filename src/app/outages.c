/* SPDX-License-Identifier: Apache-2.0 */
#include "outages.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http.h"
#include "report.h"

#define SERVICES   16
#define LOOK_MS    500
#define TELL_MS    2000  /* shorter outages are not worth a line */
#define LIMITED_MS 30000 /* ... and a refusal for too many requests is no outage */
#define AGAIN_MS   30000
#define TEXT       256

struct service {
    char origin[TEXT];
    const char *name, *setting; /* NULL: not known by name */
    bool was_reached;
    int waiting;         /* calls that had failed tries and are not over */
    int64_t since_ms;    /* the outage began; 0: there is none */
    int64_t told_ms;     /* 0: it was not logged */
    int64_t give_up_ms;  /* of the call that waits longest */
    bool is_limited;     /* the newest failure was 429 */
    bool is_unconnected; /* no try of this outage reached a service */
    char what[TEXT], cause[TEXT];
};

struct outages {
    pthread_mutex_t mutex;
    pthread_t thread;
    atomic_bool stop;
    bool is_ready;
    int64_t patience_ms;
    struct net_watch watch;
    struct service services[SERVICES];
    size_t count;
};

/* The last place is for all that find no other. */
static struct service *find(struct outages *outages, const char *origin)
{
    for (size_t i = 0; i < outages->count; i++)
        if (strcmp(outages->services[i].origin, origin) == 0) return &outages->services[i];
    if (outages->count == SERVICES) return &outages->services[SERVICES - 1];
    struct service *service = &outages->services[outages->count++];
    (void)snprintf(service->origin, sizeof service->origin, "%s", origin);
    return service;
}

static const char *name_of(const struct service *service)
{
    return service->name ? service->name : "a service";
}

static void give_up_text(const struct service *service, int64_t now_ms, char out[REPORT_NUMBER + 16])
{
    char left[REPORT_NUMBER];
    if (service->give_up_ms == INT64_MAX)
        (void)snprintf(out, REPORT_NUMBER + 16, "is never given up");
    else
        (void)snprintf(out, REPORT_NUMBER + 16, "is given up in %s",
                       report_duration((double)(service->give_up_ms - now_ms) / 1000, left));
}

static void tell(const struct outages *outages, struct service *service, int64_t now_ms)
{
    char end[REPORT_NUMBER + 16], waited[REPORT_NUMBER];
    service->told_ms = now_ms;
    give_up_text(service, now_ms, end);
    log_write(LOG_WARNING, "waiting_for_service",
              LOG_FIELDS(LOG_TEXT("service", name_of(service)), LOG_TEXT("address", service->origin),
                         LOG_TEXT("setting", service->setting ? service->setting : ""),
                         LOG_TEXT("call", service->what), LOG_TEXT("cause", service->cause),
                         LOG_NUMBER("seconds", (now_ms - service->since_ms) / 1000)),
              "%s does not answer at %s%s%s%s for %s: %s (%s); the call %s%s", name_of(service),
              service->origin, service->setting ? " (" : "", service->setting ? service->setting : "",
              service->setting ? ")" : "",
              report_duration((double)(now_ms - service->since_ms) / 1000, waited), service->cause,
              service->what, end, outages->is_ready ? "" : ". caseload is not ready until it answers");
}

static void recover(struct service *service, int64_t now_ms)
{
    char waited[REPORT_NUMBER];
    if (service->told_ms)
        log_write(LOG_INFO, "recovered",
                  LOG_FIELDS(LOG_TEXT("service", name_of(service)), LOG_TEXT("address", service->origin),
                             LOG_NUMBER("seconds", (now_ms - service->since_ms) / 1000)),
                  "%s answers again, after %s", name_of(service),
                  report_duration((double)(now_ms - service->since_ms) / 1000, waited));
    service->since_ms = service->told_ms = 0;
}

void outages_look(struct outages *outages, int64_t now_ms)
{
    pthread_mutex_lock(&outages->mutex);
    for (size_t i = 0; i < outages->count; i++) {
        struct service *service = &outages->services[i];
        if (!service->since_ms || service->waiting == 0) continue;
        int64_t from_ms = service->told_ms ? service->told_ms + AGAIN_MS
                                           : service->since_ms + (service->is_limited ? LIMITED_MS : TELL_MS);
        if (now_ms >= from_ms) tell(outages, service, now_ms);
    }
    pthread_mutex_unlock(&outages->mutex);
}

/* Nothing has ever answered there, and the patience is over. */
static bool lose_patience(const struct outages *outages, const struct service *service, int64_t now_ms,
                          char out_advice[NET_ADVICE])
{
    char waited[REPORT_NUMBER];
    if (service->was_reached || !service->is_unconnected || outages->patience_ms == OUTAGES_FOREVER ||
        now_ms - service->since_ms < outages->patience_ms)
        return false;
    (void)snprintf(
        out_advice, NET_ADVICE,
        "nothing has answered at %s for %s: check the address%s%s%s and the network, or wait longer with "
        "--patience",
        service->origin, report_duration((double)(now_ms - service->since_ms) / 1000, waited),
        service->setting ? " (" : "", service->setting ? service->setting : "", service->setting ? ")" : "");
    return true;
}

static bool failed(void *self, const struct net_failure *failure, char out_advice[NET_ADVICE])
{
    struct outages *outages = self;
    int64_t now_ms = clock_ms();
    pthread_mutex_lock(&outages->mutex);
    struct service *service = find(outages, failure->origin);
    if (!service->since_ms) {
        service->since_ms = now_ms - failure->waited_ms;
        service->is_unconnected = true;
    }
    service->waiting += failure->is_first;
    service->is_limited = failure->status == 429;
    service->is_unconnected = service->is_unconnected && failure->is_unconnected;
    service->give_up_ms = failure->left_ms == INT64_MAX ? INT64_MAX : now_ms + failure->left_ms;
    (void)snprintf(service->what, sizeof service->what, "%s", failure->what);
    (void)snprintf(service->cause, sizeof service->cause, "%s", failure->cause);
    bool is_over = lose_patience(outages, service, now_ms, out_advice);
    if (!is_over && !service->was_reached && service->is_unconnected &&
        outages->patience_ms != OUTAGES_FOREVER &&
        service->since_ms + outages->patience_ms < service->give_up_ms)
        service->give_up_ms = service->since_ms + outages->patience_ms;
    pthread_mutex_unlock(&outages->mutex);
    return is_over;
}

static void ended(void *self, const char *origin, bool had_failed, bool is_answered)
{
    struct outages *outages = self;
    pthread_mutex_lock(&outages->mutex);
    struct service *service = find(outages, origin);
    service->waiting -= had_failed;
    if (is_answered) {
        service->was_reached = true;
        recover(service, clock_ms());
    }
    pthread_mutex_unlock(&outages->mutex);
}

static void *look_again(void *self)
{
    struct outages *outages = self;
    while (clock_sleep_ms(LOOK_MS, &outages->stop))
        outages_look(outages, clock_ms());
    return NULL;
}

struct outages *outages_start(int64_t patience_ms)
{
    struct outages *outages = mem_zero(1, sizeof *outages);
    outages->patience_ms = patience_ms;
    outages->is_ready = true;
    outages->watch = (struct net_watch){.failed = failed, .ended = ended, .self = outages};
    if (pthread_mutex_init(&outages->mutex, NULL) != 0 ||
        pthread_create(&outages->thread, NULL, look_again, outages) != 0)
        abort(); /* like no memory */
    return outages;
}

void outages_stop(struct outages *outages)
{
    if (!outages) return;
    atomic_store(&outages->stop, true);
    (void)pthread_join(outages->thread, NULL);
    (void)pthread_mutex_destroy(&outages->mutex);
    free(outages);
}

static bool origin_of(const char *url, char out[TEXT])
{
    struct http_origin origin;
    if (!http_origin(url, &origin)) return false; /* the first call says so */
    (void)snprintf(out, TEXT, "%s://%.200s:%d", origin.scheme, origin.host, origin.port);
    return true;
}

void outages_name(struct outages *outages, const char *url, const char *service, const char *setting)
{
    char origin[TEXT];
    if (!origin_of(url, origin)) return;
    pthread_mutex_lock(&outages->mutex);
    struct service *known = find(outages, origin);
    known->name = service;
    known->setting = setting;
    pthread_mutex_unlock(&outages->mutex);
}

bool outages_cause(struct outages *outages, const char *url, char out_cause[OUTAGES_CAUSE])
{
    char origin[TEXT];
    if (!origin_of(url, origin)) return false;
    pthread_mutex_lock(&outages->mutex);
    const struct service *service = find(outages, origin);
    const bool is_out = service->since_ms != 0;
    (void)snprintf(out_cause, OUTAGES_CAUSE, "%s", is_out ? service->cause : "");
    pthread_mutex_unlock(&outages->mutex);
    return is_out;
}

const struct net_watch *outages_watch(struct outages *outages)
{
    return &outages->watch;
}

void outages_set_ready(struct outages *outages, bool is_ready)
{
    pthread_mutex_lock(&outages->mutex);
    outages->is_ready = is_ready;
    pthread_mutex_unlock(&outages->mutex);
}
