/* SPDX-License-Identifier: Apache-2.0 */
/* fake_warehouse.c - the port of the warehouse's double: tables, staging, jobs. */
#include "fake_warehouse.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "core/rows.h"
#include "fake_internal.h"
#include "staged_row.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fake_table *fake_warehouse_table(struct fake_warehouse *warehouse, const char *name)
{
    for (size_t i = 0; i < warehouse->table_count; i++)
        if (strcmp(warehouse->tables[i].name, name) == 0) return &warehouse->tables[i];
    return NULL;
}

struct fake_table *fake_table_make(struct fake_warehouse *warehouse, const char *name)
{
    struct fake_table *table = fake_warehouse_table(warehouse, name);
    if (!table) {
        assert(warehouse->table_count < COUNT(warehouse->tables));
        table = &warehouse->tables[warehouse->table_count++];
        snprintf(table->name, sizeof table->name, "%s", name);
    }
    if (!table->exists) {
        table->exists = true;
        table->created_us = *warehouse->now_us;
    }
    return table;
}

const struct fake_row *fake_table_find(const struct fake_table *table, const char *key, int64_t version_us)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->rows[i].version_us == version_us && strcmp(table->rows[i].key, key) == 0)
            return &table->rows[i];
    return NULL;
}

void fake_table_add(struct fake_table *table, struct fake_row row)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? 2 * table->capacity : 8;
        table->rows = mem_grow(table->rows, table->capacity, sizeof *table->rows);
    }
    table->rows[table->count++] = row;
}

void fake_table_clear(struct fake_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        fake_row_free(&table->rows[i]);
    free(table->rows);
    table->rows = NULL;
    table->count = table->capacity = 0;
}

static bool fake_prepare(struct warehouse *base, const struct selection *selection,
                         const struct source_identity *identity, struct error *err)
{
    struct fake_warehouse *warehouse = (struct fake_warehouse *)base;
    const char *name = fake_lock_name(warehouse, selection->stream);
    struct fake_lock *lock = NULL;
    if (!fake_enter(&warehouse->hook, "prepare", err)) return false;
    for (size_t i = 0; i < selection->table_count; i++)
        (void)fake_table_make(warehouse, selection->tables[i]->name);
    for (size_t i = 0; i < warehouse->lock_count; i++)
        if (strcmp(warehouse->locks[i].name, name) == 0) lock = &warehouse->locks[i];
    if (!lock) {
        assert(warehouse->lock_count < COUNT(warehouse->locks));
        lock = &warehouse->locks[warehouse->lock_count++];
        snprintf(lock->name, sizeof lock->name, "%s", name);
        lock->identity = *identity;
    }
    warehouse->identity = *identity;
    if (strcmp(lock->identity.workspace, identity->workspace) != 0 ||
        strcmp(lock->identity.type, identity->type) != 0)
        return error_set(err, ERROR_CONFIG, "%s holds workspace %s, not %s", name, lock->identity.workspace,
                         identity->workspace);
    return true;
}

static bool fake_state(struct warehouse *base, const struct selection *const *selections, size_t count,
                       const char *message_id, struct state *out_states, struct error *err)
{
    struct fake_warehouse *warehouse = (struct fake_warehouse *)base;
    if (!fake_enter(&warehouse->hook, "state", err)) return false;
    for (size_t i = 0; i < count; i++) {
        if (fake_warehouse_read(warehouse, selections[i], message_id, &out_states[i], err)) continue;
        while (i-- > 0)
            state_done(&out_states[i]);
        return false;
    }
    return true;
}

static bool fake_begin(struct warehouse *base, const struct selection *selection, struct load **out_load,
                       struct error *err)
{
    struct fake_warehouse *warehouse = (struct fake_warehouse *)base;
    if (!fake_enter(&warehouse->hook, "begin", err)) return false;
    *out_load = mem_zero(1, sizeof **out_load);
    (*out_load)->warehouse = warehouse;
    (*out_load)->selection = selection;
    warehouse->loads++;
    return true;
}

/* Texts of the key columns but flags, joined; NULL if one is missing. Yours. */
static char *row_key(const struct table *table, const json_t *row)
{
    AUTO(buf_done) struct buf key;
    buf_init(&key, LIMIT_ROW);
    for (size_t i = 0; i < table->key_count; i++) {
        const json_t *value = json_object_get(row, table->key[i]);
        if (json_is_boolean(value)) continue;
        if (key.size > 0) buf_byte(&key, '/');
        if (json_is_string(value))
            buf_text(&key, json_string_value(value));
        else if (json_is_integer(value))
            buf_format(&key, "%lld", (long long)json_integer_value(value));
        else
            return NULL;
    }
    return buf_take(&key, NULL);
}

static bool read_instant(const json_t *row, const char *column, int64_t *out_us)
{
    const json_t *text = json_object_get(row, column);
    return json_is_string(text) && instant_parse(json_string_value(text), json_string_length(text), out_us);
}

/* Reads what the table needs to know of a row; what a load job would refuse is refused. */
static bool read_row(const struct table *table, const json_t *value, struct fake_row *row)
{
    const char *day = json_string_value(json_object_get(value, COLUMN_PARTITION_DATE));
    if (!day || !day_parse(day, &row->day)) return false;
    row->version_us = row->day.n * INT64_C(86400000000);
    if (table->version && !read_instant(value, table->version, &row->version_us)) return false;
    row->is_read = read_instant(value, COLUMN_READ_AT, &row->read_us);
    row->has_content = json_object_get(value, COLUMN_CONTENT);
    row->content = json_int_at(value, COLUMN_CONTENT, 0);
    for (size_t i = 0; i < table->key_count; i++)
        row->flag |= json_is_true(json_object_get(value, table->key[i]));
    if (table->owner) row->set = mem_text(json_text_at(value, table->owner_key));
    row->key = row_key(table, value);
    return row->key;
}

static bool fake_write(struct load *load, size_t table, const char *text, size_t size, struct error *err)
{
    const struct table *target = load->selection->tables[table];
    struct fake_table *staged = &load->staged[table];
    struct fake_row row = {.serial = (int64_t)staged->count};
    if (!fake_enter(&load->warehouse->hook, "write", err)) return false;
    json_t *value = json_loadb(text, size, 0, NULL);
    bool read = value && staged_row_open(target, value) && read_row(target, value, &row);
    AUTO(buf_done) struct buf opened = buf_limited(LIMIT_ROW);
    if (read) json_write(&opened, value);
    json_decref(value);
    if (!read)
        return error_set(err, ERROR_REFUSED, "%s: no key, version or day in %.*s", target->name, (int)size,
                         text);
    row.text = buf_take(&opened, NULL);
    fake_table_add(staged, row);
    return true;
}

static bool fake_reject(struct load *load, const struct reject *reject, struct error *err)
{
    if (!fake_enter(&load->warehouse->hook, "reject", err)) return false;
    load->rejects = mem_grow(load->rejects, load->reject_count + 1, sizeof *load->rejects);
    load->rejects[load->reject_count++] =
        (struct fake_reject){.id = mem_text(reject->id),
                             .is_unsettled = reject->is_unsettled,
                             .reason = mem_text(reject->reason),
                             .record = mem_bytes(reject->record, reject->record_size)};
    return true;
}

static void rejects_free(struct fake_reject *rejects, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(rejects[i].id);
        free(rejects[i].reason);
        free(rejects[i].record);
    }
    free(rejects);
}

void fake_load_free(struct load *load)
{
    if (!load) return;
    load->warehouse->loads--;
    for (size_t i = 0; i < LIMIT_TABLES; i++)
        fake_table_clear(&load->staged[i]);
    rejects_free(load->rejects, load->reject_count);
    free(load);
}

static struct fake_job *submit(struct load *load, const struct commit *commit)
{
    struct fake_warehouse *warehouse = load->warehouse;
    struct fake_job *job = mem_zero(1, sizeof *job);
    job->load = load;
    job->unit = commit->unit;
    job->began_us = commit->began_us;
    job->fetched = commit->fetched;
    job->unclaimed_count = commit->unclaimed_count;
    for (size_t i = 0; i < commit->unclaimed_count; i++)
        job->unclaimed[i] = commit->unclaimed[i];
    job->digest = commit->digest;
    job->same_as_us = commit->same_as_us;
    job->is_incomplete = commit->is_incomplete;
    job->confirms_missing = commit->confirms_missing;
    snprintf(job->run_id, sizeof job->run_id, "%s", commit->run_id);
    snprintf(job->message_id, sizeof job->message_id, "%s", commit->message_id);
    job->identity = warehouse->identity;
    job->serial = warehouse->serial;
    job->submitted_us = *warehouse->now_us;
    job->attended = true;
    warehouse->jobs = mem_grow(warehouse->jobs, warehouse->job_count + 1, sizeof *warehouse->jobs);
    warehouse->jobs[warehouse->job_count++] = job;
    return job;
}

static bool fake_commit(struct load *load, const struct commit *commit, struct committed *out_committed,
                        struct error *err)
{
    struct fake_warehouse *warehouse = load->warehouse;
    if (!fake_enter(&warehouse->hook, "commit", err)) {
        fake_load_free(load);
        return false;
    }
    struct fake_job *job = submit(load, commit);
    bool waited = fake_enter(&warehouse->hook, "commit.run", err);
    job->attended = false;
    return waited && fake_warehouse_land(warehouse, job, out_committed, err) &&
           fake_enter(&warehouse->hook, "commit.answer", err);
}

static void take_out(struct fake_warehouse *warehouse, const struct fake_job *job)
{
    size_t i = 0;
    while (warehouse->jobs[i] != job)
        i++;
    warehouse->jobs[i] = warehouse->jobs[--warehouse->job_count];
}

static void job_free(struct fake_job *job)
{
    fake_load_free(job->load);
    free(job);
}

void fake_warehouse_forget(struct fake_warehouse *warehouse, struct fake_job *job)
{
    take_out(warehouse, job);
    job_free(job);
}

static void keep_landed(struct fake_warehouse *warehouse, struct fake_job *job)
{
    take_out(warehouse, job);
    warehouse->landed = mem_grow(warehouse->landed, warehouse->landed_count + 1, sizeof *warehouse->landed);
    warehouse->landed[warehouse->landed_count++] = job;
}

bool fake_warehouse_land(struct fake_warehouse *warehouse, struct fake_job *job,
                         struct committed *out_committed, struct error *err)
{
    struct committed committed;
    bool done = fake_job_run(warehouse, job, &committed, err);
    if (done && out_committed) *out_committed = committed;
    if (done && warehouse->keeps_landed)
        keep_landed(warehouse, job);
    else
        fake_warehouse_forget(warehouse, job);
    return done;
}

int64_t fake_warehouse_repeat(struct fake_warehouse *warehouse, struct fake_job *job)
{
    struct committed committed;
    struct error err;
    int64_t inserted = 0;
    job->serial = warehouse->serial;
    if (!fake_job_run(warehouse, job, &committed, &err)) return 0;
    for (size_t i = 0; i < job->load->selection->table_count; i++)
        inserted += committed.inserted[i];
    return inserted;
}

size_t fake_warehouse_delete_day(struct fake_warehouse *warehouse, const char *name, struct day day)
{
    struct fake_table *table = fake_warehouse_table(warehouse, name);
    size_t kept = 0, deleted = 0;
    for (size_t i = 0; table && i < table->count; i++) {
        if (table->rows[i].day.n != day.n) {
            table->rows[kept++] = table->rows[i];
            continue;
        }
        fake_row_free(&table->rows[i]);
        deleted++;
    }
    if (table) table->count = kept;
    return deleted;
}

void fake_warehouse_delete_row(struct fake_table *table, size_t index)
{
    fake_row_free(&table->rows[index]);
    table->count--;
    memmove(&table->rows[index], &table->rows[index + 1], (table->count - index) * sizeof *table->rows);
}

void fake_warehouse_drop(struct fake_warehouse *warehouse, const char *name)
{
    struct fake_table *table = fake_warehouse_table(warehouse, name);
    if (!table) return;
    fake_table_clear(table);
    table->exists = false;
}

static void fake_free(struct warehouse *base)
{
    (void)base; /* the test owns it: fake_warehouse_done */
}

/* Everything derived follows by itself. */
static bool fake_refresh(struct warehouse *base, const struct selection *selection, struct error *err)
{
    (void)selection;
    return fake_enter(&((struct fake_warehouse *)base)->hook, "refresh", err);
}

static bool fake_record(struct warehouse *base, const struct attempt *attempts, size_t count,
                        struct error *err)
{
    struct fake_warehouse *warehouse = (struct fake_warehouse *)base;
    if (!fake_enter(&warehouse->hook, "record", err)) return false;
    for (size_t i = 0; i < count; i++) {
        struct fake_attempt *attempt = &warehouse->attempts[warehouse->attempt_count++ % LIMIT_STREAMS];
        snprintf(attempt->run_id, sizeof attempt->run_id, "%s", attempts[i].run_id);
        snprintf(attempt->stream, sizeof attempt->stream, "%s", attempts[i].stream);
        snprintf(attempt->outcome, sizeof attempt->outcome, "%s", attempts[i].outcome);
        attempt->delivery_attempt = attempts[i].delivery_attempt;
    }
    return true;
}

static bool fake_settle(struct warehouse *base, struct error *err)
{
    return fake_enter(&((struct fake_warehouse *)base)->hook, "settle", err);
}

static const struct warehouse_ops ops = {.prepare = fake_prepare,
                                         .state = fake_state,
                                         .begin = fake_begin,
                                         .write = fake_write,
                                         .reject = fake_reject,
                                         .missing = fake_missing,
                                         .commit = fake_commit,
                                         .abort = fake_load_free,
                                         .refresh = fake_refresh,
                                         .record = fake_record,
                                         .settle = fake_settle,
                                         .free = fake_free};

void fake_warehouse_init(struct fake_warehouse *warehouse, const int64_t *now_us)
{
    *warehouse = (struct fake_warehouse){.base = {.ops = &ops}, .now_us = now_us};
}

void fake_warehouse_done(struct fake_warehouse *warehouse)
{
    while (warehouse->job_count > 0)
        fake_warehouse_forget(warehouse, warehouse->jobs[0]);
    for (size_t i = 0; i < warehouse->table_count; i++)
        fake_table_clear(&warehouse->tables[i]);
    for (size_t i = 0; i < warehouse->landed_count; i++)
        job_free(warehouse->landed[i]);
    free(warehouse->landed);
    for (size_t i = 0; i < warehouse->ledger_count; i++) {
        free(warehouse->ledger[i].held);
        free(warehouse->ledger[i].added);
        free(warehouse->ledger[i].children);
    }
    for (size_t i = 0; i < warehouse->suspect_count; i++)
        free(warehouse->suspects[i].id);
    rejects_free(warehouse->rejected, warehouse->rejected_count);
    free(warehouse->suspects);
    free(warehouse->ledger);
    free(warehouse->jobs);
    *warehouse = (struct fake_warehouse){0};
}
