/* SPDX-License-Identifier: Apache-2.0 */
/* rest.c - Pub/Sub over HTTP, as gcloud speaks it: each request becomes the packed message of the procedure.
 *
 * https://cloud.google.com/pubsub/docs/reference/rest. The journal and the faults know the HTTP request as
 * "rest.OPERATION", and the procedure by its own name. Lists and policies of access are here alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "httpd/httpd.h"
#include "pubsub/internal.h"
#include "pubsub/proto_json.h"

#define PULL_MS    1000 /* a pull that finds nothing waits so long */
#define STEP_MS    10
#define SIZE_LIMIT (24 * 1024 * 1024)

struct call {
    const char *path; /* of the procedure */
    const ProtobufCMessageDescriptor *request, *reply;
    const char *collection, *name; /* the field that the path fills */
    bool has_body;
};

#define TYPE(name) &google__pubsub__v1__##name##__descriptor

enum {
    CREATE_TOPIC,
    GET_TOPIC,
    DELETE_TOPIC,
    PUBLISH,
    CREATE_SUBSCRIPTION,
    GET_SUBSCRIPTION,
    DELETE_SUBSCRIPTION,
    PULL,
    ACKNOWLEDGE,
    MODIFY,
    SEEK,
    CREATE_SNAPSHOT,
    DELETE_SNAPSHOT
};

static const struct call calls[] = {
    [CREATE_TOPIC] = {"/google.pubsub.v1.Publisher/CreateTopic", TYPE(topic), TYPE(topic), "topics", "name",
                      true},
    [GET_TOPIC] = {"/google.pubsub.v1.Publisher/GetTopic", TYPE(get_topic_request), TYPE(topic), "topics",
                   "topic", false},
    [DELETE_TOPIC] = {"/google.pubsub.v1.Publisher/DeleteTopic", TYPE(delete_topic_request), NULL, "topics",
                      "topic", false},
    [PUBLISH] = {"/google.pubsub.v1.Publisher/Publish", TYPE(publish_request), TYPE(publish_response),
                 "topics", "topic", true},
    [CREATE_SUBSCRIPTION] = {"/google.pubsub.v1.Subscriber/CreateSubscription", TYPE(subscription),
                             TYPE(subscription), "subscriptions", "name", true},
    [GET_SUBSCRIPTION] = {"/google.pubsub.v1.Subscriber/GetSubscription", TYPE(get_subscription_request),
                          TYPE(subscription), "subscriptions", "subscription", false},
    [DELETE_SUBSCRIPTION] = {"/google.pubsub.v1.Subscriber/DeleteSubscription",
                             TYPE(delete_subscription_request), NULL, "subscriptions", "subscription", false},
    [PULL] = {"/google.pubsub.v1.Subscriber/Pull", TYPE(pull_request), TYPE(pull_response), "subscriptions",
              "subscription", true},
    [ACKNOWLEDGE] = {"/google.pubsub.v1.Subscriber/Acknowledge", TYPE(acknowledge_request), NULL,
                     "subscriptions", "subscription", true},
    [MODIFY] = {"/google.pubsub.v1.Subscriber/ModifyAckDeadline", TYPE(modify_ack_deadline_request), NULL,
                "subscriptions", "subscription", true},
    [SEEK] = {"/google.pubsub.v1.Subscriber/Seek", TYPE(seek_request), NULL, "subscriptions", "subscription",
              true},
    [CREATE_SNAPSHOT] = {"/google.pubsub.v1.Subscriber/CreateSnapshot", TYPE(create_snapshot_request),
                         TYPE(snapshot), "snapshots", "name", true},
    [DELETE_SNAPSHOT] = {"/google.pubsub.v1.Subscriber/DeleteSnapshot", TYPE(delete_snapshot_request), NULL,
                         "snapshots", "snapshot", false},
};

/* ---- errors ---- */

static const struct {
    grpc_status_code code;
    int status;
    const char *word;
} statuses[] = {
    {GRPC_STATUS_INVALID_ARGUMENT, 400, "INVALID_ARGUMENT"},
    {GRPC_STATUS_FAILED_PRECONDITION, 400, "FAILED_PRECONDITION"},
    {GRPC_STATUS_UNAUTHENTICATED, 401, "UNAUTHENTICATED"},
    {GRPC_STATUS_PERMISSION_DENIED, 403, "PERMISSION_DENIED"},
    {GRPC_STATUS_NOT_FOUND, 404, "NOT_FOUND"},
    {GRPC_STATUS_ALREADY_EXISTS, 409, "ALREADY_EXISTS"},
    {GRPC_STATUS_ABORTED, 409, "ABORTED"},
    {GRPC_STATUS_RESOURCE_EXHAUSTED, 429, "RESOURCE_EXHAUSTED"},
    {GRPC_STATUS_INTERNAL, 500, "INTERNAL"},
    {GRPC_STATUS_UNIMPLEMENTED, 501, "UNIMPLEMENTED"},
    {GRPC_STATUS_UNAVAILABLE, 503, "UNAVAILABLE"},
    {GRPC_STATUS_DEADLINE_EXCEEDED, 504, "DEADLINE_EXCEEDED"},
};

static void refuse(struct exchange *exchange, grpc_status_code code, const char *text)
{
    int status = 500;
    const char *word = "UNKNOWN";
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (statuses[i].code != code) continue;
        status = statuses[i].status;
        word = statuses[i].word;
    }
    exchange_reply_json(
        exchange, status,
        json_pack("{s:{s:i, s:s, s:s}}", "error", "code", status, "message", text, "status", word));
}

/* ---- requests ---- */

static bool check_queries(struct exchange *exchange)
{
    static const char *const known[] = {
        "alt",       "$alt",         "prettyPrint", "fields",    "key",
        "quotaUser", "access_token", "pageSize",    "pageToken", "options.requestedPolicyVersion"};
    const char *name;
    for (size_t i = 0; (name = exchange_query_name(exchange, i)); i++) {
        size_t k = 0, count = sizeof known / sizeof *known;
        while (k < count && strcmp(known[k], name) != 0)
            k++;
        if (k < count) continue;
        AUTO(mem_free)
        char *text =
            mem_format("Invalid JSON payload received. Unknown name \"%.100s\": Cannot bind query parameter. "
                       "Field '%.100s' could not be found in request message.",
                       name, name);
        refuse(exchange, GRPC_STATUS_INVALID_ARGUMENT, text);
        return false;
    }
    return true;
}

/* The body, an object, yours; NULL: it was refused. */
static json_t *read_body(struct exchange *exchange)
{
    json_t *body = exchange->body_size == 0 ? json_object() : exchange_json(exchange);
    if (json_is_object(body)) return body;
    json_decref(body);
    refuse(exchange, GRPC_STATUS_INVALID_ARGUMENT,
           "Invalid JSON payload received. Unable to parse an object.");
    return NULL;
}

static char *resource_name(const struct exchange *exchange, const char *collection)
{
    return mem_format("projects/%s/%s/%s", exchange->capture[0], collection, exchange->capture[1]);
}

/* ---- procedures ---- */

/* False: a pull found nothing for as long as it waits. */
static bool serve(struct procedure *procedure)
{
    for (int64_t began_ms = clock_ms(); !procedure_serve(procedure);) {
        int64_t until_ms = (began_ms > procedure->due_ms ? began_ms : procedure->due_ms) + PULL_MS;
        if (clock_ms() >= until_ms) return false;
        (void)clock_sleep_ms(STEP_MS, NULL);
    }
    return true;
}

static void run(struct exchange *exchange, const struct call *call, struct buf *request)
{
    struct procedure procedure;
    procedure_begin(&procedure, exchange->service, call->path);
    buf_add(&procedure.request, buf_string(request), request->size); /* it has the same limit */
    if (!serve(&procedure)) {
        exchange_reply_json(exchange, 200, json_object());
    } else if (procedure.cut) {
        refuse(exchange, GRPC_STATUS_UNAVAILABLE, "The service was unable to fulfill your request.");
    } else if (procedure.status != GRPC_STATUS_OK) {
        refuse(exchange, procedure.status, procedure.text);
    } else {
        exchange_reply_json(
            exchange, 200,
            call->reply ? proto_to_json(call->reply, buf_string(&procedure.reply), procedure.reply.size)
                        : json_object());
    }
    procedure_done(&procedure);
}

static void handle(struct exchange *exchange, const struct call *call)
{
    char problem[PROTO_JSON_PROBLEM];
    if (!check_queries(exchange)) return;
    AUTO(json_drop) json_t *body = call->has_body ? read_body(exchange) : json_object();
    if (!body) return;
    AUTO(mem_free) char *name = resource_name(exchange, call->collection);
    json_object_set_new(body, call->name, json_string(name));
    struct buf request = buf_limited(SIZE_LIMIT);
    if (proto_from_json(call->request, body, &request, problem))
        run(exchange, call, &request);
    else
        refuse(exchange, GRPC_STATUS_INVALID_ARGUMENT, problem);
    buf_done(&request);
}

/* ---- lists ---- */

/* The resource, yours; NULL: there is none. */
static json_t *show_topic(struct broker *broker, const char *name)
{
    return broker_find_topic(broker, name) == GRPC_STATUS_OK ? json_pack("{s:s}", "name", name) : NULL;
}

static json_t *show_subscription(struct broker *broker, const char *name)
{
    struct buf packed = buf_limited(SIZE_LIMIT);
    bool is_there = broker_find_subscription(broker, name, &packed) == GRPC_STATUS_OK;
    json_t *shown = is_there ? proto_to_json(TYPE(subscription), buf_string(&packed), packed.size) : NULL;
    buf_done(&packed);
    return shown;
}

static json_t *show_snapshot(struct broker *broker, const char *name)
{
    struct buf packed = buf_limited(SIZE_LIMIT);
    bool is_there = broker_find_snapshot(broker, name, &packed) == GRPC_STATUS_OK;
    json_t *shown = is_there ? proto_to_json(TYPE(snapshot), buf_string(&packed), packed.size) : NULL;
    buf_done(&packed);
    return shown;
}

/* In one page. */
static void list(struct exchange *exchange, const char *collection,
                 json_t *(*show)(struct broker *broker, const char *name))
{
    struct pubsub_server *pubsub = exchange->service;
    size_t index;
    json_t *name;
    if (!check_queries(exchange)) return;
    json_t *listed = json_array();
    AUTO(json_drop) json_t *names = broker_names(pubsub->broker, exchange->capture[0], collection);
    json_array_foreach (names, index, name) {
        json_t *shown = show(pubsub->broker, json_string_value(name));
        if (shown) json_array_append_new(listed, shown);
    }
    exchange_reply_json(exchange, 200, json_pack("{s:o}", collection, listed));
}

static void list_topics(struct exchange *exchange)
{
    list(exchange, "topics", show_topic);
}

static void list_subscriptions(struct exchange *exchange)
{
    list(exchange, "subscriptions", show_subscription);
}

static void list_snapshots(struct exchange *exchange)
{
    list(exchange, "snapshots", show_snapshot);
}

/* ---- policies of access ---- */

/* The name of a topic or subscription that is there, yours; NULL: it was refused. */
static char *existing(struct exchange *exchange, const char *collection)
{
    struct pubsub_server *pubsub = exchange->service;
    char *name = resource_name(exchange, collection);
    AUTO(json_drop)
    json_t *shown = strcmp(collection, "topics") == 0 ? show_topic(pubsub->broker, name)
                                                      : show_subscription(pubsub->broker, name);
    if (shown) return name;
    AUTO(mem_free) char *text = mem_format("Resource not found (resource=%.100s).", exchange->capture[1]);
    refuse(exchange, GRPC_STATUS_NOT_FOUND, text);
    free(name);
    return NULL;
}

/* The fault of the policy; NULL: none. Roles and members are checked by their form alone. */
static const char *policy_problem(const json_t *policy)
{
    static const char *const kinds[] = {
        "user:",    "serviceAccount:",      "group:", "domain:", "deleted:", "principal:", "principalSet:",
        "allUsers", "allAuthenticatedUsers"};
    size_t index, m;
    json_t *binding, *member;
    const char *key;
    json_object_foreach (json_iterable(policy), key, member) {
        if (!strstr(" version bindings etag auditConfigs ", key))
            return "Invalid JSON payload received. Unknown name.";
    }
    json_array_foreach (json_object_get(policy, "bindings"), index, binding) {
        const char *role = json_text_at(binding, "role");
        if (!role || (strncmp(role, "roles/", 6) != 0 && !strstr(role, "/roles/")))
            return "Role is not valid.";
        json_array_foreach (json_object_get(binding, "members"), m, member) {
            const char *text = json_string_value(member);
            size_t k = 0, count = sizeof kinds / sizeof *kinds;
            while (text && k < count && strncmp(text, kinds[k], strlen(kinds[k])) != 0)
                k++;
            if (!text || k == count) return "The member must have a prefix such as user: or serviceAccount:.";
        }
    }
    return NULL;
}

static json_t *policy_or_default(struct pubsub_server *pubsub, const char *name)
{
    json_t *policy = broker_policy(pubsub->broker, name);
    return policy ? policy : json_pack("{s:s, s:i}", "etag", "ACAB", "version", 1);
}

static void get_policy(struct exchange *exchange, const char *collection)
{
    if (!check_queries(exchange)) return;
    AUTO(mem_free) char *name = existing(exchange, collection);
    if (name) exchange_reply_json(exchange, 200, policy_or_default(exchange->service, name));
}

/* A policy that was read before another change is refused by its etag. */
static void set_policy(struct exchange *exchange, const char *collection)
{
    struct pubsub_server *pubsub = exchange->service;
    AUTO(json_drop) json_t *body = read_body(exchange);
    if (!body || !check_queries(exchange)) return;
    AUTO(mem_free) char *name = existing(exchange, collection);
    json_t *policy = json_object_get(body, "policy");
    if (!name) return;
    const char *problem = json_is_object(policy) ? policy_problem(policy) : "Invalid value at 'policy'.";
    AUTO(json_drop) json_t *old = policy_or_default(pubsub, name);
    const char *etag = json_text_at(policy, "etag");
    if (problem) {
        refuse(exchange, GRPC_STATUS_INVALID_ARGUMENT, problem);
    } else if (etag && strcmp(etag, json_text_at(old, "etag")) != 0) {
        refuse(exchange, GRPC_STATUS_ABORTED,
               "There were concurrent policy changes. Please retry the whole "
               "read-modify-write with exponential backoff.");
    } else {
        AUTO(mem_free)
        char *next = mem_format("BwX%08llX", (unsigned long long)virtual_clock_read(pubsub->options.clock));
        json_object_set_new(policy, "etag", json_string(next));
        json_object_set_new(policy, "version", json_integer(1));
        broker_set_policy(pubsub->broker, name, json_deep_copy(policy));
        exchange_reply_json(exchange, 200, json_incref(policy));
    }
}

static void get_topic_policy(struct exchange *exchange)
{
    get_policy(exchange, "topics");
}

static void get_subscription_policy(struct exchange *exchange)
{
    get_policy(exchange, "subscriptions");
}

static void set_topic_policy(struct exchange *exchange)
{
    set_policy(exchange, "topics");
}

static void set_subscription_policy(struct exchange *exchange)
{
    set_policy(exchange, "subscriptions");
}

/* ---- routes ---- */

#define HANDLER(name, number)                                                                                \
    static void name(struct exchange *exchange)                                                              \
    {                                                                                                        \
        handle(exchange, &calls[number]);                                                                    \
    }

HANDLER(create_topic, CREATE_TOPIC)
HANDLER(get_topic, GET_TOPIC)
HANDLER(delete_topic, DELETE_TOPIC)
HANDLER(publish, PUBLISH)
HANDLER(create_subscription, CREATE_SUBSCRIPTION)
HANDLER(get_subscription, GET_SUBSCRIPTION)
HANDLER(delete_subscription, DELETE_SUBSCRIPTION)
HANDLER(pull, PULL)
HANDLER(acknowledge, ACKNOWLEDGE)
HANDLER(modify, MODIFY)
HANDLER(seek, SEEK)
HANDLER(create_snapshot, CREATE_SNAPSHOT)
HANDLER(delete_snapshot, DELETE_SNAPSHOT)

#define TOPICS        "/v1/projects/{}/topics"
#define SUBSCRIPTIONS "/v1/projects/{}/subscriptions"
#define SNAPSHOTS     "/v1/projects/{}/snapshots"

const struct route pubsub_routes[] = {
    {"pubsub", "rest.publish", "POST", TOPICS "/{}:publish", publish},
    {"pubsub", "rest.getIamPolicy", "GET", TOPICS "/{}:getIamPolicy", get_topic_policy},
    {"pubsub", "rest.setIamPolicy", "POST", TOPICS "/{}:setIamPolicy", set_topic_policy},
    {"pubsub", "rest.createTopic", "PUT", TOPICS "/{}", create_topic},
    {"pubsub", "rest.getTopic", "GET", TOPICS "/{}", get_topic},
    {"pubsub", "rest.deleteTopic", "DELETE", TOPICS "/{}", delete_topic},
    {"pubsub", "rest.listTopics", "GET", TOPICS, list_topics},
    {"pubsub", "rest.pull", "POST", SUBSCRIPTIONS "/{}:pull", pull},
    {"pubsub", "rest.acknowledge", "POST", SUBSCRIPTIONS "/{}:acknowledge", acknowledge},
    {"pubsub", "rest.modifyAckDeadline", "POST", SUBSCRIPTIONS "/{}:modifyAckDeadline", modify},
    {"pubsub", "rest.seek", "POST", SUBSCRIPTIONS "/{}:seek", seek},
    {"pubsub", "rest.getIamPolicy", "GET", SUBSCRIPTIONS "/{}:getIamPolicy", get_subscription_policy},
    {"pubsub", "rest.setIamPolicy", "POST", SUBSCRIPTIONS "/{}:setIamPolicy", set_subscription_policy},
    {"pubsub", "rest.createSubscription", "PUT", SUBSCRIPTIONS "/{}", create_subscription},
    {"pubsub", "rest.getSubscription", "GET", SUBSCRIPTIONS "/{}", get_subscription},
    {"pubsub", "rest.deleteSubscription", "DELETE", SUBSCRIPTIONS "/{}", delete_subscription},
    {"pubsub", "rest.listSubscriptions", "GET", SUBSCRIPTIONS, list_subscriptions},
    {"pubsub", "rest.createSnapshot", "PUT", SNAPSHOTS "/{}", create_snapshot},
    {"pubsub", "rest.deleteSnapshot", "DELETE", SNAPSHOTS "/{}", delete_snapshot},
    {"pubsub", "rest.listSnapshots", "GET", SNAPSHOTS, list_snapshots},
    {.handle = NULL},
};
