/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of the port: which messages they write, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "fake_streams.h"
#include "singer/singer.h"

#define NOW_US (INT64_C(1767225600) * 1000000) /* 2026-01-01 */

static const struct source_identity desk = {.workspace = "w1", .type = "desk"};

struct bench {
    struct zone *zone;
    struct plan_settings plan;
    FILE *out;
    long seen; /* of it */
    struct warehouse *warehouse;
    struct selection selection;
    struct load *load;
    int64_t counted;
    struct error err;
};

static int64_t now_us(void *self)
{
    (void)self;
    return NOW_US;
}

static void count(void *self, const char *stream, int64_t records)
{
    struct bench *bench = self;
    (void)stream;
    bench->counted += records;
}

static int setup(void **state)
{
    struct bench *bench = mem_zero(1, sizeof *bench);
    if (!zone_load("Etc/UTC", &bench->zone, &bench->err)) return -1;
    bench->plan = (struct plan_settings){
        .zone = bench->zone, .start = day_of_civil(2025, 12, 1), .lookback_days = 2, .settle_minutes = 60};
    *state = bench;
    return 0;
}

static void close_tap(struct bench *bench)
{
    if (bench->warehouse) bench->warehouse->ops->free(bench->warehouse);
    if (bench->out) (void)fclose(bench->out);
    bench->warehouse = NULL;
    bench->out = NULL;
}

static int teardown(void **state)
{
    struct bench *bench = *state;
    close_tap(bench);
    zone_free(bench->zone);
    free(bench);
    return 0;
}

/* Texts may be NULL. */
static void open_tap(struct bench *bench, const struct stream *stream, const char *selected,
                     const char *state)
{
    AUTO(json_drop) json_t *given = state ? json_loads(state, 0, NULL) : NULL;
    static struct singer_catalog catalog; /* borrowed by the tap */
    json_decref(catalog.selected);
    catalog.selected = selected ? json_loads(selected, 0, NULL) : NULL;
    close_tap(bench);
    bench->out = tmpfile();
    bench->seen = 0;
    bench->selection = fake_selection(stream);
    assert_non_null(bench->out);
    const struct singer_settings settings = {.file = fileno(bench->out),
                                             .plan = &bench->plan,
                                             .catalog = selected ? &catalog : NULL,
                                             .state = given,
                                             .now_us = now_us,
                                             .count = count,
                                             .self = bench};
    if (!singer_new(&settings, &bench->warehouse, &bench->err) ||
        !bench->warehouse->ops->prepare(bench->warehouse, &bench->selection, &desk, &bench->err))
        fail_msg("%s", bench->err.text);
}

static void begin(struct bench *bench)
{
    assert_true(bench->warehouse->ops->begin(bench->warehouse, &bench->selection, &bench->load, &bench->err));
}

static void write_row(struct bench *bench, size_t table, const char *row)
{
    if (!bench->warehouse->ops->write(bench->load, table, row, strlen(row), &bench->err))
        fail_msg("%s", bench->err.text);
}

static void reject_record(struct bench *bench, const char *id)
{
    const struct reject reject = {.id = id, .reason = "why", .record = "{\"a\":1}", .record_size = 7};
    assert_true(bench->warehouse->ops->reject(bench->load, &reject, &bench->err));
}

static void commit(struct bench *bench, bool is_incomplete)
{
    struct day day = day_of_civil(2026, 1, 1);
    struct committed committed;
    const struct commit commit = {
        .unit = {.lo = day, .hi = day, .claim_hi = day}, .began_us = NOW_US, .is_incomplete = is_incomplete};
    assert_true(bench->warehouse->ops->commit(bench->load, &commit, &committed, &bench->err));
}

/* The messages since the last call, shortened: "SCHEMA people RECORD people STATE ". */
static const char *written(struct bench *bench, json_t **out_last)
{
    static char text[1024];
    char *line = NULL;
    size_t size = 0;
    text[0] = '\0';
    (void)fseek(bench->out, bench->seen, SEEK_SET);
    while (getline(&line, &size, bench->out) > 0) {
        json_t *message = json_loads(line, 0, NULL);
        const char *stream = json_text_at(message, "stream");
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s ",
                       json_text_at(message, "type"), stream ? " " : "", stream ? stream : "");
        if (out_last) {
            json_decref(*out_last);
            *out_last = json_incref(message);
        }
        json_decref(message);
    }
    free(line);
    bench->seen = ftell(bench->out);
    return text;
}

/* Yours. */
static json_t *rejected_record(struct bench *bench)
{
    json_t *record = NULL;
    char *line = NULL;
    size_t size = 0;
    rewind(bench->out);
    while (getline(&line, &size, bench->out) > 0) {
        AUTO(json_drop) json_t *message = json_loads(line, 0, NULL);
        if (json_at(message, "record.hash")) record = json_incref(json_object_get(message, "record"));
    }
    free(line);
    assert_non_null(record);
    return record;
}

static const char person[] = "{\"id\":\"1\",\"updated_at\":\"2026-01-01T00:00:00Z\",\"name\":\"A\","
                             "\"_read_at\":\"2026-01-01T00:00:01Z\",\"_seq\":1}";

static void a_commit_is_a_state_after_its_records(void **state)
{
    struct bench *bench = *state;
    AUTO(json_drop) json_t *last = NULL;
    open_tap(bench, &fake_people, NULL, NULL);
    assert_string_equal(written(bench, NULL), "SCHEMA people ");
    begin(bench);
    write_row(bench, 0, person);
    commit(bench, false);
    assert_string_equal(written(bench, &last), "RECORD people STATE ");
    assert_string_equal(json_text_at(last, "value.currently_syncing"), "people");
    assert_string_equal(json_text_at(last, "value.caseload.workspace"), "w1");
    begin(bench);
    write_row(bench, 0, person);
    bench->warehouse->ops->abort(bench->load); /* no state */
    assert_true(singer_finish(bench->warehouse, false, &bench->err));
    begin(bench);
    commit(bench, false);
    assert_string_equal(written(bench, NULL), "RECORD people STATE ");
    assert_true(singer_finish(bench->warehouse, true, &bench->err));
    assert_string_equal(written(bench, &last), "STATE ");
    assert_null(json_text_at(last, "value.currently_syncing"));
    assert_int_equal(bench->counted, 2);
}

static void a_list_is_activated_if_it_is_whole(void **state)
{
    struct bench *bench = *state;
    AUTO(json_drop) json_t *last = NULL;
    static const char team[] = "{\"id\":\"1\",\"partition_date\":\"2026-01-01\"}";
    open_tap(bench, &fake_teams, NULL, NULL);
    (void)written(bench, NULL);
    begin(bench);
    write_row(bench, 0, team);
    commit(bench, false);
    assert_string_equal(written(bench, &last), "RECORD teams ACTIVATE_VERSION teams STATE ");
    int64_t first = json_int_at(last, "value.activate_versions.teams", 0);
    assert_true(first >= NOW_US / 1000);

    begin(bench); /* empty */
    commit(bench, false);
    assert_string_equal(written(bench, NULL), "STATE ");
    begin(bench); /* contradicted */
    write_row(bench, 0, team);
    commit(bench, true);
    assert_string_equal(written(bench, NULL), "RECORD teams STATE ");
    begin(bench); /* with a record that can't be loaded */
    write_row(bench, 0, team);
    reject_record(bench, "2");
    commit(bench, false);
    assert_string_equal(written(bench, &last), "RECORD teams SCHEMA rejected RECORD rejected STATE ");
    assert_true(json_int_at(last, "value.activate_versions.teams", 0) > first);

    begin(bench);
    write_row(bench, 0, team);
    assert_true(singer_finish(bench->warehouse, true, &bench->err)); /* flushes */
    (void)written(bench, NULL);
    commit(bench, false);
    assert_string_equal(written(bench, NULL), "ACTIVATE_VERSION teams STATE ");
}

static void only_what_is_selected_is_sent(void **state)
{
    struct bench *bench = *state;
    static const char reply[] = "{\"ticket_id\":\"1\",\"id\":\"2\",\"body\":\"b\",\"redacted\":false}";
    AUTO(json_drop) json_t *last = NULL;
    open_tap(bench, &fake_tickets, "{\"replies\":{\"body\":null}}", NULL);
    assert_string_equal(written(bench, &last), "SCHEMA replies ");
    assert_null(json_at(last, "schema.properties.body"));
    begin(bench);
    write_row(bench, 0, person);
    write_row(bench, 1, reply);
    reject_record(bench, "7"); /* the catalog does not select "rejected" */
    assert_true(singer_finish(bench->warehouse, true, &bench->err));
    assert_string_equal(written(bench, NULL), "RECORD replies STATE ");
    bench->warehouse->ops->abort(bench->load);
}

static void a_rejected_record_has_a_key(void **state)
{
    struct bench *bench = *state;
    static const char *const ids[] = {"1", "1", ""};
    char hash[3][32];
    for (int i = 0; i < 3; i++) {
        AUTO(json_drop) json_t *last = NULL;
        open_tap(bench, &fake_people, NULL, NULL);
        begin(bench);
        reject_record(bench, ids[i]);
        bench->warehouse->ops->abort(bench->load);
        begin(bench);
        write_row(bench, 0, person);
        commit(bench, false); /* writes all */
        assert_string_equal(written(bench, NULL),
                            "SCHEMA people SCHEMA rejected RECORD rejected RECORD people STATE ");
        last = rejected_record(bench);
        assert_string_equal(json_text_at(last, "id"), ids[i]);
        assert_string_equal(json_text_at(last, "stream"), "people");
        assert_string_equal(json_text_at(last, "record"), "{\"a\":1}");
        assert_string_equal(json_text_at(last, "rejected_at"), "2026-01-01T00:00:00Z");
        (void)snprintf(hash[i], sizeof hash[i], "%s", json_text_at(last, "hash"));
    }
    assert_string_equal(hash[0], hash[1]);
    assert_string_not_equal(hash[0], hash[2]);
}

static void a_state_of_others_is_refused(void **state)
{
    struct bench *bench = *state;
    const struct source_identity other = {.workspace = "w2", .type = "desk"};
    open_tap(bench, &fake_people, NULL, "{\"caseload\":{\"workspace\":\"w1\"}}");
    assert_false(bench->warehouse->ops->prepare(bench->warehouse, &bench->selection, &other, &bench->err));
    assert_int_equal(bench->err.kind, ERROR_CONFIG);
}

/* Nothing is requested from the source for a reader that is gone. */
static void nothing_begins_after_a_failed_write(void **state)
{
    struct bench *bench = *state;
    struct committed committed;
    open_tap(bench, &fake_people, NULL, NULL);
    begin(bench);
    close(fileno(bench->out));
    assert_false(bench->warehouse->ops->commit(bench->load, &(struct commit){.began_us = NOW_US}, &committed,
                                               &bench->err));
    assert_false(
        bench->warehouse->ops->begin(bench->warehouse, &bench->selection, &bench->load, &bench->err));
    assert_non_null(strstr(bench->err.text, "stdout"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_commit_is_a_state_after_its_records, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_is_activated_if_it_is_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(only_what_is_selected_is_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rejected_record_has_a_key, setup, teardown),
        cmocka_unit_test_setup_teardown(a_state_of_others_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_begins_after_a_failed_write, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
