/* SPDX-License-Identifier: Apache-2.0 */
#include "bad_input_fixture.h"

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

const struct unreadable unreadable[] = {
    {"200 OK", "{\"type\":\"list\",\"data\":[{\"id\":\"a\"]", "not JSON at byte"},
    {"200 OK", "{\"type\":\"list\",\"data\":[{\"id\":\"go", "not JSON at byte"},
    {"200 OK\r\nContent-Type: text/html", "<html><body>Please wait</body></html>", "not JSON at byte"},
    {"200 OK", "", "it is empty"},
    {"204 No Content", "", "it is empty"},
    {"200 OK", "[" GOOD "]", "it is not an object"},
    {"200 OK", "\"ok\"", "it is not an object"},
    {NULL, NULL, NULL},
};

/* --- the script --- */

struct step *answer_bytes(struct fixture *fixture, const char *head, const char *body, size_t size)
{
    struct buf text;
    assert_true(fixture->count < MOST_STEPS);
    size_t at = fixture->count++;
    buf_init(&text, size + 4096);
    buf_format(&text, "HTTP/1.1 %s\r\nX-Request-Id: req-%zu\r\nContent-Length: %zu\r\n\r\n", head, at + 1,
               size);
    buf_add(&text, body, size);
    fixture->steps[at].size = text.size;
    fixture->steps[at].bytes = fixture->texts[at] = buf_take(&text, NULL);
    return &fixture->steps[at];
}

struct step *answer(struct fixture *fixture, const char *head, const char *body)
{
    return answer_bytes(fixture, head, body, strlen(body));
}

void answer_file(struct fixture *fixture, const char *name)
{
    char bytes[4096];
    AUTO(mem_free) char *path = mem_format("%s/bad_input/%s.json", CASELOAD_TEST_DATA, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    assert_int_equal(fclose(file), 0);
    (void)answer_bytes(fixture, "200 OK", bytes, size);
}

void answer_always(struct fixture *fixture, const char *head, const char *body)
{
    while (fixture->count < MOST_STEPS)
        (void)answer(fixture, head, body);
}

void answer_large(struct fixture *fixture, size_t size)
{
    struct buf body;
    AUTO(mem_free) char *name = mem_zero(size + 1, 1);
    memset(name, 'x', size);
    buf_init(&body, size + 4096);
    buf_format(&body,
               "{\"data\":[{\"id\":\"large\",\"updated_at\":%" PRId64 ",\"name\":\"%s\"}," GOOD
               "],\"pages\":{}}",
               BEGIN + 60, name);
    (void)answer_bytes(fixture, "200 OK", body.data, body.size);
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
    buf_add(out, head, sizeof head - 1);
    for (int i = 0; i < 1024; i++)
        buf_add(out, piece, size);
    assert_false(out->full);
}

static void begin(struct fixture *fixture)
{
    fixture->server = script_start(fixture->steps, fixture->count, false);
    link_open(&fixture->link, script_port(fixture->server), (struct source_context){0},
              (struct intercom_options){.rate_share = 0.8});
    assert_true(zone_load("Etc/UTC", &fixture->zone, &fixture->err));
    fixture->now_us = (BEGIN + 9 * DAY_S) * 1000000;
    fake_warehouse_init(&fixture->warehouse, &fixture->now_us);
}

/* Two days of a stream, by a run of its own. */
bool run(struct fixture *fixture, const char *stream)
{
    const struct stream *wanted = stream_of(stream);
    struct selection selection = {.stream = wanted, .tables = {wanted->table}, .table_count = 1};
    for (size_t i = 0; fixture->child && i < wanted->child_count; i++)
        if (strcmp(wanted->children[i].table->name, fixture->child) == 0)
            selection.tables[selection.table_count++] = wanted->children[i].table;
    begin(fixture);
    struct day from = zone_day(fixture->zone, BEGIN);
    struct run_context context = {
        .plan = {.zone = fixture->zone, .start = from, .lookback_days = 2, .settle_minutes = 60},
        .source = fixture->link.source,
        .warehouse = &fixture->warehouse.base,
        .max_rejected = LIMIT_REJECTS,
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
                       &fixture->report, &fixture->err);
}

void must_run(struct fixture *fixture, const char *stream)
{
    if (!run(fixture, stream)) fail_msg("%s", fixture->err.text);
    assert_int_equal(fixture->warehouse.ledger_count, 1);
}

void end(struct fixture *fixture)
{
    assert_int_equal(fixture->warehouse.loads, 0);
    fake_warehouse_done(&fixture->warehouse);
    zone_free(fixture->zone);
    link_close(&fixture->link);
    script_stop(fixture->server);
    for (size_t i = 0; i < fixture->count; i++)
        free(fixture->texts[i]);
    *fixture = (struct fixture){.count = 0};
}

/* --- what became of it --- */

void expect_words(const struct fixture *fixture, const char *words)
{
    if (!strstr(fixture->err.text, words)) fail_msg("no \"%s\" in: %s", words, fixture->err.text);
}

void expect_error(struct fixture *fixture, enum error_kind kind, const char *page, const char *request_id)
{
    assert_false(run(fixture, "contacts"));
    if (fixture->err.kind != kind) fail_msg("%s: %s", error_rules[fixture->err.kind].name, fixture->err.text);
    expect_words(fixture, "contacts: " UNIT ": ");
    expect_words(fixture, page);
    expect_words(fixture, request_id);
    assert_null(strstr(fixture->err.text, "test-token"));
    assert_int_equal(fake_warehouse_table(&fixture->warehouse, "contacts")->count, 0);
    assert_int_equal(fixture->warehouse.ledger_count, 0);
}

void expect_rows(struct fixture *fixture, const char *table, size_t rows, size_t requests)
{
    assert_int_equal(fake_warehouse_table(&fixture->warehouse, table)->count, rows);
    assert_int_equal(script_requests(fixture->server), requests);
    assert_int_equal(fixture->report.streams[0].requests, requests);
}

void expect_rejected(const struct fixture *fixture, const char *id, const char *reason, const char *record)
{
    assert_int_equal(fixture->warehouse.rejected_count, 1);
    const struct fake_reject *reject = &fixture->warehouse.rejected[0];
    assert_string_equal(reject->id, id);
    if (!strstr(reject->reason, reason)) fail_msg("no \"%s\" in: %s", reason, reject->reason);
    assert_non_null(strstr(reject->record, record));
}

void expect_column(struct fixture *fixture, const char *id, const char *column, const char *expected)
{
    AUTO(json_drop) json_t *row = NULL;
    AUTO(buf_done) struct buf text;
    const struct fake_row *found = fake_table_find(fake_warehouse_table(&fixture->warehouse, "contacts"), id,
                                                   (BEGIN + 60) * INT64_C(1000000));
    assert_non_null(found);
    assert_true(json_read(found->text, strlen(found->text), NULL, &row, &fixture->err));
    buf_init(&text, LIMIT_ROW);
    const json_t *value = json_object_get(row, column);
    if (value) assert_true(json_write(&text, value));
    assert_string_equal(buf_string(&text), expected ? expected : "");
}
