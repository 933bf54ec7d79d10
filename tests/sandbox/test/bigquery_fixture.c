/* SPDX-License-Identifier: Apache-2.0 */
/* bigquery_fixture.c - see bigquery_fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "sandbox_internal.h"
#include "test/bigquery_fixture.h"

void answer_done(struct answer *answer)
{
    json_decref(answer->body);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *to)
{
    return buf_add(to, bytes, size * count) ? size * count : 0;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *to)
{
    struct answer *answer = to;
    AUTO(mem_free) char *line = mem_bytes(bytes, size * count);
    line[strcspn(line, "\r\n")] = '\0';
    if (strncasecmp(line, "location: ", 10) == 0)
        (void)snprintf(answer->location, sizeof answer->location, "%s", line + 10);
    if (strncasecmp(line, "range: ", 7) == 0)
        (void)snprintf(answer->range, sizeof answer->range, "%s", line + 7);
    return size * count;
}

struct answer send_request(struct fixture *fixture, const struct client_call *request)
{
    struct answer answer = {.status = 0};
    struct buf body;
    buf_init(&body, 16 * 1024 * 1024);
    AUTO(mem_free)
    char *url = mem_format("http://127.0.0.1:%d%s", sandbox_http_port(fixture->sandbox), request->path);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < 3 && request->header[i]; i++)
        headers = curl_slist_append(headers, request->header[i]);
    curl_easy_reset(fixture->curl);
    curl_easy_setopt(fixture->curl, CURLOPT_URL, request->path[0] == '/' ? url : request->path);
    curl_easy_setopt(fixture->curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(fixture->curl, CURLOPT_HTTPHEADER, headers);
    if (strcmp(request->method, "GET") != 0) {
        curl_easy_setopt(fixture->curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
        curl_easy_setopt(fixture->curl, CURLOPT_POSTFIELDSIZE, (long)request->size);
    }
    curl_easy_setopt(fixture->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(fixture->curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(fixture->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(fixture->curl, CURLOPT_HEADERDATA, &answer);
    if (curl_easy_perform(fixture->curl) == CURLE_OK)
        curl_easy_getinfo(fixture->curl, CURLINFO_RESPONSE_CODE, &answer.status);
    answer.body = json_loadb(buf_string(&body), body.size, JSON_DECODE_ANY, NULL);
    curl_slist_free_all(headers);
    buf_done(&body);
    return answer;
}

struct answer call(struct fixture *fixture, const char *method, const char *path, const char *format, ...)
{
    char text[4096] = "";
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_in_range(size, 0, sizeof text - 1);
    for (char *at = text; *at; at++)
        if (*at == '\'') *at = '"';
    struct client_call request = {.method = method,
                                  .path = path,
                                  .header = {"Content-Type: application/json"},
                                  .body = text,
                                  .size = (size_t)size};
    return send_request(fixture, &request);
}

const char *text_at(const struct answer *answer, const char *path)
{
    const char *text = json_text_at(answer->body, path);
    return text ? text : "";
}

static const char *reason_of(const struct answer *answer)
{
    const json_t *errors = json_at(answer->body, "error.errors");
    const char *reason = json_string_value(json_object_get(json_array_get(errors, 0), "reason"));
    return reason ? reason : "";
}

/* The call is refused, with this status and reason. */
void assert_refused(struct answer answer, long status, const char *reason)
{
    assert_int_equal(answer.status, status);
    assert_string_equal(reason_of(&answer), reason);
    assert_int_equal(json_int_at(answer.body, "error.code", 0), status);
    answer_done(&answer);
}

void assert_done(struct answer answer, long status)
{
    if (answer.status != status) print_message("%s\n", text_at(&answer, "error.message"));
    assert_int_equal(answer.status, status);
    answer_done(&answer);
}

void given_table(struct fixture *fixture, const char *name, const char *more)
{
    assert_done(call(fixture, "POST", DATASETS "/d/tables", TABLE, name, more), 200);
}

void add_fault(struct fixture *fixture, const char *line)
{
    struct error err;
    assert_true(faults_add(fixture->sandbox->faults, line, &err));
}

/* Polls as a client does; the answer is DONE. */
struct answer wait_done(struct fixture *fixture, const char *id)
{
    AUTO(mem_free) char *path = mem_format(JOBS "/%s?location=EU", id);
    for (;;) {
        struct answer answer = call(fixture, "GET", path, "%s", "");
        assert_int_equal(answer.status, 200);
        if (strcmp(text_at(&answer, "status.state"), "DONE") == 0) return answer;
        answer_done(&answer);
    }
}

struct answer insert_query(struct fixture *fixture, const char *id, const char *sql)
{
    return call(fixture, "POST", JOBS,
                "{'jobReference':{'projectId':'p','jobId':'%s','location':'EU'},"
                "'configuration':{'query':{'query':'%s','useLegacySql':false}}}",
                id, sql);
}

int set_up(void **state)
{
    struct fixture *fixture = mem_zero(1, sizeof *fixture);
    struct error err;
    struct sandbox_options options = {.seed = 1};
    if (!sandbox_start(&options, &fixture->sandbox, &err)) {
        print_message("%s\n", err.text);
        free(fixture);
        return -1;
    }
    fixture->curl = curl_easy_init();
    *state = fixture;
    assert_done(call(fixture, "POST", DATASETS, "{'datasetReference':{'datasetId':'d'},'location':'EU'}"),
                200);
    return 0;
}

int tear_down(void **state)
{
    struct fixture *fixture = *state;
    curl_easy_cleanup(fixture->curl);
    sandbox_stop(fixture->sandbox);
    free(fixture);
    return 0;
}
