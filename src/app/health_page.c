/* SPDX-License-Identifier: Apache-2.0 */
/* health_page.c - the monitor as one page: no script, readable as text, too. Everything from outside is
 * escaped.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "health.h"
#include "report.h"

#define CELL  10 /* pixels */
#define PITCH 12
#define WEEKS 53

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n<title>caseload</title>\n<style>\n"
    ":root{color-scheme:light "
    "dark;--text:#1b1f24;--soft:#57606a;--line:#d0d7de;--back:#ffffff;--good:#1a7f37;"
    "--bad:#cf222e;--odd:#9a6700;--none:#e6e9ed}\n"
    "@media (prefers-color-scheme:dark){:root{--text:#e6edf3;--soft:#9ba5b0;--line:#3a424c;--back:#0d1117;"
    "--good:#3fb950;--bad:#ff7b72;--odd:#d29922;--none:#262c34}}\n"
    "body{margin:0 auto;max-width:1200px;padding:16px;font:15px/1.45 system-ui,sans-serif;color:var(--text);"
    "background:var(--back)}\n"
    "h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:24px 0 8px}p{margin:4px 0}\n"
    ".soft{color:var(--soft)}.good{color:var(--good)}.bad{color:var(--bad)}.odd{color:var(--odd)}\n"
    ".scroll{overflow-x:auto}.days{direction:rtl}.days svg{margin:0 auto 8px "
    "0}table{border-collapse:collapse;width:100%}\n"
    "th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}\n"
    "th{font-weight:600;color:var(--soft)}td.n,th.n{text-align:right}td.e{overflow-wrap:anywhere}\n"
    "svg{display:block}.l{fill:var(--good)}.m{fill:var(--bad)}.r{fill:var(--odd)}.o{fill:var(--none)}\n"
    "@media (max-width:640px){thead{position:absolute;left:-9999px}tr{display:block;padding:6px 0;"
    "border-bottom:1px solid var(--line)}td,td.n{display:block;border:0;padding:1px 0;text-align:left}"
    "td::before{content:attr(data-name) \" \";color:var(--soft)}}\n"
    "</style>\n</head>\n<body>\n";

static void add_escaped(struct buf *out, const char *text)
{
    size_t left = strlen(text), size;
    for (; left > 0; text += size, left -= size) {
        size = utf8_size(text, left);
        if (size == 0) {
            buf_text(out, "&#xFFFD;");
            size = 1;
        } else if (size > 1) {
            buf_add(out, text, size);
        } else if (strchr("&<>\"'", *text)) {
            buf_format(out, "&#%d;", *text);
        } else {
            buf_byte(out, (unsigned char)*text < ' ' ? ' ' : *text);
        }
    }
}

static void add_cell(struct buf *out, const char *name, const char *class, const char *text)
{
    buf_format(out, "<td data-name=\"%s\" class=\"%s\">", name, class);
    add_escaped(out, text);
    buf_text(out, "</td>");
}

static void add_count(struct buf *out, const char *name, int64_t number)
{
    char text[REPORT_NUMBER];
    add_cell(out, name, "n", report_count(number, text));
}

/* "2026-03-01 04:00 (2 h ago)" */
static void add_time(struct buf *out, const char *name, int64_t us)
{
    char text[INSTANT_TEXT], age[REPORT_NUMBER];
    AUTO(buf_done) struct buf shown = buf_limited(LIMIT_NAME);
    if (us > 0) {
        int64_t ago_us = clock_utc_us() - us;
        instant_format(us, text);
        buf_format(&shown, "%.10s %.5s (%s ago)", text, text + 11,
                   report_duration(ago_us > 0 ? (double)ago_us / 1e6 : 0, age));
    }
    add_cell(out, name, "", us > 0 ? buf_string(&shown) : "-");
}

static void add_header(struct buf *out, const char *const *names, size_t count)
{
    buf_text(out, "<div class=\"scroll\"><table><thead><tr>");
    for (size_t i = 0; i < count; i++)
        buf_format(out, "<th scope=\"col\"%s>%s</th>",
                   strcmp(names[i], "new rows") == 0 || strcmp(names[i], "rejected") == 0 ? " class=\"n\""
                                                                                          : "",
                   names[i]);
    buf_text(out, "</tr></thead><tbody>\n");
}

static void add_streams(const struct monitor *monitor, struct buf *out)
{
    static const char *const names[] = {"stream",        "state",    "all loaded up to",
                                        "newest record", "new rows", "rejected"};
    buf_text(out, "<h2>Streams</h2>\n");
    add_header(out, names, sizeof names / sizeof *names);
    for (size_t i = 0; i < monitor->stream_count; i++) {
        const struct monitored_stream *stream = &monitor->streams[i];
        AUTO(buf_done) struct buf state = buf_limited(4096);
        bool is_bad = stream->failures > 0 || strcmp(stream->outcome, "forbidden") == 0;
        buf_text(&state, stream->is_tried ? stream->outcome : "not asked for since the start");
        if (stream->failures > 0 && strcmp(stream->outcome, error_rules[ERROR_STOPPED].name) == 0)
            buf_format(&state, "; failed %lldx before", (long long)stream->failures);
        if (*stream->error) buf_format(&state, ": %s", stream->error);
        buf_text(out, "<tr>");
        add_cell(out, "stream", "", stream->name);
        add_cell(out, "state", is_bad ? "e bad" : stream->is_tried ? "e good" : "e soft", buf_string(&state));
        add_time(out, "all loaded up to", stream->fresh_us);
        add_time(out, "newest record", stream->newest_us);
        add_count(out, "new rows", stream->inserted);
        add_count(out, "rejected", stream->rejected);
        buf_text(out, "</tr>\n");
    }
    buf_text(out, "</tbody></table></div>\n");
}

static void add_day(struct buf *out, const struct coverage *coverage, int index, int column, int row)
{
    static const char *const words[] = {"missing", "loaded", "a record was rejected"};
    char day[DAY_TEXT];
    int state = coverage->rejected[index] ? 2 : coverage->loaded[index] ? 1 : 0;
    bool is_over = index > 0; /* today is not loaded before it is over */
    day_format(day_add(coverage->today, -index), day);
    buf_format(out,
               "<rect class=\"%c\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"><title>%s: %s</title></rect>",
               state == 0 && !is_over ? 'o' : "mlr"[state], column * PITCH, row * PITCH, CELL, CELL, day,
               state == 0 && !is_over ? "not over" : words[state]);
}

/* Weeks from the left to the right, Monday on top. A narrow window shows the newest first: see .days. */
static void add_calendar(const struct monitor *monitor, const struct monitored_stream *stream,
                         struct buf *out)
{
    const struct coverage *coverage = &stream->coverage;
    int missing = 0, days = 0, first = WEEKS,
        last_row = (coverage->today.n + 3) % 7; /* 1970 began on a Thursday */
    AUTO(buf_done) struct buf cells = buf_limited(1 << 20);
    for (int i = COVERAGE_DAYS - 1; i >= 0; i--) {
        struct day day = day_add(coverage->today, -i);
        int row = (day.n + 3) % 7, column = WEEKS - 1 - (i + 6 - last_row) / 7;
        if (column < 0 || day_compare(day, monitor->start) < 0) continue;
        if (column < first) first = column;
        days++;
        missing += i > 0 && !coverage->loaded[i];
        add_day(&cells, coverage, i, column, row);
    }
    int width = (WEEKS - first) * PITCH, height = 7 * PITCH;
    buf_format(out, "<p>%s: %d of %d days missing</p>\n<div class=\"scroll days\">", stream->name, missing,
               days);
    buf_format(out,
               "<svg role=\"img\" aria-label=\"%s: %d of %d days missing\" width=\"%d\" height=\"%d\" "
               "viewBox=\"%d 0 %d %d\">%s</svg></div>\n",
               stream->name, missing, days, width, height, first * PITCH, width, height, buf_string(&cells));
}

static void add_calendars(const struct monitor *monitor, struct buf *out)
{
    bool any = false;
    buf_text(out, "<h2>Days</h2>\n<p class=\"soft\">A cell a day, a column a week, as the newest message of "
                  "each stream "
                  "found them. <span class=\"good\">Loaded</span>, <span class=\"bad\">missing</span>, "
                  "<span class=\"odd\">a record was rejected</span>. Lists that are read once a day have no "
                  "past.</p>\n");
    for (size_t i = 0; i < monitor->stream_count; i++) {
        if (!monitor->streams[i].coverage.is_known) continue;
        any = true;
        add_calendar(monitor, &monitor->streams[i], out);
    }
    if (!any) buf_text(out, "<p>No message was served since the start.</p>\n");
}

static void add_recent(const struct monitor *monitor, struct buf *out)
{
    static const char *const names[] = {"ended", "run", "stream", "outcome", "new rows"};
    buf_text(out, "<h2>Newest attempts</h2>\n");
    add_header(out, names, sizeof names / sizeof *names);
    for (size_t i = 0; i < MONITOR_RECENT && i < monitor->recent_count; i++) {
        const struct recent_attempt *attempt =
            &monitor->recent[(monitor->recent_count - 1 - i) % MONITOR_RECENT];
        AUTO(buf_done) struct buf outcome = buf_limited(512);
        buf_format(&outcome, "%s%s%s", attempt->outcome, *attempt->error ? ": " : "", attempt->error);
        buf_text(out, "<tr>");
        add_time(out, "ended", attempt->ended_us);
        add_cell(out, "run", "", attempt->run_id);
        add_cell(out, "stream", "", attempt->stream);
        add_cell(out, "outcome", *attempt->error ? "e bad" : "e", buf_string(&outcome));
        add_count(out, "new rows", attempt->inserted);
        buf_text(out, "</tr>\n");
    }
    buf_text(out, "</tbody></table></div>\n");
}

static void add_workers(const struct monitor *monitor, struct buf *out)
{
    const char *reason;
    bool is_ready = monitor_is_ready(monitor, &reason);
    buf_format(out, "<h1>caseload <span class=\"soft\">%s</span></h1>\n<p class=\"%s\">%s", CASELOAD_VERSION,
               is_ready ? "good" : "bad", is_ready ? "ready" : "not ready: ");
    add_escaped(out, reason);
    buf_text(out, "</p>\n");
    for (size_t i = 0; i < monitor->worker_count; i++) {
        const struct monitored_worker *worker = &monitor->workers[i];
        const char *where = progress_where(worker->progress);
        buf_text(out, "<p>");
        if (*worker->message_id) buf_text(out, "message ");
        add_escaped(out, worker->message_id);
        buf_text(out, *worker->message_id ? ": " : "");
        add_escaped(out, where ? where : "nothing yet");
        buf_text(out, "</p>\n");
    }
}

void health_page(const struct monitor *monitor, struct buf *out)
{
    buf_text(out, head);
    add_workers(monitor, out);
    add_streams(monitor, out);
    add_calendars(monitor, out);
    add_recent(monitor, out);
    buf_text(out, "<p class=\"soft\">Times are UTC. Counted since the start of the process; <code>caseload "
                  "status</code> "
                  "asks the warehouse. <a href=\"/status\">JSON</a>, <a href=\"/metrics\">metrics</a></p>\n"
                  "</body>\n</html>\n");
}
