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
#define LINES     2
#define LINE      512

struct display {
    struct progress *progress;
    pthread_t thread;
    atomic_bool stop;
    atomic_bool *is_asked;
    bool on_terminal, is_quiet;
    bool is_shown;           /* under the log's lock */
    const char *stream;      /* the newest that was seen ... */
    int64_t stream_began_ms; /* ... and since when */
    int64_t recorded_ms;
};

struct facts {
    const char *stream;
    long long units_done, units, records, requests, rejected, index, count;
    double seconds; /* since the stream began */
    char day[DAY_TEXT];
};

static bool read_facts(struct display *display, struct facts *out)
{
    struct progress *progress = display->progress;
    *out = (struct facts){.stream = atomic_load(&progress->stream)};
    if (!out->stream) return false;
    if (out->stream != display->stream) display->stream_began_ms = clock_ms();
    display->stream = out->stream;
    out->units_done = atomic_load(&progress->units_done);
    out->units = atomic_load(&progress->units);
    out->records = atomic_load(&progress->records);
    out->requests = atomic_load(&progress->requests);
    out->rejected = atomic_load(&progress->rejected);
    out->index = atomic_load(&progress->stream_index);
    out->count = atomic_load(&progress->stream_count);
    out->seconds = (double)(clock_ms() - display->stream_began_ms) / 1000;
    day_format((struct day){atomic_load(&progress->day)}, out->day);
    return true;
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
    if (facts->units_done == 0 || facts->units <= facts->units_done) return;
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

static void overall_line(const struct facts *facts, char out[LINE])
{
    char requests[REPORT_NUMBER], rejected[REPORT_NUMBER];
    const double done = facts->units > 0 ? (double)facts->units_done / (double)facts->units : 0;
    const double share = facts->count > 0 ? ((double)facts->index + done) / (double)facts->count : 0;
    (void)snprintf(out, LINE, "%-16s %.0f %%   requests %s   rejected %s", "overall", 100 * share,
                   report_count(facts->requests, requests), report_count(facts->rejected, rejected));
}

/* A terminal that takes nothing must not hold the run up: what does not fit is lost. */
static void put(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

static void hide(void *self)
{
    struct display *display = self;
    if (display->is_shown) put("\x1b[2A\x1b[J");
    display->is_shown = false;
}

static void show(void *self)
{
    struct display *display = self;
    struct facts facts;
    char lines[LINES][LINE], text[2 * LINE];
    if (atomic_load(&display->stop) || !read_facts(display, &facts)) return;
    stream_line(&facts, lines[0]);
    overall_line(&facts, lines[1]);
    (void)snprintf(text, sizeof text, "%.*s\x1b[K\n%.*s\x1b[K\n", REPORT_WIDTH - 1, lines[0],
                   REPORT_WIDTH - 1, lines[1]);
    put(text);
    display->is_shown = true;
}

static void record(struct display *display)
{
    struct facts facts;
    display->recorded_ms = clock_ms();
    if (!read_facts(display, &facts)) {
        log_write(LOG_INFO, "progress", NULL, "no stream is loaded now");
        return;
    }
    char line[LINE];
    stream_line(&facts, line);
    log_write(LOG_INFO, "progress",
              LOG_FIELDS(LOG_TEXT("stream", facts.stream), LOG_NUMBER("unit", facts.units_done + 1),
                         LOG_NUMBER("units", facts.units), LOG_TEXT("day", facts.day),
                         LOG_NUMBER("records", facts.records), LOG_NUMBER("requests", facts.requests),
                         LOG_NUMBER("rejected", facts.rejected),
                         LOG_NUMBER("seconds", (int64_t)facts.seconds)),
              "%s", line);
}

static void *look(void *self)
{
    struct display *display = self;
    while (clock_sleep_ms(LOOK_MS, &display->stop)) {
        const bool is_busy = atomic_load(&display->progress->stream) != NULL;
        const bool is_due = is_busy && !display->on_terminal && !display->is_quiet &&
                            clock_ms() - display->recorded_ms >= RECORD_MS;
        if (atomic_exchange(display->is_asked, false) || is_due) record(display);
        if (display->on_terminal) log_redraw();
    }
    return NULL;
}

static bool is_terminal(void)
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
    display->on_terminal = !is_quiet && is_terminal();
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
