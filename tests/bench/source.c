/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - the bench's Intercom: one kind of record, rendered and compressed before the first request.
 *
 *     bench_source --kind contacts --records N --from S --to S --now S --folder DIR [--latency MS] [--rate N]
 *
 * Searches filter, sort and page as Intercom does, from record to record; contacts are listed, too, and a
 * conversation is served by itself, with its parts. DIR/<kind>.list and DIR/<kind>.item hold records without
 * their first members, one a line, which are used in turn: id and times are made here. Record i of N changed
 * i/N of the way from --from to --to. --rate: requests in ten seconds, more are refused; 0: no limit.
 * GET /bench: what was asked.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "gzip_pieces.h"
#include "serve.h"

#define DAY_S       86400
#define WINDOW_S    10
#define CHUNK       30  /* records compressed together: their ids have the same ending ... */
#define ENDINGS     256 /* ... of two digits */
#define FIRST_ID    INT64_C(215000000000001)
#define MOST_A_PAGE 150
#define DEPTH       2         /* of conditions within conditions */
#define LIFTED      100000000 /* the limit that is announced if there is none */
#define FILE_LIMIT  ((size_t)1 << 28)

struct kind {
    const char *name, *type, *list, *page_type, *search, *item;
    bool by_days; /* bounds are compared by days, as up to API 2.16 */
    bool has_hex_ids;
};

static const struct kind kinds[] = {
    {"contacts", "contact", "data", "list", "/contacts/search", "/contacts/", true, true},
    {"conversations", "conversation", "conversations", "conversation.list", "/conversations/search",
     "/conversations/", false, false},
    {"tickets", "ticket", "tickets", "ticket.list", "/tickets/search", "/tickets/", false, false},
};

struct lines {
    char *text;
    char **line;
    size_t count;
};

struct source {
    const struct kind *kind;
    int64_t records, from_s, span_s, now_s, began_ms, latency_ms, rate;
    struct lines list, item;
    struct piece *chunks;     /* of CHUNK records each */
    struct piece *item_tails; /* of each line of item */
    int64_t window, used;     /* of the rate limit */
    int64_t requests, refused, served, most_in_window, bytes;
    int64_t first_ms; /* by the monotonic clock: when the first request came */
};

struct range {
    int64_t from, to; /* records */
};

static int64_t now_s(const struct source *source)
{
    return source->now_s + (clock_ms() - source->began_ms) / 1000;
}

static int64_t changed_s(const struct source *source, int64_t record)
{
    return source->from_s + record * source->span_s / source->records;
}

/* The first record that changed then or later. */
static int64_t first_since(const struct source *source, int64_t at_s)
{
    if (at_s <= source->from_s) return 0;
    if (at_s >= source->from_s + source->span_s) return source->records;
    int64_t record = (at_s - source->from_s) * source->records / source->span_s;
    while (record > 0 && changed_s(source, record - 1) >= at_s)
        record--;
    while (record < source->records && changed_s(source, record) < at_s)
        record++;
    return record;
}

static void write_head(const struct source *source, int64_t record, struct buf *out)
{
    int64_t at_s = changed_s(source, record);
    buf_format(out, "{\"type\":\"%s\",\"id\":\"", source->kind->type);
    if (source->kind->has_hex_ids)
        buf_format(out, "%022" PRIx64 "%02" PRIx64, FIRST_ID + record, record / CHUNK % ENDINGS);
    else
        buf_format(out, "%" PRId64, FIRST_ID + record);
    buf_format(out, "\",\"created_at\":%" PRId64 ",\"updated_at\":%" PRId64 ",", at_s - DAY_S, at_s);
}

static void write_records(const struct source *source, struct range range, struct buf *out)
{
    for (int64_t i = range.from; i < range.to; i++) {
        if (i > range.from) buf_byte(out, ',');
        write_head(source, i, out);
        buf_text(out, source->list.line[(size_t)i % source->list.count]);
    }
}

/* --- compressed pages --- */

static void add_part(const struct source *source, struct range range, struct gzip_file *file)
{
    AUTO(buf_done) struct buf text = buf_limited(FILE_LIMIT);
    write_records(source, range, &text);
    struct piece piece = piece_make(text.data, text.size);
    gzip_add_piece(file, &piece);
    free(piece.bytes);
}

static void add_records(const struct source *source, struct range range, struct gzip_file *file)
{
    for (int64_t i = range.from, next; i < range.to; i = next) {
        int64_t chunk = i / CHUNK, end = (chunk + 1) * CHUNK;
        next = end < range.to ? end : range.to;
        if (i > range.from) gzip_add_text(file, ",", 1);
        if (i % CHUNK == 0 && (next == end || next == source->records))
            gzip_add_piece(file, &source->chunks[chunk]);
        else
            add_part(source, (struct range){i, next}, file);
    }
}

static void render(struct source *source)
{
    AUTO(buf_done) struct buf text = buf_limited(FILE_LIMIT);
    size_t chunks = (size_t)((source->records + CHUNK - 1) / CHUNK);
    source->chunks = mem_zero(chunks, sizeof *source->chunks);
    for (size_t i = 0; i < chunks; i++) {
        int64_t from = (int64_t)i * CHUNK, to = from + CHUNK;
        buf_reset(&text);
        write_records(source, (struct range){from, to < source->records ? to : source->records}, &text);
        source->chunks[i] = piece_make(text.data, text.size);
    }
    source->item_tails = mem_zero(source->item.count + 1, sizeof *source->item_tails);
    for (size_t i = 0; i < source->item.count; i++)
        source->item_tails[i] = piece_make(source->item.line[i], strlen(source->item.line[i]));
}

/* --- requests --- */

static bool takes_gzip(const struct exchange *exchange)
{
    const char *accepted = exchange_header(exchange, "Accept-Encoding");
    return accepted && strstr(accepted, "gzip");
}

static void refuse(struct exchange *exchange, int status, const char *code)
{
    exchange->status = status;
    buf_format(&exchange->reply,
               "{\"type\":\"error.list\",\"errors\":[{\"code\":\"%s\",\"message\":\"%s\"}]}", code, code);
}

struct search {
    struct range range;
    int64_t per_page, after;
    bool has_endings; /* only these ids, of all in the range */
    bool ending[ENDINGS];
};

/* Adds the ids that end in one or two digits: several endings are alternatives. */
static bool add_endings(struct search *search, const char *digits)
{
    size_t size = digits ? strlen(digits) : 0;
    char *end;
    if (size < 1 || size > 2) return false;
    long ending = strtol(digits, &end, 16);
    for (long i = 0; i < ENDINGS; i++)
        search->ending[i] |= (size == 2 ? i : i % 16) == ending;
    search->has_endings = true;
    return *end == '\0';
}

/* Of the updates that a condition allows. Else ids are asked for in general only: after none, or equal to
 * none. */
static bool find_compared(const struct source *source, const json_t *query, struct search *search,
                          struct range *out)
{
    const char *field = json_text_at(query, "field"), *operator= json_text_at(query, "operator");
    const json_t *value = json_object_get(query, "value");
    *out = (struct range){0, source->records};
    if (!field || !operator|| !strchr("<>=$", *operator)) return false;
    if (*operator== '$') return strcmp(field, "id") == 0 && add_endings(search, json_string_value(value));
    if (strcmp(field, "id") == 0) {
        if (*operator== '=') out->to = 0;
        return true;
    }
    int64_t at_s = json_is_string(value) ? strtoll(json_string_value(value), NULL, 10)
                                         : (int64_t)json_number_value(value);
    int64_t day_s = at_s - at_s % DAY_S;
    int64_t begin = first_since(source, source->kind->by_days ? day_s : at_s);
    int64_t end = first_since(source, source->kind->by_days ? day_s + DAY_S : at_s + 1);
    if (*operator!= '<') out->from = *operator== '=' ? begin : end;
    if (*operator!= '>') out->to = *operator== '=' ? end : begin;
    return strcmp(field, "updated_at") == 0;
}

/* The records that a query allows: of an AND those that all conditions do; those of an OR follow each other.
 */
static bool find_range(const struct source *source, const json_t *query, int depth, struct search *search,
                       struct range *out)
{
    const json_t *conditions = json_object_get(query, "value"), *one;
    const char *operator= json_text_at(query, "operator");
    size_t i;
    if (!json_is_array(conditions)) return find_compared(source, query, search, out);
    bool is_and = operator&& strcmp(operator, "AND") == 0;
    *out = is_and ? (struct range){0, source->records} : (struct range){source->records, 0};
    json_array_foreach (conditions, i, one) {
        struct range range;
        if (depth == 0 || !find_range(source, one, depth - 1, search, &range)) return false;
        if (is_and ? range.from > out->from : range.from < out->from && range.from < range.to)
            out->from = range.from;
        if (is_and ? range.to < out->to : range.to > out->to && range.from < range.to) out->to = range.to;
    }
    return true;
}

static bool read_search(const struct source *source, const struct exchange *exchange, struct search *out)
{
    AUTO(json_drop) json_t *body = NULL;
    struct error unread;
    *out = (struct search){.range = {0, source->records}, .per_page = 20};
    if (!json_read(buf_string(&exchange->body), exchange->body.size, NULL, &body, &unread)) return false;
    if (!find_range(source, json_object_get(body, "query"), DEPTH, out, &out->range)) return false;
    const char *after = json_text_at(body, "pagination.starting_after");
    const char *order = json_text_at(body, "sort.order");
    if (!order || strcmp(order, "ascending") != 0) return false; /* no client asks for another */
    out->per_page = json_int_at(body, "pagination.per_page", out->per_page);
    if (after) out->after = strtoll(after, NULL, 10);
    return out->per_page > 0 && out->per_page <= MOST_A_PAGE;
}

/* How many of the records before this one a search finds, wherever it begins. */
static int64_t count_before(const struct search *search, int64_t record)
{
    int64_t chunk = record / CHUNK, cycle = 0, part = 0;
    if (!search->has_endings) return record;
    for (int64_t i = 0; i < ENDINGS; i++) {
        cycle += search->ending[i];
        part += i < chunk % ENDINGS && search->ending[i];
    }
    int64_t last = search->ending[chunk % ENDINGS] ? record % CHUNK : 0;
    return (chunk / ENDINGS * cycle + part) * CHUNK + last;
}

/* The record that so many found ones are before; at most range.to. */
static int64_t find_record(const struct search *search, int64_t count)
{
    int64_t low = search->range.from, high = search->range.to;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (count_before(search, middle + 1) > count)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* The next records that follow each other and are found; none: out->from is out->to. */
static void next_run(const struct search *search, int64_t at, int64_t end, struct range *out)
{
    while (search->has_endings && at < end && !search->ending[at / CHUNK % ENDINGS])
        at = (at / CHUNK + 1) * CHUNK;
    *out = (struct range){at < end ? at : end, end};
    for (int64_t next = at; search->has_endings && next < end; next = (next / CHUNK + 1) * CHUNK) {
        if (search->ending[next / CHUNK % ENDINGS]) continue;
        out->to = next;
        return;
    }
}

static void write_page(struct source *source, const struct search *search, struct exchange *exchange)
{
    bool is_empty = search->range.to <= search->range.from;
    int64_t first = is_empty ? 0 : count_before(search, search->range.from);
    int64_t total = is_empty ? 0 : count_before(search, search->range.to) - first;
    int64_t number = search->after / search->per_page + 1, end = search->after + search->per_page;
    bool is_last = end >= total;
    if (is_last) end = total;
    struct range page = {find_record(search, first + search->after), find_record(search, first + end)}, run;
    AUTO(buf_done) struct buf head = buf_limited(4096), tail = buf_limited(4096);
    buf_format(&head, "{\"type\":\"%s\",\"%s\":[", source->kind->page_type, source->kind->list);
    buf_format(&tail, "],\"total_count\":%" PRId64 ",\"pages\":{\"type\":\"pages\",", total);
    if (!is_last)
        buf_format(&tail, "\"next\":{\"page\":%" PRId64 ",\"starting_after\":\"%" PRId64 "\"},", number + 1,
                   search->after + search->per_page);
    buf_format(&tail, "\"page\":%" PRId64 ",\"per_page\":%" PRId64 ",\"total_pages\":%" PRId64 "}}", number,
               search->per_page, (total + search->per_page - 1) / search->per_page);
    exchange->is_gzip = takes_gzip(exchange);
    if (exchange->is_gzip) {
        struct gzip_file file = gzip_begin(&exchange->reply);
        gzip_add_text(&file, head.data, head.size);
        for (next_run(search, page.from, page.to, &run); run.from < run.to;
             next_run(search, run.to, page.to, &run)) {
            if (run.from > page.from) gzip_add_text(&file, ",", 1);
            add_records(source, run, &file);
        }
        gzip_add_text(&file, tail.data, tail.size);
        gzip_end(&file);
    } else {
        buf_text(&exchange->reply, head.data);
        for (next_run(search, page.from, page.to, &run); run.from < run.to;
             next_run(search, run.to, page.to, &run)) {
            if (run.from > page.from) buf_byte(&exchange->reply, ',');
            write_records(source, run, &exchange->reply);
        }
        buf_text(&exchange->reply, tail.data);
    }
    source->served += end - search->after;
}

static void write_item(struct source *source, int64_t record, struct exchange *exchange)
{
    AUTO(buf_done) struct buf head = buf_limited(4096);
    size_t line = (size_t)record % source->item.count;
    write_head(source, record, &head);
    exchange->is_gzip = takes_gzip(exchange);
    if (exchange->is_gzip) {
        struct gzip_file file = gzip_begin(&exchange->reply);
        gzip_add_text(&file, head.data, head.size);
        gzip_add_piece(&file, &source->item_tails[line]);
        gzip_end(&file);
    } else {
        buf_text(&exchange->reply, head.data);
        buf_text(&exchange->reply, source->item.line[line]);
    }
}

/* Counts the request in its window of ten seconds; false: it is one too many. */
static bool count_request(struct source *source, struct exchange *exchange)
{
    int64_t at_s = now_s(source), window = at_s / WINDOW_S;
    if (window != source->window) source->used = 0;
    source->window = window;
    int64_t limit = source->rate > 0 ? source->rate : LIFTED;
    bool is_allowed = source->used < limit;
    source->used += is_allowed;
    if (source->used > source->most_in_window) source->most_in_window = source->used;
    exchange->rate_limit = limit;
    exchange->rate_remaining = limit - source->used;
    exchange->rate_reset_s = (window + 1) * WINDOW_S;
    if (source->requests++ == 0) source->first_ms = clock_ms();
    source->refused += !is_allowed;
    return is_allowed;
}

static void tell_counts(const struct source *source, struct exchange *exchange)
{
    buf_format(&exchange->reply,
               "{\"requests\":%" PRId64 ",\"refused\":%" PRId64 ",\"served\":%" PRId64
               ",\"most_in_window\":%" PRId64 ",\"records\":%" PRId64 ",\"bytes\":%" PRId64
               ",\"first_ms\":%" PRId64 "}",
               source->requests, source->refused, source->served, source->most_in_window, source->records,
               source->bytes, source->first_ms);
}

static const char me[] =
    "{\"type\":\"admin\",\"id\":\"1\",\"email\":\"a@example.com\",\"name\":\"A\",\"email_verified\":true,"
    "\"app\":{\"type\":\"app\",\"id_code\":\"bench\",\"name\":\"Bench\",\"created_at\":1600000000,\"secure\":"
    "false,"
    "\"identity_verification\":false,\"timezone\":\"Etc/UTC\",\"region\":\"US\"},\"has_inbox_seat\":true}";

static void write_list(struct source *source, struct exchange *exchange)
{
    const char *per_page = exchange_query(exchange, "per_page");
    const char *after = exchange_query(exchange, "starting_after");
    struct search all = {.range = {0, source->records},
                         .per_page = per_page ? strtoll(per_page, NULL, 10) : 10,
                         .after = after ? strtoll(after, NULL, 10) : 0};
    if (all.per_page > 0 && all.per_page <= MOST_A_PAGE)
        write_page(source, &all, exchange);
    else
        refuse(exchange, 400, "parameter_invalid");
}

static void route(struct source *source, struct exchange *exchange)
{
    const struct kind *kind = source->kind;
    size_t item = strlen(kind->item);
    struct search search;
    if (exchange_is(exchange, "GET", "/me")) {
        buf_text(&exchange->reply, me);
    } else if (exchange_is(exchange, "GET", "/tags")) { /* what a peer tries its token on */
        buf_text(&exchange->reply, "{\"type\":\"list\",\"data\":[]}");
    } else if (exchange_is(exchange, "POST", kind->search)) {
        if (read_search(source, exchange, &search))
            write_page(source, &search, exchange);
        else
            refuse(exchange, 400, "parameter_invalid");
    } else if (kind->has_hex_ids && exchange_is(exchange, "GET", "/contacts")) {
        write_list(source, exchange);
    } else if (strcmp(exchange->method, "GET") == 0 && strncmp(exchange->path, kind->item, item) == 0) {
        int64_t record = strtoll(exchange->path + item, NULL, 10) - FIRST_ID;
        if (source->item.count > 0 && record >= 0 && record < source->records)
            write_item(source, record, exchange);
        else
            refuse(exchange, 404, "not_found");
    } else {
        refuse(exchange, 404, "not_found");
    }
}

static void handle(void *self, struct exchange *exchange)
{
    struct source *source = self;
    time_t at = (time_t)now_s(source);
    struct tm parts;
    (void)strftime(exchange->date, sizeof exchange->date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &parts));
    if (exchange_is(exchange, "GET", "/bench")) {
        tell_counts(source, exchange);
        return;
    }
    exchange->delay_ms = source->latency_ms;
    if (count_request(source, exchange))
        route(source, exchange);
    else
        refuse(exchange, 429, "rate_limit_exceeded");
    source->bytes += (int64_t)exchange->reply.size;
}

/* A file that is not there has no lines. */
static struct lines read_lines(const char *folder, const char *kind, const char *ending)
{
    struct lines lines = {.text = NULL};
    AUTO(mem_free) char *path = mem_format("%s/%s.%s", folder, kind, ending);
    FILE *file = fopen(path, "rb");
    if (!file) return lines;
    AUTO(buf_done) struct buf text = buf_limited(FILE_LIMIT);
    char block[65536];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
        (void)buf_add(&text, block, got);
    (void)fclose(file);
    lines.text = buf_take(&text, NULL);
    for (char *line = lines.text, *end; line && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        lines.line = mem_grow(lines.line, lines.count + 1, sizeof *lines.line);
        lines.line[lines.count++] = line;
    }
    return lines;
}

int main(int count, char **arguments)
{
    const char *name = argument(count, arguments, "--kind", "contacts");
    const char *folder = argument(count, arguments, "--folder", ".");
    static struct source source; /* the end of the process frees what it holds */
    source = (struct source){
        .records = argument_int(count, arguments, "--records", 10000),
        .from_s = argument_int(count, arguments, "--from", 0),
        .now_s = argument_int(count, arguments, "--now", 0),
        .latency_ms = argument_int(count, arguments, "--latency", 0),
        .rate = argument_int(count, arguments, "--rate", 0),
        .began_ms = clock_ms(),
    };
    source.span_s = argument_int(count, arguments, "--to", DAY_S) - source.from_s;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, name) == 0) source.kind = &kinds[i];
    if (source.kind) source.list = read_lines(folder, name, "list");
    if (!source.kind || source.list.count == 0 || source.records < 1 || source.span_s < 1) {
        (void)fprintf(stderr, "bench_source: no such kind, no records in %s, or nothing to serve\n", folder);
        return 64;
    }
    source.item = read_lines(folder, name, "item");
    render(&source);
    source.began_ms = clock_ms();
    return serve(handle, &source);
}
