/* SPDX-License-Identifier: Apache-2.0 */
/* Segments of a list in flight: they fill the rate limit where one request after the other would not. Counts
 * of requests are compared, by windows of the limit; the windows are those of the real clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "intercom_link.h"
#include "net/http.h"
#include "sandbox.h"
#include "sandbox_internal.h"

#define DAY_S    86400
#define BEGIN    1325376000 /* 2012-01-01 */
#define WEEKS    600        /* a request each */
#define END      (BEGIN + WEEKS * 7 * DAY_S)
#define LIMIT    200 /* requests in 10 s */
#define ALLOWED  160 /* of them are ours. One after the other, at 200 ms: 50 */
#define WINDOW_S 10

struct fixture {
    struct sandbox *sandbox;
    struct link link;
    struct selection selection;
    struct error err;
};

static void change(struct fixture *fixture, const char *body)
{
    char url[64];
    const char *const headers[] = {"Content-Type: application/json", NULL};
    AUTO(http_reply_done) struct http_reply reply = {0};
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/control/workspace",
                   sandbox_http_port(fixture->sandbox));
    const struct http_request request = {.method = "POST",
                                         .url = url,
                                         .headers = headers,
                                         .body = body,
                                         .body_size = strlen(body),
                                         .reply_limit = 65536,
                                         .timeout_s = 60,
                                         .what = "a change of the workspace"};
    assert_true(http_do(fixture->link.http, &request, &reply, &fixture->err));
    assert_int_equal(reply.status, 200);
}

static void open_fixture(struct fixture *fixture)
{
    const struct stream *logs = stream_of("activity_logs");
    *fixture = (struct fixture){.selection = {.stream = logs, .tables = {logs->table}, .table_count = 1}};
    assert_true(sandbox_start(&(struct sandbox_options){.source_token = LINK_TOKEN,
                                                        .workspace_zone = "Etc/UTC",
                                                        .start_s = END + DAY_S},
                              &fixture->sandbox, &fixture->err));
    link_open(&fixture->link, sandbox_http_port(fixture->sandbox), (struct source_context){0},
              (struct intercom_options){.rate_share = 0.8});
}

static int64_t read_all(struct fixture *fixture, struct window window)
{
    const struct source_ops *ops = fixture->link.source->ops;
    struct reader *reader = NULL;
    struct page page = {0};
    int64_t requests = 0;
    assert_true(ops->open(fixture->link.source, &fixture->selection, window, &reader, &fixture->err));
    while (!page.last) {
        if (!ops->next(reader, &page, &fixture->err)) fail_msg("%s", fixture->err.text);
        requests += page.requests;
    }
    ops->close(reader);
    return requests;
}

/* NULL: there is none. */
static char *next_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');
    if (!end) return NULL;
    *end = '\0';
    *at = end + 1;
    return line;
}

static void the_allowed_rate_is_used(void **state)
{
    (void)state;
    struct fixture fixture;
    int64_t counts[64] = {0}, first = 0, last = 0;
    AUTO(buf_done) struct buf lines = buf_limited(16 * 1024 * 1024);
    open_fixture(&fixture);
    change(&fixture, "{\"rate_limit\":200}");
    assert_true(faults_add(fixture.sandbox->faults, "intercom * * delay 200", &fixture.err));
    const int64_t requests = read_all(&fixture, (struct window){.from_s = BEGIN, .to_s = END});
    (void)journal_dump(fixture.sandbox->journal, "intercom", 0, &lines);
    (void)buf_string(&lines); /* ends it */
    for (char *at = lines.data, *line; (line = next_line(&at));) {
        AUTO(json_drop) json_t *entry = NULL;
        assert_true(json_read(line, strlen(line), NULL, &entry, &fixture.err));
        if (json_int_at(entry, "status", 0) != 200) print_message("%s\n", line);
        last = json_int_at(entry, "window", 0) / WINDOW_S;
        if (first == 0) first = last;
        assert_in_range(last - first, 0, 63);
        counts[last - first]++;
    }
    assert_true(last - first >= 3);
    assert_int_equal(requests, WEEKS); /* none was refused and repeated */
    for (int64_t i = 0; i <= last - first; i++) {
        print_message("window %d: %d requests of %d\n", (int)i, (int)counts[i], LIMIT);
        assert_true(counts[i] <= ALLOWED);
        if (i > 0 && i < last - first) assert_true(counts[i] * 100 >= ALLOWED * 95);
    }
    link_close(&fixture.link);
    sandbox_stop(fixture.sandbox);
}

/* A record that changes while it is read moves there. The journal has requests in the order of their ends. */
static void the_newest_time_is_read_last(void **state)
{
    (void)state;
    struct fixture fixture;
    struct source_identity
        identity; /* its answer tells the service's clock, where an open window is divided */
    AUTO(buf_done) struct buf lines = buf_limited(1024 * 1024);
    open_fixture(&fixture);
    assert_true(faults_add(fixture.sandbox->faults, "intercom activity_logs 2 delay 300", &fixture.err));
    assert_true(fixture.link.source->ops->identify(fixture.link.source, &identity, &fixture.err));
    assert_int_equal(read_all(&fixture, (struct window){.from_s = END - 20 * DAY_S, .to_s = WINDOW_OPEN}), 3);
    (void)journal_dump(fixture.sandbox->journal, "intercom", 0, &lines);
    (void)buf_string(&lines); /* ends it */
    size_t number = 0;
    for (char *at = lines.data, *line; (line = next_line(&at)); number++)
        if (number > 0) assert_int_equal(number == 3, strstr(line, "created_at_before") == NULL);
    assert_int_equal(number, 4);
    link_close(&fixture.link);
    sandbox_stop(fixture.sandbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_time_is_read_last),
        cmocka_unit_test(the_allowed_rate_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
