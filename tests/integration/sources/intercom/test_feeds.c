/* SPDX-License-Identifier: Apache-2.0 */
/* Events in windows of time, and what records tell of others: the gone, and all that are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "intercom_fixture.h"

/* 2026-03-01T00:00:00Z is 1772323200; a week later it is 1772928000. */
#define LOGS "/admins/activity_logs"

static void add_page(struct fixture *fixture, const char *list, const char *records, const char *more)
{
    AUTO(mem_free) char *body = mem_format("{\"type\":\"list\",\"%s\":[%s]%s}", list, records, more);
    fixture_answer(fixture, "200 OK", body);
}

/* --- activity logs --- */

static void a_week_of_logs_is_one_list(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "activity_logs",
             "{\"id\":\"l3\",\"created_at\":1772928000},{\"id\":\"l2\",\"created_at\":1772400000}",
             ",\"pages\":{\"next\":\"" LOGS "?page=2\"}");
    add_page(&fixture, "activity_logs",
             "{\"id\":\"l1\",\"created_at\":1772323200},{\"id\":\"l0\",\"created_at\":1772323199}",
             ",\"pages\":{\"next\":null}");
    fixture_expect(&fixture, "activity_logs",
                   "{\"id\":\"l2\",\"created_at\":1772400000} {\"id\":\"l1\",\"created_at\":1772323200}");
    ASKED(&fixture, 0, LOGS "?created_at_after=1772323199&created_at_before=1772928000&per_page=250",
          LOGS "?page=2");
    fixture_close(&fixture);
}

static void longer_windows_are_cut(void **state)
{
    (void)state;
    struct fixture fixture = {.window = {.from_s = BEGIN, .to_s = BEGIN + 15 * DAY_S}};
    for (int i = 0; i < 3; i++)
        add_page(&fixture, "activity_logs", "", ",\"pages\":{\"next\":null,\"total_pages\":0}");
    fixture_expect(&fixture, "activity_logs", "");
    const char *const asked[] = {
        LOGS "?created_at_after=1772323199&created_at_before=1772928000&per_page=250",
        LOGS "?created_at_after=1772927999&created_at_before=1773532800&per_page=250",
        LOGS "?created_at_after=1773532799&created_at_before=1773619200&per_page=250"};
    fixture_asked_together(&fixture, asked, sizeof asked / sizeof asked[0]);
    fixture_close(&fixture);
}

/* Of an open window only Intercom knows how long it is, by the clock in its answers. */
static void an_open_window_is_cut_at_intercoms_now(void **state)
{
    (void)state;
    struct fixture fixture = {.window = {.from_s = BEGIN, .to_s = WINDOW_OPEN}};
    struct source_identity identity;
    struct page page;
    fixture_answer(&fixture, "200 OK\r\nDate: Sun, 08 Mar 2026 12:00:00 GMT",
                   "{\"app\":{\"id_code\":\"a\"}}");
    for (int i = 0; i < 2; i++)
        add_page(&fixture, "activity_logs", "", "");
    fixture_begin(&fixture, "activity_logs");
    assert_true(fixture.link.source->ops->identify(fixture.link.source, &identity, &fixture.err));
    assert_true(fixture.link.source->ops->open(fixture.link.source, &fixture.selection, fixture.window,
                                               &fixture.reader, &fixture.err));
    do
        assert_true(fixture.link.source->ops->next(fixture.reader, &page, &fixture.err));
    while (!page.last);
    ASKED(&fixture, 1, LOGS "?created_at_after=1772323199&created_at_before=1772928000&per_page=250",
          LOGS "?created_at_after=1772927999&per_page=250");
    fixture_close(&fixture);
}

static void a_window_that_fails_is_read_by_days(void **state)
{
    (void)state;
    struct fixture fixture = {.window = {.from_s = BEGIN, .to_s = BEGIN + 2 * DAY_S}};
    for (int i = 0; i < 4; i++)
        fixture_refuse(&fixture, "500 Internal Server Error", "server_error");
    add_page(&fixture, "activity_logs", "{\"id\":\"l1\",\"created_at\":1772323200}", "");
    add_page(&fixture, "activity_logs", "{\"id\":\"l2\",\"created_at\":1772409600}", "");
    fixture_expect(&fixture, "activity_logs",
                   "{\"id\":\"l1\",\"created_at\":1772323200} {\"id\":\"l2\",\"created_at\":1772409600}");
    ASKED(&fixture, 3, LOGS "?created_at_after=1772323199&created_at_before=1772496000&per_page=250",
          LOGS "?created_at_after=1772323199&created_at_before=1772409600&per_page=250",
          LOGS "?created_at_after=1772409599&created_at_before=1772496000&per_page=250");
    fixture_close(&fixture);
}

/* --- deleted conversations --- */

#define GONE(id, at)                                                                                         \
    "{\"type\":\"conversation\",\"id\":\"" id "\",\"metrics_retained\":true,\"deleted_at\":" at "}"
#define TOMB(id, at)                                                                                         \
    "conversations_deleted:{\"id\":\"" id "\",\"seen_missing_at\":" at ",\"source\":\"deleted feed\"}"

static void the_deleted_are_read_back_to_the_window(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "conversations", GONE("9", "1772928001") "," GONE("8", "1772400000"),
             ",\"pages\":{\"page\":1,\"total_pages\":9}");
    add_page(&fixture, "conversations", GONE("7", "1772323200") "," GONE("6", "1772323199"),
             ",\"pages\":{\"page\":2,\"total_pages\":9}");
    add_page(&fixture, "conversations", GONE("5", "1772000000"), ",\"pages\":{\"page\":3,\"total_pages\":9}");
    fixture_expect(&fixture, "deleted_conversations",
                   GONE("8", "1772400000") " " TOMB("8", "1772400000") " " GONE("7", "1772323200") " " TOMB(
                       "7", "1772323200"));
    ASKED(&fixture, 0, "/conversations/deleted?order=desc&per_page=60",
          "/conversations/deleted?order=desc&per_page=60&page=2",
          "/conversations/deleted?order=desc&per_page=60&page=3");
    fixture_close(&fixture);
}

static void without_order_all_the_deleted_are_read(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "conversations", GONE("5", "1772000000") "," GONE("6", "1772400000"),
             ",\"pages\":{\"total_pages\":2}");
    add_page(&fixture, "conversations", GONE("4", "1772400001"), ",\"pages\":{\"total_pages\":2}");
    fixture_expect(&fixture, "deleted_conversations",
                   GONE("6", "1772400000") " " TOMB("6", "1772400000") " " GONE("4", "1772400001") " " TOMB(
                       "4", "1772400001"));
    fixture_close(&fixture);
}

static void older_versions_have_no_feed(void **state)
{
    (void)state;
    struct fixture fixture = {.version = "2.15"};
    fixture_expect_error(&fixture, "deleted_conversations", ERROR_FORBIDDEN, "2.16");
    fixture_close(&fixture);
    struct fixture refused = {0};
    fixture_refuse(&refused, "400 Bad Request", "intercom_version_invalid");
    fixture_expect_error(&refused, "deleted_conversations", ERROR_FORBIDDEN, "newer api_version");
    fixture_close(&refused);
}

/* --- merged contacts --- */

static void the_merged_are_told_by_their_heirs(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    const char *contact = "{\"id\":\"c1\",\"updated_at\":1772323300,\"merge_history\":["
                          "{\"source_contact_id\":\"c2\",\"merged_at\":1772323250},"
                          "{\"source_contact_id\":3,\"merged_at\":null},"
                          "{\"source_contact_id\":null,\"merged_at\":1772323250},7]}";
    AUTO(mem_free)
    char *bodies = mem_format(
        "%s contacts_deleted:{\"id\":\"c2\",\"seen_missing_at\":1772323250,\"source\":\"merge history\","
        "\"merged_into\":\"c1\"} contacts_deleted:{\"id\":3,\"seen_missing_at\":1772323300,"
        "\"source\":\"merge history\",\"merged_into\":\"c1\"}",
        contact);
    add_page(&fixture, "data", contact, ",\"pages\":{\"next\":null}");
    fixture_expect(&fixture, "contacts", bodies);
    fixture_close(&fixture);
}

static void tombstones_are_for_those_who_want_them(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    struct page page;
    add_page(&fixture, "conversations", GONE("8", "1772400000"), "");
    fixture_begin(&fixture, "deleted_conversations");
    fixture.selection.table_count = 1;
    assert_true(fixture.link.source->ops->open(fixture.link.source, &fixture.selection, fixture.window,
                                               &fixture.reader, &fixture.err));
    assert_true(fixture.link.source->ops->next(fixture.reader, &page, &fixture.err));
    assert_int_equal(page.count, 1);
    fixture_close(&fixture);
}

/* --- the reconciliation of contacts --- */

#define PAGES(next) ",\"total_count\":10,\"pages\":{\"next\":" next "}"
#define FOUR        "{\"id\":\"1\",\"name\":\"A\"},{\"id\":\"2\"},{\"id\":\"3\"},{\"id\":\"4\"}"

static void all_contacts_are_read_whole(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", FOUR, PAGES("{\"starting_after\":\"x\"}"));
    add_page(&fixture, "data", "{\"id\":\"5\"},{\"id\":\"6\"},{\"id\":\"7\"},{\"id\":\"8\"},{\"id\":\"9\"}",
             PAGES("null"));
    fixture_expect(&fixture, "contacts_reconciliation",
                   "{\"id\":\"1\",\"name\":\"A\"} {\"id\":\"2\"} {\"id\":\"3\"} {\"id\":\"4\"} "
                   "{\"id\":\"5\"} {\"id\":\"6\"} "
                   "{\"id\":\"7\"} {\"id\":\"8\"} {\"id\":\"9\"}");
    ASKED(&fixture, 0, "/contacts?include_merge_history=true&per_page=150",
          "/contacts?include_merge_history=true&per_page=150&starting_after=x");
    fixture_close(&fixture);
    struct fixture older = {.version = "2.15"};
    add_page(&older, "data", FOUR, ",\"pages\":{\"next\":null}");
    fixture_expect(&older, "contacts_reconciliation",
                   "{\"id\":\"1\",\"name\":\"A\"} {\"id\":\"2\"} {\"id\":\"3\"} {\"id\":\"4\"}");
    ASKED(&older, 0, "/contacts?per_page=150");
    fixture_close(&older);
}

/* Nothing is requested for them: their contents are unknown. The merged are found by the search. */
static void contacts_with_long_lists_are_incomplete(void **state)
{
    (void)state;
    static const char *const lists[] = {"tags", "notes", "companies", "opted_in_subscription_types",
                                        "opted_out_subscription_types"};
    struct fixture fixture = {0};
    struct page page = {0};
    AUTO(buf_done) struct buf contacts;
    buf_init(&contacts, 4096);
    for (size_t i = 0; i < 5; i++)
        buf_format(&contacts, "{\"id\":\"%zu\",\"%s\":{\"data\":[],\"url\":\"/x\",\"has_more\":true}},", i,
                   lists[i]);
    buf_text(&contacts, "{\"id\":\"5\",\"tags\":{\"data\":[],\"url\":\"/x\",\"has_more\":false},"
                        "\"merge_history\":[{\"source_contact_id\":\"c2\",\"merged_at\":1772323250}]}");
    add_page(&fixture, "data", buf_string(&contacts), ",\"pages\":{\"next\":null}");
    fixture_begin(&fixture, "contacts_reconciliation");
    assert_true(fixture.link.source->ops->open(fixture.link.source, &fixture.selection, fixture.window,
                                               &fixture.reader, &fixture.err));
    assert_true(fixture.link.source->ops->next(fixture.reader, &page, &fixture.err));
    assert_int_equal(page.count, 6);
    assert_int_equal(page.incomplete, 5);
    for (size_t i = 0; i < page.count; i++)
        assert_int_equal(page.records[i].incomplete, i < 5);
    fixture_close(&fixture);
}

static void an_end_that_comes_early_is_none(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", FOUR, PAGES("{\"starting_after\":\"x\"}"));
    add_page(&fixture, "data", "", PAGES("null"));
    fixture_expect_error(&fixture, "contacts_reconciliation", ERROR_FORMAT, "4 of 10");
    fixture_close(&fixture);
}

static void an_end_that_is_not_told_is_none(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    add_page(&fixture, "data", FOUR, "");
    fixture_expect_error(&fixture, "contacts_reconciliation", ERROR_FORMAT, "does not say");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_week_of_logs_is_one_list),
        cmocka_unit_test(longer_windows_are_cut),
        cmocka_unit_test(an_open_window_is_cut_at_intercoms_now),
        cmocka_unit_test(a_window_that_fails_is_read_by_days),
        cmocka_unit_test(the_deleted_are_read_back_to_the_window),
        cmocka_unit_test(without_order_all_the_deleted_are_read),
        cmocka_unit_test(older_versions_have_no_feed),
        cmocka_unit_test(the_merged_are_told_by_their_heirs),
        cmocka_unit_test(tombstones_are_for_those_who_want_them),
        cmocka_unit_test(all_contacts_are_read_whole),
        cmocka_unit_test(contacts_with_long_lists_are_incomplete),
        cmocka_unit_test(an_end_that_comes_early_is_none),
        cmocka_unit_test(an_end_that_is_not_told_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
