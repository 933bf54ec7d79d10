/* SPDX-License-Identifier: Apache-2.0 */
/* check_command.c - `caseload check`: is everything there that a run needs? Nothing is written. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bigquery/bigquery.h"
#include "commands.h"
#include "deadline.h"
#include "options.h"
#include "report.h"
#include "services.h"

#define LINE_MS    5000
#define CLOCK_S    60 /* a larger difference of clocks is worth a word */
#define TEXT_LIMIT (64 * 1024)

static const struct report_column columns[] = {
    {"status", "", false, REPORT_WHOLE},
    {"check", "", false, REPORT_WHOLE},
    {"text", "", false, REPORT_WRAP},
};

struct check {
    struct services *services;
    struct report *report;
    struct deadline *deadline;
    int failures, warnings;
    int exit_code; /* of the worst failure */
    struct source_count rate;
    bool has_datasets;
    int64_t ahead_us; /* this machine's clock, of BigQuery's */
};

static void add_line(struct check *check, const char *status, const char *name, const char *text)
{
    report_row(check->report);
    report_text(check->report, status);
    report_text(check->report, name);
    report_text(check->report, text);
    check->warnings += strcmp(status, "warn") == 0;
}

/* Codes other than these three mean that a service did not answer as it should. */
static int exit_code_of(const struct error *err)
{
    const int code = error_rules[err->kind].run_exit_code;
    const int unreachable = error_rules[ERROR_UNREACHABLE].run_exit_code;
    return err->kind == ERROR_CONFIG || err->kind == ERROR_AUTH || err->kind == ERROR_FORBIDDEN ? code
                                                                                                : unreachable;
}

static void fail_line(struct check *check, const char *name, const char *address, const struct error *err)
{
    char cause[OUTAGES_CAUSE] = "";
    const int code = exit_code_of(err);
    if (code > check->exit_code) check->exit_code = code;
    check->failures++;
    if (err->kind != ERROR_STOPPED || atomic_load(&check->services->shutdown)) {
        add_line(check, "FAIL", name, err->text);
        return;
    }
    bool is_known = address && outages_cause(check->services->outages, address, cause);
    AUTO(mem_free)
    char *text = mem_format("no answer within %d s%s%s%s%s", LINE_MS / 1000, address ? " from " : "",
                            address ? address : "", is_known ? ": " : "", cause);
    add_line(check, "FAIL", name, text);
}

static void begin_line(struct check *check)
{
    if (atomic_load(&check->services->shutdown)) return; /* what was stopped stays so */
    deadline_set(check->deadline, LINE_MS);
}

/* ---- the source */

static void add_forbidden(struct check *check, const struct stream *stream)
{
    AUTO(mem_free)
    char *text = mem_format("the token lacks \"%s\"; %s is skipped until it has it",
                            stream->permission ? stream->permission : "permission", stream->name);
    add_line(check, "warn", stream->name, text);
}

/* Asks each stream how much it has, which needs the permission to read it. */
static bool ask_streams(struct check *check, size_t *out_readable, size_t *out_all,
                        const struct stream *forbidden[LIMIT_STREAMS], size_t *out_forbidden,
                        struct error *err)
{
    struct services *services = check->services;
    const struct window window = {.from_s = time(NULL), .to_s = WINDOW_OPEN};
    *out_readable = *out_all = *out_forbidden = 0;
    for (size_t i = 0; i < services->selection_count; i++) {
        const struct selection *selection = &services->selections[i];
        struct source_count count = {.limit = 0};
        struct error failure;
        if (selection->stream->kind == STREAM_RECONCILE) continue;
        ++*out_all;
        if (!services->source->ops->count) continue;
        bool can_read = services->source->ops->count(services->source, selection, window, &count, &failure);
        if (!can_read && failure.kind != ERROR_FORBIDDEN) {
            *err = failure;
            return false;
        }
        if (count.limit > 0) check->rate = count;
        if (can_read)
            ++*out_readable;
        else
            forbidden[(*out_forbidden)++] = selection->stream;
    }
    return true;
}

static void check_source(struct check *check)
{
    struct services *services = check->services;
    const struct source_identity *identity = &services->identity;
    const struct stream *forbidden[LIMIT_STREAMS];
    const char *name = services->config->source_type->name;
    size_t readable = 0, all = 0, forbidden_count = 0;
    struct error err;
    begin_line(check);
    if (!services_open_source(services, &err) ||
        !services->source->ops->identify(services->source, &services->identity, &err) ||
        !ask_streams(check, &readable, &all, forbidden, &forbidden_count, &err)) {
        fail_line(check, name, services->config->address.url, &err);
        return;
    }
    AUTO(mem_free)
    char *text =
        mem_format("workspace %s%s%s(%s)%s%s, the token may read %zu of %zu streams",
                   *identity->name ? "\"" : "", identity->name, *identity->name ? "\" " : "",
                   identity->workspace, *identity->terms ? ", " : "", identity->terms, readable, all);
    add_line(check, "ok", name, text);
    for (size_t i = 0; i < forbidden_count; i++)
        add_forbidden(check, forbidden[i]);
    if (forbidden_count > 0 && readable == 0) {
        (void)error_set(&err, ERROR_FORBIDDEN, "the token may read no stream");
        fail_line(check, name, NULL, &err);
    }
    if (check->rate.limit <= 0) return;
    char limit[REPORT_NUMBER];
    AUTO(mem_free)
    char *rate =
        mem_format("%s requests in %d s seen, %.0f of them are ours", report_count(check->rate.limit, limit),
                   check->rate.limit_window_s, check->rate.requests_per_s * check->rate.limit_window_s);
    add_line(check, "ok", "rate limit", rate);
}

/* ---- BigQuery */

static bool check_datasets(struct check *check)
{
    struct services *services = check->services;
    const struct config *config = services->config;
    struct bigquery_datasets datasets = {.has_data = false};
    int64_t now_us = 0;
    struct error err;
    begin_line(check);
    if (!services_open_warehouse(services, &err) || !bigquery_look(services->warehouse, &datasets, &err) ||
        !bigquery_clock(services->warehouse, &now_us, &err)) {
        fail_line(check, "bigquery", services->bigquery.url, &err);
        return false;
    }
    check->ahead_us = clock_utc_us() - now_us;
    const char *missing = "the first run makes it";
    AUTO(mem_free)
    char *text = mem_format("%s.%s (%s), %s.%s (%s), may create jobs", config->project, config->dataset,
                            datasets.has_data ? config->location : missing, config->project,
                            config->control_dataset, datasets.has_control ? config->location : missing);
    add_line(check, "ok", "bigquery", text);
    check->has_datasets = datasets.has_data && datasets.has_control;
    return true;
}

static void check_tables(struct check *check)
{
    struct services *services = check->services;
    AUTO(buf_done) struct buf differences = buf_limited(TEXT_LIMIT);
    size_t tables = 0;
    struct error err;
    begin_line(check);
    for (size_t i = 0; i < services->selection_count; i++) {
        bool differs;
        const struct selection *selection = &services->selections[i];
        if (selection->stream->kind == STREAM_RECONCILE) continue;
        tables += selection->table_count;
        if (bigquery_schema_diff(services->warehouse, selection, &differences, &differs, &err)) continue;
        fail_line(check, "tables", services->bigquery.url, &err);
        return;
    }
    const bool is_refused = strstr(buf_string(&differences), ": refused") != NULL;
    size_t lines = 0;
    for (const char *c = buf_string(&differences); (c = strchr(c, '\n')) != NULL; c++)
        lines++;
    if (is_refused) {
        (void)error_set(&err, ERROR_CONFIG, "a table is not as it must be: %.700s", buf_string(&differences));
        fail_line(check, "tables", NULL, &err);
        return;
    }
    AUTO(mem_free)
    char *text =
        lines == 0
            ? mem_format("%zu tables, all as this version wants them", tables)
            : mem_format("%zu tables; the next run makes or changes them in %zu places (caseload schema "
                         "STREAM --diff)",
                         tables, lines);
    add_line(check, "ok", "tables", text);
}

static void check_origin(struct check *check)
{
    struct error err;
    begin_line(check);
    if (bigquery_check_provenance(check->services->warehouse, &check->services->identity, &err))
        add_line(check, "ok", "origin", "the tables hold rows of this workspace, source and time zone only");
    else
        fail_line(check, "origin", check->services->bigquery.url, &err);
}

static void check_clock(struct check *check)
{
    double difference = (double)check->ahead_us / 1e6;
    const char *relation = difference < 0 ? "behind" : "before";
    if (difference < 0) difference = -difference;
    AUTO(mem_free)
    char *text = mem_format("%.1f s %s BigQuery's%s", difference, relation,
                            difference > CLOCK_S ? "; BigQuery's decides what is loaded, but tokens need "
                                                   "a right one"
                                                 : "");
    add_line(check, difference > CLOCK_S ? "warn" : "ok", "clock", text);
}

/* ---- Pub/Sub */

static void check_pubsub(struct check *check)
{
    struct services *services = check->services;
    struct pubsub_description found;
    struct error err;
    if (!services->subscription) {
        add_line(check, "warn", "pub/sub",
                 "no subscription is configured: run works without, serve and drain do not");
        return;
    }
    begin_line(check);
    if (!services_open_trigger(services, true, &err) || !pubsub_describe(services->trigger, &found, &err)) {
        fail_line(check, "pub/sub", services->pubsub.url, &err);
        return;
    }
    if (!found.may_read) {
        add_line(
            check, "warn", "pub/sub",
            "its settings may not be read, so they are not checked; roles/pubsub.viewer on it allows that");
        return;
    }
    AUTO(mem_free)
    char *text = mem_format(
        "%s, ack deadline %d s, %s%s", services->config->subscription, found.ack_deadline_s,
        *found.dead_letter_topic ? "dead letters to "
                                 : "no dead letters: a message that is not understood comes back for ever",
        found.dead_letter_topic);
    add_line(check, *found.dead_letter_topic ? "ok" : "warn", "pub/sub", text);
}

/* ---- */

/* That the file has. */
static size_t keys_of(const struct config *config)
{
    size_t count = 0;
    for (size_t i = 0; i < CONFIG_SETTINGS; i++)
        count += (config->origins[i] == CONFIG_FILE) + (config->source_origins[i] == CONFIG_FILE);
    return count;
}

static bool check_all(struct services *services, const struct options *options, int *out_code,
                      struct error *err)
{
    const char *slash = strrchr(options->config, '/');
    AUTO(mem_free)
    char *settings =
        mem_format("%s, %zu keys", slash ? slash + 1 : options->config, keys_of(services->config));
    struct check check = {.services = services,
                          .report = report_new("checks", columns, sizeof columns / sizeof *columns)};
    (void)err; /* each line has its own */
    add_line(&check, "ok", "settings", settings);
    if (!options_has(options, "offline")) {
        check.deadline = deadline_start(&services->cancel_run);
        check_source(&check);
        bool has_warehouse = check_datasets(&check);
        if (has_warehouse && check.has_datasets) check_tables(&check);
        if (has_warehouse && check.has_datasets && *services->identity.workspace) check_origin(&check);
        check_pubsub(&check);
        if (has_warehouse) check_clock(&check);
        deadline_stop(check.deadline);
    }
    report_set(check.report, "failures", json_integer(check.failures));
    report_set(check.report, "warnings", json_integer(check.warnings));
    report_line(check.report, "%d failure%s, %d warning%s", check.failures, check.failures == 1 ? "" : "s",
                check.warnings, check.warnings == 1 ? "" : "s");
    report_print(check.report, options_has(options, "json"), stdout);
    report_free(check.report);
    *out_code = check.failures > 0                                     ? check.exit_code
                : check.warnings > 0 && options_has(options, "strict") ? EXIT_FINDINGS
                                                                       : EXIT_DONE;
    return true;
}

static int run(const struct options *options)
{
    return command_do(options, check_all);
}

static const struct command_option options[] = {
    {"offline", NULL, "look at the settings alone; no service is asked"},
    {"strict", NULL, "exit with 1 if there are only warnings"},
    {"json", NULL, "one JSON document"},
};

static const char *const examples[] = {"--config caseload.json", "--config caseload.json --offline", NULL};

const struct command check_command = {
    .name = "check",
    .summary = "look whether everything is there that a run needs",
    .text =
        "Looks at the settings, asks the source, BigQuery and Pub/Sub, and prints a line for each. Nothing "
        "is "
        "written. A line takes at most five seconds. Exits with 0, or by the worst line with 69, 77 or 78.",
    .examples = examples,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .config = CONFIG_NEEDED,
    .run = run,
};
