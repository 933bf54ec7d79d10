#include "source_room.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"

struct step *add(struct room *room, const char *when, const char *head, const char *body)
{
    assert_true(room->count < MOST_STEPS);
    size_t at = room->count++;
    room->texts[at] = mem_format("HTTP/1.1 %s\r\nX-Request-Id: req-%zu\r\nContent-Length: %zu\r\n\r\n%s",
                                 head, at, strlen(body), body);
    room->whens[at] = when ? mem_text(when) : NULL;
    room->steps[at] = (struct step){.bytes = room->texts[at], .when = room->whens[at]};
    return &room->steps[at];
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

void start(struct room *room)
{
    if (!room->port) room->server = script_start(room->steps, room->count, false);
    link_open(&room->link, room->port ? room->port : script_port(room->server),
              (struct source_settings){.api_version = room->version, .stop = &room->stop});
}

bool open_stream(struct room *room, const char *stream, const char *children, int64_t from_s)
{
    const struct window window = {.from_s = from_s, .to_s = room->to_s ? room->to_s : WINDOW_OPEN};
    start(room);
    room->selection = select_stream(stream, children);
    return room->link.source->ops->open(room->link.source, &room->selection, window, &room->reader,
                                        &room->err);
}

void begin(struct room *room, const char *stream, const char *children)
{
    if (!open_stream(room, stream, children, BEGIN)) fail_msg("%s", room->err.text);
}

void end(struct room *room)
{
    if (room->reader) room->link.source->ops->close(room->reader);
    link_close(&room->link);
    script_stop(room->server);
    for (size_t i = 0; i < room->count; i++) {
        free(room->texts[i]);
        free(room->whens[i]);
    }
}

static void note(struct buf *out, const struct record *record)
{
    const json_t *id = json_object_get(record->body, "id");
    const char *text = json_string_value(id);
    (void)buf_format(out, "%s%s", out->size ? " " : "", record->problem ? "!" : record->table ? "+" : "");
    if (text)
        (void)buf_text(out, text);
    else
        (void)buf_format(out, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    if (record->table > 0) (void)buf_format(out, "@%" PRId64, json_int_at(record->body, "part_index", -1));
}

bool read_all(struct room *room, struct buf *out)
{
    struct page page = {0};
    buf_init(out, 65536);
    while (!page.last) {
        if (!room->link.source->ops->next(room->reader, &page, &room->err)) return false;
        for (size_t i = 0; i < page.count; i++)
            note(out, &page.records[i]);
        room->vanished += page.vanished;
        room->incomplete += page.incomplete;
        room->requests += page.requests;
        room->repairs += page.repairs;
        room->pages++;
    }
    return true;
}

void expect(struct room *room, const char *expected)
{
    AUTO(buf_done) struct buf all = {0};
    if (!read_all(room, &all)) fail_msg("%s", room->err.text);
    assert_string_equal(buf_string(&all), expected);
    assert_int_equal(room->err.kind, ERROR_NONE); /* what ended well leaves no error behind */
}

struct release {
    struct room *room;
    size_t requests;
};

static void *count_then_release(void *self)
{
    const struct release *release = self;
    struct server_script *server = release->room->server;
    script_await(server, release->requests);
    assert_int_equal(script_requests(server), release->requests);
    script_release(server);
    return NULL;
}

void expect_in_flight(struct room *room, size_t requests, const char *expected)
{
    pthread_t helper;
    struct release release = {room, requests};
    assert_int_equal(pthread_create(&helper, NULL, count_then_release, &release), 0);
    expect(room, expected);
    pthread_join(helper, NULL);
}

void expect_failure(struct room *room, enum error_kind kind)
{
    AUTO(buf_done) struct buf all = {0};
    assert_false(read_all(room, &all));
    assert_int_equal(room->err.kind, kind);
    assert_null(strstr(room->err.text, "test-token"));
}
