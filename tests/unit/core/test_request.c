/* SPDX-License-Identifier: Apache-2.0 */
/* Cases are data: tests/data/request.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "core/request.h"
#include "core/selection.h"
#include "fake_streams.h"

static size_t configured(struct selection out[3])
{
    out[0] = fake_selection(&fake_people);
    out[1] = fake_selection(&fake_tickets);
    out[2] = fake_selection(&fake_visits);
    return 3;
}

static struct delivery delivery_of(const json_t *test)
{
    const char *data = json_text_at(test, "data");
    const json_t *attributes = json_object_get(test, "attributes");
    struct delivery delivery = {.data = mem_text(data), .data_size = strlen(data)};
    const char *key;
    json_t *value;

    delivery.attributes = mem_zero(json_object_size(attributes) + 1, sizeof *delivery.attributes);
    json_object_foreach ((json_t *)(uintptr_t)attributes, key, value) {
        delivery.attributes[delivery.attribute_count++] =
            (struct message_attribute){mem_text(key), mem_text(json_string_value(value))};
    }
    return delivery;
}

static void names_of(const struct request *request, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < request->count; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "",
                                 request->selections[i]->stream->name);
}

static void check_day(const json_t *test, const char *key, bool any, struct day day)
{
    const char *wanted = json_text_at(test, key);
    char text[DAY_TEXT];

    assert_int_equal(any, wanted != NULL);
    if (!any) return;
    day_format(day, text);
    assert_string_equal(text, wanted);
}

static void check_case(const json_t *test)
{
    struct selection selections[3];
    size_t count = configured(selections);
    struct delivery delivery = delivery_of(test);
    const char *wanted = json_text_at(test, "error");
    struct request request;
    struct error err = {0};
    bool done = request_decode(&delivery, selections, count, &request, &err);
    char names[256];

    delivery_done(&delivery);
    if (wanted) {
        assert_false(done);
        assert_int_equal(err.kind, ERROR_REQUEST);
        if (!strstr(err.text, wanted)) fail_msg("\"%s\" is not in \"%s\"", wanted, err.text);
        return;
    }
    if (!done) fail_msg("%s", err.text);
    names_of(&request, names, sizeof names);
    assert_string_equal(names, json_text_at(test, "streams"));
    check_day(test, "from", request.has_from, request.from);
    check_day(test, "to", request.has_to, request.to);
}

static void test_cases(void **state)
{
    json_error_t problem;
    json_t *cases = json_load_file(CASELOAD_TEST_DATA "/request.json", 0, &problem);
    size_t i;
    json_t *test;

    (void)state;
    if (!cases) fail_msg("request.json:%d: %s", problem.line, problem.text);
    json_array_foreach (cases, i, test) {
        check_case(test);
    }
    json_decref(cases);
}

static void test_large_data_is_refused(void **state)
{
    struct selection selections[3];
    size_t count = configured(selections);
    struct delivery delivery = {.data = mem_zero(LIMIT_MESSAGE + 2, 1), .data_size = LIMIT_MESSAGE + 1};
    struct request request;
    struct error err = {0};

    (void)state;
    memset(delivery.data, ' ', delivery.data_size);
    assert_false(request_decode(&delivery, selections, count, &request, &err));
    assert_non_null(strstr(err.text, "at most"));
    delivery_done(&delivery);
}

static bool select_names(const char *const *names, size_t count, struct selection *out, size_t *out_count,
                         struct error *err)
{
    static const struct stream *const catalog[] = {&fake_people, &fake_tickets, &fake_visits,
                                                   &fake_staff_reconciliation, &fake_staff};

    return selection_resolve(catalog, 5, names, count, out, out_count, err);
}

static void check_tables(const struct selection *selection, const char *names)
{
    char text[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < selection->table_count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "",
                                 selection->tables[i]->name);
    assert_string_equal(text, names);
}

/* Implied selections: some children, and the reconciliation of loaded streams. */
static void test_company(void **state)
{
    struct selection selections[LIMIT_STREAMS];
    struct error err = {0};
    size_t count;

    (void)state;
    assert_true(select_names(NULL, 0, selections, &count, &err));
    assert_int_equal(count, 5);
    check_tables(&selections[1], "tickets replies");
    check_tables(&selections[3], "staff staff_gone");
    assert_ptr_equal(selections[4].stream, &fake_staff_reconciliation);
    assert_true(select_names((const char *const[]){"staff", "people"}, 2, selections, &count, &err));
    assert_int_equal(count, 3);
    check_tables(&selections[0], "staff staff_gone");
    assert_ptr_equal(selections[2].stream, &fake_staff_reconciliation);
    assert_true(select_names((const char *const[]){"staff_gone", "staff_notes", "staff"}, 3, selections,
                             &count, &err));
    check_tables(&selections[0], "staff staff_gone staff_notes");
    assert_true(select_names((const char *const[]){"people"}, 1, selections, &count, &err));
    assert_int_equal(count, 1);
    assert_false(
        select_names((const char *const[]){"staff", "staff_reconciliation"}, 2, selections, &count, &err));
    assert_non_null(strstr(err.text, "comes by itself with \"staff\""));
}

static void test_selections(void **state)
{
    struct selection selections[LIMIT_STREAMS];
    struct error err = {0};
    size_t count;

    (void)state;
    assert_true(select_names((const char *const[]){"replies", "tickets"}, 2, selections, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(selections[0].table_count, 2);
    assert_true(select_names((const char *const[]){"visits", "tickets"}, 2, selections, &count, &err));
    assert_int_equal(count, 2);
    assert_ptr_equal(selections[0].stream, &fake_visits);
    assert_int_equal(selections[1].table_count, 1);
    assert_false(select_names((const char *const[]){"replies"}, 1, selections, &count, &err));
    assert_non_null(strstr(err.text, "add \"tickets\""));
    assert_false(select_names((const char *const[]){"people", "people"}, 2, selections, &count, &err));
    assert_non_null(strstr(err.text, "twice"));
    assert_false(
        select_names((const char *const[]){"tickets", "replies", "replies"}, 3, selections, &count, &err));
    assert_non_null(strstr(err.text, "twice"));
    assert_false(select_names((const char *const[]){"ticktes"}, 1, selections, &count, &err));
    assert_non_null(strstr(err.text, "did you mean \"tickets\""));
    assert_false(select_names((const char *const[]){""}, 0, selections, &count, &err));
    assert_int_equal(err.kind, ERROR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_large_data_is_refused),
        cmocka_unit_test(test_selections),
        cmocka_unit_test(test_company),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
