/* SPDX-License-Identifier: Apache-2.0 */
/* run_command.c - `caseload run`: one request without Pub/Sub, and a table of what it did. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "commands.h"
#include "core/attempts.h"
#include "core/request.h"
#include "options.h"
#include "services.h"

static void print_result(const struct stream_result *result, const char *from, const char *to,
                         const char *outcome)
{
    printf("%-24s  %-10s  %-10s  %6" PRId64 "  %8" PRId64 "  %9" PRId64 "  %9" PRId64 "  %8" PRId64
           "  %8.2f%s%s\n",
           result->stream, from, to, result->units, result->requests, result->fetched, result->inserted,
           result->rejected, result->seconds, *outcome ? "  " : "", outcome);
}

static void print_report(const struct run_report *report)
{
    struct stream_result total = {.stream = "total"};
    printf("%-24s  %-10s  %-10s  %6s  %8s  %9s  %9s  %8s  %8s  %s\n", "stream", "from", "to", "units",
           "requests", "fetched", "inserted", "rejected", "seconds", "outcome");
    for (size_t i = 0; i < report->count; i++) {
        const struct stream_result *result = &report->streams[i];
        char from[DAY_TEXT] = "-", to[DAY_TEXT] = "-";
        if (result->units > 0) {
            day_format(result->from, from);
            day_format(result->to, to);
        }
        print_result(result, from, to, stream_outcome(result));
        total.fetched += result->fetched;
        total.inserted += result->inserted;
        total.rejected += result->rejected;
        total.requests += result->requests;
        total.units += result->units;
        total.seconds += result->seconds;
    }
    print_result(&total, "", "", "");
}

static bool run_once(struct services *services, const struct options *options, struct run_report *report,
                     struct error *err)
{
    char run_id[RANDOM_NAME];
    struct request request;
    struct run_context context = services_context(services);
    const struct run_trigger trigger = {.run_id = run_id, .message_id = "", .published_us = INT64_MAX};
    random_name(run_id);
    if (!request_from_flags(options->streams, options_value(options, "from"), options_value(options, "to"),
                            services->selections, services->selection_count, &request, err))
        return false;
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

static bool run_and_report(struct services *services, const struct options *options, int *out_code,
                           struct error *err)
{
    struct run_report *report = mem_zero(1, sizeof *report);
    bool done = services_open(services, services->config, err) && run_once(services, options, report, err);
    if (report->count > 0) print_report(report);
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
    return command_do(&options, run_and_report);
}

static const struct command_option run_options[] = {
    {"from", "DAY", "first day, such as 2026-01-01"},
    {"to", "DAY", "last day"},
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
