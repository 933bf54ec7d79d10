/* SPDX-License-Identifier: Apache-2.0 */
/* status_command.c - `caseload status`: how fresh and how whole each stream is. */
#include <stdio.h>
#include <string.h>

#include "answers.h"
#include "base/mem.h"
#include "base/setting.h"
#include "commands.h"

#define MAX_AGE_S  (26 * 3600)
#define SHOWN_GAPS 3

static const struct setting max_age = {.group = "",
                                       .key = "--max-age",
                                       .kind = SETTING_DURATION,
                                       .maximum = 1e9,
                                       .help = "how old the last success of a fresh stream may be"};

static bool read_age(const struct options *options, int64_t *out_s, struct error *err)
{
    const char *text = options_value(options, "max-age");
    long seconds;
    if (!text) return true;
    if (!setting_parse(&max_age, &seconds, text, err)) {
        err->kind = ERROR_REQUEST;
        return false;
    }
    *out_s = seconds;
    return true;
}

/* "2026-02-12, 2026-03-01..2026-03-03" */
static void add_gaps(struct buf *out, const json_t *days, int64_t missing)
{
    size_t count = json_array_size(days), shown = 0;
    for (size_t i = 0; i < count && shown < SHOWN_GAPS; shown++) {
        struct day first, last, next;
        size_t end = i + 1;
        const char *text = json_string_value(json_array_get(days, i));
        buf_format(out, "%s%s", shown ? ", " : "", text);
        if (!day_parse(text, &first)) return;
        for (last = first; end < count; end++, last = next)
            if (!day_parse(json_string_value(json_array_get(days, end)), &next) || next.n != last.n + 1)
                break;
        if (end > i + 1) buf_format(out, "..%s", json_string_value(json_array_get(days, end - 1)));
        missing -= (int64_t)(end - i);
        i = end;
    }
    if (missing > 0) buf_format(out, " and %lld more days", (long long)missing);
}

static void add_loaded(struct report *report, const json_t *row)
{
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_NAME);
    const char *from = json_text_at(row, "loaded_from"), *to = json_text_at(row, "loaded_to");
    if (from && to)
        buf_format(&text, strcmp(from, to) == 0 ? "%s" : "%s..%s", from, to);
    else if (json_text_at(row, "fresh_at"))
        buf_text(&text, "everything");
    report_value(report, json_pack("{s:s?, s:s?}", "from", from, "to", to), buf_string(&text));
}

/* seconds since then; -1: there is no such time */
static int64_t age_s(const json_t *row, const char *key, int64_t now_us)
{
    const char *text = json_text_at(row, key);
    int64_t us;
    if (!text || !instant_parse(text, strlen(text), &us)) return -1;
    return us > now_us ? 0 : (now_us - us) / 1000000;
}

static void add_state(struct report *report, const json_t *row, int64_t fresh_s)
{
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_SQL);
    char age[REPORT_NUMBER];
    const char *state = json_text_at(row, "state"), *error = json_text_at(row, "error");
    int64_t failures = json_int_at(row, "failures", 0), missing = json_int_at(row, "missing", 0);
    buf_text(&text, state ? state : "");
    if (state && strcmp(state, "failed") == 0) buf_format(&text, " %lldx", (long long)failures);
    if (state && strcmp(state, "stale") == 0)
        buf_format(&text, ": the last success is %s old", report_duration((double)fresh_s, age));
    if (state && strcmp(state, "holes") == 0) buf_text(&text, ": the next tick loads them");
    if (state && strcmp(state, "stopped") == 0) buf_text(&text, ": the next run goes on from there");
    if (missing > 0) {
        buf_text(&text, "; missing ");
        add_gaps(&text, json_object_get(row, "missing_days"), missing);
    }
    if (failures > 0 && error) buf_format(&text, "; %s", error);
    report_value(report, json_string(state ? state : ""), buf_string(&text));
}

static const struct report_column columns[] = {
    {"stream", "stream", false, REPORT_WHOLE},
    {"loaded", "loaded", false, REPORT_WHOLE},
    {"age_seconds", "age", true, REPORT_WHOLE}, /* of the last success */
    {"rejected", "rejected", true, REPORT_WHOLE},
    {"newest_record_at", "newest record", false, REPORT_DROP},
    {"fresh_at", "last success", false, REPORT_DROP},
    {"state", "state", false, REPORT_WRAP},
    {"missing", NULL, true, REPORT_DROP},
    {"missing_days", NULL, false, REPORT_DROP},
    {"attempted_at", NULL, false, REPORT_DROP},
    {"outcome", NULL, false, REPORT_DROP},
    {"failures", NULL, true, REPORT_DROP},
    {"error", NULL, false, REPORT_DROP},
};

static void add_time(struct report *report, const json_t *row, const char *key)
{
    char time[ANSWERS_TIME];
    report_value(report, json_incref(json_object_get(row, key)), answers_time(row, key, time));
}

static void add_row(struct report *report, const json_t *row, int64_t now_us)
{
    char age[REPORT_NUMBER] = "";
    int64_t fresh_s = age_s(row, "fresh_at", now_us);
    report_row(report);
    answers_copy(report, row, "stream");
    add_loaded(report, row);
    if (fresh_s >= 0) (void)report_duration((double)fresh_s, age);
    report_value(report, fresh_s < 0 ? json_null() : json_integer(fresh_s), age);
    answers_copy(report, row, "rejected");
    add_time(report, row, "newest_record_at");
    add_time(report, row, "fresh_at");
    add_state(report, row, fresh_s);
    for (size_t i = 7; i < sizeof columns / sizeof *columns; i++)
        answers_copy(report, row, columns[i].key);
}

static bool print_status(struct services *services, const struct options *options, int *out_code,
                         struct error *err)
{
    struct question question = {.kind = QUESTION_STATUS, .max_age_s = MAX_AGE_S};
    AUTO(json_drop) json_t *rows = NULL;
    AUTO(report_drop)
    struct report *report = report_new("streams", columns, sizeof columns / sizeof *columns);
    bool is_good = true;
    int64_t now_us = 0;
    if (!read_age(options, &question.max_age_s, err) || !services_open_warehouse(services, err) ||
        !answers_read_stream(services, options, &question.stream, err) ||
        !answers_ask(services, &question, &rows, err))
        return false;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *stream = json_text_at(row, "stream"), *state = json_text_at(row, "state");
        const char *asked = json_text_at(row, "asked_at");
        if (question.stream && strcmp(question.stream, stream ? stream : "") != 0) continue;
        if (asked) (void)instant_parse(asked, strlen(asked), &now_us);
        is_good = is_good && state && strcmp(state, "fresh") == 0;
        add_row(report, row, now_us);
    }
    report_set(report, "fresh", json_boolean(is_good));
    report_print(report, options_has(options, "json"), stdout);
    *out_code = is_good ? EXIT_DONE : EXIT_FINDINGS;
    return true;
}

static int run(const struct options *options)
{
    return command_do(options, print_status);
}

static const struct command_option options[] = {
    {"stream", "NAME", "this stream only"},
    {"max-age", "DURATION", "a stream whose last success is older is stale (default 26h)"},
    {"json", NULL, "the same as one JSON document"},
};

static const char *const examples[] = {
    "--config caseload.json",
    "--config caseload.json --stream contacts --max-age 90m --json",
    NULL,
};

const struct command status_command = {
    .name = "status",
    .summary = "how fresh and how whole each stream is",
    .text =
        "Reads from the warehouse which days of each stream are loaded, when the last load succeeded, what "
        "is rejected, and what failed since. Times are UTC, by the warehouse's clock. Exits with 0 if each "
        "stream is fresh and whole, and with 1 otherwise. Writes nothing. The view `status` of the control "
        "dataset holds the same.\n"
        "States: fresh; stale (no success within --max-age); holes (days between the first and the last "
        "loaded one are missing; the next tick loads them); failed (with the number of failed attempts since "
        "the last success, and the error of the newest); forbidden (by the source's plan or the token); "
        "never loaded.",
    .examples = examples,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .config = CONFIG_NEEDED,
    .run = run,
};
