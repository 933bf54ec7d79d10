/* SPDX-License-Identifier: Apache-2.0 */
#include "source_fixture.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"

struct step *add(struct fixture *fixture, const char *when, const char *head, const char *body)
{
    assert_true(fixture->count < MOST_STEPS);
    size_t at = fixture->count++;
    fixture->texts[at] = mem_format("HTTP/1.1 %s\r\nX-Request-Id: req-%zu\r\nContent-Length: %zu\r\n\r\n%s",
                                    head, at, strlen(body), body);
    fixture->whens[at] = when ? mem_text(when) : NULL;
    fixture->steps[at] = (struct step){.bytes = fixture->texts[at], .when = fixture->whens[at]};
    return &fixture->steps[at];
}

/* The stream, with those of its children that are named. */
static struct selection select_stream(const char *name, const char *children)
{
    struct selection selection = {.stream = stream_of(name)};
    selection.tables[selection.table_count++] = selection.stream->table;
    for (size_t i = 0; i < selection.stream->child_count; i++) {
        const struct table *table = selection.stream->children[i].table;
        if (strstr(children, table->name)) selection.tables[selection.table_count++] = table;
    }
    return selection;
}

void start(struct fixture *fixture)
{
    if (!fixture->port) fixture->server = script_start(fixture->steps, fixture->count, false);
    link_open(&fixture->link, fixture->port ? fixture->port : script_port(fixture->server),
              (struct source_context){.stop = &fixture->stop},
              (struct intercom_options){.api_version = LENT(fixture->version)});
}

bool open_stream(struct fixture *fixture, const char *stream, const char *children, int64_t from_s)
{
    const struct window window = {.from_s = from_s, .to_s = fixture->to_s ? fixture->to_s : WINDOW_OPEN};
    start(fixture);
    fixture->selection = select_stream(stream, children);
    return fixture->link.source->ops->open(fixture->link.source, &fixture->selection, window,
                                           &fixture->reader, &fixture->err);
}

void begin(struct fixture *fixture, const char *stream, const char *children)
{
    if (!open_stream(fixture, stream, children, BEGIN)) fail_msg("%s", fixture->err.text);
}

void end(struct fixture *fixture)
{
    if (fixture->reader) fixture->link.source->ops->close(fixture->reader);
    link_close(&fixture->link);
    script_stop(fixture->server);
    for (size_t i = 0; i < fixture->count; i++) {
        free(fixture->texts[i]);
        free(fixture->whens[i]);
    }
}

static void note(struct buf *out, const struct record *record)
{
    const struct json_value *id = value_get(record->body, "id");
    const char *text = value_text(id);
    buf_format(out, "%s%s", out->size ? " " : "", record->problem ? "!" : record->table ? "+" : "");
    if (text)
        buf_text(out, text);
    else
        buf_format(out, "%" PRId64, value_integer(id));
    if (record->table > 0) buf_format(out, "@%" PRId64, value_integer_at(record->body, "part_index", -1));
}

bool read_all(struct fixture *fixture, struct buf *out)
{
    struct page page = {0};
    buf_init(out, 65536);
    while (!page.last) {
        if (!fixture->link.source->ops->next(fixture->reader, &page, &fixture->err)) return false;
        for (size_t i = 0; i < page.count; i++)
            note(out, &page.records[i]);
        for (size_t i = 0; i < page.count; i++)
            if (page.records[i].problem)
                (void)snprintf(fixture->problem, sizeof fixture->problem, "%s", page.records[i].problem);
        fixture->deleted_during_read += page.deleted_during_read;
        fixture->incomplete += page.incomplete;
        fixture->requests += page.requests;
        fixture->normalisations += page.normalisations;
        fixture->pages++;
    }
    return true;
}

void expect(struct fixture *fixture, const char *expected)
{
    AUTO(buf_done) struct buf all = {0};
    if (!read_all(fixture, &all)) fail_msg("%s", fixture->err.text);
    assert_string_equal(buf_string(&all), expected);
    assert_int_equal(fixture->err.kind, ERROR_NONE); /* what ended well leaves no error behind */
}

struct release {
    struct fixture *fixture;
    size_t requests;
};

static void *count_then_release(void *self)
{
    const struct release *release = self;
    struct server_script *server = release->fixture->server;
    script_await(server, release->requests);
    assert_int_equal(script_requests(server), release->requests);
    script_release(server);
    return NULL;
}

void expect_in_flight(struct fixture *fixture, size_t requests, const char *expected)
{
    pthread_t helper;
    struct release release = {fixture, requests};
    assert_int_equal(pthread_create(&helper, NULL, count_then_release, &release), 0);
    expect(fixture, expected);
    pthread_join(helper, NULL);
}

void expect_failure(struct fixture *fixture, enum error_kind kind)
{
    AUTO(buf_done) struct buf all = {0};
    assert_false(read_all(fixture, &all));
    assert_int_equal(fixture->err.kind, kind);
    assert_null(strstr(fixture->err.text, "test-token"));
}
