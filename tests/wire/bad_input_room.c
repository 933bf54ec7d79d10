#include "bad_input_room.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/json.h"
#include "base/mem.h"

#define DAY_S INT64_C(86400)

/* --- the script --- */

struct step *answer_bytes(struct room *room, const char *head, const char *body, size_t size)
{
    struct buf text;
    assert_true(room->count < MOST_STEPS);
    size_t at = room->count++;
    buf_init(&text, size + 4096);
    (void)buf_format(&text, "HTTP/1.1 %s\r\nX-Request-Id: req-%zu\r\nContent-Length: %zu\r\n\r\n", head,
                     at + 1, size);
    (void)buf_add(&text, body, size);
    room->steps[at].size = text.size;
    room->steps[at].bytes = room->texts[at] = buf_take(&text, NULL);
    return &room->steps[at];
}

struct step *answer(struct room *room, const char *head, const char *body)
{
    return answer_bytes(room, head, body, strlen(body));
}

void answer_file(struct room *room, const char *name)
{
    char bytes[4096];
    AUTO(mem_free) char *path = mem_format("%s/bad_input/%s.json", CASELOAD_TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    (void)answer_bytes(room, "200 OK", bytes, size);
}

void answer_always(struct room *room, const char *head, const char *body)
{
    while (room->count < MOST_STEPS)
        (void)answer(room, head, body);
}

void answer_large(struct room *room, size_t size)
{
    struct buf body;
    AUTO(mem_free) char *name = mem_zero(size + 1, 1);
    memset(name, 'x', size);
    buf_init(&body, size + 4096);
    (void)buf_format(&body,
                     "{\"data\":[{\"id\":\"large\",\"updated_at\":%" PRId64 ",\"name\":\"%s\"}," GOOD
                     "],\"pages\":{}}",
                     BEGIN + 60, name);
    (void)answer_bytes(room, "200 OK", body.data, body.size);
    buf_done(&body);
}

/* Deflated a MiB at a time: a full flush makes the pieces alike. */
void add_bomb(struct buf *out)
{
    static unsigned char zeros[1024 * 1024];
    static const char head[] = "\x1F\x8B\x08\0\0\0\0\0\0\x03";
    unsigned char piece[8192];
    z_stream stream = {.next_in = zeros, .avail_in = sizeof zeros};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_out = piece;
    stream.avail_out = sizeof piece;
    assert_int_equal(deflate(&stream, Z_FULL_FLUSH), Z_OK);
    assert_int_equal(stream.avail_in, 0);
    size_t size = sizeof piece - stream.avail_out;
    (void)deflateEnd(&stream); /* Z_DATA_ERROR: it was not to be finished */
    (void)buf_add(out, head, sizeof head - 1);
    for (int i = 0; i < 1024; i++)
        (void)buf_add(out, piece, size);
    assert_false(out->full);
}

static void begin(struct room *room)
{
    room->server = script_start(room->steps, room->count, false);
    link_open(&room->link, script_port(room->server), (struct source_settings){.rate_share = 0.8});
    assert_true(zone_load("Etc/UTC", &room->zone, &room->err));
    room->now_us = (BEGIN + 9 * DAY_S) * 1000000;
    fake_warehouse_init(&room->warehouse, &room->now_us);
}

/* Two days of a stream, by a run of its own. */
bool run(struct room *room, const char *stream)
{
    const struct stream *wanted = stream_of(stream);
    struct selection selection = {.stream = wanted, .tables = {wanted->table}, .table_count = 1};
    begin(room);
    struct day from = zone_day(room->zone, BEGIN);
    struct run_context context = {
        .plan = {.zone = room->zone, .start = from, .lookback_days = 2, .settle_minutes = 60},
        .source = room->link.source,
        .warehouse = &room->warehouse.base,
        .identity = &(struct source_identity){.type = "intercom", .workspace = "w"},
    };
    struct request request = {.selections = {&selection},
                              .count = 1,
                              .has_from = true,
                              .has_to = true,
                              .from = from,
                              .to = day_add(from, 1)};
    return run_request(&context, &request,
                       &(struct run_trigger){.run_id = "r1", .message_id = "m1", .published_us = INT64_MAX},
                       &room->report, &room->err);
}

void must_run(struct room *room, const char *stream)
{
    if (!run(room, stream)) fail_msg("%s", room->err.text);
    assert_int_equal(room->warehouse.ledger_count, 1);
}

void end(struct room *room)
{
    assert_int_equal(room->warehouse.loads, 0);
    fake_warehouse_done(&room->warehouse);
    zone_free(room->zone);
    link_close(&room->link);
    script_stop(room->server);
    for (size_t i = 0; i < room->count; i++)
        free(room->texts[i]);
    *room = (struct room){.count = 0};
}

/* --- what became of it --- */

void expect_words(const struct room *room, const char *words)
{
    if (!strstr(room->err.text, words)) fail_msg("no \"%s\" in: %s", words, room->err.text);
}

void expect_error(struct room *room, enum error_kind kind, const char *page, const char *request_id)
{
    assert_false(run(room, "contacts"));
    if (room->err.kind != kind) fail_msg("%s: %s", error_rules[room->err.kind].name, room->err.text);
    expect_words(room, "contacts: " UNIT ": ");
    expect_words(room, page);
    expect_words(room, request_id);
    assert_null(strstr(room->err.text, "test-token"));
    assert_int_equal(fake_warehouse_table(&room->warehouse, "contacts")->count, 0);
    assert_int_equal(room->warehouse.ledger_count, 0);
}

void expect_rows(struct room *room, const char *table, size_t rows, size_t requests)
{
    assert_int_equal(fake_warehouse_table(&room->warehouse, table)->count, rows);
    assert_int_equal(script_requests(room->server), requests);
    assert_int_equal(room->report.streams[0].requests, requests);
}

void expect_rejected(const struct room *room, const char *id, const char *reason, const char *record)
{
    assert_int_equal(room->warehouse.rejected_count, 1);
    const struct fake_reject *reject = &room->warehouse.rejected[0];
    assert_string_equal(reject->id, id);
    if (!strstr(reject->reason, reason)) fail_msg("no \"%s\" in: %s", reason, reject->reason);
    assert_non_null(strstr(reject->record, record));
}

void expect_column(struct room *room, const char *id, const char *column, const char *expected)
{
    AUTO(json_drop) json_t *row = NULL;
    AUTO(buf_done) struct buf text;
    const struct fake_row *found = fake_table_find(fake_warehouse_table(&room->warehouse, "contacts"), id,
                                                   (BEGIN + 60) * INT64_C(1000000));
    assert_non_null(found);
    assert_true(json_read(found->text, strlen(found->text), NULL, &row, &room->err));
    buf_init(&text, LIMIT_ROW);
    const json_t *value = json_object_get(row, column);
    if (value) assert_true(json_write(&text, value));
    assert_string_equal(buf_string(&text), expected ? expected : "");
}
