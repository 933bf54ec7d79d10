/* SPDX-License-Identifier: Apache-2.0 */
/* ask.c - reads records by id, to learn which of them are gone.
 *
 * Many requests are in flight; each answer is a page of its own, in the order of the ids. A record that can't
 * be read now is left out: then nothing is known about it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "page_builder.h"
#include "subrequest.h"
#include "truncated_list.h"

struct question {
    struct subrequest subrequest;
    int64_t asked_us;
};

struct ask_reader {
    struct reader reader;
    struct rest_source *rest;
    const struct rest_stream *stream;
    struct selection selection;
    char **ids;
    size_t count, started, finished;
    struct subrequest_pool pool;
    struct question questions[SUBREQUESTS_MAX]; /* a ring: of the ids from `finished` to `started` */
    struct page_builder builder;
};

static bool start_questions(struct ask_reader *ask, struct error *err)
{
    const struct lookup *lookup = ask->stream->lookup;
    const struct subrequest_path path = {
        .name = ask->stream->stream.name, .before = lookup->before, .after = lookup->after};
    while (ask->started < ask->count && ask->started - ask->finished < SUBREQUESTS_MAX) {
        struct question *question = &ask->questions[ask->started % SUBREQUESTS_MAX];
        const char *id = ask->ids[ask->started++];
        ask->pool.all_started = ask->started == ask->count;
        question->asked_us = clock_boot_us();
        if (!subrequest_start_at(&question->subrequest, &ask->pool, &path, id, err)) return false;
    }
    return true;
}

static void leave_out(const struct subrequest *subrequest, const char *why)
{
    log_write(LOG_NOTICE, "record_unknown", LOG_FIELDS(LOG_TEXT("what", subrequest->what)),
              "%s: the list lacks it, and it can't be read: %s; it is asked for again after the next list",
              subrequest->what, why);
}

/* Takes record over. */
static void add_alive(struct ask_reader *ask, const struct subrequest *subrequest, const char *id,
                      json_t *record)
{
    char answered[LIMIT_NAME];
    bool is_it = record_id(record, answered) && strcmp(answered, id) == 0;
    (void)json_array_append_new(ask->builder.owned, record); /* freed with the page */
    if (!is_it) leave_out(subrequest, "the answer is another record");
    if (is_it)
        page_builder_add(&ask->builder, (struct record){.table = RECONCILE_ALIVE,
                                                        .body = record,
                                                        .incomplete = truncated_list_remains(
                                                            record, ask->stream->truncated_lists)});
}

static bool finish_question(struct ask_reader *ask, struct question *question, const char *id,
                            struct error *err)
{
    struct subrequest *subrequest = &question->subrequest;
    struct error failure = {0}; /* not err: a record that can't be read is no failure */
    json_t *record = NULL;
    switch (subrequest_wait(subrequest, &record, &failure)) {
    case SUBREQUEST_OK: add_alive(ask, subrequest, id, record); return true;
    case SUBREQUEST_GONE: {
        AUTO(json_drop) json_t *body = json_pack("{s:s}", "id", id);
        ask->stream->add_tombstone(&ask->builder, ask->rest, subrequest->exchange.canonical, body);
        return true;
    }
    case SUBREQUEST_REJECTED:
    case SUBREQUEST_FORBIDDEN: leave_out(subrequest, failure.text); return true;
    case SUBREQUEST_FAILED: *err = failure; return false;
    }
    abort();
}

static bool ask_next(struct reader *reader, struct page *out_page, struct error *err)
{
    struct ask_reader *ask = (struct ask_reader *)reader;
    page_builder_reset(&ask->builder);
    *out_page = (struct page){0};
    if (!start_questions(ask, err)) return false;
    struct question *question = &ask->questions[ask->finished % SUBREQUESTS_MAX];
    bool good = finish_question(ask, question, ask->ids[ask->finished], err);
    subrequest_done(&question->subrequest);
    ask->finished++;
    out_page->asked_us = question->asked_us;
    out_page->records = ask->builder.records;
    out_page->count = ask->builder.count;
    out_page->requests = ask->pool.requests;
    out_page->normalisations = ask->pool.normalisations;
    ask->pool.requests = ask->pool.normalisations = 0;
    out_page->last = ask->finished == ask->count;
    return good;
}

static void ask_close(struct reader *reader)
{
    struct ask_reader *ask = (struct ask_reader *)reader;
    for (size_t i = 0; i < SUBREQUESTS_MAX; i++)
        subrequest_done(&ask->questions[i].subrequest);
    subrequest_pool_done(&ask->pool);
    page_builder_done(&ask->builder);
    for (size_t i = 0; i < ask->count; i++)
        free(ask->ids[i]);
    free(ask->ids);
    free(ask);
}

static const struct rest_reader_type rest_ask = {.next = ask_next, .close = ask_close};

bool rest_source_ask(struct source *source, const struct selection *selection, char *const *ids, size_t count,
                     struct reader **out_reader, struct error *err)
{
    struct rest_source *rest = (struct rest_source *)source;
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    if (!stream->lookup || !stream->add_tombstone || count == 0)
        return error_set(err, ERROR_CONFIG, "%s: its records can't be asked for", stream->stream.name);
    struct ask_reader *ask = mem_zero(1, sizeof *ask);
    ask->reader.type = &rest_ask;
    ask->rest = rest;
    ask->stream = stream;
    ask->selection = *selection;
    ask->ids = mem_zero(count, sizeof *ask->ids);
    for (; ask->count < count; ask->count++)
        ask->ids[ask->count] = mem_text(ids[ask->count]);
    subrequest_pool_init(&ask->pool, rest);
    page_builder_init(&ask->builder, rest, &ask->selection);
    *out_reader = &ask->reader;
    return true;
}
