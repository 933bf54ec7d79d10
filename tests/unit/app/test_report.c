/* SPDX-License-Identifier: Apache-2.0 */
/* Reports: tables stay within 80 columns whatever the cells hold, and the document has everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "report.h"

static const struct report_column columns[] = {
    {"stream", "stream", false, REPORT_WHOLE}, {"rows", "rows", true, REPORT_WHOLE},
    {"seconds", NULL, true, REPORT_WHOLE},     {"last_success", "last success", false, REPORT_DROP},
    {"state", "state", false, REPORT_WRAP},
};

static struct report *new_report(void)
{
    return report_new("streams", columns, sizeof columns / sizeof *columns);
}

static void add(struct report *report, const char *stream, int64_t rows, const char *last, const char *state)
{
    report_row(report);
    report_text(report, stream);
    report_number(report, rows);
    report_number(report, 7);
    report_text(report, last);
    report_text(report, state);
}

static char *print(const struct report *report, bool as_json)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    report_print(report, as_json, out);
    fclose(out);
    return text;
}

static void assert_text(const struct report *report, const char *wanted)
{
    AUTO(mem_free) char *text = print(report, false);
    assert_string_equal(text, wanted);
}

/* No byte but printable ones, and no line with more than 80 characters. */
static void assert_narrow(const struct report *report)
{
    AUTO(mem_free) char *text = print(report, false);
    size_t width = 0, size;
    for (const char *c = text; *c; c += size) {
        size = utf8_size(c, strlen(c));
        assert_true(size > 0);
        assert_true((unsigned char)*c >= ' ' || *c == '\n');
        width = *c == '\n' ? 0 : width + 1;
        assert_true(width <= 80);
    }
}

static void a_table_aligns(void **state)
{
    (void)state;
    AUTO(report_drop) struct report *report = new_report();
    add(report, "contacts", 412000, "2026-11-01 04:01", "fresh");
    add(report, "tickets", 7, NULL, "holes");
    report_line(report, "%d streams.", 2);
    assert_text(report, "stream       rows  last success      state\n"
                        "contacts  412,000  2026-11-01 04:01  fresh\n"
                        "tickets         7                    holes\n"
                        "2 streams.\n");
}

static void long_texts_continue_below(void **state)
{
    (void)state;
    AUTO(report_drop) struct report *report = new_report();
    add(report, "contacts", 1, "2026-11-01 04:01",
        "failed 3x: 503 from GET /conversations/{id}; the next tick tries again, nothing is lost");
    assert_narrow(report);
    assert_text(report, "stream    rows  last success      state\n"
                        "contacts     1  2026-11-01 04:01  failed 3x: 503 from GET /conversations/{id};\n"
                        "                                  the next tick tries again, nothing is lost\n");
}

static void a_wide_table_leaves_columns_out(void **state)
{
    (void)state;
    AUTO(report_drop) struct report *report = new_report();
    add(report, "a_stream_with_a_name_of_forty_characters", 1, "2026-11-01 04:01",
        "failed 3x: 503 from GET /conversations");
    assert_text(report, "stream                                    rows  state\n"
                        "a_stream_with_a_name_of_forty_characters     1  failed 3x: 503 from GET\n"
                        "                                                /conversations\n");
    AUTO(mem_free) char *text = print(report, true);
    assert_non_null(strstr(text, "2026-11-01 04:01"));
}

static void no_cell_makes_a_line_too_long(void **state)
{
    (void)state;
    char huge[400];
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    AUTO(report_drop) struct report *report = new_report();
    add(report, huge, INT64_MIN, huge, huge);
    add(report, "short", INT64_MAX, "", "");
    report_line(report, "%s", huge);
    assert_narrow(report);
}

/* Text of a peer can neither move the cursor nor break the document. */
static void texts_from_outside_are_harmless(void **state)
{
    (void)state;
    AUTO(report_drop) struct report *report = new_report();
    add(report, "a\x1b[31mb\nc", 1, "\xff\xfe",
        "\xe2\x80\xae"
        "abc \xc2\x9b"
        "31m");
    assert_narrow(report);
    AUTO(mem_free) char *shown = print(report, false);
    assert_null(strchr(shown, '\x1b'));
    assert_null(strstr(shown, "\xe2\x80\xae"));
    assert_null(strstr(shown, "\xc2\x9b"));
    add(report, "\xe2\x80\x93", 1, NULL, NULL); /* a dash */
    AUTO(mem_free) char *dash = print(report, false);
    assert_non_null(strstr(dash, "\xe2\x80\x93"));
    AUTO(mem_free) char *text = print(report, true);
    AUTO(json_drop) json_t *document = json_loads(text, 0, NULL);
    assert_non_null(document);
}

static void a_document_has_version_rows_and_members(void **state)
{
    (void)state;
    AUTO(report_drop) struct report *report = new_report();
    add(report, "contacts", 412000, NULL, "fresh");
    report_set(report, "requests", json_integer(40));
    AUTO(mem_free) char *text = print(report, true);
    AUTO(json_drop) json_t *document = json_loads(text, 0, NULL);
    AUTO(json_drop)
    json_t *wanted =
        json_pack("{s:i, s:[{s:s, s:i, s:i, s:n, s:s}], s:i}", "version", 1, "streams", "stream", "contacts",
                  "rows", 412000, "seconds", 7, "last_success", "state", "fresh", "requests", 40);
    assert_true(json_equal(document, wanted));
}

static void durations_are_short(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0.0 s"},          {0.44, "0.4 s"}, {9.94, "9.9 s"},      {9.96, "10 s"},
                 {59.4, "59 s"},        {59.6, "1 min"}, {72, "1 min 12 s"},   {300, "5 min"},
                 {1440, "24 min"},      {7200, "2 h"},   {11100, "3 h 5 min"}, {29 * 3600, "29 h"},
                 {4 * 86400, "4 days"}, {-5, "0 s"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[REPORT_NUMBER];
        assert_string_equal(report_duration(cases[i].seconds, text), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_aligns),
        cmocka_unit_test(long_texts_continue_below),
        cmocka_unit_test(a_wide_table_leaves_columns_out),
        cmocka_unit_test(no_cell_makes_a_line_too_long),
        cmocka_unit_test(texts_from_outside_are_harmless),
        cmocka_unit_test(a_document_has_version_rows_and_members),
        cmocka_unit_test(durations_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
