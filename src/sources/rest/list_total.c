/* SPDX-License-Identifier: Apache-2.0 */
/* list_total.c - asks for one record of a list, or for a page where its records say how many children they
 * have. */
#include "list_total.h"

#include "base/mem.h"
#include "exchange.h"
#include "next_page.h"

#define LIMIT_REQUEST 32768

static bool can_choose_size(const struct rest_stream *stream)
{
    return stream->per_page > 0 && (stream->pagination->has_cursors || stream->pagination->has_numbers);
}

static bool wants_list(const struct selection *selection, const struct child_list *list)
{
    return list->counted && selection_has_table(selection, list->table);
}

/* Do the records of this list say how many rows of the selection's child tables belong to them? */
static bool has_counts(const struct selection *selection)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    if (stream->children && selection_has_table(selection, stream->children->table)) return true;
    for (const struct child_list *list = stream->child_lists; list && list->table; list++)
        if (wants_list(selection, list)) return true;
    return false;
}

/* Of one record; what it does not say is nothing. */
static int64_t children_of(const struct selection *selection, const struct json_value *record)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    const struct children *children = stream->children;
    int64_t count = 0;
    if (children && selection_has_table(selection, children->table)) {
        const struct json_value *list = value_get(record, children->list);
        int64_t total = children->total ? value_integer_at(list, children->total, 0) : 0;
        count = children->counted ? value_integer_at(record, children->counted, total) : total;
        count += children->make_first != NULL;
    }
    for (const struct child_list *list = stream->child_lists; list && list->table; list++)
        if (wants_list(selection, list)) count += value_integer_at(record, list->counted, 0);
    return count > 0 ? count : 0;
}

/* out_failure: what the service says if it refuses. */
static bool ask_once(struct rest_source *rest, const struct rest_stream *stream,
                     const struct segment *segment, int per_page, struct rest_failure *out_failure,
                     struct json_value **out_answer, struct error *err)
{
    struct exchange exchange;
    char id[REST_ID];
    AUTO(buf_done) struct buf url = buf_limited(LIMIT_REQUEST);
    AUTO(buf_done) struct buf body = buf_limited(LIMIT_REQUEST);
    const struct page_request request = {.source = rest,
                                         .stream = stream,
                                         .segment = *segment,
                                         .per_page = per_page,
                                         .id = rest_next_id(rest, id)};
    AUTO(mem_free)
    char *what = mem_format("%s %s, how many there are", rest->dialect->name, stream->stream.name);
    stream->pagination->write(&request, &url, &body);
    exchange_init(&exchange, rest, what);
    exchange.can_be_forbidden = true;
    exchange.allow_array = stream->pagination->allow_array;
    bool good = exchange_send(&exchange,
                              &(struct exchange_request){.method = stream->pagination->method,
                                                         .url = buf_string(&url),
                                                         .body = body.size > 0 ? &body : NULL,
                                                         .id = body.size > 0 ? id : NULL,
                                                         .retry = &retry_api},
                              err) &&
                exchange_wait(&exchange, out_answer, err);
    *out_failure = exchange.failure;
    exchange_done(&exchange);
    return good;
}

static bool ask(struct rest_source *rest, const struct rest_stream *stream, const struct segment *segment,
                int per_page, struct json_value **out_answer, struct error *err)
{
    struct rest_failure refusal;
    struct error failure = {0}; /* not err: it may end well */
    while (!ask_once(rest, stream, segment, per_page, &refusal, out_answer, &failure)) {
        if (rest_mends(rest, stream, &refusal, &failure)) continue;
        *err = failure;
        return false;
    }
    return true;
}

static int64_t records_of(const struct rest_source *rest, const struct rest_stream *stream,
                          const struct json_value *answer, int64_t listed)
{
    const struct pagination *pagination = stream->pagination;
    const char *member = pagination->total_member ? pagination->total_member : rest->dialect->total_member;
    int64_t total = member ? value_integer_at(answer, member, -1) : -1;
    bool is_whole = !pagination->has_cursors && !pagination->has_numbers;
    return total >= 0 ? total : is_whole ? listed : -1;
}

bool list_total_ask(struct rest_source *rest, const struct selection *selection,
                    const struct segment *segment, struct list_total *out_total, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    const bool counts = has_counts(selection), is_single = can_choose_size(stream) && !counts;
    AUTO(value_drop) struct json_value *answer = NULL;
    if (!ask(rest, stream, segment, is_single ? 1 : stream->per_page, &answer, err)) return false;
    const struct json_value *list = page_list(rest->dialect, answer, stream->list);
    *out_total = (struct list_total){.listed = (int64_t)value_count(list), .children = counts ? 0 : -1};
    for (const struct json_value *record = counts ? value_elements(list) : NULL; record;
         record = record->next)
        out_total->children += children_of(selection, record);
    out_total->records = records_of(rest, stream, answer, out_total->listed);
    bool is_longer = out_total->records > out_total->listed;
    out_total->per_page = stream->per_page > 0 ? stream->per_page : is_longer ? out_total->listed : 0;
    return true;
}

int64_t list_total_pages(const struct list_total *total)
{
    if (total->records < 0) return -1;
    return total->per_page > 0 && total->records > 0 ? (total->records - 1) / total->per_page + 1 : 1;
}

void list_total_add(const struct list_total *total, int64_t requests, struct source_count *count)
{
    bool is_known = total->records >= 0;
    count->records = count->records < 0 || !is_known ? -1 : count->records + total->records;
    count->requests = count->requests < 0 || requests < 0 ? -1 : count->requests + requests;
    if (!is_known || total->children < 0)
        count->children = -1;
    else if (count->children >= 0 && total->listed > 0)
        count->children += total->children * total->records / total->listed;
}
