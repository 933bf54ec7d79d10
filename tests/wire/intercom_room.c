#include "intercom_room.h"

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
static struct room *stopped_room;

bool __wrap_clock_sleep_ms(int64_t ms, const atomic_bool *stop);

bool __wrap_clock_sleep_ms(int64_t ms, const atomic_bool *stop)
{
    waited_ms += ms;
    skip_ms(ms);
    if (stopped_room) atomic_store(&stopped_room->stop, true);
    return !atomic_load(stop);
}

int64_t room_waited_ms(const struct room *room)
{
    (void)room;
    return waited_ms;
}

void room_stop_waiting(struct room *room)
{
    stopped_room = room;
}

/* --- the script --- */

void room_answer(struct room *room, const char *head, const char *body)
{
    assert_true(room->count < MOST_STEPS);
    char *text = mem_format("HTTP/1.1 %s\r\nX-Request-Id: req-%zu\r\nContent-Length: %zu\r\n\r\n%s", head,
                            room->count, strlen(body), body);
    room->texts[room->count] = text;
    room->steps[room->count++] = (struct step){.bytes = text};
}

void room_refuse(struct room *room, const char *status, const char *code)
{
    AUTO(mem_free)
    char *body =
        mem_format("{\"type\":\"error.list\",\"errors\":[{\"code\":\"%s\",\"message\":\"no\"}]}", code);
    room_answer(room, status, body);
}

void room_lose(struct room *room)
{
    assert_true(room->count < MOST_STEPS);
    room->steps[room->count++] = (struct step){.reset = true};
}

/* --- the road --- */

void room_begin(struct room *room, const char *stream)
{
    waited_ms = 0;
    room->server = script_start(room->steps, room->count, false);
    link_open(&room->link, script_port(room->server),
              (struct source_settings){.api_version = room->version,
                                       .custom_objects = room->custom_objects,
                                       .custom_object_count = room->custom_object_count,
                                       .progress = &room->progress,
                                       .stop = &room->stop});
    room->selection.stream = stream_of(stream);
    room->selection.tables[room->selection.table_count++] = room->selection.stream->table;
    for (size_t i = 0; i < room->selection.stream->child_count; i++)
        room->selection.tables[room->selection.table_count++] = room->selection.stream->children[i].table;
    if (room->window.from_s == 0) room->window = (struct window){.from_s = BEGIN, .to_s = BEGIN + 7 * DAY_S};
}

static void keep_page(struct room *room, const struct page *page)
{
    room->requests += page->requests;
    room->repairs += page->repairs;
    for (size_t i = 0; i < page->count; i++) {
        assert_true(page->records[i].table < room->selection.table_count);
        if (room->bodies.size > 0) (void)buf_byte(&room->bodies, ' ');
        if (page->records[i].table > 0)
            (void)buf_format(&room->bodies, "%s:", room->selection.tables[page->records[i].table]->name);
        (void)json_write(&room->bodies, page->records[i].body);
    }
}

bool room_read(struct room *room, const char *stream)
{
    struct page page = {0};
    room_begin(room, stream);
    buf_init(&room->bodies, 1024 * 1024);
    if (!room->link.source->ops->open(room->link.source, &room->selection, room->window, &room->reader,
                                      &room->err))
        return false;
    while (!page.last) {
        if (!room->link.source->ops->next(room->reader, &page, &room->err)) return false;
        keep_page(room, &page);
    }
    return true;
}

void room_expect(struct room *room, const char *stream, const char *bodies)
{
    if (!room_read(room, stream)) fail_msg("%s", room->err.text);
    assert_string_equal(buf_string(&room->bodies), bodies);
    assert_int_equal(script_requests(room->server), room->count);
    assert_int_equal(room->requests, room->count);
}

void room_expect_error(struct room *room, const char *stream, enum error_kind kind, const char *words)
{
    assert_false(room_read(room, stream));
    if (room->err.kind != kind || !strstr(room->err.text, words)) fail_msg("%s", room->err.text);
    assert_int_equal(script_requests(room->server), room->count);
    assert_null(strstr(room->err.text, "test-token"));
}

void room_asked(struct room *room, size_t first, const char *const *targets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *line = strchr(script_request(room->server, first + i), ' ') + 1;
        AUTO(mem_free) char *target = mem_bytes(line, strcspn(line, " "));
        assert_string_equal(target, targets[i]);
    }
}

void room_close(struct room *room)
{
    stopped_room = NULL;
    if (room->reader) room->link.source->ops->close(room->reader);
    link_close(&room->link);
    script_stop(room->server);
    buf_done(&room->bodies);
    for (size_t i = 0; i < room->count; i++)
        free(room->texts[i]);
}
