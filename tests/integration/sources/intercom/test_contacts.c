/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts read from the sandbox's Intercom: whatever the window, the zone and the version, exactly the
 * records of the window arrive, each once, also over a bad line and while they change. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "core/rows.h"
#include "intercom_link.h"
#include "sandbox.h"
#include "sandbox_internal.h"
#include "value_tree.h"
#include "workspace/collection.h"

#define DAY_S     86400
#define BEGIN     1761696000 /* 2025-10-29: summer time ends in Europe and America in the days after it */
#define AUTUMN    1758844800 /* 2025-09-26: clocks change in the south, in Europe and in America */
#define SPRING    1772236800 /* 2026-02-28: ... and back again */
#define SEASON    40         /* days in which they do */
#define PIECES    7
#define DAYS      14
#define PEOPLE    500
#define WINDOWS   4 /* a zone and version */
#define LINE_SIZE 160
#define MOST_ROWS 4096

/* --- fixture --- */

struct fixture {
    struct sandbox *sandbox;
    struct link link;
    struct selection selection;
    struct error err;
};

static void fixture_open_at(struct fixture *fixture, const char *zone, const char *version,
                            struct window filled, int64_t people)
{
    const struct stream *contacts = stream_of("contacts");
    *fixture = (struct fixture){0};
    if (!sandbox_start(&(struct sandbox_options){.source_token = LINK_TOKEN,
                                                 .workspace_zone = zone,
                                                 .seed = 7,
                                                 .start_s = filled.from_s + 100 * DAY_S},
                       &fixture->sandbox, &fixture->err))
        fail_msg("%s", fixture->err.text);
    collection_fill(sandbox_collection(fixture->sandbox, "contacts"), filled.from_s, filled.to_s, people);
    link_open(&fixture->link, sandbox_http_port(fixture->sandbox), (struct source_context){0},
              (struct intercom_options){.api_version = LENT(version), .rate_share = 1.0});
    fixture->selection =
        (struct selection){.stream = contacts, .tables = {contacts->table}, .table_count = 1};
}

static void fixture_open(struct fixture *fixture, const char *zone, const char *version)
{
    fixture_open_at(fixture, zone, version, (struct window){.from_s = BEGIN, .to_s = BEGIN + DAYS * DAY_S},
                    PEOPLE);
}

static void fixture_close(struct fixture *fixture)
{
    link_close(&fixture->link);
    sandbox_stop(fixture->sandbox);
}

/* --- rows as sorted lines: "version id" --- */

struct lines {
    const struct table *table;
    struct window window;
    char (*text)[LINE_SIZE];
    size_t count;
};

static void lines_open(struct lines *lines, const struct fixture *fixture, struct window window)
{
    *lines = (struct lines){
        .table = fixture->selection.stream->table, .window = window, .text = mem_zero(MOST_ROWS, LINE_SIZE)};
}

static void lines_done(struct lines *lines)
{
    free(lines->text);
}

/* A record of the window, compared exactly, as the core does. */
static void lines_add(struct lines *lines, const struct json_value *record)
{
    int64_t version = 0;
    const char *id = value_text_at(record, "id");
    if (!row_version(lines->table, record, &version) || version < lines->window.from_s * 1000000 ||
        (lines->window.to_s != WINDOW_OPEN && version >= lines->window.to_s * 1000000))
        return;
    assert_true(lines->count < MOST_ROWS);
    (void)snprintf(lines->text[lines->count++], LINE_SIZE, "%020" PRId64 " %s", version, id ? id : "-");
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void lines_sort(struct lines *lines)
{
    qsort(lines->text, lines->count, LINE_SIZE, compare);
}

static void read_window(struct fixture *fixture, struct lines *out)
{
    struct reader *reader = NULL;
    struct page page = {0};
    assert_true(fixture->link.source->ops->open(fixture->link.source, &fixture->selection, out->window,
                                                &reader, &fixture->err));
    while (!page.last) {
        if (!fixture->link.source->ops->next(reader, &page, &fixture->err)) fail_msg("%s", fixture->err.text);
        for (size_t i = 0; i < page.count; i++)
            lines_add(out, page.records[i].body);
    }
    fixture->link.source->ops->close(reader);
    lines_sort(out);
}

static void lines_add_newest(struct lines *lines, struct sandbox *sandbox)
{
    struct collection *contacts = sandbox_collection(sandbox, "contacts");
    for (size_t number = 0; number < collection_ever(contacts); number++) {
        size_t versions = collection_versions(contacts, number);
        AUTO(json_drop) json_t *newest = collection_version(contacts, number, versions - 1);
        AUTO(value_drop) struct json_value *record = value_of_tree(newest);
        if (collection_is_here(contacts, number)) lines_add(lines, record);
    }
}

/* The window, read, is the truth. */
static size_t check_window(struct fixture *fixture, struct window window)
{
    AUTO(lines_done) struct lines got = {0};
    AUTO(lines_done) struct lines truth = {0};
    lines_open(&got, fixture, window);
    lines_open(&truth, fixture, window);
    read_window(fixture, &got);
    lines_add_newest(&truth, fixture->sandbox);
    lines_sort(&truth);
    for (size_t i = 0; i < got.count || i < truth.count; i++)
        assert_string_equal(i < got.count ? got.text[i] : "(missing)",
                            i < truth.count ? truth.text[i] : "(too much)");
    return got.count;
}

/* --- the tests --- */

/* Same numbers each time: a failure can be looked at again. */
static int64_t draw(uint64_t *seed, int64_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)(*seed >> 33) % below;
}

static void windows_hold_what_they_should(void **state)
{
    (void)state;
    static const char *const zones[] = {"Etc/UTC", "America/Los_Angeles", "Europe/Berlin",
                                        "Pacific/Kiritimati", "Etc/GMT+12"};
    static const char *const versions[] = {"2.16", "2.17"};
    uint64_t seed = 42;
    size_t rows = 0;
    for (size_t round = 0; round < 2 * sizeof zones / sizeof *zones; round++) {
        struct fixture fixture;
        fixture_open(&fixture, zones[round / 2], versions[round % 2]);
        for (int i = 0; i < WINDOWS; i++) {
            int64_t from = BEGIN + draw(&seed, DAYS * DAY_S);
            int64_t length = draw(&seed, 3) == 0 ? 1 + draw(&seed, 3600) : 1 + draw(&seed, 4 * DAY_S);
            rows += check_window(&fixture, (struct window){.from_s = from, .to_s = from + length});
        }
        fixture_close(&fixture);
    }
    assert_true(rows > PEOPLE / 2); /* else nothing was tested */
}

/* Every second around the ends of days belongs to exactly one of two adjacent windows. */
static void adjacent_windows_neither_lose_nor_double(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, "America/Los_Angeles", NULL);
    for (int64_t at = BEGIN + 4 * DAY_S - 2; at <= BEGIN + 4 * DAY_S + 2; at++) {
        AUTO(json_drop)
        json_t *record = json_pack("{s:s+, s:I, s:I, s:s}", "id", "edge", at % 2 ? "a" : "b", "created_at",
                                   (json_int_t)at, "updated_at", (json_int_t)at, "role", "user");
        (void)collection_put(sandbox_collection(fixture.sandbox, "contacts"), record, at);
    }
    size_t whole = check_window(&fixture, (struct window){.from_s = BEGIN, .to_s = BEGIN + 8 * DAY_S});
    size_t parts =
        check_window(&fixture, (struct window){.from_s = BEGIN, .to_s = BEGIN + 4 * DAY_S}) +
        check_window(&fixture, (struct window){.from_s = BEGIN + 4 * DAY_S, .to_s = BEGIN + 8 * DAY_S});
    assert_int_equal(whole, parts);
    fixture_close(&fixture);
}

/* Records at the cuts themselves and at the seconds around them, where a day of some zone may begin. */
static void add_at_cuts(struct fixture *fixture, const int64_t *cuts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (int64_t at = cuts[i] - 1; at <= cuts[i] + 1; at++) {
            char id[64];
            (void)snprintf(id, sizeof id, "cut-%zu-%" PRId64, i, at);
            AUTO(json_drop)
            json_t *record = json_pack("{s:s, s:I, s:I, s:s}", "id", id, "created_at", (json_int_t)at,
                                       "updated_at", (json_int_t)at, "role", "user");
            (void)collection_put(sandbox_collection(fixture->sandbox, "contacts"), record, at);
        }
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* A period is cut at random, mostly where a local day begins somewhere; each piece is the truth, and the
 * pieces together are the whole. */
static void check_pieces(struct fixture *fixture, int64_t begin, uint64_t *seed)
{
    int64_t cuts[PIECES + 1] = {begin};
    size_t sum = 0;
    for (size_t i = 1; i < PIECES; i++)
        cuts[i] = begin + DAY_S + draw(seed, 2 * (SEASON - 2) * 24) * 1800 + draw(seed, 3) - 1;
    cuts[PIECES] = begin + SEASON * DAY_S;
    qsort(cuts, PIECES + 1, sizeof *cuts, compare_times);
    add_at_cuts(fixture, cuts, PIECES + 1);
    for (size_t i = 0; i < PIECES; i++)
        if (cuts[i] < cuts[i + 1])
            sum += check_window(fixture, (struct window){.from_s = cuts[i], .to_s = cuts[i + 1]});
    struct window whole = {.from_s = begin, .to_s = begin + SEASON * DAY_S};
    assert_int_equal(sum, check_window(fixture, whole));
    assert_true(sum >= PEOPLE / 10 + 2 * PIECES);
}

static void a_period_is_the_sum_of_its_pieces(void **state)
{
    (void)state;
    static const char *const zones[] = {"Etc/GMT+12",       "America/Los_Angeles", "America/St_Johns",
                                        "Europe/Berlin",    "Asia/Kathmandu",      "Australia/Lord_Howe",
                                        "Pacific/Auckland", "Pacific/Kiritimati"};
    static const int64_t begins[] = {AUTUMN, SPRING};
    static const char *const versions[] = {"2.16", "2.17"};
    uint64_t seed = 4711;
    for (size_t round = 0; round < 2 * sizeof zones / sizeof *zones; round++) {
        struct fixture fixture;
        int64_t begin = begins[round % 2];
        fixture_open_at(&fixture, zones[round / 2], versions[(round + round / 2) % 2],
                        (struct window){.from_s = begin, .to_s = begin + SEASON * DAY_S}, PEOPLE / 5);
        check_pieces(&fixture, begin, &seed);
        fixture_close(&fixture);
    }
}

static void the_open_window_sees_what_moves(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, "Europe/Berlin", NULL);
    collection_touch(sandbox_collection(fixture.sandbox, "contacts"), BEGIN + 50 * DAY_S, 100);
    collection_touch_while_read(sandbox_collection(fixture.sandbox, "contacts"), 3);
    AUTO(lines_done) struct lines got = {0};
    AUTO(lines_done) struct lines truth = {0};
    lines_open(&got, &fixture, (struct window){.from_s = BEGIN, .to_s = WINDOW_OPEN});
    lines_open(&truth, &fixture, got.window);
    read_window(&fixture, &got);
    lines_add_newest(&truth, fixture.sandbox);
    for (size_t i = 0; i < truth.count; i++) /* older versions that were read before stay true, too */
        assert_non_null(bsearch(truth.text[i], got.text, got.count, LINE_SIZE, compare));
    fixture_close(&fixture);
}

static void a_bad_line_loses_nothing(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "intercom contacts.search 1 status 429 retry-after=1",
        "intercom contacts.search 2 truncate",
        "intercom contacts.search 4 status 500",
        "intercom contacts.search 5 drop before",
        "intercom contacts.search 7 drop after",
        "intercom contacts.search 8 status 429",
    };
    struct fixture fixture;
    fixture_open(&fixture, "America/Los_Angeles", NULL);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        assert_true(faults_add(fixture.sandbox->faults, faults[i], &fixture.err));
    assert_true(check_window(&fixture, (struct window){.from_s = BEGIN, .to_s = BEGIN + DAYS * DAY_S}) >
                PEOPLE / 2);
    fixture_close(&fixture);
}

static void the_workspace_is_the_sandboxs(void **state)
{
    (void)state;
    struct fixture fixture;
    struct source_identity identity;
    fixture_open(&fixture, "Etc/UTC", "2.11");
    assert_true(fixture.link.source->ops->identify(fixture.link.source, &identity, &fixture.err));
    assert_string_equal(identity.workspace, "sandbox1");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_hold_what_they_should),
        cmocka_unit_test(adjacent_windows_neither_lose_nor_double),
        cmocka_unit_test(a_period_is_the_sum_of_its_pieces),
        cmocka_unit_test(the_open_window_sees_what_moves),
        cmocka_unit_test(a_bad_line_loses_nothing),
        cmocka_unit_test(the_workspace_is_the_sandboxs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
