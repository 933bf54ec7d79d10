/* Events in windows of time, and what records tell of others: the gone, and all that are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "intercom_room.h"

/* 2026-03-01T00:00:00Z is 1772323200; a week later it is 1772928000. */
#define LOGS "/admins/activity_logs"

static void add_page(struct room *room, const char *list, const char *records, const char *more)
{
    AUTO(mem_free) char *body = mem_format("{\"type\":\"list\",\"%s\":[%s]%s}", list, records, more);
    room_answer(room, "200 OK", body);
}

/* --- activity logs --- */

static void a_week_of_logs_is_one_list(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "activity_logs",
             "{\"id\":\"l3\",\"created_at\":1772928000},{\"id\":\"l2\",\"created_at\":1772400000}",
             ",\"pages\":{\"next\":\"" LOGS "?page=2\"}");
    add_page(&room, "activity_logs",
             "{\"id\":\"l1\",\"created_at\":1772323200},{\"id\":\"l0\",\"created_at\":1772323199}",
             ",\"pages\":{\"next\":null}");
    room_expect(&room, "activity_logs",
                "{\"id\":\"l2\",\"created_at\":1772400000} {\"id\":\"l1\",\"created_at\":1772323200}");
    ASKED(&room, 0, LOGS "?created_at_after=1772323199&created_at_before=1772928000&per_page=250",
          LOGS "?page=2");
    room_close(&room);
}

static void longer_windows_are_cut(void **state)
{
    (void)state;
    struct room room = {.window = {.from_s = BEGIN, .to_s = BEGIN + 15 * DAY_S}};
    for (int i = 0; i < 3; i++)
        add_page(&room, "activity_logs", "", ",\"pages\":{\"next\":null,\"total_pages\":0}");
    room_expect(&room, "activity_logs", "");
    ASKED(&room, 0, LOGS "?created_at_after=1772323199&created_at_before=1772928000&per_page=250",
          LOGS "?created_at_after=1772927999&created_at_before=1773532800&per_page=250",
          LOGS "?created_at_after=1773532799&created_at_before=1773619200&per_page=250");
    room_close(&room);
}

/* Of an open window only Intercom knows how long it is, by the clock in its answers. */
static void an_open_window_is_cut_at_intercoms_now(void **state)
{
    (void)state;
    struct room room = {.window = {.from_s = BEGIN, .to_s = WINDOW_OPEN}};
    struct source_identity identity;
    struct page page;
    room_answer(&room, "200 OK\r\nDate: Sun, 08 Mar 2026 12:00:00 GMT", "{\"app\":{\"id_code\":\"a\"}}");
    for (int i = 0; i < 2; i++)
        add_page(&room, "activity_logs", "", "");
    room_begin(&room, "activity_logs");
    assert_true(room.link.source->ops->identify(room.link.source, &identity, &room.err));
    assert_true(
        room.link.source->ops->open(room.link.source, &room.selection, room.window, &room.reader, &room.err));
    do
        assert_true(room.link.source->ops->next(room.reader, &page, &room.err));
    while (!page.last);
    ASKED(&room, 1, LOGS "?created_at_after=1772323199&created_at_before=1772928000&per_page=250",
          LOGS "?created_at_after=1772927999&per_page=250");
    room_close(&room);
}

static void a_window_that_fails_is_read_by_days(void **state)
{
    (void)state;
    struct room room = {.window = {.from_s = BEGIN, .to_s = BEGIN + 2 * DAY_S}};
    for (int i = 0; i < 4; i++)
        room_refuse(&room, "500 Internal Server Error", "server_error");
    add_page(&room, "activity_logs", "{\"id\":\"l1\",\"created_at\":1772323200}", "");
    add_page(&room, "activity_logs", "{\"id\":\"l2\",\"created_at\":1772409600}", "");
    room_expect(&room, "activity_logs",
                "{\"id\":\"l1\",\"created_at\":1772323200} {\"id\":\"l2\",\"created_at\":1772409600}");
    ASKED(&room, 3, LOGS "?created_at_after=1772323199&created_at_before=1772496000&per_page=250",
          LOGS "?created_at_after=1772323199&created_at_before=1772409600&per_page=250",
          LOGS "?created_at_after=1772409599&created_at_before=1772496000&per_page=250");
    room_close(&room);
}

/* --- deleted conversations --- */

#define GONE(id, at)                                                                                         \
    "{\"type\":\"conversation\",\"id\":\"" id "\",\"metrics_retained\":true,\"deleted_at\":" at "}"
#define TOMB(id, at)                                                                                         \
    "conversations_deleted:{\"id\":\"" id "\",\"seen_missing_at\":" at ",\"source\":\"deleted feed\"}"

static void the_deleted_are_read_back_to_the_window(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "conversations", GONE("9", "1772928001") "," GONE("8", "1772400000"),
             ",\"pages\":{\"page\":1,\"total_pages\":9}");
    add_page(&room, "conversations", GONE("7", "1772323200") "," GONE("6", "1772323199"),
             ",\"pages\":{\"page\":2,\"total_pages\":9}");
    add_page(&room, "conversations", GONE("5", "1772000000"), ",\"pages\":{\"page\":3,\"total_pages\":9}");
    room_expect(&room, "deleted_conversations",
                GONE("8", "1772400000") " " TOMB("8", "1772400000") " " GONE("7", "1772323200") " " TOMB(
                    "7", "1772323200"));
    ASKED(&room, 0, "/conversations/deleted?order=desc&per_page=60",
          "/conversations/deleted?order=desc&per_page=60&page=2",
          "/conversations/deleted?order=desc&per_page=60&page=3");
    room_close(&room);
}

static void without_order_all_the_deleted_are_read(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "conversations", GONE("5", "1772000000") "," GONE("6", "1772400000"),
             ",\"pages\":{\"total_pages\":2}");
    add_page(&room, "conversations", GONE("4", "1772400001"), ",\"pages\":{\"total_pages\":2}");
    room_expect(&room, "deleted_conversations",
                GONE("6", "1772400000") " " TOMB("6", "1772400000") " " GONE("4", "1772400001") " " TOMB(
                    "4", "1772400001"));
    room_close(&room);
}

static void older_versions_have_no_feed(void **state)
{
    (void)state;
    struct room room = {.version = "2.15"};
    room_expect_error(&room, "deleted_conversations", ERROR_FORBIDDEN, "2.16");
    room_close(&room);
    struct room refused = {0};
    room_refuse(&refused, "400 Bad Request", "intercom_version_invalid");
    room_expect_error(&refused, "deleted_conversations", ERROR_FORBIDDEN, "newer api_version");
    room_close(&refused);
}

/* --- merged contacts --- */

static void the_merged_are_told_by_their_heirs(void **state)
{
    (void)state;
    struct room room = {0};
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
    add_page(&room, "data", contact, ",\"pages\":{\"next\":null}");
    room_expect(&room, "contacts", bodies);
    room_close(&room);
}

static void tombstones_are_for_those_who_want_them(void **state)
{
    (void)state;
    struct room room = {0};
    struct page page;
    add_page(&room, "conversations", GONE("8", "1772400000"), "");
    room_begin(&room, "deleted_conversations");
    room.selection.table_count = 1;
    assert_true(
        room.link.source->ops->open(room.link.source, &room.selection, room.window, &room.reader, &room.err));
    assert_true(room.link.source->ops->next(room.reader, &page, &room.err));
    assert_int_equal(page.count, 1);
    room_close(&room);
}

/* --- the reconciliation of contacts --- */

#define PAGES(next) ",\"total_count\":10,\"pages\":{\"next\":" next "}"
#define FOUR        "{\"id\":\"1\",\"name\":\"A\"},{\"id\":\"2\"},{\"id\":\"3\"},{\"id\":\"4\"}"

static void all_ids_are_read(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", FOUR, PAGES("{\"starting_after\":\"x\"}"));
    add_page(&room, "data", "{\"id\":\"5\"},{\"id\":\"6\"},{\"id\":\"7\"},{\"id\":\"8\"},{\"id\":\"9\"}",
             PAGES("null"));
    room_expect(&room, "contacts_reconciliation",
                "{\"id\":\"1\"} {\"id\":\"2\"} {\"id\":\"3\"} {\"id\":\"4\"} {\"id\":\"5\"} {\"id\":\"6\"} "
                "{\"id\":\"7\"} {\"id\":\"8\"} {\"id\":\"9\"}");
    ASKED(&room, 0, "/contacts?per_page=150", "/contacts?per_page=150&starting_after=x");
    room_close(&room);
}

static void an_end_that_comes_early_is_none(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", FOUR, PAGES("{\"starting_after\":\"x\"}"));
    add_page(&room, "data", "", PAGES("null"));
    room_expect_error(&room, "contacts_reconciliation", ERROR_FORMAT, "4 of 10");
    room_close(&room);
}

static void an_end_that_is_not_told_is_none(void **state)
{
    (void)state;
    struct room room = {0};
    add_page(&room, "data", FOUR, "");
    room_expect_error(&room, "contacts_reconciliation", ERROR_FORMAT, "does not tell");
    room_close(&room);
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
        cmocka_unit_test(all_ids_are_read),
        cmocka_unit_test(an_end_that_comes_early_is_none),
        cmocka_unit_test(an_end_that_is_not_told_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
