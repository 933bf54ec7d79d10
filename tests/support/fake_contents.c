/* SPDX-License-Identifier: Apache-2.0 */
/* fake_contents.c - which readings of a version become rows, right and wrong. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_internal.h"

bool fake_row_same_version(enum fake_design design, const struct fake_row *a, const struct fake_row *b)
{
    if (a->version_us != b->version_us) return false;
    if (a->set && design != FAKE_SET_BY_ROW) return strcmp(a->set, b->set) == 0;
    if (design == FAKE_FLAG_IN_KEY && a->flag != b->flag) return false;
    return strcmp(a->key, b->key) == 0;
}

static bool is_newer(const struct fake_row *a, const struct fake_row *b)
{
    if (a->is_read != b->is_read) return a->is_read;
    return a->read_us > b->read_us;
}

const struct fake_row *fake_table_newest(enum fake_design design, const struct fake_table *table,
                                         const struct fake_row *row, int64_t serial)
{
    const struct fake_row *newest = NULL;
    for (size_t i = 0; i < table->count; i++) {
        const struct fake_row *old = &table->rows[i];
        if (old->serial >= serial || !fake_row_same_version(design, old, row)) continue;
        if (!newest || !is_newer(newest, old)) newest = old;
    }
    return newest;
}

static bool holds_content(const struct fake_warehouse *warehouse, const struct fake_job *job,
                          const struct fake_table *table, const struct fake_row *row)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct fake_row *old = &table->rows[i];
        if (old->serial < job->serial && old->has_content && old->content == row->content &&
            fake_row_same_version(warehouse->design, old, row))
            return true;
    }
    return false;
}

/* Does the other stream read the records that this one inserts, contents and all? */
static bool reads_same(const struct stream *other, const struct stream *stream)
{
    return other == stream || other->table == stream->table ||
           (stream->kind == STREAM_RECONCILE && other->table == stream->subject);
}

/* Has a committed fetch of the same days begun after the row was read? */
static bool is_overtaken(const struct fake_warehouse *warehouse, const struct fake_job *job, size_t table,
                         const struct fake_row *row)
{
    const struct stream *stream = job->load->selection->stream;
    bool has_own_days = stream_lists_rows(stream) || (table == 0 && stream->kind == STREAM_INCREMENTAL);
    for (size_t i = 0; i < warehouse->ledger_count; i++) {
        const struct fake_ledger_row *later = &warehouse->ledger[i];
        int hi = later->unit.open ? INT32_MAX : later->unit.hi.n;
        int lo = later->stream->kind == STREAM_RECONCILE ? INT32_MIN : later->unit.lo.n;
        if (!reads_same(later->stream, stream) || later->began_us <= job->began_us ||
            later->began_us <= row->read_us)
            continue;
        if (!job->unit.open && lo > job->unit.hi.n) continue;
        if (hi < job->unit.lo.n) continue;
        if (!has_own_days || (row->day.n >= lo && row->day.n <= hi)) return true;
    }
    return false;
}

static bool is_other_content(const struct fake_warehouse *warehouse, const struct fake_job *job,
                             const struct fake_table *table, const struct fake_row *newest,
                             const struct fake_row *row)
{
    if (!row->has_content) return warehouse->design == FAKE_STAGED_UNKNOWN && newest->has_content;
    if (warehouse->design == FAKE_STORED_UNKNOWN && !newest->has_content) return false;
    if (warehouse->design == FAKE_ANY_CONTENT) return !holds_content(warehouse, job, table, row);
    return !newest->has_content || newest->content != row->content;
}

/* A reconciliation adds unknown versions from its first day on. */
static bool is_wanted_version(const struct fake_warehouse *warehouse, const struct fake_job *job,
                              size_t table, const struct fake_row *row)
{
    if (job->load->selection->stream->kind != STREAM_RECONCILE) return true;
    if (warehouse->design == FAKE_LIST_KNOWN_ONLY && table == RECONCILE_LIST) return false;
    return row->day.n >= job->unit.lo.n || warehouse->design == FAKE_LIST_FROM_EVER;
}

bool fake_row_wanted(const struct fake_warehouse *warehouse, const struct fake_job *job, size_t table,
                     const struct fake_row *row)
{
    const struct fake_table *target = fake_warehouse_table((struct fake_warehouse *)(uintptr_t)warehouse,
                                                           job->load->selection->tables[table]->name);
    const struct fake_row *newest = fake_table_newest(warehouse->design, target, row, job->serial);
    if (!newest) return is_wanted_version(warehouse, job, table, row);
    if (warehouse->design == FAKE_FIRST_CONTENT || job->was_old) return false;
    if (!is_other_content(warehouse, job, target, newest, row)) return false;
    if (warehouse->design != FAKE_READ_EARLIER && warehouse->design != FAKE_ANY_CONTENT && newest->is_read &&
        newest->read_us >= row->read_us)
        return false;
    return warehouse->design == FAKE_OVERTAKEN || !is_overtaken(warehouse, job, table, row);
}

static bool is_same_row(enum fake_design design, const struct fake_row *a, const struct fake_row *b)
{
    return fake_row_same_version(design, a, b) && strcmp(a->key, b->key) == 0;
}

bool fake_row_superseded(const struct fake_warehouse *warehouse, const struct fake_table *staged, size_t i)
{
    const struct fake_row *row = &staged->rows[i];
    for (size_t j = 0; j < staged->count; j++) {
        const struct fake_row *other = &staged->rows[j];
        if (j == i) continue;
        if (row->set && warehouse->design != FAKE_SET_BY_ROW && other->read_us > row->read_us &&
            fake_row_same_version(warehouse->design, other, row))
            return true;
        if (!is_same_row(warehouse->design, row, other)) continue;
        if (row->has_content != other->has_content ? other->has_content : j > i) return true;
    }
    return false;
}

struct fake_row fake_row_copy(const struct fake_row *row)
{
    struct fake_row copy = *row;
    copy.key = mem_text(row->key);
    copy.text = mem_text(row->text);
    if (row->set) copy.set = mem_text(row->set);
    return copy;
}

void fake_row_free(struct fake_row *row)
{
    free(row->key);
    free(row->text);
    free(row->set);
}
