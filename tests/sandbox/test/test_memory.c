/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory.c - what the sandbox keeps in memory is bounded: results, texts of queries, the journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "sandbox_internal.h"
#include "test/bigquery_fixture.h"

#define JOBS    "/bigquery/v2/projects/p/jobs"
#define QUERIES "/bigquery/v2/projects/p/queries"
#define MIB     (1024 * 1024)

/* Reads a result to its end, if there is one. */
static long read_rows(struct fixture *fixture, const char *id)
{
    long status = 200;
    AUTO(mem_free) char *token = NULL;
    do {
        AUTO(mem_free)
        char *path =
            mem_format(QUERIES "/%s?location=EU%s%s", id, token ? "&pageToken=" : "", token ? token : "");
        struct answer page AUTO(answer_done) = call(fixture, "GET", path, "%s", "");
        mem_free(&token);
        token = page.status == 200 ? mem_text(json_text_at(page.body, "pageToken")) : NULL;
        status = page.status;
    } while (token);
    return status;
}

/* A result that was read to its end goes when others came, and not before: an answer may have been lost. */
static void results_that_were_read_go(void **state)
{
    struct fixture *fixture = *state;
    static const char rows[] = "SELECT n FROM UNNEST(GENERATE_ARRAY(1, 20000)) AS n";
    assert_done(insert_query(fixture, "a", rows), 200);
    assert_int_equal(read_rows(fixture, "a"), 200);
    assert_int_equal(read_rows(fixture, "a"), 200);
    assert_done(insert_query(fixture, "b", rows), 200);
    struct answer done AUTO(answer_done) = wait_done(fixture, "b");
    assert_int_equal(done.status, 200);
    assert_int_equal(read_rows(fixture, "a"), 200); /* b was not read yet */
    assert_int_equal(read_rows(fixture, "b"), 200);
    assert_int_equal(read_rows(fixture, "b"), 200);
    assert_refused(call(fixture, "GET", QUERIES "/a?location=EU", "%s", ""), 404, "notFound");
    struct answer job AUTO(answer_done) = call(fixture, "GET", JOBS "/a?location=EU", "%s", "");
    assert_string_equal(text_at(&job, "status.state"), "DONE");
}

static void texts_of_old_queries_are_cut(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mem_free) char *padding = mem_zero(1, MIB);
    memset(padding, 'x', MIB - 1000);
    AUTO(mem_free) char *text = mem_format("SELECT 1 -- %s", padding);
    for (int i = 0; i < 20; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "q%d", i);
        AUTO(mem_free)
        char *body = mem_format("{\"jobReference\":{\"jobId\":\"%s\",\"location\":\"EU\"},\"configuration\":"
                                "{\"query\":{\"query\":\"%s\",\"useLegacySql\":false}}}",
                                id, text);
        struct client_call request = {.method = "POST",
                                      .path = JOBS,
                                      .header = {"Content-Type: application/json"},
                                      .body = body,
                                      .size = strlen(body)};
        assert_done(send_request(fixture, &request), 200);
        struct answer done AUTO(answer_done) = wait_done(fixture, id);
        assert_null(json_at(done.body, "status.errorResult"));
    }
    struct answer old AUTO(answer_done) = call(fixture, "GET", JOBS "/q0?location=EU", "%s", "");
    struct answer new AUTO(answer_done) = call(fixture, "GET", JOBS "/q19?location=EU", "%s", "");
    assert_in_range(strlen(text_at(&old, "configuration.query.query")), 100, 300);
    assert_string_equal(text_at(&new, "configuration.query.query"), text);
}

struct counted {
    size_t bytes, lines;
};

static size_t count_lines(char *bytes, size_t size, size_t count, void *to)
{
    struct counted *counted = to;
    counted->bytes += size * count;
    for (size_t i = 0; i < size * count; i++)
        counted->lines += bytes[i] == '\n';
    return size * count;
}

static struct counted read_journal(struct fixture *fixture, const char *query)
{
    struct counted counted = {0};
    AUTO(mem_free)
    char *url =
        mem_format("http://127.0.0.1:%d/control/journal%s", sandbox_http_port(fixture->sandbox), query);
    curl_easy_reset(fixture->curl);
    curl_easy_setopt(fixture->curl, CURLOPT_URL, url);
    curl_easy_setopt(fixture->curl, CURLOPT_WRITEFUNCTION, count_lines);
    curl_easy_setopt(fixture->curl, CURLOPT_WRITEDATA, &counted);
    assert_int_equal(curl_easy_perform(fixture->curl), CURLE_OK);
    return counted;
}

/* Larger than any other answer may be; and beyond its ceiling the oldest entries go. */
static void the_journal_is_bounded_and_can_be_read(void **state)
{
    struct fixture *fixture = *state;
    AUTO(mem_free) char *text = mem_zero(1, MIB);
    memset(text, 'x', 900 * 1024);
    AUTO(json_drop) json_t *detail = json_pack("{s:s}", "text", text);
    for (int i = 0; i < 90; i++)
        journal_add(fixture->sandbox->journal, "intercom", "me", 0, 200, NULL, detail);
    struct counted whole = read_journal(fixture, "?service=intercom");
    assert_int_equal(whole.lines, 90);
    assert_true(whole.bytes > 79 * (size_t)MIB);
    assert_int_equal(read_journal(fixture, "?service=pubsub").bytes, 0);
    for (int i = 0; i < 60; i++)
        journal_add(fixture->sandbox->journal, "intercom", "me", 0, 200, NULL, detail);
    struct counted half = read_journal(fixture, "?service=intercom");
    assert_in_range(half.lines, 50, 110);
    assert_true(half.bytes < 97 * (size_t)MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(results_that_were_read_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_of_old_queries_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_journal_is_bounded_and_can_be_read, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
