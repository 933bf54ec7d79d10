/* SPDX-License-Identifier: Apache-2.0 */
/* threads.c - the shape of records that hold others: a search names them, then each is read by itself.
 *
 * Many are under way at once and are handed on one by one, in the order of the search. A thread that is too
 * large to wait is handed on in several pages: the record first, then its parts by and by.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "parts.h"

/* A record that was found, and the errands that read it whole. */
struct slot {
    json_t *item; /* as the search shows it */
    int64_t listed_us;
    bool named; /* else there is nothing that could be read */
    struct errand thread, set;
};

struct threads {
    struct reader reader;
    struct intercom *intercom;
    const struct intercom_stream *stream;
    struct selection selection;
    const char *path[3]; /* to the list of parts in an answer */
    bool set_wanted;

    struct reader *search;
    struct page found; /* the newest page of the search */
    size_t next;       /* of its records */
    struct errands errands;

    struct slot slots[IN_FLIGHT]; /* a ring */
    size_t most;                  /* that may be under way */
    size_t first, count;
    bool holding; /* the first of them is what is handed out */
    bool on;      /* ... and more parts of it come */

    json_t *thread; /* what is handed out */
    struct batch batch;
    struct parts parts;
    char problem[256];
};

/* --- asking --- */

static bool begin_thread(struct threads *threads, struct errand *errand, const char *id, struct error *err)
{
    const struct intercom_thread *thread = threads->stream->thread;
    const struct errand_place place = {.name = threads->stream->stream.name,
                                       .before = thread->before,
                                       .after = thread->after,
                                       .parts = threads->path};
    return errand_begin_at(errand, &threads->errands, &place, id, err);
}

static bool begin_slot(struct threads *threads, const struct record *listed, struct error *err)
{
    struct slot *slot = &threads->slots[(threads->first + threads->count++) % IN_FLIGHT];
    char id[LIMIT_NAME];
    slot->item = json_incref((json_t *)(uintptr_t)listed->body); /* its page may go, it stays */
    slot->listed_us = listed->listed_us;
    slot->named = record_id(slot->item, id);
    if (!slot->named) return true;
    if (!begin_thread(threads, &slot->thread, id, err)) return false;
    return !threads->set_wanted || set_begin(&slot->set, &threads->errands, threads->stream->set, id, err);
}

static void end_slot(struct threads *threads)
{
    struct slot *slot = &threads->slots[threads->first];
    errand_done(&slot->thread);
    errand_done(&slot->set);
    json_drop(&slot->item);
    threads->first = (threads->first + 1) % IN_FLIGHT;
    threads->count--;
}

static bool search_on(struct threads *threads, struct error *err)
{
    threads->next = 0;
    if (!threads->search->reading->next(threads->search, &threads->found, err)) return false;
    threads->errands.requests += threads->found.requests;
    threads->errands.normalisations += threads->found.normalisations;
    return true;
}

/* Asks for as many as may be under way. */
static bool fill_slots(struct threads *threads, struct error *err)
{
    while (threads->count < threads->most) {
        if (threads->next < threads->found.count) {
            const struct record *listed = &threads->found.records[threads->next++];
            threads->errands.all = threads->found.last && threads->next == threads->found.count;
            if (!begin_slot(threads, listed, err)) return false;
        } else if (threads->found.last) {
            return true;
        } else if (!search_on(threads, err)) {
            return false;
        }
    }
    return true;
}

/* --- the oldest becomes a page --- */

static void reject(struct threads *threads, const struct slot *slot)
{
    batch_add(&threads->batch,
              (struct record){.body = slot->item, .problem = threads->problem, .listed_us = slot->listed_us});
}

static bool take_thread(struct threads *threads, struct slot *slot, struct page *page, struct error *err)
{
    const struct intercom_thread *shape = threads->stream->thread;
    if (!parts_there(shape, threads->thread)) {
        (void)snprintf(threads->problem, sizeof threads->problem, "its thread has no list \"%s\"",
                       shape->parts);
        reject(threads, slot);
        return true;
    }
    if (!parts_take(&threads->parts, threads->thread, slot->listed_us, slot->thread.store.count))
        page->incomplete++;
    threads->on = slot->thread.store.count > 0 && threads->parts.wanted;
    return !threads->set_wanted ||
           set_end(&slot->set, threads->stream->set, threads->thread, &threads->batch, err);
}

static bool take_oldest(struct threads *threads, struct page *page, struct error *err)
{
    struct slot *slot = &threads->slots[threads->first];
    struct error failure = {0}; /* not err: it may end well */
    if (!slot->named) {
        (void)snprintf(threads->problem, sizeof threads->problem, "it has no id to ask for its thread with");
        reject(threads, slot);
        return true;
    }
    switch (errand_end(&slot->thread, &threads->thread, &failure)) {
    case FATE_READ: return take_thread(threads, slot, page, err);
    case FATE_GONE:
        page->deleted_during_read++;
        log_write(LOG_DEBUG, "record_deleted_during_read", LOG_FIELDS(LOG_TEXT("what", slot->thread.what)),
                  "%s: it was found and then gone; it was deleted, or merged", slot->thread.what);
        return true;
    case FATE_REJECTED:
        errand_problem(&slot->thread, "thread", &failure, threads->problem, sizeof threads->problem);
        reject(threads, slot);
        return true;
    case FATE_FAILED: *err = failure; return false;
    }
    abort();
}

/* More parts of the record that was handed out before. They were read once, so they can be read. */
static bool take_more(struct threads *threads, struct error *err)
{
    AUTO(json_drop) json_t *list = NULL;
    if (!store_next(&threads->slots[threads->first].thread.store, &list, err)) return false;
    threads->on = json_array_size(list) > 0;
    parts_more(&threads->parts, list);
    return true;
}

/* --- the reader --- */

static bool make_page(struct threads *threads, struct page *page, struct error *err)
{
    batch_reset(&threads->batch);
    if (threads->on) return take_more(threads, err);
    json_drop(&threads->thread);
    if (threads->holding) end_slot(threads);
    threads->holding = false;
    if (!fill_slots(threads, err)) return false;
    threads->holding = threads->count > 0;
    return !threads->holding || take_oldest(threads, page, err);
}

static bool next_thread(struct reader *reader, struct page *out_page, struct error *err)
{
    struct threads *threads = (struct threads *)reader;
    *out_page = (struct page){.last = true};
    if (!make_page(threads, out_page, err)) return false;
    out_page->ascending = threads->found.ascending;
    out_page->records = threads->batch.records;
    out_page->count = threads->batch.count;
    out_page->requests = threads->errands.requests;
    out_page->normalisations = threads->errands.normalisations;
    threads->errands.requests = threads->errands.normalisations = 0;
    out_page->last = !threads->on && threads->found.last && threads->next == threads->found.count &&
                     threads->count == (threads->holding ? 1 : 0);
    return true;
}

static void close_threads(struct reader *reader)
{
    struct threads *threads = (struct threads *)reader;
    while (threads->count > 0)
        end_slot(threads);
    errands_done(&threads->errands);
    json_drop(&threads->thread);
    batch_done(&threads->batch);
    if (threads->search) threads->search->reading->close(threads->search);
    free(threads);
}

static bool open_threads(struct intercom *intercom, const struct selection *selection, struct window window,
                         struct reader **out_reader, struct error *err)
{
    const struct intercom_stream *stream = (const struct intercom_stream *)selection->stream;
    struct threads *threads = mem_zero(1, sizeof *threads);
    threads->reader.reading = &intercom_threads;
    threads->intercom = intercom;
    threads->stream = stream;
    threads->selection = *selection;
    threads->path[0] = threads->path[1] = stream->thread->parts;
    errands_init(&threads->errands, intercom);
    batch_init(&threads->batch, &threads->selection);
    parts_init(&threads->parts, stream->thread, &threads->batch);
    if (!set_check(intercom, stream->set, &threads->batch, &threads->set_wanted, err) ||
        !intercom_pages.open(intercom, selection, window, &threads->search, err)) {
        close_threads(&threads->reader);
        return false;
    }
    threads->most = threads->set_wanted ? IN_FLIGHT / 2 : IN_FLIGHT;
    *out_reader = &threads->reader;
    return true;
}

const struct intercom_reading intercom_threads = {
    .open = open_threads, .next = next_thread, .close = close_threads};
