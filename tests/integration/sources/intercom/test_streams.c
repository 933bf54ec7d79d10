/* SPDX-License-Identifier: Apache-2.0 */
/* Every stream of the table, read from the sandbox's Intercom: the whole list arrives, each record once, in a
 * row of its table; with every version of the API, or a refusal that leaves the other streams alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/zone.h"
#include "core/rows.h"
#include "intercom_link.h"
#include "sandbox.h"
#include "sandbox_internal.h"
#include "workspace/collection.h"

#define DAY_S  86400
#define BEGIN  1761696000 /* 2025-10-29 */
#define DAYS   14
#define PEOPLE 40
#define THINGS 170 /* more than the largest page */

struct fixture {
    const struct source_type *type;
    struct sandbox *sandbox;
    struct link link;
    struct zone *zone;
    struct buf row;
    bool unnamed; /* without the children that come by name only */
    struct error err;
};

/* Records that a stream returned. */
struct haul {
    size_t records, children, rejected;
};

static void fixture_open(struct fixture *fixture, const char *version)
{
    static char order[] = "Order", vehicle[] = "Vehicle"; /* the source borrows them for its life */
    static char *objects[] = {order, vehicle};
    *fixture = (struct fixture){.type = source_type_find("intercom")};
    if (!sandbox_start(&(struct sandbox_options){.source_token = LINK_TOKEN,
                                                 .seed = 7,
                                                 .start_s = BEGIN + (DAYS + 1) * DAY_S},
                       &fixture->sandbox, &fixture->err))
        fail_msg("%s", fixture->err.text);
    assert_true(zone_load("Etc/UTC", &fixture->zone, &fixture->err));
    buf_init(&fixture->row, LIMIT_ROW);
    link_open(&fixture->link, sandbox_http_port(fixture->sandbox), (struct source_context){0},
              (struct intercom_options){.api_version = LENT(version),
                                        .rate_share = 1.0,
                                        .custom_objects = {.names = objects, .count = 2}});
}

static void fixture_close(struct fixture *fixture)
{
    link_close(&fixture->link);
    zone_free(fixture->zone);
    buf_done(&fixture->row);
    sandbox_stop(fixture->sandbox);
}

static void fill(struct fixture *fixture)
{
    struct collection *conversations = sandbox_collection(fixture->sandbox, "conversations");
    collection_fill(sandbox_collection(fixture->sandbox, "contacts"), BEGIN, BEGIN + DAYS * DAY_S, PEOPLE);
    collection_fill(conversations, BEGIN, BEGIN + DAYS * DAY_S, PEOPLE);
    assert_true(collection_remove_some(conversations, 3, BEGIN + DAYS * DAY_S) == 3);
    for (size_t i = 0; i < fixture->type->stream_count; i++) {
        struct collection *collection = sandbox_collection(fixture->sandbox, fixture->type->streams[i]->name);
        if (collection) collection_fill(collection, BEGIN, BEGIN + DAYS * DAY_S, THINGS);
    }
}

static void keep(struct fixture *fixture, const struct table *table, const struct record *record,
                 struct haul *haul)
{
    struct row_facts facts;
    enum row_outcome outcome =
        row_build(table, record->body, &(struct row_context){.zone = fixture->zone, .today = {20000}},
                  &fixture->row, &facts);
    if (outcome == ROW_REJECTED) print_message("%s: %s\n", table->name, facts.problem);
    haul->rejected += record->problem || outcome == ROW_REJECTED;
    haul->records += record->table == 0;
    haul->children += record->table > 0;
}

/* False: it is refused, and err says how. */
static bool read_stream(struct fixture *fixture, const struct stream *stream, struct haul *haul)
{
    bool windowed = stream->kind == STREAM_INCREMENTAL || stream->kind == STREAM_EVENT;
    const struct window window = {.from_s = windowed ? BEGIN - 60 * DAY_S : INT64_MIN, .to_s = WINDOW_OPEN};
    struct selection selection = {.stream = stream, .tables = {stream->table}, .table_count = 1};
    struct reader *reader = NULL;
    struct page page = {0};
    *haul = (struct haul){0};
    for (size_t c = 0; c < stream->child_count; c++)
        if (!fixture->unnamed || stream->children[c].choice != CHILD_NAMED)
            selection.tables[selection.table_count++] = stream->children[c].table;
    if (!fixture->link.source->ops->open(fixture->link.source, &selection, window, &reader, &fixture->err))
        return false;
    bool good = true;
    while (good && !page.last) {
        good = fixture->link.source->ops->next(reader, &page, &fixture->err);
        for (size_t i = 0; good && i < page.count; i++)
            keep(fixture, selection.tables[page.records[i].table], &page.records[i], haul);
    }
    fixture->link.source->ops->close(reader);
    return good;
}

static void every_list_arrives_whole(void **state)
{
    (void)state;
    static const char *const versions[] = {"2.16", "2.17"};
    for (size_t v = 0; v < sizeof versions / sizeof *versions; v++) {
        struct fixture fixture;
        fixture_open(&fixture, versions[v]);
        fill(&fixture);
        for (size_t i = 0; i < fixture.type->stream_count; i++) {
            const struct stream *stream = fixture.type->streams[i];
            struct collection *collection = sandbox_collection(fixture.sandbox, stream->name);
            struct haul haul;
            if (!read_stream(&fixture, stream, &haul)) fail_msg("%s", fixture.err.text);
            if (haul.rejected > 0) fail_msg("%s: %zu are rejected", stream->name, haul.rejected);
            if (collection && haul.records != collection_count(collection))
                fail_msg("%s: %zu of %zu", stream->name, haul.records, collection_count(collection));
            if (haul.records == 0) fail_msg("%s: nothing", stream->name);
        }
        fixture_close(&fixture);
    }
}

/* Records, and what they imply. */
static void the_deleted_and_the_living_are_told(void **state)
{
    (void)state;
    struct fixture fixture;
    struct haul haul;
    fixture_open(&fixture, NULL);
    fill(&fixture);
    assert_true(read_stream(&fixture, stream_of("deleted_conversations"), &haul));
    assert_int_equal(haul.records, 3);
    assert_int_equal(haul.children, 3);
    size_t companies = collection_count(sandbox_collection(fixture.sandbox, "companies"));
    assert_true(read_stream(&fixture, stream_of("companies_reconciliation"), &haul));
    assert_int_equal(haul.records, companies);
    assert_true(read_stream(&fixture, stream_of("contacts_reconciliation"), &haul));
    struct collection *contacts = sandbox_collection(fixture.sandbox, "contacts");
    assert_int_equal(haul.records, PEOPLE + THINGS);
    assert_true(collection_merge(contacts, 5, BEGIN + DAYS * DAY_S + 3600) == 5);
    assert_true(read_stream(&fixture, stream_of("contacts"), &haul));
    assert_int_equal(haul.records, PEOPLE + THINGS - 5);
    assert_int_equal(haul.children, 5);
    fixture_close(&fixture);
}

/* Streams that an older version lacks are forbidden; no other stream fails. */
static void older_versions_have_less(void **state)
{
    (void)state;
    static const char *const lacking[] = {"audiences",
                                          "deleted_conversations",
                                          "calls",
                                          "ticket_states",
                                          "internal_articles",
                                          "macros",
                                          "content_snippets",
                                          "content_import_sources",
                                          "external_pages",
                                          "away_status_reasons",
                                          "brands",
                                          "custom_object_instances"};
    struct fixture fixture;
    size_t refused = 0;
    fixture_open(&fixture, "2.11");
    fixture.unnamed = true;
    fill(&fixture);
    for (size_t i = 0; i < fixture.type->stream_count; i++) {
        struct haul haul;
        const struct stream *stream = fixture.type->streams[i];
        if (read_stream(&fixture, stream, &haul)) continue;
        if (fixture.err.kind != ERROR_FORBIDDEN) fail_msg("%s", fixture.err.text);
        size_t known = 0;
        while (known < sizeof lacking / sizeof *lacking && strcmp(lacking[known], stream->name) != 0)
            known++;
        if (known == sizeof lacking / sizeof *lacking) fail_msg("%s", fixture.err.text);
        refused++;
    }
    assert_int_equal(refused, sizeof lacking / sizeof *lacking);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_list_arrives_whole),
        cmocka_unit_test(the_deleted_and_the_living_are_told),
        cmocka_unit_test(older_versions_have_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
