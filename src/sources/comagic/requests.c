/* SPDX-License-Identifier: Apache-2.0 */
/* requests.c - how a page is requested: a call of JSON-RPC. Streams differ by data only. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_value.h"
#include "internal.h"

#define DAY_S INT64_C(86400)

void comagic_begin_request(const struct comagic *comagic, const char *method, const char *id,
                           struct buf *body)
{
    buf_format(
        body,
        "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"%s\",\"params\":{\"access_token\":\"" REST_TOKEN_MARK
        "\"",
        id, method);
    if (comagic->user_id > 0) buf_format(body, ",\"user_id\":%ld", comagic->user_id);
}

static bool is_unwanted(const struct comagic *comagic, const struct column *column)
{
    for (size_t i = 0; i < comagic->unwanted_count; i++)
        if (comagic->unwanted[i] == column) return true;
    return false;
}

void comagic_leave_out(struct comagic *comagic, const struct column *column)
{
    if (!is_unwanted(comagic, column) && comagic->unwanted_count < COMAGIC_UNWANTED)
        comagic->unwanted[comagic->unwanted_count++] = column;
}

/* Without names only some fields come. */
static void write_fields(const struct comagic *comagic, const struct rest_stream *stream, struct buf *body)
{
    const struct table *table = stream->stream.table;
    const char *comma = "", *day = stream->day_member;
    buf_text(body, ",\"fields\":[");
    for (size_t i = comagic_made_key(table) ? 1 : 0; i < table->column_count; i++) {
        if (is_unwanted(comagic, &table->columns[i])) continue;
        if (day && strcmp(column_field(&table->columns[i]), day) == 0) continue; /* the reader adds it */
        buf_format(body, "%s\"%s\"", comma, column_field(&table->columns[i]));
        comma = ",";
    }
    buf_byte(body, ']');
}

static void write_window(const struct comagic *comagic, const struct page_request *request, struct buf *body)
{
    char from[LOCAL_TIME], till[LOCAL_TIME];
    local_bounds(comagic->rest.zone, request->segment.window, comagic->rest.clock_s, from, till);
    buf_format(body, ",\"date_from\":\"%s\",\"date_till\":\"%s\"", from, till);
}

static void write_call(const struct page_request *request, struct buf *url, struct buf *body)
{
    const struct comagic *comagic = (const struct comagic *)request->source;
    const struct table *table = request->stream->stream.table;
    bool is_report = request->stream->stream.kind == STREAM_EVENT;
    buf_format(url, "%s" COMAGIC_PATH, request->source->base_url);
    comagic_begin_request(comagic, request->stream->path, request->id, body);
    if (is_report) write_window(comagic, request, body);
    if (request->segment.type) buf_format(body, ",\"site_id\":%s", request->segment.type); /* a number */
    if (is_report) write_fields(comagic, request->stream, body);
    if (request->stream->order == ORDER_OLDEST_FIRST)
        buf_format(body, ",\"sort\":[{\"field\":\"%s\",\"order\":\"asc\"}]", table->version);
    buf_format(body, ",\"limit\":%d,\"offset\":%" PRId64 "}}", request->per_page, request->offset);
}

/* A window may have 90 days, of messages 30; the day that is not over is more than what the clock says. */
#define REPORT(days, most)                                                                                   \
    {                                                                                                        \
        .method = "POST", .write = write_call, .has_numbers = true, .max_window_s = (days)*DAY_S,            \
        .ends_by_clock = true, .max_records = (most)                                                         \
    }
const struct pagination comagic_report = REPORT(88, COMAGIC_OFFSET + COMAGIC_PAGE);
const struct pagination comagic_report_unsorted = REPORT(88, COMAGIC_PAGE); /* pages would have no order */
const struct pagination comagic_messages = REPORT(28, COMAGIC_OFFSET + COMAGIC_PAGE);
/* An aggregate of a window, a record an employee. */
const struct pagination comagic_day = {.method = "POST",
                                       .write = write_call,
                                       .has_numbers = true,
                                       .total_member = "result.metadata.total_items"};
const struct pagination comagic_list = {
    .method = "POST", .write = write_call, .has_numbers = true, .max_records = COMAGIC_OFFSET + COMAGIC_PAGE};

/* One unknown name makes the service refuse the whole request. */
bool comagic_mend_request(struct rest_source *source, const struct rest_stream *stream,
                          const struct rest_failure *failure)
{
    struct comagic *comagic = (struct comagic *)source;
    const struct table *table = stream->stream.table;
    bool is_field = strcmp(failure->code, "unexpected_parameters") == 0 ||
                    strcmp(failure->code, "parameter_component_disabled") == 0;
    const struct column *column = is_field ? table_column(table, failure->subject) : NULL;
    if (!column || column->mode == COLUMN_REQUIRED || is_unwanted(comagic, column) ||
        comagic->unwanted_count == COMAGIC_UNWANTED)
        return false;
    comagic_leave_out(comagic, column);
    (void)snprintf(
        source->notice, sizeof source->notice,
        "CoMagic refuses the field %s (%s): it stays empty, and is not asked for again until caseload "
        "starts again",
        column->name, failure->code);
    return true;
}

/* A page may be shorter than asked for, and more come after it: the total decides. */
bool comagic_next_page(const struct page_context *context, struct next_page *out_next, struct error *err)
{
    struct comagic *comagic = (struct comagic *)(uintptr_t)context->source;
    int64_t size = (int64_t)value_count(context->list), end = context->offset + size;
    int64_t total = value_integer_at(context->answer, "result.metadata.total_items", -1);
    bool is_deprecated =
        value_is_true(value_at(context->answer, "result.metadata.api_version.current_version_deprecated"));
    if (is_deprecated && !comagic->is_deprecated)
        (void)snprintf(
            comagic->rest.notice, sizeof comagic->rest.notice,
            "CoMagic says that version 2.0 of its API is deprecated and ends: look for a newer caseload");
    comagic->is_deprecated = comagic->is_deprecated || is_deprecated;
    if (total < 0) total = size == context->per_page ? end + 1 : end;
    if (end >= total) return true;
    if (size == 0 && context->was_empty)
        return error_set(err, ERROR_FORMAT,
                         "%s: the list announces %" PRId64 " records, but two pages after the first %" PRId64
                         " were empty",
                         context->what, total, end);
    if (end > COMAGIC_OFFSET)
        return error_set(err, ERROR_LIMIT,
                         "%s: there are %" PRId64
                         " records, and CoMagic gives no more than the first %d of a list",
                         context->what, total, COMAGIC_OFFSET + COMAGIC_PAGE);
    out_next->number = context->number + 1;
    return true;
}
