/* SPDX-License-Identifier: Apache-2.0 */
#include "test/workspace_fixture.h"

#include "base/mem.h"
#include "workspace/collection.h"

#define LISTS 5

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

/* All elements of a contact's list, yours. */
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
    int64_t cut[LISTS] = {0}, all = 0, turned = 0;
    static const char *const names[LISTS] = {"tags", "notes", "companies", "opted_out_subscription_types",
                                             "opted_in_subscription_types"};
    assert_int_equal(json_array_size(contacts), CONTACTS);
    for (size_t i = 0; i < CONTACTS * LISTS; i++) {
        const json_t *contact = json_array_get(contacts, i / LISTS);
        size_t list = i % LISTS;
        const json_t *shown = json_object_get(contact, names[list]);
        const json_t *data = json_object_get(shown, "data");
        if (!json_is_true(json_object_get(shown, "has_more"))) {
            assert_int_equal(json_array_size(data), json_int_at(shown, "total_count", -1));
            continue;
        }
        int64_t pages;
        struct collection *all_contacts = sandbox_collection(sandbox, "contacts");
        assert_int_equal(json_array_size(data), 10);
        AUTO(json_drop) json_t *whole = walk_list(state, json_text_at(shown, "url"), &pages);
        AUTO(json_drop)
        json_t *truth =
            collection_version(all_contacts, collection_number(all_contacts, json_text_at(contact, "id")), 0);
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
    for (size_t i = 0; i < LISTS; i++)
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
    assert_true(collection_put(sandbox_collection(sandbox, "contacts"), record, START_S));
    AUTO(json_drop) json_t *shown = get(state, "/contacts/mine");
    AUTO(json_drop) json_t *whole = get(state, "/contacts/mine/tags");
    assert_int_equal(json_array_size(json_at(shown, "tags.data")), 10);
    assert_true(json_is_true(json_at(shown, "tags.has_more")));
    assert_int_equal(json_array_size(json_object_get(whole, "data")), 12);
    struct collection *contacts = sandbox_collection(sandbox, "contacts");
    AUTO(json_drop) json_t *truth = collection_version(contacts, collection_number(contacts, "mine"), 0);
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

static void test_lists_are_not_for_everybody(void **state)
{
    static const char *const lists[] = {"tags", "notes", "companies", "subscriptions"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        AUTO(mem_free) char *target = mem_format("/contacts/1/%s", lists[i]);
        refused(state, "Authorization: Bearer other\r\nIntercom-Version: 2.16\r\n", target, 401,
                "unauthorized");
    }
}

static void test_the_deleted_are_gone_and_may_come_back(void **state)
{
    struct sandbox *sandbox = *state;
    struct removal removal;
    json_decref(walk_contacts(state));
    change(state, "{\"remove\":{\"kind\":\"contacts\",\"count\":3}}");
    AUTO(json_drop) json_t *after = walk_contacts(state);
    assert_int_equal(json_array_size(after), CONTACTS - 3);
    assert_int_equal(collection_removals(sandbox_collection(sandbox, "contacts")), 3);
    collection_removal(sandbox_collection(sandbox, "contacts"), 1, &removal);
    AUTO(mem_free) char *target = mem_format("/contacts/%s", removal.key);
    AUTO(mem_free) char *tags = mem_format("/contacts/%s/tags", removal.key);
    refused(state, v16, target, 404, "not_found");
    refused(state, v16, tags, 404, "not_found");
    refused(state, v16, "/contacts/nobody", 404, "not_found");
    advance(state, 60);
    AUTO(mem_free)
    char *restore = mem_format("{\"restore\":{\"kind\":\"contacts\",\"id\":\"%s\"}}", removal.key);
    change(state, restore);
    AUTO(json_drop) json_t *back = get(state, target);
    assert_int_equal(json_int_at(back, "updated_at", 0), START_S + 60);
    json_decref(post(state, "/control/workspace", restore, 400)); /* it is there */
    collection_removal(sandbox_collection(sandbox, "contacts"), 1, &removal);
    assert_int_equal(removal.back_s, START_S + 60);
}

#define ALL                                                                                                  \
    "{\"query\":{\"field\":\"updated_at\",\"operator\":\">\",\"value\":1770000000},"                         \
    "\"sort\":{\"field\":\"updated_at\",\"order\":\"descending\"},\"pagination\":{\"per_page\":4}}"

static void test_the_merged_point_to_whom_they_became(void **state)
{
    struct sandbox *sandbox = *state;
    struct removal removal;
    AUTO(mem_free) char *all = NULL;
    change(state, "{\"merge\":{\"kind\":\"contacts\",\"count\":4}}");
    AUTO(json_drop) json_t *contacts = walk_contacts(state);
    assert_int_equal(json_array_size(contacts), CONTACTS - 4);
    collection_removal(sandbox_collection(sandbox, "contacts"), 2, &removal);
    AUTO(mem_free) char *target = mem_format("/contacts/%s", removal.key);
    AUTO(mem_free) char *notes = mem_format("/contacts/%s/notes", removal.key);
    refused(state, v15, target, 404, "not_found");
    refused(state, v15, notes, 404, "not_found");
    refused(state, v16, notes, 410, "contact_merged");
    json_decref(call_for(state, v16, target, 410, &all));
    AUTO(mem_free) char *link = mem_format("Link: </contacts/%s>; rel=\"canonical\"\r\n", removal.into);
    assert_non_null(strstr(all, link));
    AUTO(json_drop) json_t *bare = post(state, "/contacts/search", ALL, 200);
    AUTO(json_drop) json_t *detailed = post(state, "/contacts/search?include_merge_history=true", ALL, 200);
    for (size_t i = 0; i < 4; i++) {
        assert_null(json_object_get(json_array_get(json_object_get(bare, "data"), i), "merge_history"));
        const json_t *contact = json_array_get(json_object_get(detailed, "data"), i);
        const json_t *merge = json_array_get(json_object_get(contact, "merge_history"), 0);
        assert_int_equal(json_int_at(contact, "updated_at", 0), START_S);
        assert_int_equal(json_int_at(merge, "merged_at", 0), START_S);
        assert_true(collection_merged_into(sandbox_collection(sandbox, "contacts"),
                                           json_text_at(merge, "source_contact_id"),
                                           json_text_at(contact, "id")));
    }
    AUTO(mem_free) char *into = mem_format("/contacts/%s?include_merge_history=true", removal.into);
    AUTO(json_drop) json_t *now = get(state, into);
    AUTO(json_drop) json_t *old = call_for(state, v15, into, 200, NULL);
    assert_int_equal(json_array_size(json_object_get(now, "merge_history")), 1);
    assert_null(json_object_get(old, "merge_history"));
    assert_true(collection_remove(sandbox_collection(sandbox, "contacts"), removal.into, START_S + 1));
    refused(state, v16, target, 404, "not_found"); /* it became somebody who is gone */
}

/* A contact that was merged, and merged again, leads to the last one. */
static void test_merges_of_merges(void **state)
{
    struct sandbox *sandbox = *state;
    for (int i = 0; i < 30; i++) {
        advance(state, 10);
        change(state, "{\"merge\":{\"kind\":\"contacts\",\"count\":20}}");
    }
    size_t chains = 0, count = collection_removals(sandbox_collection(sandbox, "contacts"));
    for (size_t i = 0; i < count; i++) {
        struct removal removal;
        char into[COLLECTION_KEY];
        AUTO(buf_done) struct buf text;
        buf_init(&text, 1024 * 1024);
        collection_removal(sandbox_collection(sandbox, "contacts"), i, &removal);
        assert_int_equal(collection_read(sandbox_collection(sandbox, "contacts"), removal.key,
                                         (struct body_form){.history = false}, &text, into),
                         RECORD_MERGED);
        assert_true(collection_is_here(sandbox_collection(sandbox, "contacts"),
                                       collection_number(sandbox_collection(sandbox, "contacts"), into)));
        assert_true(collection_merged_into(sandbox_collection(sandbox, "contacts"), removal.key, into));
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
    assert_true(collection_remove(sandbox_collection(sandbox, "companies"), id,
                                  START_S)); /* of a page that was read */
    json_decref(scroll(state, param, 30));
    json_decref(scroll(state, param, 0));
    AUTO(mem_free) char *after = mem_format("/companies/scroll?scroll_param=%s", param);
    refused(state, v16, after, 404, "not_found");
    AUTO(json_drop) json_t *next = scroll(state, NULL, 100);
    assert_string_not_equal(json_text_at(next, "scroll_param"), param);
}

static _Atomic int64_t skipped_us; /* of real time */

int64_t __real_clock_boot_us(void);
int64_t __wrap_clock_boot_us(void);

int64_t __wrap_clock_boot_us(void)
{
    return __real_clock_boot_us() + skipped_us;
}

static void test_a_scroll_dies_when_it_is_idle_in_real_time(void **state)
{
    AUTO(json_drop) json_t *first = scroll(state, NULL, 100);
    AUTO(mem_free)
    char *target = mem_format("/companies/scroll?scroll_param=%s", json_text_at(first, "scroll_param"));
    refused(state, v16, "/companies/scroll", 400, "scroll_exists");
    skipped_us += 61000000;
    refused(state, v16, target, 404, "not_found");
    json_decref(scroll(state, NULL, 100));
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
        change(state, "{\"touch\":{\"kind\":\"companies\",\"count\":230}}");
        AUTO(json_drop) json_t *changed = get(state, target);
        assert_int_equal(json_int_at(changed, "updated_at", 0), START_S);
        assert_true(collection_remove(sandbox_collection(sandbox, "companies"), id, START_S));
        refused(state, v16, target, 404, "company_not_found");
        refused(state, v16, segments, 404, "company_not_found");
        json_decref(page);
        advance(state, 61);
        page = scroll(state, NULL, 100);
    }
    for (size_t i = 0; i < 6; i++)
        assert_true(counts[i] > 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, workspace_set_up, workspace_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_long_lists_are_cut_and_read_whole_elsewhere),
        TEST(test_given_lists_are_cut_too),
        TEST(test_cursors_of_the_list_are_checked),
        TEST(test_lists_are_not_for_everybody),
        TEST(test_the_deleted_are_gone_and_may_come_back),
        TEST(test_the_merged_point_to_whom_they_became),
        TEST(test_merges_of_merges),
        TEST(test_a_scroll_ends_with_an_empty_page),
        TEST(test_a_scroll_dies_when_it_is_idle),
        TEST(test_a_scroll_dies_when_it_is_idle_in_real_time),
        TEST(test_companies_and_their_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
