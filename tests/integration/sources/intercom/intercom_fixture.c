/* SPDX-License-Identifier: Apache-2.0 */
#include "intercom_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "skipped_waits.h"

/* --- the waits of the source --- */

static int64_t waited_ms; /* by the source itself */
static struct fixture *stopped_room;

bool __wrap_clock_sleep_ms(int64_t ms, const atomic_bool *stop);

bool __wrap_clock_sleep_ms(int64_t ms, const atomic_bool *stop)
{
    waited_ms += ms;
    skip_ms(ms);
    if (stopped_room) atomic_store(&stopped_room->stop, true);
    return !atomic_load(stop);
}

int64_t fixture_waited_ms(const struct fixture *fixture)
{
    (void)fixture;
    return waited_ms;
}

void fixture_stop_waiting(struct fixture *fixture)
{
    stopped_room = fixture;
}

/* --- the script --- */

void fixture_answer(struct fixture *fixture, const char *head, const char *body)
{
    assert_true(fixture->count < MOST_STEPS);
    char *text = mem_format("HTTP/1.1 %s\r\nX-Request-Id: req-%zu\r\nContent-Length: %zu\r\n\r\n%s", head,
                            fixture->count, strlen(body), body);
    fixture->texts[fixture->count] = text;
    fixture->steps[fixture->count++] = (struct step){.bytes = text};
}

void fixture_refuse(struct fixture *fixture, const char *status, const char *code)
{
    AUTO(mem_free)
    char *body =
        mem_format("{\"type\":\"error.list\",\"errors\":[{\"code\":\"%s\",\"message\":\"no\"}]}", code);
    fixture_answer(fixture, status, body);
}

void fixture_lose(struct fixture *fixture)
{
    assert_true(fixture->count < MOST_STEPS);
    fixture->steps[fixture->count++] = (struct step){.reset = true};
}

/* --- from the socket to the warehouse --- */

void fixture_begin(struct fixture *fixture, const char *stream)
{
    waited_ms = 0;
    fixture->server = script_start(fixture->steps, fixture->count, false);
    link_open(&fixture->link, script_port(fixture->server),
              (struct source_context){.progress = &fixture->progress, .stop = &fixture->stop},
              (struct intercom_options){.api_version = LENT(fixture->version),
                                        .bodies = LENT(fixture->rendering),
                                        .custom_objects = fixture->custom_objects});
    fixture->selection.stream = stream_of(stream);
    fixture->selection.tables[fixture->selection.table_count++] = fixture->selection.stream->table;
    for (size_t i = 0; i < fixture->selection.stream->child_count; i++)
        fixture->selection.tables[fixture->selection.table_count++] =
            fixture->selection.stream->children[i].table;
    if (fixture->window.from_s == 0)
        fixture->window = (struct window){.from_s = BEGIN, .to_s = BEGIN + 7 * DAY_S};
}

static void keep_page(struct fixture *fixture, const struct page *page)
{
    fixture->requests += page->requests;
    fixture->normalisations += page->normalisations;
    for (size_t i = 0; i < page->count; i++) {
        assert_true(page->records[i].table < fixture->selection.table_count);
        if (fixture->bodies.size > 0) buf_byte(&fixture->bodies, ' ');
        if (page->records[i].table > 0)
            buf_format(&fixture->bodies, "%s:", fixture->selection.tables[page->records[i].table]->name);
        value_write(&fixture->bodies, page->records[i].body);
    }
}

bool fixture_read(struct fixture *fixture, const char *stream)
{
    struct page page = {0};
    fixture_begin(fixture, stream);
    buf_init(&fixture->bodies, 1024 * 1024);
    if (!fixture->link.source->ops->open(fixture->link.source, &fixture->selection, fixture->window,
                                         &fixture->reader, &fixture->err))
        return false;
    while (!page.last) {
        if (!fixture->link.source->ops->next(fixture->reader, &page, &fixture->err)) return false;
        keep_page(fixture, &page);
    }
    return true;
}

void fixture_expect(struct fixture *fixture, const char *stream, const char *bodies)
{
    if (!fixture_read(fixture, stream)) fail_msg("%s", fixture->err.text);
    assert_string_equal(buf_string(&fixture->bodies), bodies);
    assert_int_equal(script_requests(fixture->server), fixture->count);
    assert_int_equal(fixture->requests, fixture->count);
}

void fixture_expect_error(struct fixture *fixture, const char *stream, enum error_kind kind,
                          const char *words)
{
    assert_false(fixture_read(fixture, stream));
    if (fixture->err.kind != kind || !strstr(fixture->err.text, words)) fail_msg("%s", fixture->err.text);
    assert_int_equal(script_requests(fixture->server), fixture->count);
    assert_null(strstr(fixture->err.text, "test-token"));
}

static char *asked_target(const struct fixture *fixture, size_t request) /* yours */
{
    const char *line = strchr(script_request(fixture->server, request), ' ') + 1;
    return mem_bytes(line, strcspn(line, " "));
}

void fixture_asked(struct fixture *fixture, size_t first, const char *const *targets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        AUTO(mem_free) char *target = asked_target(fixture, first + i);
        assert_string_equal(target, targets[i]);
    }
}

void fixture_asked_together(struct fixture *fixture, const char *const *targets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t found = 0;
        for (size_t request = 0; request < count; request++) {
            AUTO(mem_free) char *target = asked_target(fixture, request);
            found += strcmp(target, targets[i]) == 0;
        }
        if (found != 1) fail_msg("%s was requested %zu times", targets[i], found);
    }
}

void fixture_close(struct fixture *fixture)
{
    stopped_room = NULL;
    if (fixture->reader) fixture->link.source->ops->close(fixture->reader);
    link_close(&fixture->link);
    script_stop(fixture->server);
    buf_done(&fixture->bodies);
    for (size_t i = 0; i < fixture->count; i++)
        free(fixture->texts[i]);
}
