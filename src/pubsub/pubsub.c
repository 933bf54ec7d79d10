/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "channel.h"
#include "google/pubsub/v1/pubsub.pb-c.h"
#include "net/retry.h"
#include "pubsub/pubsub.h"
#include "receive.h"
#include "subscription.h"

#define PULL_MS       60000 /* one long poll */
#define QUIET_MS      1000  /* wait after an empty answer that came sooner than that */
#define UNARY_MS      20000 /* timeout of one ack or extension */
#define SHUTDOWN_MS   4000  /* ... during a shutdown */
#define CHECK_MS      5000  /* ... of the reading of the settings */
#define REPORT_MS     60000 /* pulls may fail for so long before the worker gets an error */
#define DETAIL        512
#define ERROR_INFO    65536
#define NAME_LIMIT    512
#define LEASE_LEAST_S 10
#define LEASE_MOST_S  600

static const struct retry pull_retry = {
    .base_ms = 500, .cap_ms = 30000, .attempts = INT32_MAX, .budget_ms = INT32_MAX};

struct pubsub {
    struct trigger port;
    struct rpc *rpc;
    char *subscription;
    char *routing;
    bool no_wait;
    int lease_s;
    const atomic_bool *stop;
    char *address;
    const struct net_watch *watch;

    /* Used by the worker's thread alone, in next: */
    bool was_answered;   /* a pull was */
    int failures;        /* pulls that failed in a row */
    int64_t failing_ms;  /* since when ... */
    int64_t reported_ms; /* ... and since the last report */
};

struct method {
    const char *name;
    const char *path;
};

static const struct method pull = {"pull", "/google.pubsub.v1.Subscriber/Pull"};
static const struct method acknowledge = {"acknowledge", "/google.pubsub.v1.Subscriber/Acknowledge"};
static const struct method modify = {"modifyAckDeadline", "/google.pubsub.v1.Subscriber/ModifyAckDeadline"};

static const struct method get = {"getSubscription", "/google.pubsub.v1.Subscriber/GetSubscription"};

static struct pubsub *pubsub_of(struct trigger *trigger)
{
    return (struct pubsub *)trigger; /* the port is its first member */
}

static bool stopped(const struct pubsub *pubsub)
{
    return pubsub->stop && atomic_load(pubsub->stop);
}

static bool is_final(const struct pubsub *pubsub, const struct method *method, enum rpc_status status,
                     const char *detail, struct error *err)
{
    static const struct {
        enum rpc_status status;
        enum error_kind kind;
        const char *text;
    } finals[] = {
        {RPC_NOT_FOUND, ERROR_CONFIG, "it does not exist. Create it, or correct \"subscription\""},
        {RPC_FAILED_PRECONDITION, ERROR_CONFIG,
         "it can't be pulled from. It may be detached from its topic, a push subscription, or without its "
         "key"},
        {RPC_INVALID_ARGUMENT, ERROR_CONFIG,
         "the request is refused. Check the name: projects/PROJECT/subscriptions/NAME"},
        {RPC_UNIMPLEMENTED, ERROR_CONFIG,
         "the server does not speak Pub/Sub. Check the endpoint or emulator host"},
        {RPC_PERMISSION_DENIED, ERROR_AUTH,
         "this identity may not read it. Grant it roles/pubsub.subscriber on the subscription"},
        {RPC_UNAUTHENTICATED, ERROR_AUTH,
         "our credentials are refused. Check the service account or its key"},
    };
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++) {
        if (finals[i].status != status) continue;
        error_set_status(err, finals[i].kind, (int)status, "Pub/Sub %s on subscription %s: %s (%s: %s)",
                         method->name, pubsub->subscription, finals[i].text, rpc_status_name(status), detail);
        return true;
    }
    return false;
}

static uint8_t *pack_modify(const struct pubsub *pubsub, char **ack_ids, size_t count, int seconds,
                            size_t *out_size)
{
    Google__Pubsub__V1__ModifyAckDeadlineRequest request;
    google__pubsub__v1__modify_ack_deadline_request__init(&request);
    request.subscription = pubsub->subscription;
    request.ack_deadline_seconds = seconds;
    request.ack_ids = ack_ids;
    request.n_ack_ids = count;
    *out_size = google__pubsub__v1__modify_ack_deadline_request__get_packed_size(&request);
    uint8_t *bytes = mem_zero(*out_size, 1);
    google__pubsub__v1__modify_ack_deadline_request__pack(&request, bytes);
    return bytes;
}

/* Makes Pub/Sub redeliver messages beyond the one that was requested. If that fails, their leases expire. */
static void nack_surplus(struct pubsub *pubsub, const struct received *received)
{
    if (received->surplus_count == 0) return;
    size_t size;
    AUTO(mem_free) uint8_t *bytes = pack_modify(pubsub, received->surplus, received->surplus_count, 0, &size);
    AUTO(buf_done) struct buf reply = buf_limited(LIMIT_REPLY);
    struct rpc_call call = {.method = modify.path,
                            .routing = pubsub->routing,
                            .request = bytes,
                            .request_size = size,
                            .deadline_ms = SHUTDOWN_MS,
                            .stop = pubsub->stop};
    char detail[DETAIL];
    enum rpc_status status = rpc_unary(pubsub->rpc, &call, &reply, detail, sizeof detail);
    log_write(LOG_DEBUG, "surplus_returned", LOG_FIELDS(LOG_TEXT("status", rpc_status_name(status))),
              "%zu messages arrived that were not requested or can't be used", received->surplus_count);
}

static enum rpc_status call_pull(struct pubsub *pubsub, struct buf *reply, char *detail, size_t detail_size)
{
    Google__Pubsub__V1__PullRequest request;
    google__pubsub__v1__pull_request__init(&request);
    uint8_t bytes[NAME_LIMIT + 64];
    request.subscription = pubsub->subscription;
    request.max_messages = 1;
    request.return_immediately = pubsub->no_wait || !pubsub->was_answered;
    assert(google__pubsub__v1__pull_request__get_packed_size(&request) <= sizeof bytes);
    struct rpc_call call = {.method = pull.path,
                            .routing = pubsub->routing,
                            .request = bytes,
                            .request_size = google__pubsub__v1__pull_request__pack(&request, bytes),
                            .deadline_ms = PULL_MS,
                            .stop = pubsub->stop};
    return rpc_unary(pubsub->rpc, &call, reply, detail, detail_size);
}

static bool tell_failure(const struct pubsub *pubsub, enum rpc_status status, const char *detail,
                         int64_t waited_ms, char out_advice[NET_ADVICE])
{
    AUTO(mem_free) char *cause = mem_format("%s: %s", rpc_status_name(status), detail);
    return net_watch_failed(pubsub->watch,
                            &(struct net_failure){
                                .origin = pubsub->address,
                                .what = "Pub/Sub pull",
                                .cause = cause,
                                .is_unconnected = status == RPC_UNAVAILABLE,
                                .is_first = pubsub->failures == 1,
                                .waited_ms = waited_ms,
                                .left_ms = INT64_MAX,
                            },
                            out_advice);
}

static void tell_answer(struct pubsub *pubsub)
{
    net_watch_ended(pubsub->watch, pubsub->address, pubsub->failures > 0, true);
    pubsub->failures = 0;
}

/* Waits after a failed pull. False: pulls have failed for so long that a person should know. */
static bool backoff(struct pubsub *pubsub, enum rpc_status status, const char *detail, struct error *err)
{
    int64_t now_ms = clock_ms();
    char advice[NET_ADVICE];
    if (pubsub->failures == 0) pubsub->failing_ms = pubsub->reported_ms = now_ms;
    if (pubsub->failures < INT32_MAX) pubsub->failures++;
    log_write(LOG_DEBUG, "pull_retried", LOG_FIELDS(LOG_TEXT("status", rpc_status_name(status))), "%s",
              detail);
    if (tell_failure(pubsub, status, detail, now_ms - pubsub->failing_ms, advice))
        return error_set_status(err, ERROR_UNREACHABLE, (int)status,
                                "Pub/Sub pull on subscription %s: %s: %s; %s", pubsub->subscription,
                                rpc_status_name(status), detail, advice);
    if (now_ms - pubsub->reported_ms >= REPORT_MS) {
        pubsub->reported_ms = now_ms;
        return error_set_status(
            err, ERROR_BUSY, (int)status,
            "Pub/Sub pull on subscription %s failed %d times in a row (last: %s: %s); still retrying. Check "
            "the network and the endpoint",
            pubsub->subscription, pubsub->failures, rpc_status_name(status), detail);
    }
    (void)clock_sleep_ms(retry_wait_ms(&pull_retry, pubsub->failures, 0, 0),
                         pubsub->stop); /* the caller looks */
    return true;
}

static bool ask(struct pubsub *pubsub, struct delivery *out_delivery, bool *out_any, bool *out_answered,
                struct error *err)
{
    AUTO(received_done) struct received received = {.any = false};
    char detail[DETAIL];
    AUTO(buf_done) struct buf reply = buf_limited(LIMIT_REPLY);
    int64_t asked_ms = clock_ms();
    enum rpc_status status = call_pull(pubsub, &reply, detail, sizeof detail);
    if (status == RPC_OK) {
        struct error unreadable = {0};
        bool read = received_read(reply.data, reply.size, &received, &unreadable);
        nack_surplus(pubsub, &received);
        if (!read) return backoff(pubsub, RPC_INTERNAL, unreadable.text, err);
        bool is_first = !pubsub->was_answered;
        tell_answer(pubsub);
        pubsub->was_answered = *out_answered = true;
        *out_any = received.any;
        *out_delivery = received.delivery;
        received.delivery = (struct delivery){0}; /* the caller's now */
        if (!received.any && !is_first && clock_ms() - asked_ms < QUIET_MS)
            (void)clock_sleep_ms(QUIET_MS, pubsub->stop); /* stop is looked at by the next call */
        return true;
    }
    if (stopped(pubsub)) return error_set(err, ERROR_STOPPED, "stopped while waiting for a message");
    if (status == RPC_DEADLINE_EXCEEDED && !pubsub->no_wait && pubsub->was_answered) {
        tell_answer(pubsub);
        return true; /* nothing came within the poll */
    }
    if (is_final(pubsub, &pull, status, detail, err)) return false;
    return backoff(pubsub, status, detail, err);
}

static bool next(struct trigger *trigger, struct delivery *out_delivery, bool *out_any, struct error *err)
{
    struct pubsub *pubsub = pubsub_of(trigger);
    bool answered = false;
    *out_any = false;
    *out_delivery = (struct delivery){0};
    do {
        if (!ask(pubsub, out_delivery, out_any, &answered, err)) return false;
    } while (pubsub->no_wait && !answered); /* a service that does not answer is not an empty one */
    return true;
}

/* A call about the held message, repeated until budget_ms is over. */
struct settling {
    const struct method *method;
    const void *request;
    size_t request_size;
    int64_t budget_ms;
};

/* Of a failed call with one ack id; see https://cloud.google.com/pubsub/docs/exactly-once-delivery. */
enum ack_failure {
    ACK_PASSING, /* the same call may work later */
    ACK_LATE,    /* the id is not valid any more */
    ACK_OTHER    /* no word of the id */
};

/* With exactly-once delivery the ErrorInfo of a failure maps each ack id to TRANSIENT_FAILURE_... or
 * PERMANENT_FAILURE_INVALID_ACK_ID. The call has one id, so the words alone say it. */
static enum ack_failure ack_failure_of(enum rpc_status status, const struct buf *error_info)
{
    static const char passing[] = "TRANSIENT_FAILURE", late[] = "PERMANENT_FAILURE_INVALID_ACK_ID";
    if (buf_find(error_info, passing, sizeof passing - 1)) return ACK_PASSING;
    if (buf_find(error_info, late, sizeof late - 1)) return ACK_LATE;
    return status == RPC_INVALID_ARGUMENT ? ACK_LATE : ACK_OTHER; /* only the ids differ between messages */
}

/* The same statuses mean something else here than of a pull. */
static bool is_refused(const struct pubsub *pubsub, const struct settling *settling, enum rpc_status status,
                       enum ack_failure failure, const char *detail, struct error *err)
{
    if (failure == ACK_LATE)
        return !error_set_status(
            err, ERROR_REFUSED, (int)status,
            "Pub/Sub %s: the lease of the message has expired, or a newer delivery of it "
            "exists (%s: %s)",
            settling->method->name, rpc_status_name(status), detail);
    if (status == RPC_FAILED_PRECONDITION)
        return !error_set_status(
            err, ERROR_REFUSED, (int)status,
            "Pub/Sub %s on subscription %s: the message can't be settled. The lease may have expired, or the "
            "subscription was changed or detached during the run (%s: %s)",
            settling->method->name, pubsub->subscription, rpc_status_name(status), detail);
    return is_final(pubsub, settling->method, status, detail, err);
}

static enum rpc_status settle_once(struct pubsub *pubsub, const struct settling *settling, int64_t left_ms,
                                   struct buf *error_info, char detail[DETAIL])
{
    AUTO(buf_done) struct buf reply = buf_limited(LIMIT_REPLY);
    bool is_shutdown = stopped(pubsub);
    int64_t deadline_ms = is_shutdown ? SHUTDOWN_MS : UNARY_MS;
    struct rpc_call call = {.method = settling->method->path,
                            .routing = pubsub->routing,
                            .request = settling->request,
                            .request_size = settling->request_size,
                            .deadline_ms = (int)(deadline_ms < left_ms ? deadline_ms : left_ms),
                            .stop = is_shutdown ? NULL : pubsub->stop,
                            .error_info = error_info};
    return rpc_unary(pubsub->rpc, &call, &reply, detail, DETAIL);
}

static bool settle(struct pubsub *pubsub, const struct settling *settling, struct error *err)
{
    const struct retry retry = {
        .base_ms = 1000, .cap_ms = 8000, .attempts = INT32_MAX, .budget_ms = (int)settling->budget_ms};
    const int64_t began_ms = clock_ms();
    AUTO(buf_done) struct buf error_info = buf_limited(ERROR_INFO);
    enum rpc_status status;
    char detail[DETAIL];
    for (int tried = 1;; tried++) {
        bool is_shutdown = stopped(pubsub);
        int64_t elapsed_ms = clock_ms() - began_ms;
        int64_t left_ms = settling->budget_ms > elapsed_ms ? settling->budget_ms - elapsed_ms : 1;
        status = settle_once(pubsub, settling, left_ms, &error_info, detail);
        if (status == RPC_OK) return true;
        enum ack_failure failure = ack_failure_of(status, &error_info);
        if (failure != ACK_PASSING && is_refused(pubsub, settling, status, failure, detail, err))
            return false;
        int64_t wait_ms = retry_wait_ms(&retry, tried, clock_ms() - began_ms, 0);
        if (is_shutdown || wait_ms < 0) break;
        (void)clock_sleep_ms(wait_ms, pubsub->stop); /* a shutdown ends the wait; one short try follows */
    }
    return error_set_status(err, ERROR_BUSY, (int)status,
                            "Pub/Sub %s on subscription %s failed until its time was over: %s: %s",
                            settling->method->name, pubsub->subscription, rpc_status_name(status), detail);
}

/* The lease's thread has its own retries, so its calls must return soon; a lost nack only costs time. */
static int64_t short_budget_ms(const struct pubsub *pubsub)
{
    int64_t third_ms = pubsub->lease_s * INT64_C(1000) / 3;
    return third_ms < UNARY_MS ? third_ms : UNARY_MS;
}

static bool modify_deadline(struct pubsub *pubsub, const char *ack_id, int seconds, struct error *err)
{
    size_t size;
    AUTO(mem_free) char *id = mem_text(ack_id);
    AUTO(mem_free) uint8_t *bytes = pack_modify(pubsub, &id, 1, seconds, &size);
    struct settling settling = {
        .method = &modify, .request = bytes, .request_size = size, .budget_ms = short_budget_ms(pubsub)};
    return settle(pubsub, &settling, err);
}

static bool extend(struct trigger *trigger, const char *ack_id, int seconds, struct error *err)
{
    /* 0 would make Pub/Sub redeliver the message at once. */
    int clamped = seconds < LEASE_LEAST_S ? LEASE_LEAST_S : seconds > LEASE_MOST_S ? LEASE_MOST_S : seconds;
    return modify_deadline(pubsub_of(trigger), ack_id, clamped, err);
}

static bool nack(struct trigger *trigger, const char *ack_id, int delay_s, struct error *err)
{
    int clamped = delay_s < 0 ? 0 : delay_s > LEASE_MOST_S ? LEASE_MOST_S : delay_s;
    return modify_deadline(pubsub_of(trigger), ack_id, clamped, err);
}

static bool ack(struct trigger *trigger, const char *ack_id, struct error *err)
{
    struct pubsub *pubsub = pubsub_of(trigger);
    Google__Pubsub__V1__AcknowledgeRequest request;
    google__pubsub__v1__acknowledge_request__init(&request);
    AUTO(mem_free) char *id = mem_text(ack_id);
    request.subscription = pubsub->subscription;
    request.n_ack_ids = 1;
    request.ack_ids = &id;
    size_t size = google__pubsub__v1__acknowledge_request__get_packed_size(&request);
    AUTO(mem_free) uint8_t *bytes = mem_zero(size, 1);
    google__pubsub__v1__acknowledge_request__pack(&request, bytes);
    struct settling settling = {.method = &acknowledge,
                                .request = bytes,
                                .request_size = size,
                                .budget_ms = pubsub->lease_s * INT64_C(1000)};
    return settle(pubsub, &settling, err);
}

static int log_findings(const struct pubsub *pubsub, const struct buf *reply)
{
    struct subscription_finding findings[SUBSCRIPTION_FINDINGS];
    Google__Pubsub__V1__Subscription *settings =
        google__pubsub__v1__subscription__unpack(NULL, reply->size, (const uint8_t *)buf_string(reply));
    size_t count = settings ? subscription_judge(settings, findings) : 0;
    for (size_t i = 0; i < count; i++)
        log_write(LOG_WARNING, "subscription_setting",
                  LOG_FIELDS(LOG_TEXT("subscription", pubsub->subscription),
                             LOG_TEXT("setting", findings[i].setting)),
                  "%s of subscription %s: %s", findings[i].setting, pubsub->subscription, findings[i].text);
    const Google__Pubsub__V1__DeadLetterPolicy *dead = settings ? settings->dead_letter_policy : NULL;
    int attempts = dead ? dead->max_delivery_attempts : 0;
    if (settings) google__pubsub__v1__subscription__free_unpacked(settings, NULL);
    return attempts;
}

static enum rpc_status get_settings(struct pubsub *pubsub, struct buf *reply, char detail[DETAIL])
{
    Google__Pubsub__V1__GetSubscriptionRequest request;
    google__pubsub__v1__get_subscription_request__init(&request);
    uint8_t bytes[NAME_LIMIT + 64];
    request.subscription = pubsub->subscription;
    assert(google__pubsub__v1__get_subscription_request__get_packed_size(&request) <= sizeof bytes);
    struct rpc_call call = {.method = get.path,
                            .routing = pubsub->routing,
                            .request = bytes,
                            .request_size =
                                google__pubsub__v1__get_subscription_request__pack(&request, bytes),
                            .deadline_ms = CHECK_MS,
                            .stop = pubsub->stop};
    return rpc_unary(pubsub->rpc, &call, reply, detail, DETAIL);
}

int pubsub_check_settings(struct trigger *trigger)
{
    struct pubsub *pubsub = pubsub_of(trigger);
    AUTO(buf_done) struct buf reply = buf_limited(LIMIT_REPLY);
    char detail[DETAIL];
    enum rpc_status status = get_settings(pubsub, &reply, detail);
    if (status == RPC_OK) return log_findings(pubsub, &reply);
    /* roles/pubsub.subscriber does not include it, and a pull says more of what fails */
    log_write(LOG_INFO, "subscription_unchecked", LOG_FIELDS(LOG_TEXT("status", rpc_status_name(status))),
              "the settings of subscription %s could not be read, so they are not checked; "
              "roles/pubsub.viewer on it allows that (%s)",
              pubsub->subscription, detail);
    return -1;
}

bool pubsub_describe(struct trigger *trigger, struct pubsub_description *out, struct error *err)
{
    struct pubsub *pubsub = pubsub_of(trigger);
    AUTO(buf_done) struct buf reply = buf_limited(LIMIT_REPLY);
    char detail[DETAIL];
    enum rpc_status status = get_settings(pubsub, &reply, detail);
    *out = (struct pubsub_description){.may_read = status == RPC_OK};
    if (status == RPC_PERMISSION_DENIED) return true;
    if (status != RPC_OK)
        return !is_final(pubsub, &get, status, detail, err) &&
               error_set_status(err, ERROR_UNREACHABLE, (int)status, "Pub/Sub %s on subscription %s: %s: %s",
                                get.name, pubsub->subscription, rpc_status_name(status), detail);
    Google__Pubsub__V1__Subscription *settings =
        google__pubsub__v1__subscription__unpack(NULL, reply.size, (const uint8_t *)buf_string(&reply));
    if (!settings)
        return error_set(err, ERROR_FORMAT, "Pub/Sub's answer for %s is no Subscription",
                         pubsub->subscription);
    const char *topic = settings->dead_letter_policy ? settings->dead_letter_policy->dead_letter_topic : "";
    const char *slash = strrchr(topic, '/');
    out->ack_deadline_s = settings->ack_deadline_seconds;
    (void)snprintf(out->dead_letter_topic, sizeof out->dead_letter_topic, "%s", slash ? slash + 1 : topic);
    google__pubsub__v1__subscription__free_unpacked(settings, NULL);
    return true;
}

bool pubsub_was_answered(struct trigger *trigger)
{
    return pubsub_of(trigger)->was_answered;
}

static void pubsub_free(struct trigger *trigger)
{
    if (!trigger) return;
    struct pubsub *pubsub = pubsub_of(trigger);
    rpc_free(pubsub->rpc);
    free(pubsub->subscription);
    free(pubsub->routing);
    free(pubsub->address);
    free(pubsub);
}

bool pubsub_new(const struct pubsub_settings *settings, struct trigger **out_trigger, struct error *err)
{
    static const struct trigger_ops ops = {
        .next = next, .extend = extend, .ack = ack, .nack = nack, .free = pubsub_free};
    assert(settings->lease_s >= LEASE_LEAST_S && settings->lease_s <= LEASE_MOST_S);
    struct rpc *rpc;
    if (!pubsub_check_name(settings->subscription, err) || !channel_open(settings, &rpc, err)) return false;
    struct pubsub *pubsub = mem_zero(1, sizeof *pubsub);
    pubsub->port.ops = &ops;
    pubsub->rpc = rpc;
    pubsub->subscription = mem_text(settings->subscription);
    pubsub->routing = channel_routing("subscription", settings->subscription);
    pubsub->no_wait = settings->no_wait;
    pubsub->lease_s = settings->lease_s;
    pubsub->stop = settings->stop;
    pubsub->address = mem_text(settings->address ? settings->address : settings->target);
    pubsub->watch = settings->watch;
    *out_trigger = &pubsub->port;
    return true;
}
