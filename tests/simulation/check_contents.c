/* SPDX-License-Identifier: Apache-2.0 */
/* check_contents.c - the properties of several readings of one version.
 *
 * order: The contents of one version, by the time of reading, are a subsequence of those that the source had.
 *
 * incomplete: An incomplete reading is stored only as long as its version is unknown.
 *
 * stale: Before the last tick the newest row of a record's current version has the content of the last
 * committed reading of it, unless another fetch of it went on at the same time, or a later one of its
 * days was committed before.
 *
 * newest: After the last tick the newest rows of each record that it listed show the source's content, with
 * all children and the set. After a list of a reconciliation, too, though no search may ever find them.
 *
 * replay: At the end all landed jobs run once more, in any order, and insert nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

static const struct stream *stream_of(const struct sim *sim, size_t stream)
{
    return sim->selections[stream].stream;
}

static const struct fake_table *table_of(struct sim *sim, size_t stream, size_t table)
{
    return fake_warehouse_table(&sim->warehouse, sim->selections[stream].tables[table]->name);
}

static bool is_same_version(const struct fake_row *a, const struct fake_row *b)
{
    return a->version_us == b->version_us && strcmp(a->key, b->key) == 0;
}

static bool is_newer(const struct fake_row *a, const struct fake_row *b)
{
    if (a->version_us != b->version_us) return a->version_us > b->version_us;
    if (a->is_read != b->is_read) return a->is_read;
    return a->read_us != b->read_us ? a->read_us > b->read_us : a->serial > b->serial;
}

void check_reading(struct sim *sim, const struct fake_table *table, size_t i)
{
    const struct fake_row *row = &table->rows[i], *before = NULL;
    for (size_t j = 0; j < i; j++) {
        const struct fake_row *other = &table->rows[j];
        if (!is_same_version(other, row)) continue;
        if (other->is_read == row->is_read && other->read_us == row->read_us)
            sim_fail(sim, PROPERTY_DOUBLE, "%s holds %s at %lld twice", table->name, row->key,
                     (long long)row->version_us);
        if (!before || is_newer(other, before)) before = other;
    }
    if (!before && row->loaded_by->kind == STREAM_RECONCILE && row->day.n < sim->plan.start.n)
        sim_fail(sim, PROPERTY_INVENTED,
                 "%s holds %s, which a list has and which is older than the first day", table->name,
                 row->key);
    if (!before) return;
    sim_count(sim, EVENT_RECONTENTED);
    if (!row->has_content)
        sim_fail(sim, PROPERTY_INCOMPLETE, "%s holds %s at %lld, and again without content", table->name,
                 row->key, (long long)row->version_us);
    if (!row->set && before->has_content && before->content == row->content)
        sim_fail(sim, PROPERTY_DOUBLE, "%s holds %s at %lld twice with one content", table->name, row->key,
                 (long long)row->version_us);
}

/* The newest row of the key. NULL: there is none. */
static const struct fake_row *newest_row(const struct fake_table *table, const char *key)
{
    const struct fake_row *newest = NULL;
    for (size_t i = 0; table && i < table->count; i++)
        if (strcmp(table->rows[i].key, key) == 0 && (!newest || is_newer(&table->rows[i], newest)))
            newest = &table->rows[i];
    return newest;
}

/* --- stale --- */

/* The last committed reading of a version that was complete. */
struct last_reading {
    const struct fake_job *job;
    const struct fake_row *row;
};

/* Whether the job read records of the stream: a reconciliation reads those of its subject. */
static bool reads(const struct fake_job *job, const struct stream *stream)
{
    const struct stream *own = job->load->selection->stream;
    return own == stream || own->subject == stream->table;
}

#define ANY_CONTENT (-1)

/* The job's last reading of the version with this content. */
static const struct fake_row *find_reading(const struct fake_job *job, const struct stream *stream,
                                           const char *key, int64_t version_us, int64_t content)
{
    const struct fake_row *last = NULL;
    for (size_t t = 0; t < job->load->selection->table_count; t++) {
        const struct fake_table *staged = &job->load->staged[t];
        if (job->load->selection->tables[t] != stream->table) continue;
        for (size_t k = 0; k < staged->count; k++) {
            const struct fake_row *row = &staged->rows[k];
            if (row->version_us != version_us || !row->has_content || strcmp(row->key, key) != 0) continue;
            if ((content < 0 || row->content == content) && (!last || row->read_us > last->read_us))
                last = row;
        }
    }
    return last;
}

static struct last_reading find_last_reading(const struct sim *sim, const struct stream *stream,
                                             const char *key, int64_t version_us)
{
    struct last_reading last = {0};
    for (size_t i = 0; i < sim->warehouse.landed_count; i++) {
        const struct fake_job *job = sim->warehouse.landed[i];
        const struct fake_row *row =
            reads(job, stream) ? find_reading(job, stream, key, version_us, ANY_CONTENT) : NULL;
        if (row && (!last.row || row->read_us > last.row->read_us)) last = (struct last_reading){job, row};
    }
    return last;
}

static bool went_on_together(const struct fake_job *a, const struct fake_job *b)
{
    return a != b && a->began_us <= b->submitted_us && b->began_us <= a->submitted_us;
}

/* Was a fetch of the same day committed before the last reading's, though it began later? It did not list the
 * record, or not all of it. Contents that only the last reading saw are refused then, until the next listing.
 */
static bool is_overtaken(const struct sim *sim, const struct stream *stream, const struct last_reading *last)
{
    for (size_t i = 0; i < sim->warehouse.landed_count && sim->warehouse.landed[i] != last->job; i++) {
        const struct fake_job *job = sim->warehouse.landed[i];
        bool covers =
            job->load->selection->stream->kind == STREAM_RECONCILE ||
            (last->row->day.n >= job->unit.lo.n && (job->unit.open || last->row->day.n <= job->unit.hi.n));
        if (reads(job, stream) && covers && job->began_us > last->row->read_us) return true;
    }
    return false;
}

/* Had a fetch that saw the shown content another one beside it, or the fetch that read last? */
static bool is_contested(const struct sim *sim, const struct stream *stream, const struct last_reading *last,
                         const struct fake_row *shown)
{
    const struct fake_row *row = last->row;
    for (size_t i = 0; i < sim->warehouse.landed_count; i++) {
        const struct fake_job *job = sim->warehouse.landed[i];
        if (!reads(job, stream)) continue;
        if (job->was_old || went_on_together(job, last->job)) return true;
        if (!find_reading(job, stream, row->key, row->version_us, shown->content)) continue;
        for (size_t k = 0; k < sim->warehouse.landed_count; k++)
            if (went_on_together(job, sim->warehouse.landed[k]) &&
                find_reading(sim->warehouse.landed[k], stream, row->key, row->version_us, row->content))
                return true;
    }
    return false;
}

static void check_last_seen_of(struct sim *sim, size_t stream, const struct fake_record *record)
{
    if (record->version_count == 0 || record->sent_newer) return;
    const struct fake_row *shown = newest_row(table_of(sim, stream, 0), record->id);
    int64_t version_us = record->versions[record->version_count - 1].version_s * SECOND;
    struct last_reading last = find_last_reading(sim, stream_of(sim, stream), record->id, version_us);
    if (!last.row || !shown) return;
    sim_count(sim, EVENT_LAST_SEEN_CHECKED);
    if (shown->version_us == version_us && shown->has_content && shown->content == last.row->content) return;
    if (!shown->has_content && shown->read_us > last.row->read_us) return; /* incomplete, and read later */
    if (is_contested(sim, stream_of(sim, stream), &last, shown) ||
        is_overtaken(sim, stream_of(sim, stream), &last))
        return;
    sim_fail(sim, PROPERTY_STALE, "%s: the newest row was read at %lld, but the last reading was at %lld",
             record->id, (long long)shown->read_us, (long long)last.row->read_us);
}

void check_last_seen(struct sim *sim)
{
    if (sim->erased_us != INT64_MIN) return;
    for (size_t s = 0; s < SIM_STREAMS; s++) {
        const struct fake_stream *in = fake_source_stream(&sim->source, stream_of(sim, s));
        for (size_t i = 0; i < in->record_count; i++)
            check_last_seen_of(sim, s, &in->records[i]);
    }
}

/* --- newest --- */

static void check_children(struct sim *sim, size_t stream, const struct fake_record *record,
                           const struct fake_version *version)
{
    char key[64];
    for (size_t i = 0; i < version->child_count; i++) {
        const struct fake_child *child = &record->children[i];
        if (!fake_child_current(record, version, i)) continue;
        snprintf(key, sizeof key, "%s/%s", record->id, child->id);
        const struct fake_row *row = newest_row(table_of(sim, stream, 1), key);
        if (!row || row->flag != child->redacted || check_content_of(row) != child->content)
            sim_fail(sim, PROPERTY_NEWEST, "the newest row of child %s is not what the source has", key);
    }
}

static void check_set(struct sim *sim, size_t stream, const struct fake_record *record,
                      const struct fake_version *version)
{
    const struct fake_table *table = table_of(sim, stream, 2);
    const struct fake_row *newest = NULL;
    size_t count = 0;
    if (value_count(version->set) == 0) return; /* no row says that it is empty */
    for (size_t i = 0; i < table->count; i++) {
        const struct fake_row *row = &table->rows[i];
        if (row->version_us != version->version_s * SECOND || strcmp(row->set, record->id) != 0) continue;
        if (newest && newest->is_read == row->is_read && newest->read_us == row->read_us)
            count++;
        else if (!newest || is_newer(row, newest)) {
            newest = row;
            count = 1;
        }
    }
    if (count != value_count(version->set))
        sim_fail(sim, PROPERTY_NEWEST, "%s has %zu labels, and the newest reading of them %zu", record->id,
                 value_count(version->set), count);
}

static void check_newest_content(struct sim *sim, size_t stream, const struct fake_record *record)
{
    const struct fake_version *version = &record->versions[record->version_count - 1];
    const struct fake_row *row = newest_row(table_of(sim, stream, 0), record->id);
    if (!row || row->version_us != version->version_s * SECOND || check_content_of(row) != version->content)
        sim_fail(sim, PROPERTY_NEWEST, "the newest row of %s is not what the source has", record->id);
    if (sim->selections[stream].table_count < 3) return;
    check_children(sim, stream, record, version);
    check_set(sim, stream, record, version);
}

void check_listed(struct sim *sim, int64_t tick_us)
{
    const struct fake_stream *in = fake_source_stream(&sim->source, stream_of(sim, 0));
    for (size_t i = 0; i < in->record_count && sim->broken == PROPERTY_NONE; i++) {
        const struct fake_record *record = &in->records[i];
        if (record->listed_us < tick_us) continue;
        int64_t version_s = record->versions[record->version_count - 1].version_s;
        if (zone_day(sim->zone, version_s).n < sim->plan.start.n) continue;
        sim_count(sim, EVENT_LISTED_CHECKED);
        check_newest_content(sim, 0, record);
    }
}

/* --- order --- */

static int compare_readings(const void *a, const void *b)
{
    const struct fake_row *const *one = a, *const *other = b;
    return ((*one)->read_us > (*other)->read_us) - ((*one)->read_us < (*other)->read_us);
}

static void check_order_of(struct sim *sim, const struct fake_table *table, const struct fake_record *record,
                           int64_t version_s)
{
    const struct fake_row *rows[64];
    size_t count = 0, at = 0;
    for (size_t i = 0; i < table->count && count < 64; i++) {
        const struct fake_row *row = &table->rows[i];
        if (row->version_us == version_s * SECOND && row->has_content && strcmp(row->key, record->id) == 0)
            rows[count++] = row;
    }
    qsort(rows, count, sizeof *rows, compare_readings);
    for (size_t i = 0; i < count; i++, at++) {
        while (at < record->version_count && (record->versions[at].version_s != version_s ||
                                              record->versions[at].content != check_content_of(rows[i])))
            at++;
        if (at < record->version_count) continue;
        sim_fail(sim, PROPERTY_ORDER, "%s at %lld: its contents were never in the order of the rows",
                 record->id, (long long)version_s);
        return;
    }
}

void check_contents_end(struct sim *sim, int64_t tick_us)
{
    for (size_t s = 0; s < SIM_STREAMS; s++) {
        const struct fake_stream *in = fake_source_stream(&sim->source, stream_of(sim, s));
        for (size_t i = 0; i < in->record_count; i++) {
            const struct fake_record *record = &in->records[i];
            if (record->sent_us >= tick_us) check_newest_content(sim, s, record);
            for (size_t v = 0; v < record->version_count; v++)
                if (v == 0 || record->versions[v].version_s != record->versions[v - 1].version_s)
                    check_order_of(sim, table_of(sim, s, 0), record, record->versions[v].version_s);
        }
    }
}

/* --- replay --- */

void check_repeated(struct sim *sim)
{
    size_t count = sim->warehouse.landed_count;
    if (sim->erased_us != INT64_MIN || sim->broken != PROPERTY_NONE) return;
    for (size_t n = 0; n < count; n++) {
        struct fake_job *job = sim->warehouse.landed[rng_below(&sim->rng, (int64_t)count)];
        if (job->was_old) continue;
        sim_count(sim, EVENT_REPEATED);
        if (fake_warehouse_repeat(&sim->warehouse, job) > 0) {
            sim_fail(sim, PROPERTY_REPLAY, "a job of %s inserts rows when it runs once more", job->run_id);
            return;
        }
    }
}
