/* SPDX-License-Identifier: Apache-2.0 */
/* history_command.c - `caseload history` and `caseload show`: what became of requests. */
#include <stdio.h>
#include <string.h>

#include "answers.h"
#include "commands.h"

#define LIMIT      20
#define LIMIT_MOST 10000

static const struct report_column columns[] = {
    {"ended_at", "ended", false, REPORT_WHOLE},
    {"run_id", "run", false, REPORT_WHOLE},
    {"stream", "stream", false, REPORT_WHOLE},
    {"inserted", "inserted", true, REPORT_WHOLE},
    {"rejected", "rejected", true, REPORT_WHOLE},
    {"outcome", "outcome", false, REPORT_WRAP},
    {"message_id", NULL, false, REPORT_DROP},
    {"delivery_attempt", NULL, true, REPORT_DROP},
    {"from_date", NULL, false, REPORT_DROP},
    {"to_date", NULL, false, REPORT_DROP},
    {"error", NULL, false, REPORT_DROP},
    {"units", NULL, true, REPORT_DROP},
    {"requests", NULL, true, REPORT_DROP},
    {"fetched", NULL, true, REPORT_DROP},
    {"bytes", NULL, true, REPORT_DROP},
    {"began_at", NULL, false, REPORT_DROP},
    {"caseload_version", NULL, false, REPORT_DROP},
    {"host", NULL, false, REPORT_DROP},
};

static void add_row(struct report *report, const json_t *row)
{
    char time[ANSWERS_TIME], outcome[1200];
    const char *error = json_text_at(row, "error"), *name = json_text_at(row, "outcome");
    (void)snprintf(outcome, sizeof outcome, "%.64s%s%.1100s", name ? name : "", error ? ": " : "",
                   error ? error : "");
    report_row(report);
    report_value(report, json_incref(json_object_get(row, "ended_at")), answers_time(row, "ended_at", time));
    for (size_t i = 1; i < sizeof columns / sizeof *columns; i++) {
        if (strcmp(columns[i].key, "outcome") == 0)
            report_value(report, json_incref(json_object_get(row, "outcome")), outcome);
        else
            answers_copy(report, row, columns[i].key);
    }
}

static bool print_attempts(struct services *services, const struct options *options,
                           struct question *question, size_t *out_count, struct error *err)
{
    AUTO(json_drop) json_t *rows = NULL;
    AUTO(report_drop)
    struct report *report = report_new("attempts", columns, sizeof columns / sizeof *columns);
    if (!answers_ask(services, question, &rows, err)) return false;
    *out_count = json_array_size(rows);
    for (size_t i = 0; i < *out_count; i++)
        add_row(report, json_array_get(rows, i));
    if (*out_count == 0 && question->kind == QUESTION_HISTORY)
        report_line(report, "No attempt%s is recorded%s%s.", question->failed_only ? " that failed" : "",
                    question->stream ? " of " : "", question->stream ? question->stream : "");
    if (*out_count > 0 || question->kind == QUESTION_HISTORY)
        report_print(report, options_has(options, "json"), stdout);
    return true;
}

static bool print_history(struct services *services, const struct options *options, int *out_code,
                          struct error *err)
{
    struct question question = {.kind = QUESTION_HISTORY, .limit = LIMIT};
    size_t count;
    (void)out_code; /* of a success */
    question.failed_only = options_has(options, "failed");
    return options_read_number(options, "limit", LIMIT_MOST, &question.limit, err) &&
           services_open_warehouse(services, err) &&
           answers_read_stream(services, options, &question.stream, err) &&
           print_attempts(services, options, &question, &count, err);
}

static bool print_run(struct services *services, const struct options *options, int *out_code,
                      struct error *err)
{
    struct question question = {.kind = QUESTION_RUN, .limit = LIMIT_MOST, .id = options->argument};
    size_t count = 0;
    (void)out_code; /* of a success */
    if (!services_open_warehouse(services, err) || !print_attempts(services, options, &question, &count, err))
        return false;
    return count > 0 ||
           error_set(err, ERROR_REQUEST,
                     "no attempt has the run or message \"%.64s\"; `caseload history` lists them",
                     question.id);
}

static int run_history(const struct options *options)
{
    return command_do(options, print_history);
}

static int run_show(const struct options *options)
{
    return command_do(options, print_run);
}

static const struct command_option history_options[] = {
    {"stream", "NAME", "this stream only"},
    {"failed", NULL, "failed and forbidden attempts only"},
    {"limit", "NUMBER", "so many, the newest first (default 20)"},
    {"json", NULL, "the same as one JSON document, with all columns"},
};
static const char *const history_examples[] = {
    "--config caseload.json",
    "--config caseload.json --failed --stream contacts --limit 5",
    NULL,
};
const struct command history_command = {
    .name = "history",
    .summary = "what became of each stream of the newest requests",
    .text =
        "Lists the table `attempts` of the control dataset: a row for each stream of each request, also when "
        "it failed. Writes nothing.",
    .examples = history_examples,
    .options = history_options,
    .option_count = sizeof history_options / sizeof *history_options,
    .config = CONFIG_NEEDED,
    .run = run_history,
};

static const struct command_option show_options[] = {
    {"json", NULL, "the same as one JSON document, with all columns"}};
static const char *const show_examples[] = {"9f86d081884c7d65 --config caseload.json", NULL};
const struct command show_command = {
    .name = "show",
    .argument = "RUN_ID",
    .summary = "what became of one request",
    .text =
        "Shows each stream of one request, named by its run (`history`, or _run_id of a row) or by Pub/Sub's "
        "id of its message. Writes nothing.",
    .examples = show_examples,
    .options = show_options,
    .option_count = 1,
    .config = CONFIG_NEEDED,
    .run = run_show,
};
