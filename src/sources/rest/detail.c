/* SPDX-License-Identifier: Apache-2.0 */
/* detail.c - reads a listing, then each record in full by a request of its own.
 *
 * Many requests are in flight; records are passed on one by one, in the order of the listing. A record that
 * is too large to wait is passed on in several pages: the record first, then its children in slices.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "child_list.h"
#include "children.h"
#include "core/rows.h"

struct slot {
    struct json_value *listed;
    int64_t listed_us;
    int64_t asked_us;
    bool has_id;   /* else it can't be requested */
    bool is_stale; /* older than listed: its listed members are kept */
    const struct table *table;
    struct subrequest detail, child_list;
};

struct detail_reader {
    struct reader reader;
    const struct rest_stream *stream;
    struct selection selection;
    const char *query;         /* of requests for a record */
    const char *split_path[3]; /* to the list of children in an answer */
    unsigned wanted_lists;     /* the first of the stream's child lists, or none, as bits */

    struct reader *listing;
    struct page listed; /* its newest page */
    size_t next;        /* of its records */
    struct subrequest_pool pool;

    struct slot slots[SUBREQUESTS_MAX]; /* a ring */
    size_t max_slots;                   /* in use at once */
    size_t first, count;
    bool is_first_passed_on; /* the page is made of the first slot */
    bool has_slices;         /* ... and more of its children follow */

    struct json_value *record; /* of that page */
    struct page_builder builder;
    struct children_builder children;
    char problem[256];
};

static bool is_same_record(const struct slot *slot, const struct json_value *record)
{
    char listed[LIMIT_NAME], read[LIMIT_NAME];
    return !record_id(record, read) || (record_id(slot->listed, listed) && strcmp(listed, read) == 0);
}

static bool is_stale(const struct slot *slot, const struct json_value *record)
{
    int64_t version = 0;
    return slot->listed_us > 0 && row_version(slot->table, record, &version) && version < slot->listed_us;
}

static bool is_expected(const void *self, const struct json_value *record)
{
    const struct slot *slot = self;
    return is_same_record(slot, record) && !is_stale(slot, record);
}

static bool start_slot(struct detail_reader *details, const struct record *listed, struct error *err)
{
    struct slot *slot = &details->slots[(details->first + details->count++) % SUBREQUESTS_MAX];
    const struct rest_stream *stream = details->stream;
    const struct subrequest_path path = {.name = stream->stream.name,
                                         .before = stream->detail->before,
                                         .after = details->query,
                                         .split_path = details->split_path};
    char id[LIMIT_NAME];
    slot->listed = value_hold(listed->body); /* its page may go before it */
    slot->listed_us = listed->listed_us;
    slot->asked_us = clock_boot_us();
    slot->is_stale = false;
    slot->has_id = record_id(slot->listed, id);
    if (!slot->has_id) return true;
    if (!subrequest_start_at(&slot->detail, &details->pool, &path, id, err)) return false;
    slot->table = stream->stream.table;
    slot->detail.is_expected = is_expected;
    slot->detail.self = slot;
    return !details->wanted_lists ||
           child_list_start(&slot->child_list, &details->pool, stream->child_lists, id, err);
}

static void release_slot(struct detail_reader *details)
{
    struct slot *slot = &details->slots[details->first];
    subrequest_done(&slot->detail);
    subrequest_done(&slot->child_list);
    value_drop(&slot->listed);
    details->first = (details->first + 1) % SUBREQUESTS_MAX;
    details->count--;
}

static bool read_listing(struct detail_reader *details, struct error *err)
{
    details->next = 0;
    if (!details->listing->type->next(details->listing, &details->listed, err)) return false;
    details->pool.requests += details->listed.requests;
    details->pool.normalisations += details->listed.normalisations;
    return true;
}

static bool is_listing_done(const struct detail_reader *details)
{
    return details->listed.last && details->next == details->listed.count;
}

static bool fill_slots(struct detail_reader *details, struct error *err)
{
    while (details->count < details->max_slots && !is_listing_done(details)) {
        if (details->next == details->listed.count) {
            if (!read_listing(details, err)) return false;
            continue;
        }
        const struct record *listed = &details->listed.records[details->next++];
        details->pool.all_started = is_listing_done(details);
        if (!start_slot(details, listed, err)) return false;
    }
    return true;
}

static void reject(struct detail_reader *details, const struct slot *slot, bool is_unsettled)
{
    page_builder_add(&details->builder, (struct record){.body = slot->listed,
                                                        .problem = details->problem,
                                                        .listed_us = slot->listed_us,
                                                        .is_unsettled = is_unsettled});
}

static void reject_unread(struct detail_reader *details, const struct slot *slot, const struct error *failure)
{
    subrequest_problem(&slot->detail, details->stream->detail->noun, failure, details->problem,
                       sizeof details->problem);
    log_write(LOG_WARNING, "record_unread", LOG_FIELDS(LOG_TEXT("what", slot->detail.what)),
              "%s; it is rejected, and later ticks try again", failure->text);
    reject(details, slot, true);
}

/* Adds what the listed record has and the record in full has not. */
static void take_from_list(const struct detail *detail, struct json_value *record,
                           const struct json_value *listed)
{
    for (const char *const *member = detail->from_list; member && *member; member++)
        if (!value_get(record, *member)) /* absent from both: not set */
            value_set(record, *member, value_get(listed, *member));
}

static bool add_record(struct detail_reader *details, struct slot *slot, struct page *page, struct error *err)
{
    size_t more = slot->detail.body.count;
    if (!children_present(details->stream->children, details->record)) {
        (void)snprintf(details->problem, sizeof details->problem, "its %s has no list \"%s\"",
                       details->stream->detail->noun, details->stream->children->list);
        reject(details, slot, true);
        return true;
    }
    take_from_list(details->stream->detail, details->record, slot->listed);
    if (!children_add_parent(&details->children, details->record, slot->listed_us, more)) page->incomplete++;
    if (slot->is_stale)
        details->builder.records[0].incomplete = details->builder.records[0].is_unsettled = true;
    details->has_slices = more > 0 && details->children.is_wanted;
    return !slot->child_list.pool || child_list_add(&slot->child_list, 0, details->record, &details->builder,
                                                    &details->wanted_lists, err);
}

/* Records have no room for another one's content. */
static void reject_other(struct detail_reader *details, const struct slot *slot)
{
    char id[LIMIT_NAME];
    (void)record_id(details->record, id);
    (void)snprintf(details->problem, sizeof details->problem,
                   "its %s can't be fetched: the answer is another record", details->stream->detail->noun);
    log_write(LOG_WARNING, "record_unread", LOG_FIELDS(LOG_TEXT("what", slot->detail.what)),
              "%s: each answer is the record %s; it is rejected, and later ticks try again",
              slot->detail.what, id);
    reject(details, slot, true);
}

/* The record is older than the listing showed it, and may be outside of the window: its listed members are
 * newer. Only its children come from the answer. */
static void keep_listed(struct detail_reader *details, struct slot *slot, struct page *page)
{
    const char *list = details->stream->children->list;
    const struct json_value *children = value_get(details->record, list);
    value_update(details->record, slot->listed);
    value_set(details->record, list, children); /* absent: not set */
    slot->is_stale = true;
    page->stale++;
    log_write(
        LOG_WARNING, "record_stale", LOG_FIELDS(LOG_TEXT("what", slot->detail.what)),
        "%s: each answer is older than the listing; the listed members are kept, and later ticks try again",
        slot->detail.what);
}

static bool finish_slot(struct detail_reader *details, struct page *page, struct error *err)
{
    struct slot *slot = &details->slots[details->first];
    struct error failure = {0}; /* not err: a rejected record is no failure */
    if (!slot->has_id) {
        (void)snprintf(details->problem, sizeof details->problem, "it has no id to request its %s with",
                       details->stream->detail->noun);
        reject(details, slot, false);
        return true;
    }
    switch (subrequest_wait(&slot->detail, &details->record, &failure)) {
    case SUBREQUEST_OK:
        if (!is_same_record(slot, details->record)) {
            reject_other(details, slot);
            return true;
        }
        if (is_stale(slot, details->record)) keep_listed(details, slot, page);
        return add_record(details, slot, page, err);
    case SUBREQUEST_GONE:
        page->deleted_during_read++;
        log_write(
            LOG_NOTICE, "record_deleted_during_read", LOG_FIELDS(LOG_TEXT("what", slot->detail.what)),
            "%s: it was listed, and two requests for it were answered HTTP %d: it was deleted or merged "
            "before it was read",
            slot->detail.what, failure.status);
        return true;
    case SUBREQUEST_FORBIDDEN: /* the search was not, and so the stream is not */
        if (details->pool.success_count == 0) {
            *err = failure;
            err->kind = ERROR_REFUSED;
            return false;
        }
        reject_unread(details, slot, &failure);
        return true;
    case SUBREQUEST_REJECTED: reject_unread(details, slot, &failure); return true;
    case SUBREQUEST_FAILED: *err = failure; return false;
    }
    abort();
}

static bool add_slice(struct detail_reader *details, struct error *err)
{
    AUTO(value_drop) struct json_value *list = NULL;
    struct json_normalisations found = {0};
    if (!response_body_next(&details->slots[details->first].detail.body, &found, &list, err)) return false;
    details->pool.normalisations += json_normalisations_sum(&found);
    details->has_slices = value_count(list) > 0;
    children_add(&details->children, list);
    return true;
}

static bool make_page(struct detail_reader *details, struct page *page, struct error *err)
{
    page_builder_reset(&details->builder);
    if (details->has_slices) return add_slice(details, err);
    value_drop(&details->record);
    if (details->is_first_passed_on) release_slot(details);
    details->is_first_passed_on = false;
    if (!fill_slots(details, err)) return false;
    details->is_first_passed_on = details->count > 0;
    return !details->is_first_passed_on || finish_slot(details, page, err);
}

static bool detail_next(struct reader *reader, struct page *out_page, struct error *err)
{
    struct detail_reader *details = (struct detail_reader *)reader;
    *out_page = (struct page){.last = true};
    if (!make_page(details, out_page, err)) return false;
    if (details->is_first_passed_on) out_page->asked_us = details->slots[details->first].asked_us;
    out_page->is_contradicted = details->listed.is_contradicted;
    out_page->expected = details->listed.expected;
    out_page->received = details->listed.received;
    out_page->records = details->builder.records;
    out_page->count = details->builder.count;
    out_page->requests = details->pool.requests;
    out_page->normalisations = details->pool.normalisations;
    details->pool.requests = details->pool.normalisations = 0;
    out_page->left_out = child_list_left_out(&details->builder, details->wanted_lists);
    out_page->last = !details->has_slices && is_listing_done(details) &&
                     details->count == (details->is_first_passed_on ? 1 : 0);
    return true;
}

static void detail_close(struct reader *reader)
{
    struct detail_reader *details = (struct detail_reader *)reader;
    while (details->count > 0)
        release_slot(details);
    subrequest_pool_done(&details->pool);
    value_drop(&details->record);
    page_builder_done(&details->builder);
    rest_source_close(details->listing);
    free(details);
}

static bool detail_open(struct rest_source *rest, const struct selection *selection, struct window window,
                        struct reader **out_reader, struct error *err)
{
    const struct rest_stream *stream = (const struct rest_stream *)selection->stream;
    struct detail_reader *details = mem_zero(1, sizeof *details);
    details->reader.type = &rest_detail;
    details->stream = stream;
    details->selection = *selection;
    details->query = rest->detail_query ? rest->detail_query : "";
    details->split_path[0] = details->split_path[1] = stream->children->list;
    subrequest_pool_init(&details->pool, rest);
    page_builder_init(&details->builder, rest, &details->selection);
    children_init(&details->children, stream->children, &details->builder);
    details->wanted_lists = child_lists_wanted(rest, &details->builder) & 1U;
    if (!rest_paginate.open(rest, selection, window, &details->listing, err)) {
        detail_close(&details->reader);
        return false;
    }
    details->max_slots = details->wanted_lists ? SUBREQUESTS_MAX / 2 : SUBREQUESTS_MAX;
    *out_reader = &details->reader;
    return true;
}

const struct rest_reader_type rest_detail = {.open = detail_open, .next = detail_next, .close = detail_close};
