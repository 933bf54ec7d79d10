/* SPDX-License-Identifier: Apache-2.0 */
/* Pub/Sub over HTTP: what gcloud sends, and what Google refuses, as data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "pubsub/filter.h"
#include "test/client.h"

#define T "/v1/projects/p-1/topics/"
#define S "/v1/projects/p-1/subscriptions/"
#define N "/v1/projects/p-1/snapshots/"

static int set_up(void **state)
{
    struct sandbox *sandbox = NULL;
    struct error err;
    if (!sandbox_start(&(struct sandbox_options){.http_port = 0}, &sandbox, &err)) fail_msg("%s", err.text);
    *state = sandbox;
    return 0;
}

static int tear_down(void **state)
{
    sandbox_stop(*state);
    return 0;
}

struct step {
    const char *method, *target, *body;
    int status;
    const char *says, *hides; /* NULL: anything, nothing */
};

static void play(struct sandbox *sandbox, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        struct answer answer = client_request(sandbox_http_port(sandbox), step->method, step->target,
                                              "Content-Type: application/json\r\n", step->body);
        AUTO(json_drop) json_t *value = client_json(&answer);
        bool is_google =
            value && (answer.status < 400 || json_int_at(value, "error.code", 0) == answer.status);
        if (answer.status != step->status || !is_google || (step->says && !strstr(answer.body, step->says)) ||
            (step->hides && strstr(answer.body, step->hides)))
            fail_msg("%s %s %s: %d %s", step->method, step->target, step->body ? step->body : "",
                     answer.status, answer.body);
        answer_done(&answer);
    }
}

#define PLAY(sandbox, steps) play(sandbox, steps, sizeof(steps) / sizeof *(steps))

static const struct step resources[] = {
    {"PUT", T "caseload", "{\"name\":\"ignored\"}", 200, "\"projects/p-1/topics/caseload\"", NULL},
    {"PUT", T "caseload", "{}", 409, "ALREADY_EXISTS", NULL},
    {"PUT", T "caseload", "[]", 400, "INVALID_ARGUMENT", NULL},
    {"PUT", T "caseload", "{", 400, "INVALID_ARGUMENT", NULL},
    {"PUT", T "ab", "{}", 400, "Invalid resource name", NULL},
    {"PUT", T "other", "{\"nmae\":1}", 400, "Unknown name \\\"nmae\\\": Cannot find field.", NULL},
    {"PUT", T "other?force=1", "{}", 400, "Cannot bind query parameter", NULL},
    {"GET", T "caseload?alt=json", NULL, 200, "topics/caseload", NULL},
    {"GET", T "other", NULL, 404, "NOT_FOUND", NULL},
    {"POST", T "caseload", "{}", 405, NULL, NULL},
    {"PUT", S "lost", "{\"topic\":\"projects/p-1/topics/other\"}", 404, "NOT_FOUND", NULL},
    {"PUT", S "short", "{\"topic\":\"projects/p-1/topics/caseload\",\"ackDeadlineSeconds\":5}", 400,
     "ack deadline", NULL},
    {"PUT", S "typed", "{\"topic\":\"projects/p-1/topics/caseload\",\"ackDeadlineSeconds\":\"x\"}", 400,
     "Invalid value at 'ack_deadline_seconds' (TYPE_INT32), \\\"x\\\"", NULL},
    {"PUT", S "deep", "{\"topic\":\"projects/p-1/topics/caseload\",\"deadLetterPolicy\":{\"attempts\":5}}",
     400, "Unknown name \\\"attempts\\\" at 'dead_letter_policy': Cannot find field.", NULL},
    {"PUT", S "filtered",
     "{\"topic\":\"projects/p-1/topics/caseload\",\"filter\":\"attributes.kind = backfill\"}", 400,
     "Invalid filter", NULL},
    {"PUT", S "caseload",
     "{\"topic\":\"projects/p-1/topics/caseload\",\"ackDeadlineSeconds\":600,\"expirationPolicy\":{},"
     "\"messageRetentionDuration\":\"604800s\",\"retryPolicy\":{\"minimumBackoff\":\"1.5s\"},\"labels\":{"
     "\"a\":\"b\"},"
     "\"filter\":\"NOT attributes.kind = \\\"backfill\\\"\",\"retainAckedMessages\":true}",
     200, "\"minimumBackoff\":\"1.500000000s\"", NULL},
    {"GET", S "caseload", NULL, 200, "\"labels\":{\"a\":\"b\"}", NULL},
    {"GET", "/v1/projects/p-1/topics", NULL, 200,
     "{\"topics\":[{\"name\":\"projects/p-1/topics/caseload\"}]}", NULL},
    {"GET", "/v1/projects/p-1/subscriptions", NULL, 200, "604800s", NULL},
    {"GET", "/v1/projects/another/subscriptions", NULL, 200, "[]", NULL},
};

static void resources_are_made_once_and_checked(void **state)
{
    PLAY(*state, resources);
}

#define ACK(id) "{\"ackIds\":[\"" id "\"]}"

static const struct step messages[] = {
    {"PUT", T "caseload", "{}", 200, NULL, NULL},
    {"PUT", S "ticks",
     "{\"topic\":\"projects/p-1/topics/caseload\",\"filter\":\"NOT attributes.kind = \\\"backfill\\\"\"}",
     200, NULL, NULL},
    {"PUT", S "backfills",
     "{\"topic\":\"projects/p-1/topics/caseload\",\"filter\":\"attributes.kind = \\\"backfill\\\"\"}", 200,
     NULL, NULL},
    {"POST", T "caseload:publish", "{\"messages\":[]}", 400, "number of messages", NULL},
    {"POST", T "caseload:publish", "{\"messages\":[{\"data\":\"%%\"}]}", 400, "TYPE_BYTES", NULL},
    {"POST", T "nothing:publish", "{\"messages\":[{\"data\":\"e30=\"}]}", 404, "NOT_FOUND", NULL},
    {"POST", T "caseload:publish",
     "{\"messages\":[{\"data\":\"e30=\"},{\"data\":\"eyJ2IjoxfQ==\",\"attributes\":{\"kind\":\"backfill\"}}]"
     "}",
     200, "\"messageIds\":[\"1001\",\"1002\"]", NULL},
    {"POST", S "ticks:pull", "{\"maxMessages\":0,\"returnImmediately\":true}", 400, "max_messages", NULL},
    {"POST", S "ticks:pull", "{\"maxMessages\":9,\"returnImmediately\":true}", 200, "\"data\":\"e30=\"",
     "1002"},
    {"POST", S "backfills:pull", "{\"maxMessages\":9}", 200, "\"attributes\":{\"kind\":\"backfill\"}",
     "1001"},
    {"POST", N "before", "{}", 405, NULL, NULL},
    {"PUT", N "before", "{\"subscription\":\"projects/p-1/subscriptions/ticks\"}", 200, "expireTime", NULL},
    {"PUT", N "before", "{\"subscription\":\"projects/p-1/subscriptions/ticks\"}", 409, "ALREADY_EXISTS",
     NULL},
    {"PUT", N "none", "{\"subscription\":\"projects/p-1/subscriptions/none\"}", 404, "subscriptions/none",
     NULL},
    {"POST", S "ticks:modifyAckDeadline", "{\"ackIds\":[\"ack-1-0-1\"],\"ackDeadlineSeconds\":601}", 400,
     "0 to 600", NULL},
    {"POST", S "ticks:modifyAckDeadline", "{\"ackIds\":[\"ack-1-0-1\"],\"ackDeadlineSeconds\":0}", 200, "{}",
     NULL},
    {"POST", S "ticks:pull", "{\"maxMessages\":9,\"returnImmediately\":true}", 200, "ack-1-0-2", NULL},
    {"POST", S "ticks:acknowledge", ACK("nonsense"), 400, "acknowledgement IDs", NULL},
    {"POST", S "ticks:acknowledge", ACK("ack-1-0-2"), 200, "{}", NULL},
    {"POST", S "ticks:pull", "{\"maxMessages\":9,\"returnImmediately\":true}", 200, "{}", "1001"},
    {"POST", S "ticks:seek", "{\"snapshot\":\"projects/p-1/snapshots/none\"}", 404, "snapshots/none", NULL},
    {"POST", S "ticks:seek", "{}", 400, "a time or a snapshot", NULL},
    {"POST", S "ticks:seek", "{\"time\":\"yesterday\"}", 400, "google.protobuf.Timestamp", NULL},
    {"POST", S "ticks:seek", "{\"snapshot\":\"projects/p-1/snapshots/before\"}", 200, "{}", NULL},
    {"POST", S "ticks:pull", "{\"maxMessages\":9,\"returnImmediately\":true}", 200, "1001", "1002"},
    {"POST", S "ticks:seek", "{\"time\":\"2030-01-01T00:00:00.000000Z\"}", 200, "{}", NULL},
    {"POST", S "ticks:pull", "{\"maxMessages\":9,\"returnImmediately\":true}", 200, "{}", "1001"},
    {"GET", "/v1/projects/p-1/snapshots", NULL, 200, "snapshots/before", NULL},
    {"DELETE", N "before", NULL, 200, "{}", NULL},
    {"DELETE", N "before", NULL, 404, "NOT_FOUND", NULL},
    {"DELETE", S "ticks", NULL, 200, "{}", NULL},
    {"DELETE", T "caseload", NULL, 200, "{}", NULL},
};

/* The state is that of the gRPC face: its report has the messages. */
static void messages_go_where_the_filters_say(void **state)
{
    struct sandbox *sandbox = *state;
    PLAY(sandbox, messages);
    struct answer answer = client_request(sandbox_http_port(sandbox), "GET", "/control/pubsub", "", NULL);
    AUTO(json_drop) json_t *report = client_json(&answer);
    const json_t *first = json_array_get(json_object_get(report, "messages"), 0);
    assert_int_equal(json_array_size(json_object_get(report, "messages")), 1); /* ticks is deleted */
    assert_string_equal(json_text_at(first, "subscription"), "backfills");
    assert_string_equal(json_text_at(first, "state"), "leased");
    answer_done(&answer);
}

static const struct step policies[] = {
    {"PUT", T "caseload", "{}", 200, NULL, NULL},
    {"GET", T "caseload:getIamPolicy", NULL, 200, "\"etag\":\"ACAB\"", "bindings"},
    {"GET", T "other:getIamPolicy", NULL, 404, "NOT_FOUND", NULL},
    {"GET", S "caseload:getIamPolicy", NULL, 404, "NOT_FOUND", NULL},
    {"POST", T "caseload:setIamPolicy", "{}", 400, "INVALID_ARGUMENT", NULL},
    {"POST", T "caseload:setIamPolicy",
     "{\"policy\":{\"bindings\":[{\"role\":\"publisher\",\"members\":[]}]}}", 400, "Role", NULL},
    {"POST", T "caseload:setIamPolicy",
     "{\"policy\":{\"bindings\":[{\"role\":\"roles/pubsub.publisher\",\"members\":[\"a@b.c\"]}]}}", 400,
     "prefix", NULL},
    {"POST", T "caseload:setIamPolicy",
     "{\"policy\":{\"etag\":\"ACAB\",\"bindings\":[{\"role\":\"roles/"
     "pubsub.publisher\",\"members\":[\"user:a@b.c\"]}]}}",
     200, "user:a@b.c", NULL},
    {"POST", T "caseload:setIamPolicy", "{\"policy\":{\"etag\":\"ACAB\",\"bindings\":[]}}", 409, "ABORTED",
     NULL},
    {"GET", T "caseload:getIamPolicy?options.requestedPolicyVersion=3", NULL, 200, "user:a@b.c", NULL},
    {"DELETE", T "caseload", NULL, 200, "{}", NULL},
    {"PUT", T "caseload", "{}", 200, NULL, NULL},
    {"GET", T "caseload:getIamPolicy", NULL, 200, "ACAB", "user:"},
};

static void policies_are_read_changed_and_written(void **state)
{
    PLAY(*state, policies);
}

/* A fault of a procedure is seen here as Google shows it, and one of the request, too. */
static void faults_are_shown_as_errors(void **state)
{
    struct sandbox *sandbox = *state;
    static const struct step steps[] = {
        {"PUT", T "caseload", "{}", 200, NULL, NULL},
        {"POST", "/control/faults", "pubsub publish 1 refuse 14\npubsub rest.publish 2 status 503", 200, NULL,
         NULL},
        {"POST", T "caseload:publish", "{\"messages\":[{\"data\":\"e30=\"}]}", 503, "UNAVAILABLE", NULL},
        {"POST", T "caseload:publish", "{\"messages\":[{\"data\":\"e30=\"}]}", 503, "script", NULL},
        {"POST", T "caseload:publish", "{\"messages\":[{\"data\":\"e30=\"}]}", 200, "messageIds", NULL},
    };
    PLAY(sandbox, steps);
}

struct filter_case {
    const char *text;
    const char *problem;                /* a part of it; NULL: it can be read */
    bool for_tick, for_backfill, for_x; /* {}, {kind: backfill}, {kind: tick, "a/b": "x-1"} */
};

static const struct filter_case filters[] = {
    {"", NULL, true, true, true},
    {"attributes:kind", NULL, false, true, true},
    {"NOT attributes:kind", NULL, true, false, false},
    {"-attributes:kind", NULL, true, false, false},
    {"attributes.kind = \"backfill\"", NULL, false, true, false},
    {"attributes.kind=\"backfill\"", NULL, false, true, false},
    {"attributes.kind != \"backfill\"", NULL, true, false, true},
    {"NOT attributes.kind = \"backfill\"", NULL, true, false, true},
    {"hasPrefix(attributes.kind, \"back\")", NULL, false, true, false},
    {"NOT hasPrefix(attributes.kind, \"back\")", NULL, true, false, true},
    {"attributes:\"a/b\"", NULL, false, false, true},
    {"attributes.\"a/b\" = \"x-1\"", NULL, false, false, true},
    {"attributes:kind AND NOT attributes.kind = \"tick\"", NULL, false, true, false},
    {"attributes.kind = \"tick\" OR attributes.kind = \"backfill\"", NULL, false, true, true},
    {"(attributes.kind = \"tick\" OR attributes.kind = \"backfill\") AND attributes:\"a/b\"", NULL, false,
     false, true},
    {"NOT (attributes:kind AND attributes:\"a/b\")", NULL, true, true, false},
    {"attributes:kind AND attributes:x OR attributes:y", "parentheses between", false, false, false},
    {"attributes:kind and attributes:x", "does not end", false, false, false},
    {"attributes.kind = backfill", "double quotes", false, false, false},
    {"attributes.kind = \"backfill", "does not end", false, false, false},
    {"attributes.kind > \"a\"", "= or !=", false, false, false},
    {"attributes kind", "colon or a dot", false, false, false},
    {"kind = \"backfill\"", "missing", false, false, false},
    {"hasPrefix(kind, \"a\")", "hasPrefix takes", false, false, false},
    {"(attributes:kind", "not closed", false, false, false},
    {"attributes:kind AND", "missing", false, false, false},
    {"attributes.kind = \"\\q\"", "escape", false, false, false},
    {"data = \"x\"", "missing", false, false, false},
};

static Google__Pubsub__V1__PubsubMessage__AttributesEntry *entry(const char *key, const char *value)
{
    Google__Pubsub__V1__PubsubMessage__AttributesEntry *made = mem_zero(1, sizeof *made);
    google__pubsub__v1__pubsub_message__attributes_entry__init(made);
    made->key = mem_text(key);
    made->value = mem_text(value);
    return made;
}

static Google__Pubsub__V1__PubsubMessage *message(const char *kind, const char *other)
{
    Google__Pubsub__V1__PubsubMessage *made = mem_zero(1, sizeof *made);
    google__pubsub__v1__pubsub_message__init(made);
    made->attributes = mem_zero(2, sizeof *made->attributes);
    if (kind) made->attributes[made->n_attributes++] = entry("kind", kind);
    if (other) made->attributes[made->n_attributes++] = entry("a/b", other);
    return made;
}

static void a_filter_means_what_google_documents(void **state)
{
    Google__Pubsub__V1__PubsubMessage *tick = message(NULL, NULL), *backfill = message("backfill", NULL),
                                      *x = message("tick", "x-1");
    char deep[200] = "", longer[300];
    (void)state;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        const struct filter_case *c = &filters[i];
        const char *problem = filter_problem(c->text);
        if (!problem != !c->problem || (problem && !strstr(problem, c->problem)))
            fail_msg("%s: %s", c->text, problem ? problem : "can be read");
        if (problem) continue;
        if (filter_matches(c->text, tick) != c->for_tick ||
            filter_matches(c->text, backfill) != c->for_backfill || filter_matches(c->text, x) != c->for_x)
            fail_msg("%s", c->text);
    }
    memset(deep, '(', 100);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_non_null(strstr(filter_problem(deep), "deeply"));
    assert_non_null(strstr(filter_problem(longer), "256"));
    google__pubsub__v1__pubsub_message__free_unpacked(tick, NULL);
    google__pubsub__v1__pubsub_message__free_unpacked(backfill, NULL);
    google__pubsub__v1__pubsub_message__free_unpacked(x, NULL);
}

/* Each method of the document leads to a route. */
static void the_discovery_document_has_the_routes(void **state)
{
    struct sandbox *sandbox = *state;
    struct answer answer =
        client_request(sandbox_http_port(sandbox), "GET", "/$discovery/rest?version=v2", "", NULL);
    AUTO(json_drop) json_t *document = client_json(&answer);
    size_t operations = 0, described = 0;
    const char *name, *method;
    json_t *resource, *value;
    for (const struct route *route = bigquery_routes; route->handle; route++)
        operations += strncmp(route->pattern, "/bigquery/v2/", 13) == 0;
    json_object_foreach (json_object_get(document, "resources"), name, resource) {
        json_object_foreach (json_object_get(resource, "methods"), method, value) {
            described++;
            assert_null(strstr(json_text_at(value, "path"), "{}"));
            assert_null(strstr(json_text_at(value, "path"), "{+id}"));
        }
    }
    assert_int_equal(described, operations);
    assert_string_equal(json_text_at(document, "resources.jobs.methods.get.path"),
                        "projects/{+projectId}/jobs/{+jobId}");
    answer_done(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(resources_are_made_once_and_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_go_where_the_filters_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(policies_are_read_changed_and_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_are_shown_as_errors, set_up, tear_down),
        cmocka_unit_test(a_filter_means_what_google_documents),
        cmocka_unit_test_setup_teardown(the_discovery_document_has_the_routes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
