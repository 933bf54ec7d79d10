/* SPDX-License-Identifier: Apache-2.0 */
/* singer.c - the functions of the warehouse port. */
#include "singer/singer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "schema.h"
#include "state.h"
#include "writer.h"

#define COUNT_MS    60000
#define TABLES_MAX  (LIMIT_STREAMS * LIMIT_TABLES)
#define HASH_DIGITS 17

/* A table as a stream of Singer. */
struct output {
    const struct table *table;
    const json_t *left_out; /* fields that are not sent; NULL: none; borrowed from the catalog */
    bool is_sent;           /* the catalog selects it */
    bool is_announced;      /* its SCHEMA is written */
    int64_t records;        /* since they were counted last */
};

struct singer {
    struct warehouse base; /* first */
    struct singer_settings settings;
    struct plan_settings plan;
    struct singer_state state;
    struct writer writer;
    struct output outputs[TABLES_MAX];
    size_t output_count;
    int64_t counted_ms;
};

struct load {
    struct singer *singer;
    const struct selection *selection;
    struct output *outputs[LIMIT_TABLES]; /* of the selection's tables */
    int64_t written[LIMIT_TABLES];
    int64_t rejected;
    int64_t version; /* of a stream that is sent whole; 0: none */
    json_t *unread;  /* ids of records whose children could not be read */
};

/* --- streams --- */

static struct output *find_output(struct singer *singer, const struct table *table)
{
    for (size_t i = 0; i < singer->output_count; i++)
        if (strcmp(singer->outputs[i].table->name, table->name) == 0) return &singer->outputs[i];
    if (singer->output_count == TABLES_MAX) abort(); /* no configuration has more */
    struct output *output = &singer->outputs[singer->output_count++];
    const struct singer_catalog *catalog = singer->settings.catalog;
    *output = (struct output){.table = table, .is_sent = !catalog};
    if (catalog) output->left_out = json_object_get(catalog->selected, table->name);
    if (output->left_out) output->is_sent = true;
    return output;
}

static bool announce(struct singer *singer, struct output *output, struct error *err)
{
    const struct table *table = output->table;
    if (output->is_announced || !output->is_sent) return true;
    AUTO(json_drop) json_t *schema = schema_make(table);
    schema_prune(schema, output->left_out);
    AUTO(json_drop)
    json_t *message = json_pack("{s:s, s:s, s:O, s:o}", "type", "SCHEMA", "stream", table->name, "schema",
                                schema, "key_properties", schema_key(table));
    if (table->version) json_object_set_new(message, "bookmark_properties", json_pack("[s]", table->version));
    output->is_announced = writer_add(&singer->writer, message, err);
    return output->is_announced;
}

static void count_records(struct singer *singer, bool all)
{
    int64_t now_ms = clock_ms();
    if (!all && now_ms - singer->counted_ms < COUNT_MS) return;
    singer->counted_ms = now_ms;
    for (size_t i = 0; i < singer->output_count; i++) {
        struct output *output = &singer->outputs[i];
        if (output->is_announced && singer->settings.count)
            singer->settings.count(singer->settings.self, output->table->name, output->records);
        output->records = 0;
    }
}

/* Takes the reference of record. */
static bool write_record(struct singer *singer, struct output *output, json_t *record, json_t *read_at,
                         int64_t version, struct error *err)
{
    AUTO(json_drop)
    json_t *message = json_pack("{s:s, s:s, s:o, s:O*}", "type", "RECORD", "stream", output->table->name,
                                "record", record, "time_extracted", read_at);
    if (version > 0) json_object_set_new(message, "version", json_integer(version));
    output->records++;
    count_records(singer, false);
    return writer_add(&singer->writer, message, err);
}

static bool write_state(struct singer *singer, struct error *err)
{
    AUTO(json_drop) json_t *message = json_pack("{s:s, s:O}", "type", "STATE", "value", singer->state.value);
    return writer_add(&singer->writer, message, err) && writer_flush(&singer->writer, err);
}

static struct singer_scope scope_of(struct singer *singer, const struct selection *selection)
{
    struct singer_scope scope = {.selection = selection};
    for (size_t i = 0; i < selection->table_count; i++)
        if (find_output(singer, selection->tables[i])->is_sent) scope.sent |= 1U << i;
    return scope;
}

/* --- the port --- */

static bool singer_prepare(struct warehouse *base, const struct selection *selection,
                           const struct source_identity *identity, struct error *err)
{
    struct singer *singer = (struct singer *)base;
    if (!singer_state_identify(&singer->state, identity, err)) return false;
    for (size_t i = 0; i < selection->table_count; i++)
        if (!announce(singer, find_output(singer, selection->tables[i]), err)) return false;
    return writer_flush(&singer->writer, err);
}

static bool singer_read_states(struct warehouse *base, const struct selection *const *selections,
                               size_t count, const char *message_id, struct state *out_states,
                               struct error *err)
{
    struct singer *singer = (struct singer *)base;
    int64_t now_us = singer->settings.now_us(singer->settings.self), answered_us = clock_boot_us();
    (void)message_id; /* there are no messages */
    for (size_t i = 0; i < count; i++) {
        out_states[i] = (struct state){.now_us = now_us, .answered_us = answered_us};
        const struct singer_scope scope = scope_of(singer, selections[i]);
        if (singer_state_read(&singer->state, &scope, &out_states[i], err)) continue;
        for (size_t k = 0; k <= i; k++)
            state_done(&out_states[k]);
        return false;
    }
    return true;
}

static bool singer_begin(struct warehouse *base, const struct selection *selection, struct load **out_load,
                         struct error *err)
{
    struct singer *singer = (struct singer *)base;
    const struct stream *stream = selection->stream;
    if (!writer_check(&singer->writer, err)) return false; /* before anything is requested */
    struct load *load = mem_zero(1, sizeof *load);
    *load = (struct load){.singer = singer, .selection = selection, .unread = json_array()};
    for (size_t i = 0; i < selection->table_count; i++)
        load->outputs[i] = find_output(singer, selection->tables[i]);
    if (stream->kind == STREAM_SNAPSHOT)
        load->version = singer_state_next_version(&singer->state, stream->name,
                                                  singer->settings.now_us(singer->settings.self));
    *out_load = load;
    return true;
}

static bool singer_write(struct load *load, size_t table, const char *row, size_t size, struct error *err)
{
    struct output *output = load->outputs[table];
    json_t *record = NULL;
    AUTO(json_drop) json_t *read_at = NULL;
    if (!output->is_sent) return true;
    if (!schema_record(output->table, row, size, &record, &read_at, err)) return false;
    schema_prune_record(record, output->left_out);
    load->written[table]++;
    return write_record(load->singer, output, record, read_at, table == 0 ? load->version : 0, err);
}

static bool singer_reject(struct load *load, const struct reject *reject, struct error *err)
{
    struct singer *singer = load->singer;
    struct output *output = find_output(singer, &singer_rejected);
    char hash[HASH_DIGITS], now[INSTANT_TEXT];
    load->rejected++;
    if (reject->is_unsettled && *reject->id && json_array_size(load->unread) <= LIMIT_UNREAD)
        json_array_append_new(load->unread, json_string(reject->id));
    if (!output->is_sent) return true;
    uint64_t sum = hash_bytes(hash_text(reject->id), reject->reason, strlen(reject->reason) + 1);
    (void)snprintf(hash, sizeof hash, "%016" PRIx64, hash_bytes(sum, reject->record, reject->record_size));
    instant_format(singer->settings.now_us(singer->settings.self), now);
    AUTO(json_drop) json_t *text = json_kept_text(reject->record, reject->record_size);
    json_t *record = json_pack("{s:s, s:s, s:s, s:s, s:O, s:s, s:s}", "stream", load->selection->stream->name,
                               "hash", hash, "id", reject->id, "reason", reject->reason, "record", text,
                               "cause", reject->is_unsettled ? "transport" : "record", "rejected_at", now);
    if (!record)
        return error_set(err, ERROR_FORMAT,
                         "a rejected record's id or reason is no text; report this as a bug");
    schema_prune_record(record, output->left_out);
    if (announce(singer, output, err)) return write_record(singer, output, record, NULL, 0, err);
    json_decref(record);
    return false;
}

static void singer_abort(struct load *load)
{
    if (!load) return;
    json_decref(load->unread);
    free(load);
}

/* The target drops what the list lacks: only the word of a whole list does that, and never that of an empty
 * one. */
static bool activate(struct load *load, const struct commit *commit, struct error *err)
{
    struct singer *singer = load->singer;
    if (load->version == 0 || commit->is_incomplete || load->rejected > 0 || load->written[0] == 0)
        return true;
    AUTO(json_drop)
    json_t *message = json_pack("{s:s, s:s, s:I}", "type", "ACTIVATE_VERSION", "stream",
                                load->outputs[0]->table->name, "version", (json_int_t)load->version);
    return writer_add(&singer->writer, message, err);
}

static bool singer_commit(struct load *load, const struct commit *commit, struct committed *out_committed,
                          struct error *err)
{
    struct singer *singer = load->singer;
    const struct singer_scope scope = scope_of(singer, load->selection);
    *out_committed = (struct committed){.rejected = load->rejected};
    memcpy(out_committed->inserted, load->written, sizeof load->written);
    bool done = activate(load, commit, err) &&
                singer_state_commit(&singer->state, &scope, commit, load->unread, err) &&
                write_state(singer, err);
    singer_abort(load);
    return done;
}

static bool singer_refresh(struct warehouse *base, const struct selection *selection, struct error *err)
{
    (void)base, (void)selection, (void)err; /* nothing is derived from the streams */
    return true;
}

static void singer_free(struct warehouse *base)
{
    struct singer *singer = (struct singer *)base;
    singer_state_done(&singer->state);
    writer_done(&singer->writer);
    free(singer);
}

bool singer_finish(struct warehouse *warehouse, bool is_done, struct error *err)
{
    struct singer *singer = (struct singer *)warehouse;
    count_records(singer, true);
    if (!is_done) return true;
    singer_state_end(&singer->state);
    return write_state(singer, err);
}

static const struct warehouse_ops ops = {.prepare = singer_prepare,
                                         .state = singer_read_states,
                                         .begin = singer_begin,
                                         .write = singer_write,
                                         .reject = singer_reject,
                                         .commit = singer_commit,
                                         .abort = singer_abort,
                                         .refresh = singer_refresh,
                                         .free = singer_free};

bool singer_new(const struct singer_settings *settings, struct warehouse **out_warehouse, struct error *err)
{
    struct singer *singer = mem_zero(1, sizeof *singer);
    *singer = (struct singer){.base = {.ops = &ops}, .settings = *settings, .counted_ms = clock_ms()};
    singer->writer = (struct writer){
        .file = settings->file, .stop = settings->stop, .wait = settings->wait, .self = settings->self};
    writer_init(&singer->writer);
    singer->plan = *settings->plan;
    if (singer_state_init(&singer->state, settings->state, &singer->plan, err)) {
        *out_warehouse = &singer->base;
        return true;
    }
    singer_free(&singer->base);
    return false;
}
