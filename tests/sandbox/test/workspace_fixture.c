/* SPDX-License-Identifier: Apache-2.0 */
#include "test/workspace_fixture.h"

#include "base/mem.h"
#include "test/client.h"
#include "workspace/collection.h"

const char v15[] = HEADERS("2.15"), v16[] = HEADERS("2.16");

int workspace_set_up(void **state)
{
    struct sandbox *sandbox;
    struct error err;
    if (!sandbox_start(&(struct sandbox_options){.seed = 5}, &sandbox, &err)) return -1;
    collection_fill(sandbox_collection(sandbox, "contacts"), START_S - 40 * DAY_S, START_S - 3 * DAY_S,
                    CONTACTS);
    collection_fill_children(sandbox_collection(sandbox, "conversations"), START_S - 40 * DAY_S,
                             START_S - 3 * DAY_S, 90, (struct child_sizes){.children = 3, .body_bytes = 40});
    *state = sandbox;
    return 0;
}

int workspace_tear_down(void **state)
{
    sandbox_stop(*state);
    return 0;
}

/* The reply's JSON, yours, after a check of its status. out_all (may be NULL): all that came; yours. */
json_t *call_for(void **state, const char *headers, const char *target, int status, char **out_all)
{
    struct answer answer = client_request(sandbox_http_port(*state), "GET", target, headers, NULL);
    if (answer.status != status)
        fail_msg("wanted %d for %s, got: %.400s", status, target, buf_string(&answer.all));
    json_t *reply = client_json(&answer);
    assert_non_null(reply);
    if (out_all) *out_all = mem_text(buf_string(&answer.all));
    answer_done(&answer);
    return reply;
}

json_t *get(void **state, const char *target)
{
    return call_for(state, v16, target, 200, NULL);
}

void refused(void **state, const char *headers, const char *target, int status, const char *code)
{
    AUTO(json_drop) json_t *reply = call_for(state, headers, target, status, NULL);
    assert_string_equal(json_text_at(json_array_get(json_object_get(reply, "errors"), 0), "code"), code);
}

json_t *post(void **state, const char *target, const char *body, int status)
{
    struct answer answer = client_request(sandbox_http_port(*state), "POST", target, v16, body);
    if (answer.status != status)
        fail_msg("wanted %d for %s, got: %.400s", status, body, buf_string(&answer.all));
    json_t *reply = client_json(&answer);
    assert_non_null(reply);
    answer_done(&answer);
    return reply;
}

void change(void **state, const char *body)
{
    json_decref(post(state, "/control/workspace", body, 200));
}

void advance(void **state, int64_t seconds)
{
    struct sandbox *sandbox = *state;
    virtual_clock_advance(sandbox->clock, seconds * 1000000);
}
