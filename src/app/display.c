/* SPDX-License-Identifier: Apache-2.0 */
#include "display.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/day.h"
#include "base/log.h"
#include "base/mem.h"
#include "report.h"

#define LOOK_MS   250 /* between two updates on a terminal */
#define RECORD_MS 60000
#define LINES     (LIMIT_WORKERS + 1)
#define LINE      512

struct display {
    struct progress *progress;
    pthread_t thread;
    atomic_bool stop;
    atomic_bool *is_asked;
    bool on_terminal, is_quiet;
    size_t shown; /* lines; under the log's lock */
    struct {
        const char *stream; /* of the worker: the newest that was seen ... */
        int64_t began_ms;   /* ... and since when */
    } workers[LIMIT_WORKERS];
    int64_t recorded_ms;
};

/* Of a worker's stream. */
struct facts {
    const char *stream;
    long long units_done, units, records, requests, rejected;
    bool is_helper;
    double seconds; /* since the worker has the stream */
    char day[DAY_TEXT];
};

/* Of the run. */
struct totals {
    long long requests, rejected, streams;
    double done; /* streams, in parts */
};

/* Of the worker with that index; false: it loads no stream. */
static bool read_facts(struct display *display, const struct progress *progress, size_t worker,
                       struct facts *out)
{
    *out = (struct facts){.stream = atomic_load(&progress->stream)};
    if (out->stream != display->workers[worker].stream) display->workers[worker].began_ms = clock_ms();
    display->workers[worker].stream = out->stream;
    if (!out->stream) return false;
    out->is_helper = atomic_load(&progress->is_helper);
    out->units_done = atomic_load(&progress->units_done);
    out->units = atomic_load(&progress->units);
    out->records = atomic_load(&progress->records);
    out->requests = atomic_load(&progress->requests);
    out->rejected = atomic_load(&progress->rejected);
    out->seconds = (double)(clock_ms() - display->workers[worker].began_ms) / 1000;
    day_format((struct day){atomic_load(&progress->day)}, out->day);
    return true;
}

/* Of all workers that load a stream; returns how many. */
static size_t read_all(struct display *display, struct facts out[LIMIT_WORKERS], struct totals *out_totals)
{
    size_t count = 0, worker = 0;
    *out_totals = (struct totals){.streams = atomic_load(&display->progress->stream_count)};
    for (const struct progress *progress = display->progress; progress && worker < LIMIT_WORKERS;
         progress = progress->next, worker++) {
        struct facts facts;
        out_totals->requests += atomic_load(&progress->requests);
        out_totals->rejected += atomic_load(&progress->rejected);
        out_totals->done += (double)atomic_load(&progress->streams_done);
        if (!read_facts(display, progress, worker, &facts)) continue;
        if (facts.units > 0 && !facts.is_helper)
            out_totals->done += (double)facts.units_done / (double)facts.units;
        out[count++] = facts;
    }
    return count;
}

static double per_second(const struct facts *facts)
{
    return facts->seconds > 0 ? (double)facts->records / facts->seconds : 0;
}

/* By the units of the stream that are done. */
static void eta_text(const struct facts *facts, char out[REPORT_NUMBER + 8])
{
    char left[REPORT_NUMBER];
    out[0] = '\0';
    if (facts->is_helper || facts->units_done == 0 || facts->units <= facts->units_done) return;
    double each = facts->seconds / (double)facts->units_done;
    (void)snprintf(out, REPORT_NUMBER + 8, "   ETA %s",
                   report_duration(each * (double)(facts->units - facts->units_done), left));
}

static void stream_line(const struct facts *facts, char out[LINE])
{
    char records[REPORT_NUMBER], rate[REPORT_NUMBER], eta[REPORT_NUMBER + 8];
    eta_text(facts, eta);
    if (facts->units == 0)
        (void)snprintf(out, LINE, "%-16s looking at what is loaded", facts->stream);
    else
        (void)snprintf(out, LINE, "%-16s unit %lld of %lld   %s   %s records   %s/s%s", facts->stream,
                       facts->units_done + 1, facts->units, facts->day, report_count(facts->records, records),
                       report_count((int64_t)per_second(facts), rate), eta);
}

static void overall_line(const struct totals *totals, char out[LINE])
{
    char requests[REPORT_NUMBER], rejected[REPORT_NUMBER];
    const double share = totals->streams > 0 ? totals->done / (double)totals->streams : 0;
    (void)snprintf(out, LINE, "%-16s %.0f %%   requests %s   rejected %s", "overall", 100 * share,
                   report_count(totals->requests, requests), report_count(totals->rejected, rejected));
}

/* A terminal that takes nothing must not hold the run up: what does not fit is lost. */
static void put(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

static void hide(void *self)
{
    struct display *display = self;
    char text[32];
    (void)snprintf(text, sizeof text, "\x1b[%zuA\x1b[J", display->shown);
    if (display->shown > 0) put(text);
    display->shown = 0;
}

static void show(void *self)
{
    struct display *display = self;
    struct facts facts[LIMIT_WORKERS];
    struct totals totals;
    char line[LINE], text[LINES * LINE] = "";
    const size_t count = atomic_load(&display->stop) ? 0 : read_all(display, facts, &totals);
    if (count == 0) return;
    for (size_t i = 0; i <= count; i++) {
        const size_t used = strlen(text);
        if (i < count)
            stream_line(&facts[i], line);
        else
            overall_line(&totals, line);
        (void)snprintf(text + used, sizeof text - used, "%.*s\x1b[K\n", REPORT_WIDTH - 1, line);
    }
    put(text);
    display->shown = count + 1;
}

static void record_stream(const struct facts *facts)
{
    char line[LINE];
    stream_line(facts, line);
    log_write(LOG_INFO, "progress",
              LOG_FIELDS(LOG_TEXT("stream", facts->stream), LOG_NUMBER("unit", facts->units_done + 1),
                         LOG_NUMBER("units", facts->units), LOG_TEXT("day", facts->day),
                         LOG_NUMBER("records", facts->records), LOG_NUMBER("requests", facts->requests),
                         LOG_NUMBER("rejected", facts->rejected),
                         LOG_NUMBER("seconds", (int64_t)facts->seconds)),
              "%s", line);
}

static void record(struct display *display)
{
    struct facts facts[LIMIT_WORKERS];
    struct totals totals;
    const size_t count = read_all(display, facts, &totals);
    display->recorded_ms = clock_ms();
    for (size_t i = 0; i < count; i++)
        record_stream(&facts[i]);
    if (count == 0) log_write(LOG_INFO, "progress", NULL, "no stream is loaded now");
}

static bool is_busy(const struct display *display)
{
    for (const struct progress *progress = display->progress; progress; progress = progress->next)
        if (atomic_load(&progress->stream)) return true;
    return false;
}

static void *look(void *self)
{
    struct display *display = self;
    while (clock_sleep_ms(LOOK_MS, &display->stop)) {
        const bool is_due = !display->on_terminal && !display->is_quiet &&
                            clock_ms() - display->recorded_ms >= RECORD_MS && is_busy(display);
        if (atomic_exchange(display->is_asked, false) || is_due) record(display);
        if (display->on_terminal) log_redraw();
    }
    return NULL;
}

bool display_can_draw(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) == 1 && term && strcmp(term, "dumb") != 0;
}

struct display *display_start(struct progress *progress, atomic_bool *is_asked, bool is_quiet)
{
    struct display *display = mem_zero(1, sizeof *display);
    display->progress = progress;
    display->is_asked = is_asked;
    display->is_quiet = is_quiet;
    display->on_terminal = !is_quiet && display_can_draw();
    display->recorded_ms = clock_ms();
    if (display->on_terminal) log_set_display(hide, show, display);
    if (pthread_create(&display->thread, NULL, look, display) != 0) abort(); /* like no memory */
    return display;
}

void display_stop(struct display *display)
{
    if (!display) return;
    atomic_store(&display->stop, true);
    (void)pthread_join(display->thread, NULL);
    if (display->on_terminal) {
        log_redraw();
        log_set_display(NULL, NULL, NULL);
    }
    free(display);
}
