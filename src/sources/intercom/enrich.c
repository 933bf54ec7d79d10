/* SPDX-License-Identifier: Apache-2.0 */
/* enrich.c - reads a listing, and adds what its records have more of.
 *
 * Parts that are inside of a record become rows; a list that is cut off in it is read whole; a set that
 * belongs to it is read. Of a page all of that is begun together, many at once, while the page before it is
 * worked on; the page is handed on when it is done. What is listed stays listed: a list that can't be read
 * whole stays as it came, with has_more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "core/rows.h"
#include "parts.h"

/* Something to be read for a record of the page. */
struct task {
    json_t *record;
    unsigned lists; /* those of the stream's nested ones that are in the answer, as bits; 0: it is the set */
};

/* A page of the listing, held while that goes on. */
struct sheet {
    struct page page;
    struct record *records; /* the page's */
    bool failed;            /* to be read, which is told when it is its turn */
    struct error failure;
};

struct enrich {
    struct reader reader;
    struct intercom *intercom;
    const struct intercom_stream *stream;
    struct selection selection;
    int64_t from_us; /* records of older versions have their set already */
    bool set_wanted;
    unsigned forbidden; /* nested lists that are not ours to read, as bits: nobody asks for them again */

    struct reader *listing;
    struct sheet now, ahead; /* the page that is handed on, and the one after it */
    bool any_ahead;
    struct batch batch;
    struct parts parts;

    struct errands errands;
    struct task *tasks; /* of both pages, in the order of their records; some that ended are gone */
    size_t gone, task_count, begun, ended, room;
    struct errand slots[IN_FLIGHT]; /* a ring: of the tasks from `ended` to `begun` */
};

/* --- what there is to do --- */

static void add_task(struct enrich *enrich, json_t *record, unsigned lists)
{
    if (enrich->task_count - enrich->gone == enrich->room) {
        enrich->room = enrich->room ? 2 * enrich->room : 64;
        enrich->tasks = mem_grow(enrich->tasks, enrich->room, sizeof *enrich->tasks);
    }
    enrich->tasks[enrich->task_count++ - enrich->gone] = (struct task){.record = record, .lists = lists};
}

static void forget_ended(struct enrich *enrich)
{
    size_t count = enrich->ended - enrich->gone;
    if (count > 0)
        memmove(enrich->tasks, enrich->tasks + count,
                (enrich->task_count - enrich->ended) * sizeof *enrich->tasks);
    enrich->gone = enrich->ended;
}

/* Where the whole list is, if this one is cut off and says so. The path gets our token: it stays on our host.
 */
static const char *cut_off_at(const json_t *list)
{
    const json_t *url = json_object_get(list, "url");
    const char *path = json_string_value(url);
    if (!json_is_true(json_object_get(list, "has_more")) || !path) return NULL;
    size_t size = json_string_length(url);
    if (size < 2 || size >= LIMIT_NAME || strlen(path) != size || path[0] != '/' || path[1] == '/')
        return NULL;
    for (const char *byte = path; *byte; byte++)
        if (*byte <= ' ' || *byte > '~') return NULL;
    return path;
}

/* Lists of one URL are read by one request. */
static void find_nested(struct enrich *enrich, json_t *record)
{
    const struct intercom_nested *nested = enrich->stream->nested;
    unsigned done = 0;
    for (unsigned i = 0; nested && nested[i].name; i++) {
        const char *path = cut_off_at(json_object_get(record, nested[i].name));
        unsigned lists = 0;
        if (!path || (done | enrich->forbidden) & 1U << i) continue;
        for (unsigned j = i; nested[j].name; j++) {
            const char *other = cut_off_at(json_object_get(record, nested[j].name));
            if (other && strcmp(other, path) == 0) lists |= 1U << j;
        }
        done |= lists;
        add_task(enrich, record, lists);
    }
}

static void find_set(struct enrich *enrich, json_t *record)
{
    char id[LIMIT_NAME];
    int64_t version;
    if (!enrich->set_wanted || !record_id(record, id)) return;
    if (!row_version(enrich->stream->stream.table, record, &version) || version < enrich->from_us) return;
    add_task(enrich, record, 0);
}

static void find_tasks(struct enrich *enrich, const struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->page.count; i++) {
        const struct record *listed = &sheet->records[i];
        json_t *record = (json_t *)(uintptr_t)listed->body; /* the listing's, which needs it no more */
        if (listed->table > 0 || listed->problem || !json_is_object(record)) continue;
        find_nested(enrich, record);
        find_set(enrich, record);
    }
}

/* --- doing it --- */

/* The first of the lists that the task is about. */
static const struct intercom_nested *nested_of(const struct enrich *enrich, const struct task *task)
{
    unsigned first = 0;
    while (!(task->lists & 1U << first))
        first++;
    return &enrich->stream->nested[first];
}

/* Is the last page of the listing here? */
static bool is_listed(const struct enrich *enrich)
{
    return enrich->now.page.last || (enrich->any_ahead && enrich->ahead.page.last);
}

static bool begin_task(struct enrich *enrich, struct error *err)
{
    const struct task *task = &enrich->tasks[enrich->begun - enrich->gone];
    struct errand *errand = &enrich->slots[enrich->begun % IN_FLIGHT];
    char id[LIMIT_NAME] = "";
    enrich->begun++;
    (void)record_id(task->record, id);
    if (task->lists == 0) return set_begin(errand, &enrich->errands, enrich->stream->set, id, err);
    const char *path = cut_off_at(json_object_get(task->record, nested_of(enrich, task)->name));
    (void)snprintf(errand->what, sizeof errand->what, "Intercom %s, %s", enrich->stream->stream.name, path);
    return errand_begin(errand, &enrich->errands, path, NULL, err);
}

/* As many as there is room for. */
static bool begin_tasks(struct enrich *enrich, struct error *err)
{
    while (enrich->begun < enrich->task_count && enrich->begun - enrich->ended < IN_FLIGHT)
        if (!begin_task(enrich, err)) return false;
    enrich->errands.all = is_listed(enrich) && enrich->begun == enrich->task_count;
    return true;
}

/* The element as the record would hold it: type, id and url, whatever else the whole list tells. */
static json_t *make_link(const json_t *element)
{
    static const char *const members[] = {"type", "id", "url"};
    json_t *link = json_object();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        (void)json_object_set(link, members[i], json_object_get(element, members[i])); /* absent: not set */
    return link;
}

static const json_t *find_link(const json_t *links, const json_t *id)
{
    for (size_t i = 0; i < json_array_size(links); i++)
        if (json_equal(json_object_get(json_array_get(links, i), "id"), id)) return json_array_get(links, i);
    return NULL;
}

/* Those that came with the record stay as they are. */
static void complete_nested(const struct intercom_nested *nested, json_t *record, const json_t *elements)
{
    json_t *list = json_object_get(record, nested->name);
    const json_t *shown = json_object_get(list, "data");
    json_t *whole = json_array();
    for (size_t i = 0; i < json_array_size(elements); i++) {
        json_t *element = json_array_get(elements, i);
        const char *value = nested->member ? json_text_at(element, nested->member) : NULL;
        if (nested->value && (!value || strcmp(value, nested->value) != 0)) continue;
        const json_t *link = find_link(shown, json_object_get(element, "id"));
        if (link)
            (void)json_array_append(whole, (json_t *)(uintptr_t)link);
        else
            (void)json_array_append_new(whole, make_link(element));
    }
    (void)json_object_set_new(list, "data", whole);
    (void)json_object_set_new(list, "has_more", json_false());
}

/* The record was listed, and when it was asked for more it was another one. */
static void bury(struct enrich *enrich, const struct errand *errand, const json_t *record)
{
    const char *into = errand->fetch.canonical;
    if (!into[0] || !enrich->stream->stream.table->gone || enrich->intercom->peer_s <= 0) return;
    json_t *tombstone = json_object();
    (void)json_object_set(tombstone, "id", json_object_get(record, "id"));
    (void)json_object_set_new(tombstone, "merged_into", json_string(into));
    (void)json_object_set_new(tombstone, "seen_missing_at", json_integer(enrich->intercom->peer_s));
    (void)json_object_set_new(tombstone, "source", json_string("merged"));
    batch_child(&enrich->batch, enrich->stream->stream.table->gone, tombstone);
}

/* A list that is not ours to read does not hinder the rest of the record. */
static bool forgive(struct enrich *enrich, unsigned lists, const struct error *failure)
{
    if (failure->kind != ERROR_FORBIDDEN) return false;
    if (!(enrich->forbidden & lists))
        log_write(LOG_WARNING, "list_forbidden", LOG_FIELDS(LOG_TEXT("stream", enrich->stream->stream.name)),
                  "%s; records keep the first elements of such lists, with has_more", failure->text);
    enrich->forbidden |= lists;
    return true;
}

static bool end_nested(struct enrich *enrich, const struct task *task, struct errand *errand,
                       struct page *page, struct error *err)
{
    const struct intercom_nested *nested = enrich->stream->nested;
    struct error failure = {0}; /* not err: most failures end well */
    AUTO(json_drop) json_t *elements = json_array();
    switch (errand_list(errand, nested_of(enrich, task)->name, elements, &failure)) {
    case FATE_READ:
        for (unsigned i = 0; nested[i].name; i++)
            if (task->lists & 1U << i) complete_nested(&nested[i], task->record, elements);
        return true;
    case FATE_GONE:
        page->deleted_during_read++;
        bury(enrich, errand, task->record);
        return true;
    case FATE_REJECTED: return true; /* it stays as it came */
    case FATE_FAILED:
        if (forgive(enrich, task->lists, &failure)) return true;
        *err = failure;
        return false;
    }
    abort();
}

/* Ends the record's tasks, in order, and begins others as there is room. */
static bool end_tasks(struct enrich *enrich, const json_t *record, struct page *page, struct error *err)
{
    while (enrich->ended < enrich->task_count) {
        const struct task *task = &enrich->tasks[enrich->ended - enrich->gone];
        struct errand *errand = &enrich->slots[enrich->ended % IN_FLIGHT];
        if (task->record != record) return true;
        if (!begin_tasks(enrich, err)) return false;
        bool good = task->lists ? end_nested(enrich, task, errand, page, err)
                                : set_end(errand, enrich->stream->set, record, &enrich->batch, err);
        errand_done(errand);
        enrich->ended++;
        if (!good) return false;
    }
    return true;
}

/* Has it a list that was cut off, and stays so for whatever reason? */
static bool stays_cut_off(const struct enrich *enrich, const struct record *listed)
{
    const struct intercom_nested *nested = enrich->stream->nested;
    if (listed->table > 0) return false;
    for (; nested && nested->name; nested++)
        if (json_is_true(json_object_get(json_object_get(listed->body, nested->name), "has_more")))
            return true;
    return false;
}

/* --- pages --- */

static void drop_sheet(struct sheet *sheet)
{
    for (size_t i = 0; i < sheet->page.count; i++)
        record_drop(&sheet->records[i]);
    free(sheet->records);
    *sheet = (struct sheet){0};
}

/* The listing's next page, and what there is to do for its records. */
static void read_sheet(struct enrich *enrich, struct sheet *sheet)
{
    struct page *page = &sheet->page;
    sheet->failed = !enrich->listing->reading->next(enrich->listing, page, &sheet->failure);
    if (sheet->failed) *page = (struct page){0}; /* it is not to be looked at */
    sheet->records = mem_zero(page->count, sizeof *sheet->records);
    for (size_t i = 0; i < page->count; i++)
        sheet->records[i] = record_hold(&page->records[i]);
    find_tasks(enrich, sheet);
}

/* From one page to the next. The one after that is read, too, but only if there is to be waited for this one:
 * each page that is here takes its memory, and a third is on its way. */
static bool turn(struct enrich *enrich, struct error *err)
{
    drop_sheet(&enrich->now);
    forget_ended(enrich);
    if (enrich->any_ahead)
        enrich->now = enrich->ahead;
    else
        read_sheet(enrich, &enrich->now);
    enrich->ahead = (struct sheet){0};
    enrich->any_ahead = false;
    if (enrich->now.failed) *err = enrich->now.failure;
    if (enrich->now.failed || !begin_tasks(enrich, err)) return false;
    if (enrich->now.page.last || enrich->ended == enrich->task_count) return true;
    enrich->any_ahead = true;
    read_sheet(enrich, &enrich->ahead);
    return begin_tasks(enrich, err);
}

/* --- the reader --- */

static void take_record(struct enrich *enrich, const struct record *listed, struct page *page)
{
    const struct intercom_thread *thread = enrich->stream->thread;
    json_t *record = (json_t *)(uintptr_t)listed->body; /* as in find_tasks */
    if (!thread || listed->table > 0 || listed->problem)
        batch_add(&enrich->batch, *listed);
    else if (!parts_there(thread, record)) {
        batch_add(&enrich->batch, *listed);
        page->incomplete++;
    } else if (!parts_take(&enrich->parts, record, listed->listed_us, 0))
        page->incomplete++;
}

static bool next_page(struct reader *reader, struct page *out_page, struct error *err)
{
    struct enrich *enrich = (struct enrich *)reader;
    batch_reset(&enrich->batch);
    if (!turn(enrich, err)) return false;
    struct page page = enrich->now.page;
    for (size_t i = 0; i < enrich->now.page.count; i++) {
        const struct record *listed = &enrich->now.records[i];
        take_record(enrich, listed, &page);
        if (!end_tasks(enrich, listed->body, &page, err)) return false;
        if (stays_cut_off(enrich, listed)) page.incomplete++;
    }
    page.records = enrich->batch.records;
    page.count = enrich->batch.count;
    page.requests += enrich->errands.requests;
    page.normalisations += enrich->errands.normalisations;
    enrich->errands.requests = enrich->errands.normalisations = 0;
    *out_page = page;
    return true;
}

static void close_enriched(struct reader *reader)
{
    struct enrich *enrich = (struct enrich *)reader;
    for (size_t i = 0; i < IN_FLIGHT; i++)
        errand_done(&enrich->slots[i]);
    errands_done(&enrich->errands);
    batch_done(&enrich->batch);
    drop_sheet(&enrich->now);
    drop_sheet(&enrich->ahead);
    if (enrich->listing) enrich->listing->reading->close(enrich->listing);
    free(enrich->tasks);
    free(enrich);
}

static bool open_enriched(struct intercom *intercom, const struct selection *selection, struct window window,
                          struct reader **out_reader, struct error *err)
{
    const struct intercom_stream *stream = (const struct intercom_stream *)selection->stream;
    struct enrich *enrich = mem_zero(1, sizeof *enrich);
    enrich->reader.reading = &intercom_enriched;
    enrich->intercom = intercom;
    enrich->stream = stream;
    enrich->selection = *selection;
    enrich->from_us = window.from_s > INT64_MIN / 1000000 ? window.from_s * 1000000 : INT64_MIN;
    errands_init(&enrich->errands, intercom);
    batch_init(&enrich->batch, &enrich->selection);
    if (stream->thread) parts_init(&enrich->parts, stream->thread, &enrich->batch);
    if (!set_check(intercom, stream->set, &enrich->batch, &enrich->set_wanted, err) ||
        !stream->listing->open(intercom, selection, window, &enrich->listing, err)) {
        close_enriched(&enrich->reader);
        return false;
    }
    *out_reader = &enrich->reader;
    return true;
}

const struct intercom_reading intercom_enriched = {
    .open = open_enriched, .next = next_page, .close = close_enriched};
