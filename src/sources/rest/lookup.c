/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.c - reads records by id, to learn which of them are gone.
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

struct lookup_slot {
    struct subrequest subrequest;
    int64_t asked_us;
};

struct lookup_reader {
    struct reader reader;
    struct rest_source *rest;
    const struct rest_stream *stream;
    struct selection selection;
    char **ids;
    size_t count, started, finished;
    struct subrequest_pool pool;
    struct lookup_slot slots[SUBREQUESTS_MAX]; /* a ring: of the ids from `finished` to `started` */
    struct page_builder builder;
};

static bool start_lookups(struct lookup_reader *lookups, struct error *err)
{
    const struct lookup *lookup = lookups->stream->lookup;
    const struct subrequest_path path = {
        .name = lookups->stream->stream.name, .before = lookup->before, .after = lookup->after};
    while (lookups->started < lookups->count && lookups->started - lookups->finished < SUBREQUESTS_MAX) {
        struct lookup_slot *slot = &lookups->slots[lookups->started % SUBREQUESTS_MAX];
        const char *id = lookups->ids[lookups->started++];
        lookups->pool.all_started = lookups->started == lookups->count;
        slot->asked_us = clock_boot_us();
        if (!subrequest_start_at(&slot->subrequest, &lookups->pool, &path, id, err)) return false;
    }
    return true;
}

static void leave_out(const struct subrequest *subrequest, const char *why)
{
    log_write(LOG_NOTICE, "record_unknown", LOG_FIELDS(LOG_TEXT("what", subrequest->what)),
              "%s: the list lacks it, and it can't be loaded: %s; it is asked for again after the next list",
              subrequest->what, why);
}

static void add_alive(struct lookup_reader *lookups, const struct subrequest *subrequest, const char *id,
                      struct json_value *record)
{
    char answered[LIMIT_NAME];
    const struct rest_dialect *dialect = lookups->rest->dialect;
    bool is_it = record_id(record, answered) && strcmp(answered, id) == 0;
    bool is_row = is_it && !lookups->stream->lookup->lacks_version;
    page_builder_keep(&lookups->builder, record);
    if (dialect->prepare) dialect->prepare(lookups->rest, lookups->stream->stream.subject, record);
    if (!is_it) leave_out(subrequest, "the answer is another record");
    if (is_it && !is_row) leave_out(subrequest, "it is alive, and the answer does not say its version");
    if (is_row)
        page_builder_add(&lookups->builder,
                         (struct record){.table = RECONCILE_ALIVE,
                                         .body = record,
                                         .incomplete = truncated_list_remains(
                                             dialect, record, lookups->stream->truncated_lists)});
}

static bool finish_lookup(struct lookup_reader *lookups, struct lookup_slot *slot, const char *id,
                          struct error *err)
{
    struct subrequest *subrequest = &slot->subrequest;
    struct error failure = {0}; /* not err: a record that can't be read is no failure */
    AUTO(value_drop) struct json_value *record = NULL;
    switch (subrequest_wait(subrequest, &record, &failure)) {
    case SUBREQUEST_OK: add_alive(lookups, subrequest, id, record); return true;
    case SUBREQUEST_GONE: {
        struct json_value *body = document_add(lookups->builder.document, VALUE_OBJECT);
        value_set_text(body, "id", id);
        lookups->stream->add_tombstone(&lookups->builder, lookups->rest, subrequest->exchange.canonical,
                                       body);
        return true;
    }
    case SUBREQUEST_REJECTED:
    case SUBREQUEST_FORBIDDEN: leave_out(subrequest, failure.text); return true;
    case SUBREQUEST_FAILED: *err = failure; return false;
    }
    abort();
}

static bool lookup_next(struct reader *reader, struct page *out_page, struct error *err)
{
    struct lookup_reader *lookups = (struct lookup_reader *)reader;
    page_builder_reset(&lookups->builder);
    *out_page = (struct page){0};
    if (!start_lookups(lookups, err)) return false;
    struct lookup_slot *slot = &lookups->slots[lookups->finished % SUBREQUESTS_MAX];
    bool good = finish_lookup(lookups, slot, lookups->ids[lookups->finished], err);
    subrequest_done(&slot->subrequest);
    lookups->finished++;
    out_page->asked_us = slot->asked_us;
    out_page->records = lookups->builder.records;
    out_page->count = lookups->builder.count;
    out_page->requests = lookups->pool.requests;
    out_page->normalisations = lookups->pool.normalisations;
    lookups->pool.requests = lookups->pool.normalisations = 0;
    out_page->last = lookups->finished == lookups->count;
    return good;
}

static void lookup_close(struct reader *reader)
{
    struct lookup_reader *lookups = (struct lookup_reader *)reader;
    for (size_t i = 0; i < SUBREQUESTS_MAX; i++)
        subrequest_done(&lookups->slots[i].subrequest);
    subrequest_pool_done(&lookups->pool);
    page_builder_done(&lookups->builder);
    for (size_t i = 0; i < lookups->count; i++)
        free(lookups->ids[i]);
    free(lookups->ids);
    free(lookups);
}

static const struct rest_reader_type rest_lookup = {.next = lookup_next, .close = lookup_close};

bool rest_source_ask(struct source *source, const struct selection *selection, char *const *ids, size_t count,
                     struct reader **out_reader, struct error *err)
{
    struct rest_source *rest = (struct rest_source *)source;
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    if (!stream->lookup || !stream->add_tombstone || count == 0)
        return error_set(err, ERROR_CONFIG, "%s: its records can't be asked for", stream->stream.name);
    struct lookup_reader *lookups = mem_zero(1, sizeof *lookups);
    lookups->reader.type = &rest_lookup;
    lookups->rest = rest;
    lookups->stream = stream;
    lookups->selection = *selection;
    lookups->ids = mem_zero(count, sizeof *lookups->ids);
    for (; lookups->count < count; lookups->count++)
        lookups->ids[lookups->count] = mem_text(ids[lookups->count]);
    subrequest_pool_init(&lookups->pool, rest);
    page_builder_init(&lookups->builder, rest, &lookups->selection);
    *out_reader = &lookups->reader;
    return true;
}
