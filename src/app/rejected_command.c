/* SPDX-License-Identifier: Apache-2.0 */
/* rejected_command.c - `caseload rejected`: records that could not be loaded; shown, and read again. */
#include <stdio.h>
#include <string.h>

#include "answers.h"
#include "base/mem.h"
#include "base/random.h"
#include "commands.h"
#include "core/attempts.h"
#include "core/run.h"

#define LISTED 1000

static bool read_question(const struct services *services, const struct options *options,
                          struct question *question, struct error *err)
{
    const char *since = options_value(options, "since");
    question->limit = LISTED;
    question->id = options->second;
    question->has_since = since != NULL;
    if (since && !day_parse(since, &question->since))
        return error_set(err, ERROR_REQUEST, "--since is \"%.32s\"; write a day: 2026-01-31", since);
    return answers_read_stream(services, options, &question->stream, err);
}

static const struct report_column columns[] = {
    {"rejected_at", "rejected", false, REPORT_WHOLE},
    {"stream", "stream", false, REPORT_WHOLE},
    {"id", "id", false, REPORT_WHOLE},
    {"cause", "cause", false, REPORT_DROP},
    {"reason", "reason", false, REPORT_WRAP},
    {"from_date", NULL, false, REPORT_DROP},
    {"to_date", NULL, false, REPORT_DROP},
    {"run_id", NULL, false, REPORT_DROP},
};

static bool list(struct services *services, const struct options *options, struct error *err)
{
    struct question question = {.kind = QUESTION_REJECTED};
    AUTO(json_drop) json_t *rows = NULL;
    AUTO(report_drop)
    struct report *report = report_new("rejected", columns, sizeof columns / sizeof *columns);
    if (!read_question(services, options, &question, err) || !answers_ask(services, &question, &rows, err))
        return false;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        char time[ANSWERS_TIME];
        report_row(report);
        report_value(report, json_incref(json_object_get(row, "rejected_at")),
                     answers_time(row, "rejected_at", time));
        for (size_t k = 1; k < sizeof columns / sizeof *columns; k++)
            answers_copy(report, row, columns[k].key);
    }
    if (json_array_size(rows) == 0) report_line(report, "No record is rejected.");
    if (json_array_size(rows) == LISTED)
        report_line(report, "These are the newest %d. The others are in the table rejected.", LISTED);
    report_print(report, options_has(options, "json"), stdout);
    return true;
}

static bool show(struct services *services, const struct options *options, struct error *err)
{
    struct question question = {.kind = QUESTION_RECORD};
    AUTO(json_drop) json_t *rows = NULL;
    if (!options->second) return error_set(err, ERROR_REQUEST, "an id is missing: caseload rejected show ID");
    if (!read_question(services, options, &question, err) || !answers_ask(services, &question, &rows, err))
        return false;
    if (json_array_size(rows) == 0)
        return error_set(err, ERROR_REQUEST,
                         "no rejected record has the id \"%.64s\"; `caseload rejected list` "
                         "lists them",
                         options->second);
    AUTO(json_drop) json_t *document = json_pack("{s:i, s:O}", "version", REPORT_VERSION, "rejected", rows);
    json_dumpf(document, stdout, JSON_INDENT(2));
    putchar('\n');
    return true;
}

/* A range of days for the stream that the row is of; a stream without days, or days that are not over, need a
 * tick. */
struct retry_range {
    const struct selection *selection;
    struct day from, to;
    bool is_tick;
};

static bool range_of(const struct services *services, const json_t *row, struct day today,
                     struct retry_range *out)
{
    const char *stream = json_text_at(row, "stream"), *from = json_text_at(row, "from_date");
    const char *to = json_text_at(row, "to_date");
    *out = (struct retry_range){.selection = NULL};
    for (size_t i = 0; stream && i < services->selection_count; i++)
        if (strcmp(services->selections[i].stream->name, stream) == 0)
            out->selection = &services->selections[i];
    if (!out->selection || !from || !day_parse(from, &out->from) || !to || !day_parse(to, &out->to))
        return false;
    const struct stream *found = out->selection->stream;
    out->is_tick = !stream_is_windowed(found) || out->to.n >= today.n - 2;
    return found->kind != STREAM_RECONCILE;
}

static bool same_range(const struct retry_range *one, const struct retry_range *other)
{
    return one->selection == other->selection && one->is_tick == other->is_tick &&
           (one->is_tick || (one->from.n == other->from.n && one->to.n == other->to.n));
}

static bool load_range(struct services *services, const struct retry_range *range, struct error *err)
{
    char run_id[RANDOM_NAME];
    struct run_report *report = mem_zero(1, sizeof *report);
    const struct run_context context = services_context(services);
    const struct run_trigger trigger = {.run_id = run_id, .message_id = "", .published_us = INT64_MAX};
    const struct request request = {.selections = {range->selection},
                                    .count = 1,
                                    .has_from = !range->is_tick,
                                    .has_to = !range->is_tick,
                                    .from = range->from,
                                    .to = range->to};
    random_name(run_id);
    bool done = run_request(&context, &request, &trigger, report, err);
    attempts_record(&context, &trigger, report);
    free(report);
    return done;
}

/* The newest of the times at which rows were rejected is as late as any day that they may be of. */
static struct day newest_day(const json_t *rows)
{
    struct day newest = {0};
    for (size_t i = 0; i < json_array_size(rows); i++) {
        char text[DAY_TEXT];
        struct day day;
        const char *at = json_text_at(json_array_get(rows, i), "rejected_at");
        (void)snprintf(text, sizeof text, "%.10s", at ? at : "");
        if (day_parse(text, &day)) newest = day_max(newest, day);
    }
    return newest;
}

static bool load_again(struct services *services, const json_t *rows, struct error *err)
{
    struct retry_range *ranges = mem_zero(json_array_size(rows) + 1, sizeof *ranges);
    const struct day newest = newest_day(rows);
    size_t count = 0;
    bool good = true;
    for (size_t i = 0; i < json_array_size(rows) && good; i++) {
        size_t k = 0;
        if (!range_of(services, json_array_get(rows, i), newest, &ranges[count])) continue;
        while (k < count && !same_range(&ranges[k], &ranges[count]))
            k++;
        if (k == count) good = load_range(services, &ranges[count++], err);
    }
    free(ranges);
    return good;
}

static bool retry(struct services *services, const struct options *options, struct error *err)
{
    struct question question = {.kind = QUESTION_REJECTED};
    AUTO(json_drop) json_t *rows = NULL;
    AUTO(json_drop) json_t *left = NULL;
    int64_t mended = 0, all = 0;
    if (!services_open(services, err) || !read_question(services, options, &question, err) ||
        !answers_ask(services, &question, &rows, err) || !load_again(services, rows, err))
        return false;
    for (size_t i = 0; i < services->selection_count && json_array_size(rows) > 0; i++) {
        const struct stream *stream = services->selections[i].stream;
        if (stream->kind == STREAM_RECONCILE ||
            (question.stream && strcmp(question.stream, stream->name) != 0))
            continue;
        if (!services->warehouse->ops->mend(services->warehouse, stream, &mended, err)) return false;
        all += mended;
    }
    if (!answers_ask(services, &question, &left, err)) return false;
    printf("%lld mended, %zu still rejected\n", (long long)all, json_array_size(left));
    return true;
}

static bool act(struct services *services, const struct options *options, int *out_code, struct error *err)
{
    const char *action = options->argument;
    (void)out_code; /* of a success */
    if (strcmp(action, "retry") == 0) return retry(services, options, err);
    if (strcmp(action, "list") != 0 && strcmp(action, "show") != 0)
        return error_set(err, ERROR_REQUEST, "\"%.32s\" is none of list, show and retry", action);
    if (!services_open_warehouse(services, err)) return false;
    return strcmp(action, "list") == 0 ? list(services, options, err) : show(services, options, err);
}

static int run(const struct options *options)
{
    return command_do(options, act);
}

static const struct command_option options[] = {
    {"stream", "NAME", "this stream only"},
    {"since", "DAY", "rejected on this day or later (default: 90 days)"},
    {"json", NULL, "the list as one JSON document, with all columns"},
};

static const char *const examples[] = {
    "list --config caseload.json --stream contacts",
    "show 65f1c0ffee --config caseload.json",
    "retry --config caseload.json --since 2026-01-01",
    NULL,
};

const struct command rejected_command = {
    .name = "rejected",
    .argument = "list|show|retry",
    .second = "ID",
    .summary = "records that could not be loaded: list, show, read again",
    .text =
        "`list` shows the records that were rejected and not mended since, with the reason. `show` prints "
        "one as "
        "it was received. `retry` reads their days again, commits what is good now, and marks it as mended: "
        "after an update, or when the source was mended. A record that could not be fetched is tried again "
        "by "
        "later ticks without being asked.",
    .examples = examples,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .config = CONFIG_NEEDED,
    .run = run,
};
