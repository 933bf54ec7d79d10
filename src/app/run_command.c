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
#include "exit_codes.h"
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
    const struct run_trigger trigger = {.run_id = run_id, .message_id = "", .published_us = INT64_MAX};
    random_name(run_id);
    if (!command_request(services, options, &request, err) || !services_open(services, err)) return false;
    const struct run_context context = services_context(services);
    bool done = run_request(&context, &request, &trigger, report, err);
    attempts_record(&context, &trigger, report);
    return done;
}

/* A reconciliation goes along with its stream. */
static bool is_stream(const struct services *services, const char *name)
{
    for (size_t i = 0; i < services->selection_count; i++)
        if (strcmp(services->selections[i].stream->name, name) == 0)
            return services->selections[i].stream->kind != STREAM_RECONCILE;
    return true;
}

/* Of the whole run, by its streams. */
static int exit_code_of(const struct services *services, const struct run_report *report, bool done,
                        const struct error *err)
{
    size_t loaded = 0, forbidden = 0;
    bool is_whole = true;
    for (size_t i = 0; i < report->count; i++) {
        const struct stream_result *result = &report->streams[i];
        const bool is_failed = result->error.kind != ERROR_NONE;
        loaded += !is_failed && !result->forbidden && is_stream(services, result->stream);
        forbidden += result->forbidden;
        is_whole = is_whole && !is_failed && !result->forbidden && result->rejected == 0;
    }
    if (!done && (!error_rules[err->kind].stream_only || loaded == 0))
        return error_rules[err->kind].run_exit_code;
    if (done && forbidden > 0 && loaded == 0) return error_rules[ERROR_FORBIDDEN].run_exit_code;
    return is_whole ? EXIT_DONE : EXIT_PARTLY;
}

static bool run_and_report(struct services *services, const struct options *options, int *out_code,
                           struct error *err)
{
    struct run_report *report = mem_zero(1, sizeof *report);
    bool done = run_once(services, options, report, err);
    *out_code = exit_code_of(services, report, done, err);
    if (report->count > 0) print_report(report);
    mem_free(&report);
    if (!done && *out_code == EXIT_PARTLY) (void)command_fail(err);
    return done || *out_code == EXIT_PARTLY;
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
