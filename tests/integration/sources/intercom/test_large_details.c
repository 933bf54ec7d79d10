/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that are too large to wait for their turn: kept deflated, checked whole, handed on by pieces. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "shared/gzip_file.h"
#include "source_fixture.h"

#define MIB  ((size_t)1024 * 1024)
#define PART 100000 /* bytes of a part's text */

/* --- what is tried again is tried soon --- */

int64_t __real_retry_wait_ms(const struct retry *retry, int tried, int64_t elapsed_ms, int64_t least_ms);
int64_t __wrap_retry_wait_ms(const struct retry *retry, int tried, int64_t elapsed_ms, int64_t least_ms);

int64_t __wrap_retry_wait_ms(const struct retry *retry, int tried, int64_t elapsed_ms, int64_t least_ms)
{
    int64_t wait = __real_retry_wait_ms(retry, tried, elapsed_ms, least_ms);
    return wait > 0 ? 1 : wait;
}

/* --- answers --- */

static void add_search(struct fixture *fixture, int first, int last)
{
    struct buf body;
    buf_init(&body, 65536);
    buf_text(&body, "{\"conversations\":[");
    for (int id = first; id <= last; id++)
        buf_format(&body, "%s{\"id\":\"%d\",\"updated_at\":%d}", id > first ? "," : "", id, BEGIN + id);
    buf_text(&body, "],\"pages\":{}}");
    (void)add(fixture, "POST /conversations/search?include_monitors=true&include_scorecards=true ", "200 OK",
              buf_string(&body));
    buf_done(&body);
}

/* About as dense as what people write: deflated it has a third of its size. */
static char *make_text(size_t size)
{
    char *text = mem_grow(NULL, size + 1, 1);
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        text[i] = "etaoin "[(state >> 24) % 7];
    }
    text[size] = '\0';
    return text;
}

/* A thread of so many parts; `odd` is the text of part 3, as JSON. */
static struct buf make_thread(int id, int parts, const char *odd)
{
    struct buf body;
    AUTO(mem_free) char *text = make_text(2 * PART);
    buf_init(&body, 128 * MIB);
    buf_format(&body,
               "{\"id\":\"%d\",\"created_at\":4,\"updated_at\":%d,\"source\":{\"id\":\"s\"},"
               "\"conversation_parts\":{\"conversation_parts\":[",
               id, BEGIN + id);
    for (int i = 1; i <= parts; i++) {
        buf_format(&body, "%s{\"id\":%d,\"created_at\":5,\"updated_at\":6,\"body\":", i > 1 ? "," : "", i);
        if (i == 3 && odd)
            buf_text(&body, odd);
        else
            buf_format(&body, "\"%.*s\"", PART, text + i);
        buf_byte(&body, '}');
    }
    buf_format(&body, "],\"total_count\":%d},\"statistics\":{\"count_conversation_parts\":%d}}", parts,
               parts);
    assert_false(body.full);
    return body;
}

static struct step *add_thread(struct fixture *fixture, int id, int parts, const char *odd)
{
    AUTO(mem_free) char *when = mem_format("GET /conversations/%d?", id);
    struct buf body = make_thread(id, parts, odd);
    struct step *step = add(fixture, when, "200 OK", buf_string(&body));
    buf_done(&body);
    return step;
}

static char *expected_parts(int id, int parts)
{
    struct buf text;
    buf_init(&text, 65536);
    buf_format(&text, "%d +s@0", id);
    for (int i = 1; i <= parts; i++)
        buf_format(&text, " +%d@%d", i, i);
    return buf_take(&text, NULL);
}

/* --- memory: the server is another process, whose memory is not ours --- */

/* A server process with the fixture's script, until it is killed or this process ends. */
static pid_t serve_elsewhere(struct fixture *fixture, void (*write_script)(struct fixture *fixture))
{
    int ends[2], life[2];
    char unused;
    assert_int_equal(pipe(ends) + pipe(life), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        write_script(fixture);
        struct server_script *server = script_start(fixture->steps, fixture->count, false);
        int port = script_port(server);
        if (write(ends[1], &port, sizeof port) != sizeof port) _exit(1);
        (void)close(life[1]);
        _exit(read(life[0], &unused, 1) == 0 ? 0 : 1); /* nothing is ever written: it ends with us */
    }
    assert_int_equal(read(ends[0], &fixture->port, sizeof fixture->port), sizeof fixture->port);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(life[0]); /* the other end stays open as long as we live */
    return pid;
}

static void kill_server(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static size_t most_bytes(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (size_t)usage.ru_maxrss * 1024;
}

static void expect_growth(size_t before, size_t most)
{
    size_t grown = most_bytes() - before;
    print_message("grown by %zu KiB\n", grown / 1024);
    if (CASELOAD_TEST_SANITIZE[0] == '\0') assert_in_range(grown, 0, most);
}

static void write_many(struct fixture *fixture)
{
    add_search(fixture, 1, 64);
    for (int id = 1; id <= 64; id++)
        add_thread(fixture, id, 9, NULL)->again = true; /* 900 kB each, also together too much to wait */
}

static void what_waits_has_a_bound_in_all(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    AUTO(buf_done) struct buf all = {0};
    size_t before = most_bytes();
    pid_t server = serve_elsewhere(&fixture, write_many);
    begin(&fixture, "conversations", "");
    if (!read_all(&fixture, &all)) fail_msg("%s", fixture.err.text);
    assert_in_range(fixture.requests, 1 + 64 + 1,
                    1 + 2 * 64); /* bodies beyond the limit were requested again */
    expect_growth(before, LIMIT_DEFERRED_TOTAL + 12 * MIB);
    end(&fixture);
    kill_server(server);
}

static void what_was_read_makes_room(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    AUTO(buf_done) struct buf all = {0};
    add_search(&fixture, 1, 150);
    for (int id = 1; id <= 150; id++)
        add_thread(&fixture, id, 1, NULL)->again = true; /* 100 kB each: those in flight always fit */
    begin(&fixture, "conversations", "");
    if (!read_all(&fixture, &all)) fail_msg("%s", fixture.err.text);
    assert_int_equal(fixture.requests, 1 + 150);
    end(&fixture);
}

static void write_huge(struct fixture *fixture)
{
    add_search(fixture, 1, 2);
    add_thread(fixture, 1, 500, NULL)->again = true; /* 50 MB */
    add_thread(fixture, 2, 1, NULL)->again = true;
}

static void a_huge_thread_takes_little_memory(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    size_t before = most_bytes();
    pid_t server = serve_elsewhere(&fixture, write_huge);
    begin(&fixture, "conversations", "conversation_parts");
    AUTO(mem_free) char *first = expected_parts(1, 500);
    AUTO(mem_free) char *all = mem_format("%s 2 +s@0 +1@1", first);
    expect(&fixture, all);
    assert_int_equal(fixture.requests, 1 + 2 + 1); /* it came twice: cut short, then whole */
    assert_in_range(fixture.pages, 40, 60);
    expect_growth(before, 32 * MIB);
    end(&fixture);
    kill_server(server);
}

/* --- what is in it --- */

static void what_jansson_refuses_is_repaired_in_pieces(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    AUTO(mem_free) char *parts = expected_parts(1, 30);
    add_search(&fixture, 1, 1);
    add_thread(&fixture, 1, 30, "\"\\ud800\"")->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, parts);
    assert_int_equal(fixture.normalisations, 1);
    assert_int_equal(fixture.incomplete, 0);
    end(&fixture);
}

static void parts_that_nobody_wants_are_not_handed_on(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_search(&fixture, 1, 2);
    add_thread(&fixture, 1, 30, NULL)->again = true;
    add_thread(&fixture, 2, 2, NULL)->again = true;
    begin(&fixture, "conversations", "");
    expect(&fixture, "1 2");
    assert_int_equal(fixture.pages, 2);
    end(&fixture);
}

static void the_counts_are_those_of_all_parts(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct page page;
    add_search(&fixture, 1, 1);
    add_thread(&fixture, 1, 30, NULL)->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    assert_true(fixture.link.source->ops->next(fixture.reader, &page, &fixture.err));
    assert_false(page.last);
    assert_int_equal(value_integer_at(page.records[0].body, "parts_received", -1), 30);
    assert_int_equal(value_integer_at(page.records[0].body, "parts_total", -1), 30);
    assert_int_equal(value_integer_at(page.records[0].body, "parts_missing", -1), 0);
    assert_true(value_is_false(value_get(page.records[0].body, "parts_truncated")));
    assert_int_equal(page.records[0].listed_us, (BEGIN + 1) * INT64_C(1000000));
    end(&fixture); /* before its parts were read */
}

/* --- answers that are wrong --- */

static void a_broken_part_spoils_no_other(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_search(&fixture, 1, 1);
    add_thread(&fixture, 1, 5, "\"a\" \"b\"")->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, "1 +s@0 +1@1 +2@2 !0@-1 +4@4 +5@5");
    assert_non_null(strstr(fixture.problem, "a comma or the closing bracket is missing"));
    assert_int_equal(fixture.requests, 1 + 1);
    end(&fixture);
}

static void a_broken_part_of_a_large_answer_spoils_no_other(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_search(&fixture, 1, 1);
    add_thread(&fixture, 1, 12, "\"a\" \"b\"")->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, "1 +s@0 +1@1 +2@2 !0@-1 +4@4 +5@5 +6@6 +7@7 +8@8 +9@9 +10@10 +11@11 +12@12");
    assert_int_equal(fixture.requests, 1 + 2);
    assert_int_equal(fixture.normalisations, 1);
    end(&fixture);
}

static void a_cut_answer_is_asked_for_again(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    AUTO(mem_free) char *parts = expected_parts(1, 20);
    add_search(&fixture, 1, 1);
    (void)add_thread(&fixture, 1, 20, NULL);
    struct step *cut = add_thread(&fixture, 1, 20, NULL);
    cut->size = strlen(cut->bytes) - PART;
    cut->close = true;
    (void)add_thread(&fixture, 1, 20, NULL);
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, parts);
    assert_int_equal(fixture.requests, 1 + 3);
    end(&fixture);
}

static void a_thread_that_is_always_broken_is_rejected(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_search(&fixture, 1, 2);
    add_thread(&fixture, 1, 20, "{\"}")->again = true;
    add_thread(&fixture, 2, 1, NULL)->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, "!1 2 +s@0 +1@1");
    end(&fixture);
}

static void a_bomb_is_rejected(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    size_t size = 65 * MIB;
    AUTO(mem_free) char *blanks = mem_format("%*s", (int)size, "");
    AUTO(buf_done) struct buf packed = buf_limited(size + MIB);
    gzip_file(blanks, size, 9, &packed);
    struct buf answer;
    buf_init(&answer, 2 * MIB);
    buf_format(&answer, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
               packed.size);
    assert_true(buf_add(&answer, packed.data, packed.size));
    add_search(&fixture, 1, 2);
    struct step *step = add(&fixture, "GET /conversations/1?", "200 OK", "");
    step->bytes = answer.data;
    step->size = answer.size;
    step->again = true;
    add_thread(&fixture, 2, 1, NULL)->again = true;
    begin(&fixture, "conversations", "conversation_parts");
    expect(&fixture, "!1 2 +s@0 +1@1");
    end(&fixture);
    buf_done(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_has_a_bound_in_all), /* first: they look at the most we ever needed */
        cmocka_unit_test(a_huge_thread_takes_little_memory),
        cmocka_unit_test(what_was_read_makes_room),
        cmocka_unit_test(what_jansson_refuses_is_repaired_in_pieces),
        cmocka_unit_test(parts_that_nobody_wants_are_not_handed_on),
        cmocka_unit_test(the_counts_are_those_of_all_parts),
        cmocka_unit_test(a_broken_part_spoils_no_other),
        cmocka_unit_test(a_broken_part_of_a_large_answer_spoils_no_other),
        cmocka_unit_test(a_cut_answer_is_asked_for_again),
        cmocka_unit_test(a_thread_that_is_always_broken_is_rejected),
        cmocka_unit_test(a_bomb_is_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
