/* SPDX-License-Identifier: Apache-2.0 */
/* fake_missing.c - the reconciliations of the warehouse's double: who is missing, who is gone. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_internal.h"

#define DAY_US INT64_C(86400000000)

int64_t fake_table_newest_us(const struct fake_table *table, const char *key)
{
    int64_t newest = INT64_MIN;
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].key, key) == 0 && table->rows[i].version_us > newest)
            newest = table->rows[i].version_us;
    return newest;
}

static bool is_staged(const struct load *load, size_t table, const char *key)
{
    return fake_table_newest_us(&load->staged[table], key) != INT64_MIN;
}

static bool is_rejected(const struct load *load, const char *id)
{
    for (size_t i = 0; i < load->reject_count; i++)
        if (strcmp(load->rejects[i].id, id) == 0) return true;
    return false;
}

static bool is_suspect(const struct load *load, int64_t began_us, const char *key)
{
    struct fake_warehouse *warehouse = load->warehouse;
    const struct table *subject = load->selection->stream->subject;
    int64_t newest = fake_table_newest_us(fake_warehouse_table(warehouse, subject->name), key);
    if (is_rejected(load, key) || is_rejected(load, "")) return false; /* without an id: it may be any */
    return !is_staged(load, RECONCILE_LIST, key) && !is_staged(load, RECONCILE_ALIVE, key) &&
           newest < began_us &&
           fake_table_newest_us(fake_warehouse_table(warehouse, subject->gone->name), key) < newest;
}

static bool was(const struct fake_warehouse *warehouse, const struct stream *stream, const char *id,
                enum fake_answer answer, int64_t list_began_us)
{
    for (size_t i = 0; i < warehouse->suspect_count; i++) {
        const struct fake_suspect *suspect = &warehouse->suspects[i];
        if (suspect->stream == stream && suspect->answer == answer && strcmp(suspect->id, id) == 0 &&
            (list_began_us == 0 || suspect->list_began_us == list_began_us))
            return true;
    }
    return false;
}

/* The suspects, those that were found alive before at the end. Yours: missing_done. */
static void find_suspects(const struct load *load, int64_t began_us, struct missing *out)
{
    struct fake_warehouse *warehouse = load->warehouse;
    const struct stream *stream = load->selection->stream;
    const struct fake_table *table = fake_warehouse_table(warehouse, stream->subject->name);
    *out = (struct missing){.ids = mem_zero(table->count + 1, sizeof *out->ids)};
    for (int alive = 0; alive < 2; alive++)
        for (size_t i = 0; i < table->count; i++) {
            const char *key = table->rows[i].key;
            if (table->rows[i].version_us != fake_table_newest_us(table, key) ||
                !is_suspect(load, began_us, key) ||
                was(warehouse, stream, key, FAKE_ALIVE, 0) != (alive == 1))
                continue;
            bool is_known = false; /* another content of the same version */
            for (size_t k = 0; k < out->count; k++)
                is_known = is_known || strcmp(out->ids[k], key) == 0;
            if (is_known) continue;
            out->ids[out->count++] = mem_text(key);
            out->total++;
            out->alive += alive;
        }
}

bool fake_missing(struct load *load, int64_t began_us, int64_t ceiling, struct missing *out_missing,
                  struct error *err)
{
    if (!fake_enter(&load->warehouse->hook, "missing", err)) return false;
    find_suspects(load, began_us, out_missing);
    while ((int64_t)out_missing->count > ceiling)
        free(out_missing->ids[--out_missing->count]);
    return true;
}

static void note(struct fake_warehouse *warehouse, const struct fake_job *job, const char *id,
                 enum fake_answer answer)
{
    warehouse->suspects =
        mem_grow(warehouse->suspects, warehouse->suspect_count + 1, sizeof *warehouse->suspects);
    warehouse->suspects[warehouse->suspect_count++] =
        (struct fake_suspect){.stream = job->load->selection->stream,
                              .id = mem_text(id),
                              .list_began_us = job->began_us,
                              .answer = answer};
}

/* When the newest list before this one began, or after it; 0: there is none. */
static int64_t other_list_us(const struct fake_warehouse *warehouse, const struct fake_job *job, bool after)
{
    int64_t newest = 0;
    for (size_t i = 0; i < warehouse->ledger_count; i++) {
        const struct fake_ledger_row *row = &warehouse->ledger[i];
        if (row->stream == job->load->selection->stream &&
            (after ? row->began_us > job->began_us : row->began_us < job->began_us) && row->began_us > newest)
            newest = row->began_us;
    }
    return newest;
}

static void declare_gone(struct fake_warehouse *warehouse, const struct fake_job *job, const char *id)
{
    struct fake_table *gone =
        fake_warehouse_table(warehouse, job->load->selection->stream->subject->gone->name);
    fake_table_add(gone,
                   (struct fake_row){.key = mem_text(id),
                                     .version_us = job->began_us,
                                     .day = day_add(day_of_civil(1970, 1, 1), (int)(job->began_us / DAY_US)),
                                     .loaded_us = *warehouse->now_us,
                                     .serial = warehouse->serial++,
                                     .text = mem_text("{}")});
}

static void take_back(struct fake_warehouse *warehouse, const struct fake_job *job)
{
    struct fake_table *gone =
        fake_warehouse_table(warehouse, job->load->selection->stream->subject->gone->name);
    size_t kept = 0;
    for (size_t i = 0; i < gone->count; i++) {
        struct fake_row *row = &gone->rows[i];
        if (row->version_us < job->began_us &&
            (is_staged(job->load, RECONCILE_LIST, row->key) ||
             is_staged(job->load, RECONCILE_ALIVE, row->key) || is_rejected(job->load, row->key))) {
            fake_row_free(row);
            continue;
        }
        gone->rows[kept++] = *row;
    }
    gone->count = kept;
}

bool fake_reconcile(struct fake_warehouse *warehouse, struct fake_job *job, struct committed *out_committed,
                    struct error *err)
{
    struct load *load = job->load;
    const struct stream *stream = load->selection->stream;
    int64_t before_us = other_list_us(warehouse, job, false);
    bool is_newest = other_list_us(warehouse, job, true) == 0;
    bool may_ripen = job->confirms_missing && before_us > 0 && before_us <= job->began_us - DAY_US;
    struct missing missing;
    find_suspects(load, job->began_us, &missing);
    bool is_refused =
        load->staged[RECONCILE_LIST].count == 0 && load->reject_count == 0 && missing.count > 0 && is_newest;
    for (size_t i = 0; i < missing.count && !is_refused; i++) {
        const char *id = missing.ids[i];
        bool was_asked = is_staged(load, RECONCILE_GONE, id);
        bool is_ripe = may_ripen && was(warehouse, stream, id, FAKE_UNASKED, before_us);
        if (is_newest && (was_asked || is_ripe || warehouse->design == FAKE_LISTS_BELIEVED)) {
            declare_gone(warehouse, job, id);
            out_committed->inserted[RECONCILE_GONE]++;
        } else if (job->confirms_missing && !was(warehouse, stream, id, FAKE_ALIVE, 0)) {
            note(warehouse, job, id, FAKE_UNASKED);
        }
    }
    missing_done(&missing);
    if (is_refused) return error_set(err, ERROR_REFUSED, "%s: the list is empty", stream->name);
    take_back(warehouse, job);
    for (size_t i = 0; i < load->staged[RECONCILE_ALIVE].count; i++)
        note(warehouse, job, load->staged[RECONCILE_ALIVE].rows[i].key, FAKE_ALIVE);
    for (size_t i = 0; i < load->reject_count; i++)
        if (*load->rejects[i].id) note(warehouse, job, load->rejects[i].id, FAKE_ALIVE);
    return true;
}
