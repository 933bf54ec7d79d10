/* SPDX-License-Identifier: Apache-2.0 */
#include "plan_command.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "commands.h"
#include "core/estimate.h"
#include "options.h"
#include "report.h"
#include "services.h"

static const struct report_column columns[] = {
    {"stream", "stream", false, REPORT_WHOLE}, {"units", "units", true, REPORT_DROP},
    {"from", NULL, false, REPORT_WHOLE},       {"to", NULL, false, REPORT_WHOLE},
    {"days", "days", false, REPORT_WHOLE},     {"records", "records", true, REPORT_WHOLE},
    {"is_exact", NULL, false, REPORT_WHOLE},   {"requests", "requests", true, REPORT_WHOLE},
    {"child_rows", NULL, true, REPORT_WHOLE},  {"bytes", NULL, true, REPORT_WHOLE},
    {"seconds", "time", true, REPORT_DROP},    {"state", "state", false, REPORT_WRAP},
};

#define STATE 64

static const char *state_of(const struct stream_estimate *stream, char text[STATE])
{
    char digits[REPORT_NUMBER];
    if (stream->forbidden) return "forbidden";
    if (stream->error.kind != ERROR_NONE) return stream->error.text;
    if (stream->skipped) return "skipped: it has no past";
    if (stream->units == 0) return "nothing to do";
    if (stream->children <= 0) return "";
    (void)snprintf(text, STATE, "about %s child rows", report_count(stream->children, digits));
    return text;
}

static void add_day(struct report *report, const struct stream_estimate *stream, struct day day)
{
    char text[DAY_TEXT];
    day_format(day, text);
    report_text(report, stream->units > 0 ? text : NULL);
}

static void add_days(struct report *report, const struct stream_estimate *stream)
{
    char from[DAY_TEXT], to[DAY_TEXT], text[2 * DAY_TEXT + 2];
    day_format(stream->from, from);
    day_format(stream->to, to);
    (void)snprintf(text, sizeof text, "%s..%s", from, to);
    report_text(report, stream->units > 0 ? text : NULL);
}

/* An upper bound is marked. */
static void add_count(struct report *report, int64_t count, bool is_exact)
{
    char digits[REPORT_NUMBER], text[REPORT_NUMBER + 2];
    if (count < 0) {
        report_value(report, NULL, "?");
        return;
    }
    (void)snprintf(text, sizeof text, "%s%s", is_exact ? "" : "<=", report_count(count, digits));
    report_value(report, json_integer(count), text);
}

static void add_time(struct report *report, const struct stream_estimate *stream)
{
    char text[REPORT_NUMBER];
    if (stream->requests < 0 || stream->requests_per_s <= 0) {
        report_none(report);
        return;
    }
    double seconds = (double)stream->requests / stream->requests_per_s;
    report_value(report, json_real(seconds), report_duration(seconds, text));
}

/* Only in the document. */
static void add_estimate(struct report *report, int64_t number)
{
    report_value(report, number >= 0 ? json_integer(number) : NULL, NULL);
}

static void add_stream(struct report *report, const struct stream_estimate *stream, int64_t bytes)
{
    char state[STATE];
    report_row(report);
    report_text(report, stream->stream);
    report_number(report, stream->units);
    add_day(report, stream, stream->from);
    add_day(report, stream, stream->to);
    add_days(report, stream);
    add_count(report, stream->units > 0 ? stream->records : 0, stream->is_exact);
    report_value(report, json_boolean(stream->is_exact), NULL);
    add_count(report, stream->units > 0 ? stream->requests : 0, true);
    add_estimate(report, stream->units > 0 ? stream->children : 0);
    add_estimate(report, bytes);
    add_time(report, stream);
    report_text(report, state_of(stream, state));
}

/* --- sizes --- */

#define MEASURED     500 /* attempts, the newest */
#define BILLED_LEAST INT64_C(10485760)
#define BILLED_ROWS  9 /* times that, of a commit: see docs/cost.md */
#define BILLED_CHILD 4 /* ... and of each child table */
#define BILLED_LOCK  5 /* ... once a stream */
#define DOLLARS_TIB  6.25

/* record: the bytes of one with its children; 0: unknown. Then the result is -1. */
static int64_t bytes_of(const struct stream_estimate *stream, double record)
{
    if (stream->units == 0 || stream->records == 0) return 0;
    return stream->records > 0 && record > 0 ? (int64_t)((double)stream->records * record) : -1;
}

/* Of each stream, as the newest attempts measured its records; -1: unknown. */
static bool read_bytes(struct services *services, const struct request_estimate *estimate,
                       int64_t out_bytes[LIMIT_STREAMS], struct error *err)
{
    const struct question question = {.kind = QUESTION_HISTORY, .limit = MEASURED};
    struct warehouse *warehouse = services->warehouse;
    AUTO(json_drop) json_t *attempts = NULL;
    size_t index;
    json_t *attempt;
    if (!warehouse->ops->ask(warehouse, &question, &attempts, err)) return false;
    for (size_t i = 0; i < estimate->count; i++) {
        int64_t records = 0, bytes = 0;
        json_array_foreach (attempts, index, attempt) {
            const char *stream = json_text_at(attempt, "stream");
            if (!stream || strcmp(stream, estimate->streams[i].stream) != 0) continue;
            records += json_int_at(attempt, "fetched", 0);
            bytes += json_int_at(attempt, "bytes", 0);
        }
        out_bytes[i] = bytes_of(&estimate->streams[i], records > 0 ? (double)bytes / (double)records : 0);
    }
    return true;
}

/* Each statement is billed at least so much for a table; staged rows are read twice, and the state of a
 * stream names each of its tables. */
static int64_t billed_for(const struct stream_estimate *stream, int64_t bytes)
{
    int64_t least = BILLED_ROWS + BILLED_CHILD * (stream->tables - 1);
    int64_t once = stream->tables + (stream->is_first && stream->units > 0 ? BILLED_LOCK : 0);
    int64_t more = 2 * (bytes - stream->batches * BILLED_LEAST);
    return (once + stream->batches * least) * BILLED_LEAST + (more > 0 ? more : 0);
}

/* --- totals --- */

struct totals {
    int64_t requests, unknown, units, batches;
    int64_t bytes, unmeasured, billed;
    double requests_per_s;
};

static struct totals sum(const struct request_estimate *estimate, const int64_t bytes[LIMIT_STREAMS])
{
    struct totals totals = {0};
    for (size_t i = 0; i < estimate->count; i++) {
        const struct stream_estimate *stream = &estimate->streams[i];
        totals.bytes += bytes[i] > 0 ? bytes[i] : 0;
        totals.unmeasured += bytes[i] < 0;
        totals.billed += billed_for(stream, bytes[i]);
        totals.units += stream->units;
        totals.batches += stream->batches;
        totals.unknown += stream->units > 0 && stream->requests < 0;
        totals.requests += stream->units > 0 && stream->requests > 0 ? stream->requests : 0;
        if (stream->requests_per_s > 0) totals.requests_per_s = stream->requests_per_s;
    }
    return totals;
}

/* Without the size of the rows a load is billed for at least the rest. */
static void add_cost(struct report *report, const struct totals *totals)
{
    const char *least = totals->unmeasured > 0 ? "at least" : "about";
    const double dollars = (double)totals->billed / (double)(INT64_C(1) << 40) * DOLLARS_TIB;
    report_set(report, "bytes", totals->unmeasured == 0 ? json_integer(totals->bytes) : NULL);
    report_set(report, "bytes_billed", json_integer(totals->billed));
    report_set(report, "is_billed_least", json_boolean(totals->unmeasured > 0));
    if (totals->units == 0) return;
    report_line(report, "BigQuery bills %s %.2f GB ($%.2f at $%.2f per TiB).", least,
                (double)totals->billed / 1e9, dollars, DOLLARS_TIB);
    if (totals->unmeasured > 0)
        report_line(report,
                    "The size of the rows of %lld streams is unknown: it is measured when they are loaded.",
                    (long long)totals->unmeasured);
    else if (totals->bytes > 0)
        report_line(report, "The rows have about %.1f MB, as earlier loads were measured.",
                    (double)totals->bytes / 1e6);
}

static void add_totals(struct report *report, const struct totals *totals)
{
    char requests[REPORT_NUMBER], time[REPORT_NUMBER];
    const double rate = totals->requests_per_s;
    report_set(report, "requests", json_integer(totals->requests));
    report_set(report, "commits", json_integer(totals->batches));
    report_set(report, "units", json_integer(totals->units));
    report_set(report, "requests_per_second", rate > 0 ? json_real(rate) : NULL);
    if (totals->units == 0)
        report_line(report, "Nothing is to be loaded: all days are loaded, or the range is empty.");
    else if (rate > 0)
        report_line(report, "At %.0f requests/s (our share of the limit) about %s; about %lld commits.", rate,
                    report_duration((double)totals->requests / rate, time), (long long)totals->batches);
    if (totals->unknown > 0)
        report_line(report, "%s requests, without %lld streams whose source does not say how much there is.",
                    report_count(totals->requests, requests), (long long)totals->unknown);
    add_cost(report, totals);
    report_line(report, "Nothing was loaded.");
}

/* The worst error of a stream; forbidden streams are a remark. */
static bool first_error(const struct request_estimate *estimate, struct error *err)
{
    for (size_t i = 0; i < estimate->count; i++) {
        const struct stream_estimate *stream = &estimate->streams[i];
        if (stream->error.kind == ERROR_NONE || stream->forbidden) continue;
        *err = stream->error;
        return true;
    }
    return false;
}

bool plan_print(struct services *services, const struct options *options, int *out_code, struct error *err)
{
    struct request request;
    if (!command_request(services, options, &request, err) || !services_open_parts(services, err) ||
        !services->source->ops->identify(services->source, &services->identity, err))
        return false;
    const struct run_context context = services_context(services);
    struct request_estimate *estimate = mem_zero(1, sizeof *estimate);
    int64_t bytes[LIMIT_STREAMS] = {0};
    bool done =
        estimate_request(&context, &request, estimate, err) && read_bytes(services, estimate, bytes, err);
    AUTO(report_drop)
    struct report *report = report_new("streams", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < estimate->count; i++)
        add_stream(report, &estimate->streams[i], bytes[i]);
    const struct totals totals = sum(estimate, bytes);
    add_totals(report, &totals);
    if (done) report_print(report, options_has(options, "json"), stdout);
    done = done && !first_error(estimate, err);
    if (options_has(options, "detailed-exitcode") && totals.units > 0) *out_code = EXIT_WORK;
    mem_free(&estimate);
    return done;
}

static int run(const struct options *given)
{
    struct options options = *given;
    options_take_streams(&options);
    return command_do(&options, plan_print);
}

static const struct command_option options[] = {
    {"from", "DAY", "first day, such as 2026-01-01"},
    {"to", "DAY", "last day"},
    {"detailed-exitcode", NULL, "exit with 2 if there is something to load"},
    {"json", NULL, "one JSON document"},
};

static const char *const examples[] = {
    "--config caseload.json",
    "--config caseload.json --streams contacts --from 2026-01-01 --to 2026-01-31",
    NULL,
};

const struct command plan_command = {
    .name = "plan",
    .summary = "print what a run would load, and how long it takes",
    .text =
        "Prints for each stream the days to load, and how many records and requests that is, as far as the "
        "source says it; about how many rows of child tables, as the records of a sample count them; and "
        "what "
        "BigQuery bills, with the size of rows as earlier loads measured it. Makes a handful of requests for "
        "each stream, and writes nothing. The same as caseload run --dry-run.",
    .examples = examples,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .config = CONFIG_NEEDED,
    .run = run,
};
