/* SPDX-License-Identifier: Apache-2.0 */
#include "helpline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "rest/exchange.h"
#include "rest/next_page.h"

/* --- tables --- */

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct column caller_columns[] = {
    {.name = "phone_number", .field = "phoneNumber", .type = COLUMN_STRING},
};

static const struct column call_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "changed_at", .field = "changedAt", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "talk_seconds", .field = "talkSeconds", .type = COLUMN_INT64},
    {.name = "caller",
     .field = "calledBy",
     .type = COLUMN_RECORD,
     .fields = caller_columns,
     .field_count = COUNT(caller_columns)},
};

static const struct column contact_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "changed_at", .field = "changedAt", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
};

static const struct column note_columns[] = {
    {.name = "contact_id", .field = "contactId", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "contact_changed_at",
     .field = "contactChangedAt",
     .type = COLUMN_TIMESTAMP,
     .mode = COLUMN_REQUIRED},
    {.name = "note_text", .field = "noteText", .type = COLUMN_STRING},
};

static const struct column visit_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "seen_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "mood", .type = COLUMN_STRING},
};

static const char *const id_key[] = {"id"};
static const char *const note_key[] = {"contact_id"};

#define TABLE(n, list, keys, time)                                                                           \
    {                                                                                                        \
        .name = (n), .columns = (list), .column_count = COUNT(list), .key = (keys),                          \
        .key_count = COUNT(keys), .version = (time), .day = (time)                                           \
    }

static const struct table calls = TABLE("calls", call_columns, id_key, "changed_at");
static const struct table visits = TABLE("visits", visit_columns, id_key, "seen_at");
static const struct table contacts = TABLE("contacts", contact_columns, id_key, "changed_at");
static const struct table notes = TABLE("notes", note_columns, note_key, "contact_changed_at");

/* --- the dialect --- */

static const struct rest_refusal refusals[] = {
    {403, NULL, ERROR_FORBIDDEN, "ask for the right to export"},
    {0, NULL, ERROR_REFUSED, "look at the manual"},
};

static void read_failure(const struct json_value *answer, struct rest_failure *out_failure)
{
    const char *message = value_text_at(answer, "error.message");
    (void)snprintf(out_failure->code, sizeof out_failure->code, "%" PRId64,
                   value_integer_at(answer, "error.code", 0));
    (void)snprintf(out_failure->message, sizeof out_failure->message, "%.200s", message ? message : "");
}

static int real_status(const struct json_value *answer, int status)
{
    switch (value_integer_at(answer, "error.code", 0)) {
    case 0: return status;
    case -32001: return 401;
    case -32003: return 429;
    case -32005: return 403;
    default: return 400;
    }
}

static void read_limits(const struct json_value *answer, struct rate_report *rate,
                        struct rest_quota *out_quota)
{
    (void)rate; /* in headers */
    out_quota->limit = value_integer_at(answer, "result.day.limit", 0);
    out_quota->remaining = value_integer_at(answer, "result.day.left", 0);
    out_quota->reset_s = 3600;
}

struct helpline {
    struct rest_source rest; /* first */
    bool leaves_mood_out;
};

static bool mend_request(struct rest_source *source, const struct rest_stream *stream,
                         const struct rest_failure *failure)
{
    struct helpline *helpline = (struct helpline *)source;
    (void)stream;
    if (strcmp(failure->message, "mood?") != 0 || helpline->leaves_mood_out) return false;
    (void)snprintf(source->notice, sizeof source->notice, "no moods");
    return helpline->leaves_mood_out = true;
}

/* "X" is a mood, too. */
static void prepare(const struct rest_source *source, const struct table *table, struct json_value *record)
{
    (void)source;
    (void)table;
    value_set(record, "mood", value_get(record, "X")); /* absent: not set */
    value_remove(record, "X");
}

/* Totals are of pages or of records. */
static bool next_page(const struct page_context *context, struct next_page *out_next, struct error *err)
{
    int64_t size = (int64_t)value_count(context->list);
    int64_t total = value_integer_at(context->answer, "result.total", -1);
    (void)err; /* any answer is good */
    if (total < 0)
        next_page_count(context, value_integer_at(context->answer, "page.totalPages", -1), out_next);
    else if (context->offset + size < total)
        out_next->number = context->number + 1;
    return true;
}

#define DIALECT(in_body)                                                                                     \
    {                                                                                                        \
        .name = "Helpline", .auth_advice = "make another token", .probe_path = "/ping",                      \
        .format_advice = "look at the manual", .request_id_header = "x-trace",                               \
        .limit_header = "x-minute-limit", .remaining_header = "x-minute-left",                               \
        .reset_header = "x-minute-ends-in", .is_reset_delay = true, .is_token_in_body = (in_body),           \
        .size_parameter = "size", .number_parameter = "page", .refusals = refusals,                          \
        .read_failure = read_failure, .real_status = real_status, .next_page = next_page,                    \
        .total_member = "result.total", .read_limits = read_limits, .mend_request = mend_request,            \
        .prepare = prepare                                                                                   \
    }

static const struct rest_dialect rpc = DIALECT(true), rest = DIALECT(false);

/* --- streams --- */

static void write_call_request(const struct page_request *request, struct buf *url, struct buf *body)
{
    buf_format(url, "%s%s", request->source->base_url, request->stream->path);
    buf_format(body, "{\"token\":\"" REST_TOKEN_MARK "\",\"from\":%" PRId64 ",\"offset\":%" PRId64 "}",
               request->segment.window.from_s, request->offset);
}

static void write_visit_request(const struct page_request *request, struct buf *url, struct buf *body)
{
    const struct helpline *helpline = (const struct helpline *)request->source;
    buf_format(url, "%s%s", request->source->base_url, request->stream->path);
    buf_format(body,
               "{\"token\":\"" REST_TOKEN_MARK "\",\"from\":%" PRId64 ",\"to\":%" PRId64
               ",\"offset\":%" PRId64 ",\"fields\":\"%s\"}",
               request->segment.window.from_s,
               request->segment.window.to_s == WINDOW_OPEN ? -1 : request->segment.window.to_s,
               request->offset, helpline->leaves_mood_out ? "id" : "id mood");
}

static void write_contact_request(const struct page_request *request, struct buf *url, struct buf *body)
{
    (void)body; /* a GET has none */
    buf_format(url, "%s%s", request->source->base_url, request->stream->path);
    page_request_write_parameters(request, url);
}

static const struct pagination by_offset = {
    .method = "POST", .write = write_call_request, .has_numbers = true};
static const struct pagination by_window = {
    .method = "POST", .write = write_visit_request, .has_numbers = true, .max_records = 3};
static const struct pagination by_number = {
    .method = "GET", .write = write_contact_request, .has_numbers = true};

static const struct child_list contact_notes[] = {{.before = "/contacts/",
                                                   .after = "/notes",
                                                   .list = "found.notes",
                                                   .table = &notes,
                                                   .parent = "contactId",
                                                   .version = "contactChangedAt",
                                                   .noun = "list of notes"},
                                                  {.table = NULL}};
static const struct child contact_children[] = {{&notes, CHILD_DEFAULT}};

const struct rest_stream helpline_calls = {
    .stream = {.name = "calls", .kind = STREAM_INCREMENTAL, .table = &calls},
    .pagination = &by_offset,
    .path = "/rpc/calls",
    .list = "result.items",
};
const struct rest_stream helpline_visits = {
    .stream = {.name = "visits", .kind = STREAM_EVENT, .table = &visits},
    .pagination = &by_window,
    .path = "/rpc/visits",
    .list = "result.items",
};
const struct rest_stream helpline_contacts = {
    .stream = {.name = "contacts",
               .kind = STREAM_SCAN,
               .table = &contacts,
               .children = contact_children,
               .child_count = 1},
    .pagination = &by_number,
    .path = "/contacts",
    .list = "found.contacts",
    .per_page = 2,
    .child_lists = contact_notes,
};

/* --- the source --- */

static const struct source_ops ops = {
    .open = rest_source_open, .next = rest_source_next, .close = rest_source_close, .free = rest_source_free};

bool helpline_create(const struct rest_source *settings, const char *base_url, bool is_rpc,
                     struct source **out_source, struct error *err)
{
    struct helpline *helpline = mem_zero(1, sizeof *helpline);
    struct rest_source *source = &helpline->rest;
    *source = *settings;
    source->source.ops = &ops;
    source->dialect = is_rpc ? &rpc : &rest;
    *out_source = &source->source;
    if (!rest_check_base_url(base_url, err)) return false;
    rest_source_init(source, base_url, 0.5, NULL);
    return true;
}
