/* SPDX-License-Identifier: Apache-2.0 */
/* Data that a listing does not show: children inside a record, truncated lists, child lists with a path of
 * their own. */
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
#include "source_fixture.h"

#define NOT_FOUND "{\"errors\":[{\"code\":\"not_found\"}]}"
#define IN_FLIGHT 32
#define DATE      "Date: Tue, 03 Mar 2026 00:00:00 GMT"
#define DATE_S    1772496000
#define FORBIDDEN "{\"errors\":[{\"code\":\"api_plan_restricted\",\"message\":\"no\"}]}"

static struct step *answer(struct fixture *fixture, const char *when, const char *body)
{
    return add(fixture, when, "200 OK", body);
}

/* The first page, whole; the text of a record in it. */
static struct page first_page(struct fixture *fixture)
{
    struct page page;
    if (!fixture->link.source->ops->next(fixture->reader, &page, &fixture->err))
        fail_msg("%s", fixture->err.text);
    return page;
}

static char *text_of(const struct page *page, size_t index)
{
    struct buf text;
    buf_init(&text, 65536);
    assert_true(index < page->count);
    assert_true(value_write(&text, page->records[index].body));
    return buf_take(&text, NULL);
}

static void expect_text(const struct page *page, size_t index, const char *expected)
{
    AUTO(mem_free) char *text = text_of(page, index);
    assert_string_equal(text, expected);
}

/* --- tickets: the parts are there --- */

static void ticket_parts_become_rows(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(
        &fixture, "POST /tickets/search ",
        "{\"tickets\":[{\"id\":\"1\",\"updated_at\":1772323201,\"ticket_parts\":{\"type\":\"l\","
        "\"ticket_parts\":[{\"id\":\"a\"},{\"id\":\"b\",\"redacted\":true}],\"total_count\":5}},"
        "{\"id\":\"2\",\"updated_at\":1772323202,\"ticket_parts\":{\"ticket_parts\":[],\"total_count\":0}},"
        "{\"id\":\"3\",\"updated_at\":1772323203}],\"pages\":{}}");
    begin(&fixture, "tickets", "ticket_parts");
    struct page page = first_page(&fixture);
    assert_int_equal(page.count, 5);
    assert_true(page.last);
    assert_int_equal(page.requests, 1);
    assert_int_equal(page.incomplete, 1); /* the one without a list: it may have had parts */
    assert_int_equal(page.records[0].listed_us, (BEGIN + 1) * INT64_C(1000000));
    expect_text(&page, 0,
                "{\"id\":\"1\",\"updated_at\":1772323201,\"ticket_parts\":{\"type\":\"l\",\"total_count\":5},"
                "\"parts_received\":2,\"parts_truncated\":true,\"parts_total\":5}");
    assert_int_equal(page.records[1].table, 1);
    expect_text(&page, 1, "{\"id\":\"a\",\"ticket_id\":\"1\",\"part_index\":4,\"redacted\":false}");
    expect_text(&page, 2, "{\"id\":\"b\",\"redacted\":true,\"ticket_id\":\"1\",\"part_index\":5}");
    assert_int_equal(value_integer_at(page.records[3].body, "parts_received", -1), 0);
    assert_true(value_is_false(value_get(page.records[3].body, "parts_truncated")));
    expect_text(&page, 4, "{\"id\":\"3\",\"updated_at\":1772323203}");
    assert_true(page.records[4].incomplete && page.records[4].is_unsettled); /* the day is read again */
    assert_false(page.records[0].is_unsettled || page.records[3].is_unsettled);
    end(&fixture);
}

static void ticket_parts_that_nobody_wants_are_counted(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /tickets/search ",
                 "{\"tickets\":[{\"id\":\"1\",\"updated_at\":1772323201,\"ticket_parts\":{\"ticket_parts\":["
                 "{\"id\":\"a\"}]}}],\"pages\":{}}");
    begin(&fixture, "tickets", "");
    struct page page = first_page(&fixture);
    assert_int_equal(page.count, 1);
    assert_int_equal(value_integer_at(page.records[0].body, "parts_received", -1), 1);
    end(&fixture);
}

/* --- contacts: lists that were cut off --- */

#define LINK(kind, id) "{\"type\":\"" kind "\",\"id\":\"" id "\",\"url\":\"/" kind "s/" id "\"}"
#define LIST(name, links, url, more)                                                                         \
    "\"" name "\":{\"type\":\"list\",\"data\":[" links "],\"url\":\"" url "\",\"total_count\":3,"            \
    "\"has_more\":" more "}"
#define CONTACT(id, lists) "{\"id\":\"" id "\",\"updated_at\":1772323201," lists "}"
#define NOTES(id)          LIST("notes", "", "/contacts/" id "/notes", "true")
#define FOUND(contacts)    "{\"data\":[" contacts "],\"pages\":{}}"
#define PAGE(contacts, cursor)                                                                               \
    "{\"data\":[" contacts "],\"pages\":{\"next\":{\"starting_after\":\"" cursor "\"}}}"

static void only_lists_that_were_cut_off_are_read(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /contacts/search",
                 FOUND(CONTACT("1", LIST("tags", LINK("tag", "5"), "/contacts/1/tags", "true") "," LIST(
                                        "notes", LINK("note", "6"), "/contacts/1/notes",
                                        "false")) "," CONTACT("2", LIST("tags", LINK("tag", "5"),
                                                                        "/contacts/2/tags", "false"))));
    (void)answer(
        &fixture, "GET /contacts/1/tags ",
        "{\"type\":\"list\",\"data\":[{\"type\":\"tag\",\"id\":\"5\",\"name\":\"x\"},{\"type\":\"tag\","
        "\"id\":\"7\",\"name\":\"y\",\"applied_at\":9},{\"type\":\"tag\",\"id\":\"8\",\"name\" "
        "\"broken\"},NaN]}");
    begin(&fixture, "contacts", "contacts_deleted");
    struct page page = first_page(&fixture);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.requests, 2);
    assert_int_equal(page.records[0].listed_us, (BEGIN + 1) * INT64_C(1000000));
    /* what came with the record as it was; of the others the same members, and nothing else */
    expect_text(
        &page, 0,
        CONTACT("1",
                "\"tags\":{\"type\":\"list\",\"data\":[" LINK(
                    "tag", "5") ",{\"type\":\"tag\",\"id\":\"7\"},{\"type\":\"tag\",\"id\":\"8\"},\"NaN\"],"
                                "\"url\":\"/contacts/1/tags\",\"total_count\":3,\"has_more\":false}," LIST(
                                    "notes", LINK("note", "6"), "/contacts/1/notes", "false")));
    expect_text(&page, 1, CONTACT("2", LIST("tags", LINK("tag", "5"), "/contacts/2/tags", "false")));
    end(&fixture);
}

static void lists_are_read_to_their_end_however_they_page(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /contacts/search",
                 FOUND(CONTACT("1", LIST("notes", "", "/contacts/1/notes", "true") "," LIST(
                                        "companies", "", "/contacts/1/companies", "true"))));
    (void)answer(&fixture, "GET /contacts/1/notes ",
                 "{\"data\":[{\"id\":\"a\"}],\"pages\":{\"next\":{\"page\":2,\"starting_after\":\"x y\"}}}");
    (void)answer(&fixture, "GET /contacts/1/notes?starting_after=x%20y ",
                 "{\"data\":[{\"id\":\"b\"}],\"pages\":{\"next\":{\"page\":3}}}");
    (void)answer(&fixture, "GET /contacts/1/notes?page=3 ",
                 "{\"data\":[{\"id\":\"c\"}],\"pages\":{\"next\":null}}");
    (void)answer(&fixture, "GET /contacts/1/companies ",
                 "{\"companies\":[{\"id\":\"d\"}],\"pages\":{\"next\":\"/contacts/1/companies?page=2\"}}");
    (void)answer(&fixture, "GET /contacts/1/companies?page=2 ", "{\"companies\":[{\"id\":\"e\"}]}");
    begin(&fixture, "contacts", "");
    struct page page = first_page(&fixture);
    AUTO(mem_free) char *text = text_of(&page, 0);
    assert_non_null(
        strstr(text, "\"notes\":{\"type\":\"list\",\"data\":[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]"));
    assert_non_null(strstr(text, "\"data\":[{\"id\":\"d\"},{\"id\":\"e\"}]"));
    assert_int_equal(page.requests, 6);
    end(&fixture);
}

static void two_lists_of_one_url_are_one_request(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /contacts/search",
                 FOUND(CONTACT("1", LIST("opted_in_subscription_types", "", "/contacts/1/subscriptions",
                                         "true") "," LIST("opted_out_subscription_types", "",
                                                          "/contacts/1/subscriptions", "true"))));
    (void)answer(&fixture, "GET /contacts/1/subscriptions ",
                 "{\"data\":[{\"id\":\"a\",\"consent_type\":\"opt_out\"},{\"id\":\"b\",\"consent_type\":"
                 "\"opt_in\"}]}");
    begin(&fixture, "contacts", "");
    struct page page = first_page(&fixture);
    const struct json_value *in = value_at(page.records[0].body, "opted_in_subscription_types.data");
    const struct json_value *out = value_at(page.records[0].body, "opted_out_subscription_types.data");
    assert_int_equal(value_count(in), 1);
    assert_string_equal(value_text_at(value_elements(in), "id"), "b");
    assert_int_equal(value_count(out), 1);
    assert_string_equal(value_text_at(value_elements(out), "id"), "a");
    assert_int_equal(script_requests(fixture.server), 2);
    end(&fixture);
}

static void urls_that_lead_elsewhere_are_not_followed(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://elsewhere.example/tags", "//elsewhere.example/tags", "tags", "/tags\\r\\nX: y", "", "/a b"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct fixture fixture = {0};
        AUTO(mem_free)
        char *body = mem_format(FOUND(CONTACT("1", LIST("tags", "", "%s", "true"))), urls[i]);
        (void)answer(&fixture, "POST /contacts/search", body);
        begin(&fixture, "contacts", "");
        struct page page = first_page(&fixture);
        assert_int_equal(page.count, 1);
        assert_true(value_is_true(value_at(page.records[0].body, "tags.has_more")));
        assert_int_equal(page.incomplete, 1);
        assert_int_equal(script_requests(fixture.server), 1);
        end(&fixture);
    }
}

static void what_can_not_be_read_whole_stays_as_listed(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(
        &fixture, "POST /contacts/search",
        FOUND(CONTACT("1", LIST("tags", LINK("tag", "5"), "/contacts/1/tags", "true")) "," CONTACT(
            "2",
            LIST(
                "tags", LINK("tag", "5"), "/contacts/2/tags",
                "true")) "," CONTACT("3",
                                     LIST(
                                         "tags", LINK("tag", "5"), "/contacts/3/tags",
                                         "true")) "," CONTACT("4",
                                                              LIST(
                                                                  "tags",
                                                                  LINK("tag", "5"),
                                                                  "/contacts/4/tags",
                                                                  "true")) "," CONTACT("5",
                                                                                       LIST(
                                                                                           "tags",
                                                                                           LINK("tag", "5"),
                                                                                           "/contacts/5/tags",
                                                                                           "true"))));
    add(&fixture, "GET /contacts/1/tags ", "404 Gone", NOT_FOUND)->again = true;
    add(&fixture, "GET /contacts/2/tags ", "422 No", "{}")->again = true;
    (void)answer(&fixture, "GET /contacts/3/tags ", "{\"tag\":[]}");
    (void)answer(&fixture, "GET /contacts/4/tags ",
                 "{\"data\":[{\"id\":\"a\"}],\"pages\":{\"next\":\"http://elsewhere.example/x\"}}");
    (void)answer(&fixture, "GET /contacts/5/tags ",
                 "{\"data\":[{\"id\":\"a\"}],\"pages\":{\"next\":{\"page\":2}}}");
    answer(&fixture, "GET /contacts/5/tags?page=2 ",
           "{\"data\":[{\"id\":\"b\"}],\"pages\":{\"next\":{\"page\":2}}}")
        ->again = true; /* a circle */
    begin(&fixture, "contacts", "contacts_deleted");
    struct page page = first_page(&fixture);
    assert_int_equal(page.count, 5);
    for (size_t i = 0; i < page.count; i++) {
        assert_true(value_is_true(value_at(page.records[i].body, "tags.has_more")));
        assert_int_equal(value_count(value_at(page.records[i].body, "tags.data")), 1);
    }
    assert_int_equal(page.deleted_during_read, 1);
    assert_int_equal(page.incomplete, 5);
    end(&fixture);
}

static void empty_pages_are_not_followed_for_ever(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /contacts/search",
                 FOUND(CONTACT("1", LIST("tags", LINK("tag", "5"), "/contacts/1/tags", "true"))));
    (void)answer(&fixture, "GET /contacts/1/tags ",
                 "{\"data\":[],\"pages\":{\"next\":{\"starting_after\":\"a\"}}}");
    (void)answer(&fixture, "GET /contacts/1/tags?starting_after=a ", "{\"data\":[{\"id\":\"6\"}]}");
    begin(&fixture, "contacts", "");
    struct page page = first_page(&fixture);
    assert_true(value_is_true(value_at(page.records[0].body, "tags.has_more")));
    assert_int_equal(script_requests(fixture.server), 2);
    end(&fixture);
}

static void a_merged_contact_leaves_a_tombstone(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /contacts/search",
                 FOUND(CONTACT("1", LIST("tags", "", "/contacts/1/tags", "true")) "," CONTACT(
                     "2", LIST("tags", "", "/contacts/2/tags", "true"))));
    add(&fixture, "GET /contacts/1/tags ", "410 Gone\r\n" DATE "\r\nLink: </contacts/9>; rel=\"canonical\"",
        "{\"errors\":[{\"code\":\"contact_merged\"}]}")
        ->again = true;
    add(&fixture, "GET /contacts/2/tags ", "410 Gone\r\n" DATE "\r\nLink: </contacts/9>; rel=\"next\"",
        NOT_FOUND)
        ->again = true; /* it names no new id */
    begin(&fixture, "contacts", "contacts_deleted");
    struct page page = first_page(&fixture);
    assert_int_equal(page.count, 3);
    assert_int_equal(page.records[1].table, 1); /* behind the contact, which is handed on as it was listed */
    AUTO(mem_free)
    char *expected = mem_format(
        "{\"id\":\"1\",\"seen_missing_at\":%d,\"source\":\"merged\",\"merged_into\":\"9\"}", DATE_S);
    expect_text(&page, 1, expected);
    assert_int_equal(page.deleted_during_read, 2);
    end(&fixture);
}

static void a_forbidden_list_hinders_no_contact(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /contacts/search", PAGE(CONTACT("1", NOTES("1")), "c"));
    (void)answer(&fixture, "POST /contacts/search",
                 PAGE(CONTACT("2", NOTES("2") "," LIST("tags", "", "/contacts/2/tags", "true")), "d"));
    (void)answer(&fixture, "POST /contacts/search", PAGE(CONTACT("3", NOTES("3")), "e"));
    (void)answer(&fixture, "POST /contacts/search", PAGE(CONTACT("4", NOTES("4")), "f"));
    (void)answer(&fixture, "POST /contacts/search", PAGE(CONTACT("5", NOTES("5")), "g"));
    (void)answer(&fixture, "POST /contacts/search", PAGE(CONTACT("6", NOTES("6")), "h"));
    (void)answer(&fixture, "POST /contacts/search", FOUND(CONTACT("7", NOTES("7"))));
    (void)add(&fixture, "GET /contacts/1/notes ", "403 No", FORBIDDEN);
    (void)add(&fixture, "GET /contacts/2/notes ", "403 No", FORBIDDEN); /* were under way by then */
    (void)add(&fixture, "GET /contacts/3/notes ", "403 No", FORBIDDEN);
    (void)add(&fixture, "GET /contacts/4/notes ", "403 No", FORBIDDEN);
    (void)add(&fixture, "GET /contacts/5/notes ", "403 No", FORBIDDEN);
    (void)answer(&fixture, "GET /contacts/2/tags ", "{\"data\":[]}");
    begin(&fixture, "contacts", "");
    expect(&fixture, "1 2 3 4 5 6 7");
    assert_int_equal(fixture.incomplete, 7);
    assert_int_equal(script_requests(fixture.server),
                     13); /* it is not asked for again and again; others are */
    end(&fixture);
}

static void credentials_that_are_refused_fail(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /contacts/search",
                 FOUND(CONTACT("1", LIST("tags", "", "/contacts/1/tags", "true"))));
    add(&fixture, "GET /contacts/1/tags ", "401 No", "{}")->again = true;
    add(&fixture, "GET /me ", "401 No", "{}")->again = true;
    begin(&fixture, "contacts", "");
    expect_failure(&fixture, ERROR_AUTH);
    assert_non_null(strstr(fixture.err.text, "/contacts/1/tags"));
    end(&fixture);
}

/* --- companies: their segments --- */

static void add_companies(struct fixture *fixture, int first, int last)
{
    struct buf body;
    buf_init(&body, 65536);
    buf_text(&body, "{\"scroll_param\":\"s\",\"data\":[");
    for (int id = first; id <= last; id++)
        buf_format(&body, "%s{\"id\":\"%d\",\"updated_at\":%d}", id > first ? "," : "", id, BEGIN + id);
    buf_text(&body, "]}");
    (void)answer(fixture, "GET /companies/scroll", buf_string(&body));
    buf_done(&body);
}

static void segments_of_new_versions_are_read(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_companies(&fixture, 1, 3);
    add_companies(&fixture, 1, 0); /* the end */
    (void)answer(&fixture, "GET /companies/2/segments ",
                 "{\"data\":[{\"type\":\"segment\",\"id\":\"s1\"},{\"type\":\"segment\",\"id\":\"s2\"}]}");
    add(&fixture, "GET /companies/3/segments ", "404 Gone", NOT_FOUND)->again = true;
    if (!open_stream(&fixture, "companies", "company_segments companies_deleted", BEGIN + 2))
        fail_msg("%s", fixture.err.text);
    struct page page = first_page(&fixture);
    assert_int_equal(page.count, 5); /* all companies, also the one whose segments are there already */
    expect_text(
        &page, 2,
        "{\"type\":\"segment\",\"id\":\"s1\",\"company_id\":\"2\",\"company_updated_at\":1772323202}");
    assert_int_equal(page.records[2].table, 1);
    assert_int_equal(page.deleted_during_read, 0);
    end(&fixture);
}

static void nobody_asks_for_segments_that_are_not_wanted(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_companies(&fixture, 1, 3);
    add_companies(&fixture, 1, 0);
    begin(&fixture, "companies", "companies_deleted");
    expect(&fixture, "1 2 3");
    assert_int_equal(script_requests(fixture.server), 2);
    end(&fixture);
}

static void a_set_that_can_not_be_read_is_rejected(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_companies(&fixture, 1, 1);
    add_companies(&fixture, 1, 0);
    add(&fixture, "GET /companies/1/segments ", "422 No", "{\"errors\":[{\"code\":\"bad\"}]}")->again = true;
    begin(&fixture, "companies", "company_segments");
    struct page page = first_page(&fixture);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.records[1].table, 1);
    assert_string_equal(page.records[1].problem, "its list of segments can't be fetched: HTTP 422 bad");
    expect_text(&page, 1, "{\"company_id\":\"1\"}");
    end(&fixture);
}

static void many_are_under_way_and_come_in_order(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    AUTO(buf_done) struct buf expected;
    buf_init(&expected, 65536);
    add_companies(&fixture, 1, 100);
    add_companies(&fixture, 1, 0);
    for (int id = 1; id <= 100; id++) {
        AUTO(mem_free) char *when = mem_format("GET /companies/%d/segments ", id);
        AUTO(mem_free) char *body = mem_format("{\"data\":[{\"id\":\"s%d\"}]}", id);
        answer(&fixture, when, body)->hold = id <= IN_FLIGHT;
        buf_format(&expected, "%s%d +s%d@-1", id > 1 ? " " : "", id, id);
    }
    begin(&fixture, "companies", "company_segments");
    expect_in_flight(&fixture, 2 + IN_FLIGHT, buf_string(&expected)); /* two pages of the scroll */
    assert_int_equal(fixture.requests, 2 + 100);
    end(&fixture);
}

static void the_page_after_it_is_begun_meanwhile(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /contacts/search", PAGE(CONTACT("1", NOTES("1")), "c"));
    (void)answer(&fixture, "POST /contacts/search", FOUND(CONTACT("2", NOTES("2"))));
    answer(&fixture, "GET /contacts/1/notes ", "{\"data\":[]}")->hold = true;
    answer(&fixture, "GET /contacts/2/notes ", "{\"data\":[]}")->hold = true;
    begin(&fixture, "contacts", "");
    expect_in_flight(&fixture, 4, "1 2");
    end(&fixture);
}

static void a_page_is_handed_on_before_the_one_after_it_fails(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /contacts/search", PAGE(CONTACT("1", NOTES("1")), "c"));
    (void)add(&fixture, "POST /contacts/search", "400 No", "{}");
    (void)answer(&fixture, "GET /contacts/1/notes ", "{\"data\":[]}");
    begin(&fixture, "contacts", "");
    assert_int_equal(first_page(&fixture).count, 1);
    expect_failure(&fixture, ERROR_REFUSED);
    end(&fixture);
}

/* --- conversations: their handling events --- */

#define TALK                                                                                                 \
    "{\"id\":\"1\",\"created_at\":4,\"updated_at\":1772323201,\"conversation_parts\":{\"conversation_"       \
    "parts\":["                                                                                              \
    "{\"id\":\"a\"}],\"total_count\":1}}"

static void handling_events_follow_their_conversation(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /conversations/search",
                 "{\"conversations\":[{\"id\":\"1\",\"updated_at\":1772323201},{\"id\":\"2\",\"updated_at\":"
                 "1772323202}],\"pages\":{}}");
    (void)answer(&fixture, "GET /conversations/1?", TALK);
    (void)answer(&fixture, "GET /conversations/1/handling_events ",
                 "{\"handling_events\":[{\"type\":\"paused\",\"timestamp\":\"2026-03-01T00:00:00Z\"}]}");
    add(&fixture, "GET /conversations/2?", "410 Gone", NOT_FOUND)->again = true;
    add(&fixture, "GET /conversations/2/handling_events ", "404 Gone", NOT_FOUND)->again = true;
    begin(&fixture, "conversations", "handling_events"); /* the first child: parts are not wanted */
    struct page page = first_page(&fixture);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.records[1].table, 1);
    expect_text(&page, 1,
                "{\"type\":\"paused\",\"timestamp\":\"2026-03-01T00:00:00Z\",\"conversation_id\":\"1\"}");
    page = first_page(&fixture);
    assert_int_equal(page.count, 0);
    assert_int_equal(page.deleted_during_read, 1);
    assert_true(page.last);
    end(&fixture);
}

static void children_are_told_apart_by_their_tables(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    (void)answer(&fixture, "POST /conversations/search",
                 "{\"conversations\":[{\"id\":\"1\",\"updated_at\":1772323201}],\"pages\":{}}");
    (void)answer(&fixture, "GET /conversations/1?", TALK);
    (void)answer(&fixture, "GET /conversations/1/handling_events ",
                 "{\"handling_events\":[{\"type\":\"paused\"}]}");
    begin(&fixture, "conversations", "handling_events conversation_parts");
    struct page page = first_page(&fixture);
    assert_int_equal(page.count, 3);
    for (size_t i = 1; i < page.count; i++) {
        const struct table *table = fixture.selection.tables[page.records[i].table];
        bool part = value_get(page.records[i].body, "part_index") != NULL;
        assert_string_equal(table->name, part ? "conversation_parts" : "handling_events");
    }
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticket_parts_become_rows),
        cmocka_unit_test(ticket_parts_that_nobody_wants_are_counted),
        cmocka_unit_test(only_lists_that_were_cut_off_are_read),
        cmocka_unit_test(lists_are_read_to_their_end_however_they_page),
        cmocka_unit_test(two_lists_of_one_url_are_one_request),
        cmocka_unit_test(urls_that_lead_elsewhere_are_not_followed),
        cmocka_unit_test(what_can_not_be_read_whole_stays_as_listed),
        cmocka_unit_test(empty_pages_are_not_followed_for_ever),
        cmocka_unit_test(a_merged_contact_leaves_a_tombstone),
        cmocka_unit_test(a_forbidden_list_hinders_no_contact),
        cmocka_unit_test(credentials_that_are_refused_fail),
        cmocka_unit_test(segments_of_new_versions_are_read),
        cmocka_unit_test(nobody_asks_for_segments_that_are_not_wanted),
        cmocka_unit_test(a_set_that_can_not_be_read_is_rejected),
        cmocka_unit_test(many_are_under_way_and_come_in_order),
        cmocka_unit_test(the_page_after_it_is_begun_meanwhile),
        cmocka_unit_test(a_page_is_handed_on_before_the_one_after_it_fails),
        cmocka_unit_test(handling_events_follow_their_conversation),
        cmocka_unit_test(children_are_told_apart_by_their_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
