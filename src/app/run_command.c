/* SPDX-License-Identifier: Apache-2.0 */
/* run_command.c - `caseload run`: one request without Pub/Sub, and a table of what it did. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "commands.h"
#include "core/attempts.h"
#include "core/request.h"
#include "options.h"
#include "plan_command.h"
#include "report.h"
#include "services.h"

static const struct report_column columns[] = {
    {"stream", "stream", false, REPORT_WHOLE},
    {"from", NULL, false, REPORT_WHOLE},
    {"to", NULL, false, REPORT_WHOLE},
    {"units", "units", true, REPORT_DROP},
    {"requests", "requests", true, REPORT_WHOLE},
    {"fetched", "fetched", true, REPORT_WHOLE},
    {"inserted", "inserted", true, REPORT_WHOLE},
    {"rejected", "rejected", true, REPORT_WHOLE},
    {"seconds", "time", true, REPORT_DROP},
    {"error", NULL, false, REPORT_WHOLE},
    {"outcome", "outcome", false, REPORT_WRAP},
};

static void add_day(struct report *report, const struct stream_result *result, struct day day)
{
    char text[DAY_TEXT];
    day_format(day, text);
    report_text(report, result->units > 0 ? text : NULL);
}

static void add_result(struct report *report, const struct stream_result *result)
{
    char seconds[REPORT_NUMBER];
    const bool is_failed = result->error.kind != ERROR_NONE;
    report_row(report);
    report_text(report, result->stream);
    add_day(report, result, result->from);
    add_day(report, result, result->to);
    report_number(report, result->units);
    report_number(report, result->requests);
    report_number(report, result->fetched);
    report_number(report, result->inserted);
    report_number(report, result->rejected);
    report_value(report, json_real(result->seconds), report_duration(result->seconds, seconds));
    report_text(report, is_failed ? result->error.text : NULL);
    report_text(report, stream_outcome(result));
}

static void print_report(const struct run_report *done, const char *run_id, bool as_json)
{
    struct stream_result total = {.units = 0};
    char requests[REPORT_NUMBER], inserted[REPORT_NUMBER], rejected[REPORT_NUMBER], seconds[REPORT_NUMBER];
    AUTO(report_drop)
    struct report *report = report_new("streams", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < done->count; i++) {
        add_result(report, &done->streams[i]);
        total.inserted += done->streams[i].inserted;
        total.rejected += done->streams[i].rejected;
        total.requests += done->streams[i].requests;
        if (total.began_us == 0 || done->streams[i].began_us < total.began_us)
            total.began_us = done->streams[i].began_us;
        if (done->streams[i].ended_us > total.ended_us) total.ended_us = done->streams[i].ended_us;
    }
    total.seconds = (double)(total.ended_us - total.began_us) / 1000000; /* several at the same time */
    report_set(report, "run_id", json_string(run_id));
    report_set(report, "requests", json_integer(total.requests));
    report_set(report, "inserted", json_integer(total.inserted));
    report_set(report, "rejected", json_integer(total.rejected));
    report_line(report, "%s rows inserted, %s records rejected, %s requests, %s.",
                report_count(total.inserted, inserted), report_count(total.rejected, rejected),
                report_count(total.requests, requests), report_duration(total.seconds, seconds));
    report_print(report, as_json, stdout);
}

static bool run_once(struct services *services, const struct options *options, const char *run_id,
                     struct run_report *report, struct error *err)
{
    struct request request;
    const struct run_trigger trigger = {.run_id = run_id, .message_id = "", .published_us = INT64_MAX};
    if (!command_request(services, options, &request, err) || !services_open(services, err) ||
        !services_open_workers(services, err))
        return false;
    const struct run_context context = services_context(services);
    services_show_progress(services);
    bool done = run_request(&context, &request, &trigger, report, err);
    attempts_record(&context, &trigger, report);
    return done;
}

static bool has_only_forbidden(const struct run_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        if (!report->streams[i].forbidden && !report->streams[i].is_implied) return false;
    return report->count > 0;
}

/* The units of the streams in which the run was stopped. */
static void say_stopped(struct services *services, const struct run_report *report)
{
    long long done = 0, units = 0;
    services_hide_progress(services);
    for (const struct progress *progress = &services->progress; progress; progress = progress->next) {
        done += atomic_load(&progress->units_done);
        units += atomic_load(&progress->units);
    }
    if (report->count > 0)
        fprintf(stderr, "stopped; %lld of %lld units are committed, the same command goes on from there\n",
                done, units);
}

static bool run_and_report(struct services *services, const struct options *options, int *out_code,
                           struct error *err)
{
    struct run_report *report = mem_zero(1, sizeof *report);
    char run_id[RANDOM_NAME];
    random_name(run_id);
    bool done = run_once(services, options, run_id, report, err);
    if (!done && err->kind == ERROR_STOPPED) say_stopped(services, report);
    services_hide_progress(services);
    if (report->count > 0) print_report(report, run_id, options_has(options, "json"));
    if (run_is_partial(report) && (done || error_rules[err->kind].stream_only)) {
        if (!done) (void)command_fail(err);
        *out_code = EXIT_PARTLY;
        done = true;
    } else if (done && has_only_forbidden(report)) {
        *out_code = error_rules[ERROR_FORBIDDEN].run_exit_code;
    }
    mem_free(&report);
    return done;
}

static int run(const struct options *given)
{
    struct options options = *given;
    options_take_streams(&options);
    return command_do(&options, options_has(&options, "dry-run") ? plan_print : run_and_report);
}

static const struct command_option run_options[] = {
    {"from", "DAY", "first day, such as 2026-01-01"},
    {"to", "DAY", "last day"},
    {"dry-run", NULL, "print what would be loaded, as caseload plan does"},
    {"json", NULL, "print the result as one JSON document"},
};

static const char *const examples[] = {
    "--config caseload.json",
    "--config caseload.json --streams contacts --from 2026-01-01 --to 2026-01-31",
    NULL,
};

const struct command run_command = {
    .name = "run",
    .summary = "process one request, without Pub/Sub",
    .text = "Loads once what is newer than the warehouse holds, or exactly the days from..to, and prints a "
            "table.",
    .examples = examples,
    .options = run_options,
    .option_count = sizeof run_options / sizeof *run_options,
    .config = CONFIG_NEEDED,
    .run = run,
};
