/* SPDX-License-Identifier: Apache-2.0 */
/* expand.c - reads a listing, and adds what its records have more of.
 *
 * Members of a record become rows; a list that is cut off in it is completed; a list that belongs to it is
 * read. All of that starts together for a page, while the pages before it are worked on. A page is passed on
 * when it is complete. A list that can't be completed stays as it came, and says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "child_list.h"
#include "children.h"
#include "core/rows.h"
#include "truncated_list.h"

#define PAGES_AHEAD 4 /* each takes its memory */

struct task {
    struct json_value *record;
    unsigned lists;      /* the truncated lists that it completes, as bits; 0: it reads ... */
    unsigned child_list; /* ... the stream's child list of that number */
};

struct page_slot {
    struct page page;
    struct record *records; /* the page's, held */
    bool is_failed;         /* it could not be read, which is reported at its turn */
    struct error failure;
};

struct expansion {
    struct reader reader;
    struct rest_source *rest;
    const struct rest_stream *stream;
    struct selection selection;
    int64_t from_us;       /* records of older versions have their child list already ... */
    struct window window;  /* ... but those that are unread in it */
    unsigned wanted_lists; /* of the child lists, as bits */
    bool is_unread;        /* a list of the current record was not to be had */
    unsigned forbidden;    /* truncated lists that we may not read, as bits: they are not requested again */

    struct reader *listing;
    struct page_slot current;
    struct page_slot ahead[PAGES_AHEAD]; /* the pages after it */
    size_t ahead_count;
    struct page_builder builder;
    struct children_builder children;

    struct subrequest_pool pool;
    struct task *tasks; /* of both pages, in the order of their records, from number `dropped` on */
    size_t dropped, task_count, started, finished, capacity;
    struct subrequest slots[SUBREQUESTS_MAX]; /* a ring: of the tasks from `finished` to `started` */
};

static void add_task(struct expansion *expansion, struct task task)
{
    if (expansion->task_count - expansion->dropped == expansion->capacity) {
        expansion->capacity = expansion->capacity ? 2 * expansion->capacity : 64;
        expansion->tasks = mem_grow(expansion->tasks, expansion->capacity, sizeof *expansion->tasks);
    }
    expansion->tasks[expansion->task_count++ - expansion->dropped] = task;
}

static void drop_finished(struct expansion *expansion)
{
    size_t count = expansion->finished - expansion->dropped;
    if (count > 0)
        memmove(expansion->tasks, expansion->tasks + count,
                (expansion->task_count - expansion->finished) * sizeof *expansion->tasks);
    expansion->dropped = expansion->finished;
}

/* Lists of one path are read by one request. */
static void find_truncated_lists(struct expansion *expansion, struct json_value *record)
{
    const struct truncated_list *truncated = expansion->stream->truncated_lists;
    unsigned found = 0;
    for (unsigned i = 0; truncated && truncated[i].name; i++) {
        const char *path = truncated_list_path(expansion->rest, record, &truncated[i]);
        unsigned lists = 0;
        if (!path || (found | expansion->forbidden) & 1U << i) continue;
        for (unsigned j = i; truncated[j].name; j++) {
            const char *other = truncated_list_path(expansion->rest, record, &truncated[j]);
            if (other && strcmp(other, path) == 0) lists |= 1U << j;
        }
        found |= lists;
        add_task(expansion, (struct task){.record = record, .lists = lists});
    }
}

static int compare_id(const void *id, const void *unread)
{
    return strcmp(id, *(char *const *)unread);
}

static bool is_unread(const struct window *window, const char *id)
{
    return window->unread_count > 0 &&
           bsearch(id, window->unread, window->unread_count, sizeof *window->unread, compare_id);
}

static void find_child_lists(struct expansion *expansion, struct json_value *record)
{
    char id[LIMIT_NAME];
    int64_t version;
    bool is_scan = expansion->stream->stream.kind == STREAM_SCAN;
    if (!expansion->wanted_lists || !record_id(record, id)) return;
    if (!row_version(expansion->stream->stream.table, record, &version)) return;
    if (is_scan && version < expansion->from_us && !is_unread(&expansion->window, id)) return;
    for (unsigned i = 0; expansion->stream->child_lists[i].table; i++)
        if (expansion->wanted_lists & 1U << i)
            add_task(expansion, (struct task){.record = record, .child_list = i});
}

static void find_tasks(struct expansion *expansion, const struct page_slot *slot)
{
    for (size_t i = 0; i < slot->page.count; i++) {
        const struct record *listed = &slot->records[i];
        if (listed->table > 0 || listed->problem || !value_is_object(listed->body)) continue;
        find_truncated_lists(expansion, listed->body);
        find_child_lists(expansion, listed->body);
    }
}

static const struct truncated_list *first_list(const struct expansion *expansion, const struct task *task)
{
    unsigned first = 0;
    while (!(task->lists & 1U << first))
        first++;
    return &expansion->stream->truncated_lists[first];
}

static bool start_task(struct expansion *expansion, struct error *err)
{
    const struct task *task = &expansion->tasks[expansion->started - expansion->dropped];
    struct subrequest *subrequest = &expansion->slots[expansion->started % SUBREQUESTS_MAX];
    const struct rest_stream *stream = expansion->stream;
    char id[LIMIT_NAME] = "";
    expansion->started++;
    bool is_wanted = task->lists != 0 || expansion->wanted_lists & 1U << task->child_list;
    if (!is_wanted) return true; /* it became forbidden meanwhile */
    (void)record_id(task->record, id);
    if (task->lists == 0)
        return child_list_start(subrequest, &expansion->pool, &stream->child_lists[task->child_list], id,
                                err);
    const char *path = truncated_list_path(expansion->rest, task->record, first_list(expansion, task));
    (void)snprintf(subrequest->what, sizeof subrequest->what, "%s %s, %s", expansion->rest->dialect->name,
                   stream->stream.name, path);
    return subrequest_start(subrequest, &expansion->pool, path, NULL, err);
}

static const struct page_slot *newest_slot(const struct expansion *expansion)
{
    return expansion->ahead_count > 0 ? &expansion->ahead[expansion->ahead_count - 1] : &expansion->current;
}

static bool start_tasks(struct expansion *expansion, struct error *err)
{
    bool is_listed = newest_slot(expansion)->page.last;
    while (expansion->started < expansion->task_count &&
           expansion->started - expansion->finished < SUBREQUESTS_MAX)
        if (!start_task(expansion, err)) return false;
    expansion->pool.all_started = is_listed && expansion->started == expansion->task_count;
    return true;
}

/* A list that we may not read does not affect the rest of the record. */
static void accept_forbidden(struct expansion *expansion, unsigned lists, const struct error *failure)
{
    if (!(expansion->forbidden & lists))
        log_write(LOG_WARNING, "list_forbidden",
                  LOG_FIELDS(LOG_TEXT("stream", expansion->stream->stream.name)),
                  "%s; records keep the first elements of such lists, with %s", failure->text,
                  expansion->rest->dialect->cut_mark);
    expansion->forbidden |= lists;
}

static void add_tombstone(struct expansion *expansion, const char *canonical_id,
                          const struct json_value *record)
{
    const struct rest_stream *stream = expansion->stream;
    if (canonical_id[0] && stream->add_tombstone)
        stream->add_tombstone(&expansion->builder, expansion->rest, canonical_id, record);
}

static bool finish_truncated_list(struct expansion *expansion, const struct task *task,
                                  struct subrequest *subrequest, struct page *page, struct error *err)
{
    const struct truncated_list *truncated = expansion->stream->truncated_lists;
    struct error failure = {0}; /* not err: the record stays in most cases */
    AUTO(value_drop) struct json_value *elements = value_new(VALUE_ARRAY);
    switch (subrequest_list(subrequest, first_list(expansion, task)->name, elements, &failure)) {
    case SUBREQUEST_OK:
        for (unsigned i = 0; truncated[i].name; i++)
            if (task->lists & 1U << i)
                truncated_list_complete(expansion->rest->dialect, task->record, &truncated[i], elements);
        return true;
    case SUBREQUEST_GONE:
        page->deleted_during_read++;
        add_tombstone(expansion, subrequest->exchange.canonical, task->record);
        return true;
    case SUBREQUEST_REJECTED:
        expansion->is_unread = true; /* it stays as it came, and its day is read again */
        log_write(LOG_WARNING, "list_unread", LOG_FIELDS(LOG_TEXT("what", subrequest->what)),
                  "%s; the record keeps the first elements, and later ticks try again", failure.text);
        return true;
    case SUBREQUEST_FORBIDDEN: accept_forbidden(expansion, task->lists, &failure); return true;
    case SUBREQUEST_FAILED: *err = failure; return false;
    }
    abort();
}

/* A task that was not started has nothing to finish. */
static bool finish_task(struct expansion *expansion, const struct task *task, struct subrequest *subrequest,
                        struct page *page, struct error *err)
{
    if (!subrequest->pool) return true;
    if (task->lists) return finish_truncated_list(expansion, task, subrequest, page, err);
    return child_list_add(subrequest, task->child_list, task->record, &expansion->builder,
                          &expansion->wanted_lists, err);
}

static bool finish_tasks(struct expansion *expansion, const struct json_value *record, struct page *page,
                         struct error *err)
{
    while (expansion->finished < expansion->task_count) {
        const struct task *task = &expansion->tasks[expansion->finished - expansion->dropped];
        struct subrequest *subrequest = &expansion->slots[expansion->finished % SUBREQUESTS_MAX];
        if (task->record != record) return true;
        if (!start_tasks(expansion, err)) return false;
        bool good = finish_task(expansion, task, subrequest, page, err);
        subrequest_done(subrequest);
        expansion->finished++;
        if (!good) return false;
    }
    return true;
}

static void drop_slot(struct page_slot *slot)
{
    for (size_t i = 0; i < slot->page.count; i++)
        record_drop(&slot->records[i]);
    free(slot->records);
    *slot = (struct page_slot){0};
}

static void fill_slot(struct expansion *expansion, struct page_slot *slot)
{
    struct page *page = &slot->page;
    slot->is_failed = !expansion->listing->type->next(expansion->listing, page, &slot->failure);
    if (slot->is_failed) *page = (struct page){0}; /* it is undefined */
    slot->records = mem_zero(page->count, sizeof *slot->records);
    for (size_t i = 0; i < page->count; i++)
        slot->records[i] = record_hold(&page->records[i]);
    find_tasks(expansion, slot);
}

static void take_slot(struct expansion *expansion)
{
    drop_slot(&expansion->current);
    drop_finished(expansion);
    if (expansion->ahead_count == 0) {
        fill_slot(expansion, &expansion->current);
        return;
    }
    expansion->current = expansion->ahead[0];
    expansion->ahead_count--;
    memmove(expansion->ahead, expansion->ahead + 1, expansion->ahead_count * sizeof *expansion->ahead);
}

/* Further pages are read ahead only while this one has requests pending, and these are not as many as may be
 * in flight. */
static bool advance(struct expansion *expansion, struct error *err)
{
    take_slot(expansion);
    if (expansion->current.is_failed) *err = expansion->current.failure;
    if (expansion->current.is_failed || !start_tasks(expansion, err)) return false;
    while (expansion->ahead_count < PAGES_AHEAD && expansion->finished < expansion->task_count &&
           expansion->task_count - expansion->finished < SUBREQUESTS_MAX &&
           !newest_slot(expansion)->page.last && !newest_slot(expansion)->is_failed) {
        fill_slot(expansion, &expansion->ahead[expansion->ahead_count++]);
        if (!start_tasks(expansion, err)) return false;
    }
    return true;
}

static void add_record(struct expansion *expansion, const struct record *listed, struct page *page)
{
    const struct children *children = expansion->stream->children;
    bool is_plain = !children || listed->table > 0 || listed->problem;
    bool has_children = !is_plain && children_present(children, listed->body);
    if (!has_children) page_builder_add(&expansion->builder, *listed);
    if (is_plain) return;
    if (!has_children) {
        struct record *added = &expansion->builder.records[expansion->builder.count - 1];
        added->incomplete = true;
        added->is_unsettled = expansion->children.is_wanted;
    }
    if (!has_children || !children_add_parent(&expansion->children, listed->body, listed->listed_us, 0))
        page->incomplete++;
}

static bool expand_next(struct reader *reader, struct page *out_page, struct error *err)
{
    struct expansion *expansion = (struct expansion *)reader;
    page_builder_reset(&expansion->builder);
    if (!advance(expansion, err)) return false;
    struct page page = expansion->current.page;
    for (size_t i = 0; i < expansion->current.page.count; i++) {
        const struct record *listed = &expansion->current.records[i];
        size_t index = expansion->builder.count; /* its children follow */
        add_record(expansion, listed, &page);
        if (!finish_tasks(expansion, listed->body, &page, err)) return false;
        if (listed->table == 0 && truncated_list_remains(expansion->rest->dialect, listed->body,
                                                         expansion->stream->truncated_lists)) {
            expansion->builder.records[index].incomplete = true;
            expansion->builder.records[index].is_unsettled |= expansion->is_unread;
            page.incomplete++;
        }
        expansion->is_unread = false;
    }
    page.records = expansion->builder.records;
    page.count = expansion->builder.count;
    page.requests += expansion->pool.requests;
    page.normalisations += expansion->pool.normalisations;
    expansion->pool.requests = expansion->pool.normalisations = 0;
    page.left_out = child_list_left_out(&expansion->builder, expansion->wanted_lists);
    *out_page = page;
    return true;
}

static void expand_close(struct reader *reader)
{
    struct expansion *expansion = (struct expansion *)reader;
    for (size_t i = 0; i < SUBREQUESTS_MAX; i++)
        subrequest_done(&expansion->slots[i]);
    subrequest_pool_done(&expansion->pool);
    page_builder_done(&expansion->builder);
    drop_slot(&expansion->current);
    for (size_t i = 0; i < expansion->ahead_count; i++)
        drop_slot(&expansion->ahead[i]);
    rest_source_close(expansion->listing);
    free(expansion->tasks);
    free(expansion);
}

static bool expand_open(struct rest_source *rest, const struct selection *selection, struct window window,
                        struct reader **out_reader, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    const struct rest_reader_type *listing = rest_listing(stream);
    struct expansion *expansion = mem_zero(1, sizeof *expansion);
    expansion->reader.type = &rest_expand;
    expansion->rest = rest;
    expansion->stream = stream;
    expansion->selection = *selection;
    expansion->window = window;
    expansion->from_us = window.from_s > INT64_MIN / 1000000 ? window.from_s * 1000000 : INT64_MIN;
    subrequest_pool_init(&expansion->pool, rest);
    page_builder_init(&expansion->builder, rest, &expansion->selection);
    if (stream->children) children_init(&expansion->children, stream->children, &expansion->builder);
    expansion->wanted_lists = child_lists_wanted(rest, &expansion->builder);
    if (!listing->open(rest, selection, window, &expansion->listing, err)) {
        expand_close(&expansion->reader);
        return false;
    }
    *out_reader = &expansion->reader;
    return true;
}

const struct rest_reader_type rest_expand = {.open = expand_open, .next = expand_next, .close = expand_close};
