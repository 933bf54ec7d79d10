/* SPDX-License-Identifier: Apache-2.0 */
/* fake_commit.c - the transaction of the warehouse's double, right and wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_internal.h"

const char *fake_lock_name(const struct fake_warehouse *warehouse, const struct stream *stream)
{
    return warehouse->design == FAKE_STREAM_LOCKS ? stream->name : stream_lock(stream);
}

static struct fake_lock *lock_of(struct fake_warehouse *warehouse, const struct fake_job *job)
{
    for (size_t i = 0; i < warehouse->lock_count; i++)
        if (strcmp(warehouse->locks[i].name, fake_lock_name(warehouse, job->load->selection->stream)) == 0)
            return &warehouse->locks[i];
    return NULL;
}

/* Snapshot isolation: a transaction sees the rows that were there when it began. If another one has updated
 * the same lock since, it is cancelled and begins again; if not, nothing tells it that there are more. */
static bool is_wanted(const struct fake_warehouse *warehouse, const struct fake_job *job, size_t table,
                      const struct fake_row *row)
{
    switch (warehouse->design) {
    case FAKE_MAX_ONLY:
        return row->day.n <= job->unit.claim_hi.n && fake_row_wanted(warehouse, job, table, row);
    case FAKE_APPEND:
    case FAKE_APPEND_NAMED:
    case FAKE_OVERWRITE: return true;
    case FAKE_UNION:
    case FAKE_STREAM_LOCKS:
    case FAKE_LISTS_BELIEVED:
    case FAKE_CLAIM_OPEN:
    case FAKE_UNION_UNLOCKED:
    case FAKE_FIRST_CONTENT:
    case FAKE_ANY_CONTENT:
    case FAKE_READ_EARLIER:
    case FAKE_OVERTAKEN:
    case FAKE_STORED_UNKNOWN:
    case FAKE_STAGED_UNKNOWN:
    case FAKE_FLAG_IN_KEY:
    case FAKE_CHILDREN_IGNORED:
    case FAKE_SAME_UNCOUNTED:
    case FAKE_LIST_KNOWN_ONLY:
    case FAKE_LIST_FROM_EVER:
    case FAKE_LIST_ENDS_LATE:
    case FAKE_SET_BY_ROW: return fake_row_wanted(warehouse, job, table, row);
    case FAKE_DESIGNS: break;
    }
    abort();
}

static bool keeps_staged(const struct stream *stream, size_t table)
{
    return stream->kind != STREAM_RECONCILE || table == RECONCILE_ALIVE ||
           (table == RECONCILE_LIST && stream_lists_rows(stream));
}

static int64_t insert_rows(struct fake_warehouse *warehouse, struct fake_job *job, size_t t,
                           int64_t *out_content_changes)
{
    struct fake_table *staged = &job->load->staged[t];
    struct fake_table *table = fake_warehouse_table(warehouse, job->load->selection->tables[t]->name);
    int64_t inserted = 0;
    *out_content_changes = 0;
    if (warehouse->design == FAKE_OVERWRITE)
        for (size_t i = 0; i < staged->count; i++)
            (void)fake_warehouse_delete_day(warehouse, table->name, staged->rows[i].day);
    for (size_t i = 0; i < staged->count; i++) {
        if (fake_row_superseded(warehouse, staged, i) || !is_wanted(warehouse, job, t, &staged->rows[i]))
            continue;
        *out_content_changes +=
            fake_table_newest(warehouse->design, table, &staged->rows[i], job->serial) != NULL;
        struct fake_row row = fake_row_copy(&staged->rows[i]);
        row.loaded_us = *warehouse->now_us;
        row.loaded_by = job->load->selection->stream;
        row.serial = warehouse->serial++;
        if (job->was_old) row.is_read = row.has_content = false;
        fake_table_add(table, row);
        inserted++;
    }
    return inserted;
}

static int64_t insert_rejects(struct fake_warehouse *warehouse, struct load *load)
{
    warehouse->rejected = mem_grow(warehouse->rejected, warehouse->rejected_count + load->reject_count + 1,
                                   sizeof *warehouse->rejected);
    int64_t inserted = 0;
    for (size_t i = 0; i < load->reject_count; i++) {
        bool known = false;
        for (size_t j = 0; j < warehouse->rejected_count && !known; j++)
            known = strcmp(warehouse->rejected[j].record, load->rejects[i].record) == 0 &&
                    strcmp(warehouse->rejected[j].id, load->rejects[i].id) == 0;
        if (known) continue;
        warehouse->rejected[warehouse->rejected_count++] = load->rejects[i];
        load->rejects[i] = (struct fake_reject){0};
        inserted++;
    }
    return inserted;
}

static void mend_rejects(struct fake_warehouse *warehouse, const struct load *load)
{
    for (size_t i = 0; i < warehouse->rejected_count; i++) {
        struct fake_reject *reject = &warehouse->rejected[i];
        bool is_loaded = false;
        for (size_t j = 0; j < load->staged[0].count && !is_loaded; j++)
            is_loaded = strcmp(load->staged[0].rows[j].key, reject->id) == 0;
        if (reject->is_unsettled && is_loaded) reject->is_mended = true;
    }
}

/* Rows on the day; new_rows: those from first_serial on. */
static int64_t count_rows(const struct fake_table *table, struct day day, int64_t first_serial,
                          int64_t *new_rows)
{
    int64_t rows = 0;
    *new_rows = 0;
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].day.n != day.n) continue;
        rows++;
        *new_rows += table->rows[i].serial >= first_serial;
    }
    return rows;
}

static bool is_noted(const struct fake_ledger_row *row, const struct table *table, struct day day)
{
    for (size_t i = 0; i < row->children_count; i++)
        if (row->children[i].table == table && row->children[i].day.n == day.n) return true;
    return false;
}

/* Older claims on the day of a child are believed with so many rows more. */
static void add_to_older(struct fake_warehouse *warehouse, const struct fake_children *note, int64_t rows)
{
    for (size_t i = 0; rows > 0 && i < warehouse->ledger_count; i++)
        for (size_t k = 0; k < warehouse->ledger[i].children_count; k++) {
            struct fake_children *older = &warehouse->ledger[i].children[k];
            if (older->table == note->table && older->day.n == note->day.n) older->rows += rows;
        }
}

static void note_children(struct fake_warehouse *warehouse, const struct fake_job *job, int64_t first_serial,
                          struct fake_ledger_row *row)
{
    const struct selection *selection = job->load->selection;
    if (selection->stream->subject) return; /* its other tables are no children */
    for (size_t t = 1; t < selection->table_count; t++) {
        const struct table *table = selection->tables[t];
        const struct fake_table *staged = &job->load->staged[t];
        if (!stream_keeps_rows(selection->stream, table)) continue;
        for (size_t i = 0; i < staged->count; i++) {
            struct fake_children note = {.table = table, .day = staged->rows[i].day};
            int64_t new_rows;
            if (is_noted(row, table, note.day)) continue;
            note.rows =
                count_rows(fake_warehouse_table(warehouse, table->name), note.day, first_serial, &new_rows);
            add_to_older(warehouse, &note, new_rows);
            row->children = mem_grow(row->children, row->children_count + 1, sizeof *row->children);
            row->children[row->children_count++] = note;
        }
    }
}

static void append_ledger_row(struct fake_warehouse *warehouse, const struct fake_ledger_row *row)
{
    if ((warehouse->ledger_count & (warehouse->ledger_count - 1)) == 0)
        warehouse->ledger =
            mem_grow(warehouse->ledger, warehouse->ledger_count ? 2 * warehouse->ledger_count : 1,
                     sizeof *warehouse->ledger);
    warehouse->ledger[warehouse->ledger_count++] = *row;
}

/* Has another run committed into the stream's tables since this fetch began? */
static bool was_joined(const struct fake_warehouse *warehouse, const struct fake_job *job)
{
    for (size_t i = 0; i < warehouse->ledger_count; i++) {
        const struct fake_ledger_row *row = &warehouse->ledger[i];
        if (row->committed_us > job->began_us && strcmp(row->run_id, job->run_id) != 0 &&
            fake_writes_same(row->stream, job->load->selection->stream))
            return true;
    }
    return false;
}

static void note_digest(const struct fake_warehouse *warehouse, const struct fake_job *job,
                        const struct fake_table *table, struct fake_ledger_row *row)
{
    if (job->was_old) return;
    if (was_joined(warehouse, job)) return;
    row->digest = job->digest;
    for (size_t i = 0; i < table->count; i++)
        row->rows_held += row->stream->kind == STREAM_SCAN || table->rows[i].day.n >= row->unit.lo.n;
}

/* Notes the fetch alone, if the commit that it is compared with is still the last one. */
static bool note_same(struct fake_warehouse *warehouse, const struct fake_job *job)
{
    const struct fake_ledger_row *last = fake_last_commit(warehouse, job->load->selection->stream);
    if (job->same_as_us == 0 || job->was_old) return false;
    if (!last || last->committed_us != job->same_as_us) return false;
    struct fake_ledger_row row = {.stream = job->load->selection->stream,
                                  .unit = job->unit,
                                  .began_us = job->began_us,
                                  .committed_us = *warehouse->now_us,
                                  .fetched = job->fetched,
                                  .is_same = true};
    row.unit.claim_hi = day_add(row.unit.lo, -1);
    snprintf(row.run_id, sizeof row.run_id, "%s", job->run_id);
    snprintf(row.message_id, sizeof row.message_id, "%s", job->message_id);
    append_ledger_row(warehouse, &row);
    return true;
}

/* first_serial: of the rows that this commit inserted. */
static void add_ledger_row(struct fake_warehouse *warehouse, const struct fake_job *job, int64_t first_serial)
{
    const struct selection *selection = job->load->selection;
    const struct table *counted =
        selection->stream->subject ? selection->stream->subject : selection->stream->table;
    const struct fake_table *table = fake_warehouse_table(warehouse, counted->name);
    struct fake_ledger_row row = {.stream = selection->stream,
                                  .unit = job->unit,
                                  .began_us = job->began_us,
                                  .committed_us = *warehouse->now_us,
                                  .fetched = job->fetched,
                                  .is_incomplete = job->is_incomplete};
    if (warehouse->design == FAKE_CLAIM_OPEN && row.unit.open)
        row.unit.claim_hi = zone_day(warehouse->zone, job->began_us / 1000000);
    snprintf(row.run_id, sizeof row.run_id, "%s", job->run_id);
    snprintf(row.message_id, sizeof row.message_id, "%s", job->message_id);
    int days = row.unit.claim_hi.n - row.unit.lo.n + 1;
    if (days > 0) row.held = mem_zero((size_t)days, sizeof *row.held);
    for (size_t i = 0; i < job->unclaimed_count; i++) {
        int day = job->unclaimed[i].n - row.unit.lo.n;
        if (day >= 0 && day < days) row.held[day] = -1;
    }
    for (size_t i = 0; i < table->count; i++) {
        int day = table->rows[i].day.n - row.unit.lo.n;
        if (day >= 0 && day < days && row.held[day] >= 0)
            row.held[day]++;
        else if (table->rows[i].serial >= first_serial) {
            row.added = mem_grow(row.added, row.added_count + 1, sizeof *row.added);
            row.added[row.added_count++] = table->rows[i].day;
        }
    }
    note_children(warehouse, job, first_serial, &row);
    note_digest(warehouse, job, table, &row);
    append_ledger_row(warehouse, &row);
}

static struct fake_lock *take_lock(struct fake_warehouse *warehouse, struct fake_job *job, struct error *err)
{
    struct fake_lock *lock = lock_of(warehouse, job);
    if (!lock || strcmp(lock->identity.workspace, job->identity.workspace) != 0 ||
        strcmp(lock->identity.type, job->identity.type) != 0) {
        (void)error_set(err, ERROR_CONFIG, "%s: the lock row is missing or of another workspace",
                        job->load->selection->stream->name);
        return NULL;
    }
    if (lock->serial > job->serial && warehouse->design != FAKE_UNION_UNLOCKED)
        job->serial = warehouse->serial;
    return lock;
}

/* A named job runs once: the second run takes it for done. */
static bool is_named_done(const struct fake_warehouse *warehouse, const struct fake_job *job)
{
    for (size_t i = 0; i < warehouse->ledger_count; i++) {
        const struct fake_ledger_row *row = &warehouse->ledger[i];
        if (row->unit.lo.n == job->unit.lo.n && row->unit.hi.n == job->unit.hi.n &&
            row->stream == job->load->selection->stream)
            return true;
    }
    return false;
}

/* A record dated outside of its unit: the real script checks the staged rows, too. */
static bool check_days(const struct fake_job *job, struct error *err)
{
    const struct fake_table *staged = &job->load->staged[0];
    for (size_t i = 0; i < staged->count; i++) {
        struct day day = staged->rows[i].day;
        if (day.n < job->unit.lo.n || (!job->unit.open && day.n > job->unit.hi.n))
            return error_set(err, ERROR_REFUSED, "%s: a staged row lies outside its unit",
                             job->load->selection->stream->name);
    }
    return true;
}

bool fake_job_run(struct fake_warehouse *warehouse, struct fake_job *job, struct committed *out_committed,
                  struct error *err)
{
    const struct selection *selection = job->load->selection;
    struct committed committed = {0};
    for (size_t i = 0; i < selection->table_count; i++) {
        const struct fake_table *table = fake_warehouse_table(warehouse, selection->tables[i]->name);
        if (!table || !table->exists)
            return error_set(err, ERROR_BUSY, "table %s does not exist", selection->tables[i]->name);
    }
    struct fake_lock *lock = take_lock(warehouse, job, err);
    if (!lock) return false;
    bool has_own_days = selection->stream->kind != STREAM_SCAN && selection->stream->kind != STREAM_RECONCILE;
    if (has_own_days && !check_days(job, err)) return false;
    if (warehouse->design == FAKE_APPEND_NAMED && is_named_done(warehouse, job)) {
        *out_committed = committed;
        return true;
    }
    job->was_old = *warehouse->now_us < warehouse->old_until_us;
    if (warehouse->design == FAKE_LIST_ENDS_LATE && selection->stream->kind == STREAM_RECONCILE)
        job->began_us = *warehouse->now_us;
    if (note_same(warehouse, job)) {
        lock->serial = warehouse->serial;
        *out_committed = committed;
        return true;
    }
    int64_t first_serial = warehouse->serial, ignored;
    mend_rejects(warehouse, job->load);
    bool is_reconciled = selection->stream->kind == STREAM_RECONCILE;
    for (size_t i = 0; i < selection->table_count; i++)
        if (keeps_staged(selection->stream, i))
            committed.inserted[i] =
                insert_rows(warehouse, job, i, i == 0 ? &committed.content_changes : &ignored);
    if (is_reconciled && !fake_reconcile(warehouse, job, &committed, err)) return false;
    committed.rejected = insert_rejects(warehouse, job->load);
    add_ledger_row(warehouse, job, first_serial);
    lock->serial = warehouse->serial;
    *out_committed = committed;
    return true;
}
