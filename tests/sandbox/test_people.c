#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "client.h"
#include "internal.h"
#include "world.h"
#include "world_companies.h"
#include "world_tickets.h"

#define DAY_S    86400
#define START_S  INT64_C(1772424000) /* 2026-03-02T04:00:00Z, where the clock begins */
#define CONTACTS 900
#define HEADERS(version)                                                                                     \
    "Authorization: Bearer sandbox-token\r\nAccept: application/json\r\nContent-Type: application/json\r\n"  \
    "Intercom-Version: " version "\r\n"

static const char v15[] = HEADERS("2.15"), v16[] = HEADERS("2.16");

static int set_up(void **state)
{
    struct sandbox *sandbox;
    struct error err;
    if (!sandbox_start(&(struct sandbox_options){.seed = 5}, &sandbox, &err)) return -1;
    world_fill(sandbox->world, START_S - 40 * DAY_S, START_S - 3 * DAY_S, CONTACTS);
    world_fill_talks(sandbox->talks, START_S - 40 * DAY_S, START_S - 3 * DAY_S, 90, 3, 40);
    *state = sandbox;
    return 0;
}

static int tear_down(void **state)
{
    sandbox_stop(*state);
    return 0;
}

/* The reply's JSON, yours, after a check of its status. out_all (may be NULL): all that came; yours. */
static json_t *call_for(void **state, const char *headers, const char *target, int status, char **out_all)
{
    struct answer answer = client_request(sandbox_http_port(*state), "GET", target, headers, NULL);
    if (answer.status != status)
        fail_msg("wanted %d for %s, got: %.400s", status, target, buf_string(&answer.all));
    json_t *reply = client_json(&answer);
    assert_non_null(reply);
    if (out_all) *out_all = mem_text(buf_string(&answer.all));
    answer_done(&answer);
    return reply;
}

static json_t *get(void **state, const char *target)
{
    return call_for(state, v16, target, 200, NULL);
}

static void refused(void **state, const char *headers, const char *target, int status, const char *code)
{
    AUTO(json_drop) json_t *reply = call_for(state, headers, target, status, NULL);
    assert_string_equal(json_text_at(json_array_get(json_object_get(reply, "errors"), 0), "code"), code);
}

static json_t *post(void **state, const char *target, const char *body, int status)
{
    struct answer answer = client_request(sandbox_http_port(*state), "POST", target, v16, body);
    if (answer.status != status)
        fail_msg("wanted %d for %s, got: %.400s", status, body, buf_string(&answer.all));
    json_t *reply = client_json(&answer);
    assert_non_null(reply);
    answer_done(&answer);
    return reply;
}

static void change(void **state, const char *body)
{
    json_decref(post(state, "/control/world", body, 200));
}

static void advance(void **state, int64_t seconds)
{
    struct sandbox *sandbox = *state;
    virtual_clock_advance(sandbox->clock, seconds * 1000000);
}

/* All contacts of GET /contacts, yours. */
static json_t *walk_contacts(void **state)
{
    json_t *all = json_array();
    AUTO(mem_free) char *target = mem_text("/contacts?per_page=150");
    while (target) {
        AUTO(json_drop) json_t *page = get(state, target);
        assert_true(json_array_size(json_object_get(page, "data")) <= 150);
        json_array_extend(all, json_object_get(page, "data"));
        const char *cursor = json_text_at(page, "pages.next.starting_after");
        mem_free(&target);
        if (cursor)
            target = mem_format("/contacts?per_page=150&starting_after=%s", cursor);
        else
            assert_int_equal(json_int_at(page, "total_count", -1), json_array_size(all));
    }
    return all;
}

/* What the pages of a contact's list hold, yours. */
static json_t *walk_list(void **state, const char *url, int64_t *out_pages)
{
    json_t *all = json_array();
    AUTO(mem_free) char *target = mem_format("%s?per_page=150", url);
    for (*out_pages = 0; target; ++*out_pages) {
        AUTO(json_drop) json_t *page = get(state, target);
        json_t *data = json_object_get(page, "data");
        json_array_extend(all, data ? data : json_object_get(page, "companies"));
        const json_t *next = json_at(page, "pages.next");
        const char *cursor = json_text_at(next, "starting_after");
        const char *path = json_is_string(next) ? strstr(json_string_value(next), "/contacts/") : NULL;
        mem_free(&target);
        if (path) target = mem_text(path);
        if (cursor) target = mem_format("%s?per_page=150&starting_after=%s", url, cursor);
    }
    return all;
}

/* --- contacts --- */

static void test_long_lists_are_cut_and_read_whole_elsewhere(void **state)
{
    struct sandbox *sandbox = *state;
    AUTO(json_drop) json_t *contacts = walk_contacts(state);
    int64_t cut[WORLD_LISTS] = {0}, all = 0, turned = 0;
    static const char *const names[WORLD_LISTS] = {
        "tags", "notes", "companies", "opted_out_subscription_types", "opted_in_subscription_types"};
    assert_int_equal(json_array_size(contacts), CONTACTS);
    for (size_t i = 0; i < CONTACTS * WORLD_LISTS; i++) {
        const json_t *contact = json_array_get(contacts, i / WORLD_LISTS);
        enum world_list list = (enum world_list)(i % WORLD_LISTS);
        const json_t *shown = json_object_get(contact, names[list]);
        const json_t *data = json_object_get(shown, "data");
        if (!json_is_true(json_object_get(shown, "has_more"))) {
            assert_int_equal(json_array_size(data), json_int_at(shown, "total_count", -1));
            continue;
        }
        int64_t pages, place;
        assert_int_equal(json_array_size(data), 10);
        AUTO(json_drop) json_t *whole = walk_list(state, json_text_at(shown, "url"), &pages);
        AUTO(json_drop)
        json_t *truth = world_version(sandbox->world, json_text_at(contact, "id"),
                                      json_int_at(contact, "updated_at", 0), &place);
        const json_t *row = json_object_get(truth, names[list]);
        assert_true(json_is_false(json_object_get(row, "has_more")));
        assert_int_equal(json_array_size(json_object_get(row, "data")), json_int_at(shown, "total_count", 0));
        size_t at = 0; /* the subscriptions of both lists come together */
        for (size_t k = 0; k < json_array_size(whole) && at < json_array_size(json_object_get(row, "data"));
             k++) {
            const json_t *wanted = json_array_get(json_object_get(row, "data"), at);
            const json_t *full = json_array_get(whole, k);
            assert_null(json_object_get(full, "url"));
            at += json_equal(json_object_get(full, "id"), json_object_get(wanted, "id")) &&
                  json_equal(json_object_get(full, "type"), json_object_get(wanted, "type"));
        }
        assert_int_equal(at, json_int_at(shown, "total_count", 0));
        cut[list]++;
        all++;
        turned += pages > 1;
    }
    for (size_t i = 0; i < WORLD_LISTS; i++)
        assert_true(cut[i] > 0);
    assert_true(all < CONTACTS * 4 / 100 && turned > 0); /* requests are dear */
}

static void test_given_lists_are_cut_too(void **state)
{
    struct sandbox *sandbox = *state;
    json_t *data = json_array();
    for (int i = 0; i < 12; i++)
        json_array_append_new(
            data, json_pack("{s:s, s:o, s:s}", "type", "tag", "id", json_sprintf("%d", i), "url", "/tags/7"));
    AUTO(json_drop)
    json_t *record = json_pack("{s:s, s:s, s:I, s:I, s:{s:s, s:o, s:b}}", "id", "mine", "role", "user",
                               "created_at", (json_int_t)START_S, "updated_at", (json_int_t)START_S, "tags",
                               "type", "list", "data", data, "has_more", 0);
    assert_true(world_add(sandbox->world, record));
    AUTO(json_drop) json_t *shown = get(state, "/contacts/mine");
    AUTO(json_drop) json_t *whole = get(state, "/contacts/mine/tags");
    assert_int_equal(json_array_size(json_at(shown, "tags.data")), 10);
    assert_true(json_is_true(json_at(shown, "tags.has_more")));
    assert_int_equal(json_array_size(json_object_get(whole, "data")), 12);
    int64_t place;
    AUTO(json_drop) json_t *truth = world_version(sandbox->world, "mine", START_S, &place);
    assert_int_equal(json_array_size(json_at(truth, "tags.data")), 12);
    assert_true(json_is_false(json_at(truth, "tags.has_more")));
}

static void test_cursors_of_the_list_are_checked(void **state)
{
    refused(state, v16, "/contacts?starting_after=nonsense", 400, "parameter_invalid");
    refused(state, v16, "/contacts?per_page=151", 400, "parameter_invalid");
    AUTO(json_drop) json_t *page = get(state, "/contacts");
    assert_int_equal(json_array_size(json_object_get(page, "data")), 10);
}

static void test_the_deleted_are_gone_and_may_come_back(void **state)
{
    struct sandbox *sandbox = *state;
    struct world_removal removal;
    AUTO(json_drop) json_t *before = walk_contacts(state);
    change(state, "{\"delete_contacts\":{\"count\":3}}");
    AUTO(json_drop) json_t *after = walk_contacts(state);
    assert_int_equal(json_array_size(after), CONTACTS - 3);
    assert_int_equal(world_removals(sandbox->world), 3);
    world_removal(sandbox->world, 1, &removal);
    AUTO(mem_free) char *target = mem_format("/contacts/%s", removal.id);
    AUTO(mem_free) char *tags = mem_format("/contacts/%s/tags", removal.id);
    refused(state, v16, target, 404, "not_found");
    refused(state, v16, tags, 404, "not_found");
    refused(state, v16, "/contacts/nobody", 404, "not_found");
    advance(state, 60);
    AUTO(mem_free) char *restore = mem_format("{\"restore\":{\"id\":\"%s\"}}", removal.id);
    change(state, restore);
    AUTO(json_drop) json_t *back = get(state, target);
    assert_int_equal(json_int_at(back, "updated_at", 0), START_S + 60);
    json_decref(post(state, "/control/world", restore, 400)); /* it is there */
    world_removal(sandbox->world, 1, &removal);
    assert_int_equal(removal.back_s, START_S + 60);
}

#define ALL                                                                                                  \
    "{\"query\":{\"field\":\"updated_at\",\"operator\":\">\",\"value\":1770000000},"                         \
    "\"sort\":{\"field\":\"updated_at\",\"order\":\"descending\"},\"pagination\":{\"per_page\":4}}"

static void test_the_merged_point_to_whom_they_became(void **state)
{
    struct sandbox *sandbox = *state;
    struct world_removal removal;
    AUTO(mem_free) char *all = NULL;
    change(state, "{\"merge\":{\"count\":4}}");
    AUTO(json_drop) json_t *contacts = walk_contacts(state);
    assert_int_equal(json_array_size(contacts), CONTACTS - 4);
    world_removal(sandbox->world, 2, &removal);
    AUTO(mem_free) char *target = mem_format("/contacts/%s", removal.id);
    AUTO(mem_free) char *notes = mem_format("/contacts/%s/notes", removal.id);
    refused(state, v15, target, 404, "not_found");
    refused(state, v15, notes, 404, "not_found");
    refused(state, v16, notes, 410, "contact_merged");
    json_decref(call_for(state, v16, target, 410, &all));
    AUTO(mem_free) char *link = mem_format("Link: </contacts/%s>; rel=\"canonical\"\r\n", removal.into);
    assert_non_null(strstr(all, link));
    AUTO(json_drop) json_t *bare = post(state, "/contacts/search", ALL, 200);
    AUTO(json_drop) json_t *told = post(state, "/contacts/search?include_merge_history=true", ALL, 200);
    for (size_t i = 0; i < 4; i++) {
        assert_null(json_object_get(json_array_get(json_object_get(bare, "data"), i), "merge_history"));
        const json_t *contact = json_array_get(json_object_get(told, "data"), i);
        const json_t *merge = json_array_get(json_object_get(contact, "merge_history"), 0);
        assert_int_equal(json_int_at(contact, "updated_at", 0), START_S);
        assert_int_equal(json_int_at(merge, "merged_at", 0), START_S);
        assert_true(world_merged_into(sandbox->world, json_text_at(merge, "source_contact_id"),
                                      json_text_at(contact, "id")));
    }
    AUTO(mem_free) char *into = mem_format("/contacts/%s?include_merge_history=true", removal.into);
    AUTO(json_drop) json_t *now = get(state, into);
    AUTO(json_drop) json_t *old = call_for(state, v15, into, 200, NULL);
    assert_int_equal(json_array_size(json_object_get(now, "merge_history")), 1);
    assert_null(json_object_get(old, "merge_history"));
    assert_true(world_remove(sandbox->world, removal.into, START_S + 1));
    refused(state, v16, target, 404, "not_found"); /* it became somebody who is gone */
}

/* A contact that was merged, and merged again, leads to the last one. */
static void test_merges_of_merges(void **state)
{
    struct sandbox *sandbox = *state;
    for (int i = 0; i < 30; i++) {
        advance(state, 10);
        change(state, "{\"merge\":{\"count\":20}}");
    }
    int64_t chains = 0, count = world_removals(sandbox->world);
    for (int64_t i = 0; i < count; i++) {
        struct world_removal removal;
        char into[WORLD_ID];
        AUTO(buf_done) struct buf text;
        buf_init(&text, 1024 * 1024);
        world_removal(sandbox->world, i, &removal);
        assert_int_equal(world_contact(sandbox->world, removal.id, false, &text, into), WORLD_MERGED);
        assert_true(world_is_here(sandbox->world, world_number(sandbox->world, into)));
        assert_true(world_merged_into(sandbox->world, removal.id, into));
        chains += strcmp(into, removal.into) != 0;
    }
    assert_true(chains > 20);
}

/* --- companies --- */

static json_t *scroll(void **state, const char *param, size_t count)
{
    AUTO(mem_free)
    char *target =
        param ? mem_format("/companies/scroll?scroll_param=%s", param) : mem_text("/companies/scroll");
    json_t *page = get(state, target);
    assert_int_equal(json_array_size(json_object_get(page, "data")), count);
    if (param) assert_string_equal(json_text_at(page, "scroll_param"), param);
    return page;
}

static void test_a_scroll_ends_with_an_empty_page(void **state)
{
    struct sandbox *sandbox = *state;
    AUTO(json_drop) json_t *first = scroll(state, NULL, 100);
    const char *param = json_text_at(first, "scroll_param");
    assert_true(json_is_null(json_object_get(first, "pages")));
    refused(state, v16, "/companies/scroll", 400, "scroll_exists");
    refused(state, v16, "/companies/scroll?scroll_param=other", 404, "not_found");
    AUTO(json_drop) json_t *second = scroll(state, param, 100);
    assert_false(json_equal(json_object_get(first, "data"), json_object_get(second, "data")));
    const char *id = json_text_at(json_array_get(json_object_get(first, "data"), 3), "id");
    assert_true(companies_remove(sandbox->companies, id, START_S)); /* of a page that was read */
    AUTO(json_drop) json_t *third = scroll(state, param, 30);
    json_decref(scroll(state, param, 0));
    AUTO(mem_free) char *after = mem_format("/companies/scroll?scroll_param=%s", param);
    refused(state, v16, after, 404, "not_found");
    AUTO(json_drop) json_t *next = scroll(state, NULL, 100);
    assert_string_not_equal(json_text_at(next, "scroll_param"), param);
}

static void test_a_scroll_dies_when_it_is_idle(void **state)
{
    AUTO(json_drop) json_t *first = scroll(state, NULL, 100);
    AUTO(mem_free)
    char *target = mem_format("/companies/scroll?scroll_param=%s", json_text_at(first, "scroll_param"));
    advance(state, 59);
    json_decref(get(state, target));
    refused(state, v16, "/companies/scroll", 400, "scroll_exists");
    advance(state, 61);
    refused(state, v16, target, 404, "not_found");
    json_decref(scroll(state, NULL, 100));
}

static void test_companies_and_their_segments(void **state)
{
    struct sandbox *sandbox = *state;
    AUTO(json_drop) json_t *page = scroll(state, NULL, 100);
    size_t counts[6] = {0};
    for (size_t i = 0; i < 100; i++) {
        const char *id = json_text_at(json_array_get(json_object_get(page, "data"), i), "id");
        AUTO(mem_free) char *target = mem_format("/companies/%s", id);
        AUTO(mem_free) char *segments = mem_format("/companies/%s/segments", id);
        AUTO(json_drop) json_t *company = get(state, target);
        assert_true(json_equal(company, json_array_get(json_object_get(page, "data"), i)));
        AUTO(json_drop) json_t *list = get(state, segments);
        assert_true(json_array_size(json_object_get(list, "data")) <= 5);
        counts[json_array_size(json_object_get(list, "data"))]++;
        if (i) continue;
        change(state, "{\"touch_companies\":{\"count\":230}}");
        AUTO(json_drop) json_t *changed = get(state, target);
        assert_int_equal(json_int_at(changed, "updated_at", 0), START_S);
        assert_true(companies_remove(sandbox->companies, id, START_S));
        refused(state, v16, target, 404, "company_not_found");
        refused(state, v16, segments, 404, "company_not_found");
        json_decref(page);
        advance(state, 61);
        page = scroll(state, NULL, 100);
    }
    for (size_t i = 0; i < 6; i++)
        assert_true(counts[i] > 0);
}

/* --- tickets --- */

#define SEARCH(relation, value, more)                                                                        \
    "{\"query\":{\"field\":\"updated_at\",\"operator\":\"" relation "\",\"value\":" value                    \
    "},\"sort\":{\"field\":\"updated_at\",\"order\":\"ascending\"}" more "}"

static void test_tickets_are_found_in_order(void **state)
{
    AUTO(mem_free) char *cursor = NULL;
    int64_t last_s = 0, count = 0, parts = 0, cut = 0, numbers = 0;
    do {
        AUTO(mem_free)
        char *body =
            mem_format(SEARCH(">", "0", ",\"pagination\":{\"per_page\":50%s%s%s}"),
                       cursor ? ",\"starting_after\":\"" : "", cursor ? cursor : "", cursor ? "\"" : "");
        AUTO(json_drop) json_t *page = post(state, "/tickets/search", body, 200);
        const json_t *tickets = json_object_get(page, "tickets");
        assert_int_equal(json_int_at(page, "total_count", 0), 120);
        for (size_t i = 0; i < json_array_size(tickets); i++, count++) {
            const json_t *ticket = json_array_get(tickets, i);
            const json_t *list = json_at(ticket, "ticket_parts.ticket_parts");
            size_t size = json_array_size(list);
            assert_true(json_int_at(ticket, "updated_at", 0) >= last_s && size <= TICKET_MOST_PARTS);
            last_s = json_int_at(ticket, "updated_at", 0);
            parts += (int64_t)size;
            cut += json_int_at(ticket, "ticket_parts.total_count", 0) > (int64_t)size;
            for (size_t k = 0; k < size; k++)
                numbers += json_is_integer(json_object_get(json_array_get(list, k), "id"));
        }
        mem_free(&cursor);
        if (json_text_at(page, "pages.next.starting_after"))
            cursor = mem_text(json_text_at(page, "pages.next.starting_after"));
    } while (cursor);
    assert_int_equal(count, 120);
    assert_true(cut > 0 && parts > 500 && numbers > 0);
}

static void test_tickets_are_filtered_by_the_second(void **state)
{
    change(state, "{\"touch_tickets\":{\"count\":7}}");
    AUTO(json_drop) json_t *at = post(state, "/tickets/search", SEARCH("=", "1772424000", ""), 200);
    AUTO(json_drop) json_t *behind = post(state, "/tickets/search", SEARCH(">", "1772424000", ""), 200);
    AUTO(json_drop) json_t *below = post(state, "/tickets/search", SEARCH("<", "1772423999", ""), 200);
    assert_int_equal(json_int_at(at, "total_count", 0), 7);
    assert_int_equal(json_int_at(behind, "total_count", -1), 0);
    assert_int_equal(json_int_at(below, "total_count", 0), 113);
    assert_int_equal(json_array_size(json_object_get(below, "tickets")), 20);
}

struct seen {
    int64_t places[64];
    size_t count;
};

static void note_place(void *self, const struct ticket_part *part, int64_t place)
{
    struct seen *seen = self;
    (void)part;
    if (seen->count < 64) seen->places[seen->count++] = place;
}

/* Each touch adds a part; some edit or redact one, which then is another row. */
static void test_parts_grow_and_change(void **state)
{
    struct sandbox *sandbox = *state;
    struct shelf *tickets = shelves_find(sandbox->shelves, "tickets");
    int64_t edited = 0;
    for (size_t number = 0; number < 40; number++) {
        char key[SHELF_KEY];
        shelf_key(tickets, number, key);
        for (int i = 0; i < 4; i++) {
            struct seen before = {.count = 0}, after = {.count = 0};
            ticket_parts(tickets, number, note_place, &before);
            advance(state, 5);
            assert_true(shelf_touch_one(tickets, key, virtual_clock_peek(sandbox->clock) / 1000000));
            ticket_parts(tickets, number, note_place, &after);
            if (before.count == 64) continue;
            assert_int_equal(after.count, before.count + 1);
            for (size_t k = 0; k < before.count; k++)
                edited += before.places[k] != after.places[k];
        }
    }
    assert_true(edited > 20);
}

/* --- conversations --- */

static void test_the_feed_of_the_deleted(void **state)
{
    refused(state, v15, "/conversations/deleted", 400, "intercom_version_invalid");
    AUTO(json_drop) json_t *none = get(state, "/conversations/deleted");
    assert_int_equal(json_int_at(none, "pages.total_pages", -1), 0);
    change(state, "{\"delete_conversations\":{\"count\":50}}");
    advance(state, 100);
    change(state, "{\"delete_conversations\":{\"count\":1}}");
    AUTO(json_drop) json_t *first = get(state, "/conversations/deleted?order=desc&per_page=50");
    AUTO(json_drop) json_t *second = get(state, "/conversations/deleted?order=desc&per_page=50&page=2");
    AUTO(json_drop) json_t *oldest = get(state, "/conversations/deleted?order=asc");
    const json_t *newest = json_array_get(json_object_get(first, "conversations"), 0);
    assert_int_equal(json_int_at(newest, "deleted_at", 0), START_S + 100);
    assert_true(json_is_boolean(json_object_get(newest, "metrics_retained")));
    assert_int_equal(json_array_size(json_object_get(first, "conversations")), 50);
    assert_int_equal(json_array_size(json_object_get(second, "conversations")), 1);
    assert_int_equal(json_int_at(first, "total_count", 0), 51);
    assert_non_null(strstr(json_string_value(json_at(first, "pages.next")), "order=desc&per_page=50&page=2"));
    assert_true(json_is_null(json_at(second, "pages.next")));
    assert_int_equal(json_array_size(json_object_get(oldest, "conversations")), 20);
    assert_int_equal(
        json_int_at(json_array_get(json_object_get(oldest, "conversations"), 0), "deleted_at", 0), START_S);
    AUTO(mem_free) char *target = mem_format("/conversations/%s", json_text_at(newest, "id"));
    refused(state, v16, target, 404, "not_found");
    refused(state, v16, "/conversations/deleted?per_page=61", 400, "parameter_invalid");
    refused(state, v16, "/conversations/deleted?order=up", 400, "parameter_invalid");
}

static void test_handling_events_never_change(void **state)
{
    struct sandbox *sandbox = *state;
    size_t events = 0;
    for (int64_t number = 0; number < 90; number++) {
        char id[WORLD_ID];
        int64_t updated_s;
        (void)world_newest(sandbox->talks, number, id, &updated_s);
        AUTO(mem_free) char *target = mem_format("/conversations/%s/handling_events", id);
        AUTO(json_drop) json_t *before = get(state, target);
        world_touch(sandbox->talks, START_S + number, 10);
        AUTO(json_drop) json_t *after = get(state, target);
        assert_true(json_equal(before, after));
        const json_t *list = json_object_get(before, "handling_events");
        for (size_t i = 0; i < json_array_size(list); i++, events++) {
            for (size_t k = 0; k < i; k++) {
                const json_t *a = json_array_get(list, i), *b = json_array_get(list, k);
                assert_false(json_equal(json_object_get(a, "type"), json_object_get(b, "type")) &&
                             json_equal(json_object_get(a, "timestamp"), json_object_get(b, "timestamp")));
            }
        }
        if (number) continue;
        refused(state, HEADERS("2.14"), target, 400, "intercom_version_invalid");
        refused(state, v16, "/conversations/1/handling_events", 404, "not_found");
    }
    assert_true(events > 90);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_long_lists_are_cut_and_read_whole_elsewhere),
        TEST(test_given_lists_are_cut_too),
        TEST(test_cursors_of_the_list_are_checked),
        TEST(test_the_deleted_are_gone_and_may_come_back),
        TEST(test_the_merged_point_to_whom_they_became),
        TEST(test_merges_of_merges),
        TEST(test_a_scroll_ends_with_an_empty_page),
        TEST(test_a_scroll_dies_when_it_is_idle),
        TEST(test_companies_and_their_segments),
        TEST(test_tickets_are_found_in_order),
        TEST(test_tickets_are_filtered_by_the_second),
        TEST(test_parts_grow_and_change),
        TEST(test_the_feed_of_the_deleted),
        TEST(test_handling_events_never_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
