/* SPDX-License-Identifier: Apache-2.0 */
#include "notes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "job.h"
#include "sql.h"
#include "table.h"

struct note {
    const struct stream *stream; /* borrowed */
    char *prefix, *sql;
    json_t *parameters;
    char id[JOB_ID]; /* of its job */
};

static struct query_job job_of(const struct note *note, const struct buf *sql)
{
    return (struct query_job){.prefix = note->prefix,
                              .stream = note->stream->name,
                              .begun = *note->id ? note->id : NULL,
                              .sql = sql,
                              .parameters = note->parameters,
                              .where = "commit",
                              .is_patient = true};
}

static void copy_text(const struct note *note, struct buf *out)
{
    buf_init(out, LIMIT_SQL);
    buf_text(out, note->sql);
}

static void note_done(struct note *note)
{
    free(note->prefix);
    free(note->sql);
    json_drop(&note->parameters);
}

bool notes_begin(struct bigquery *bq, const struct stream *stream, const char *run_id, struct buf *sql,
                 json_t *parameters, struct error *err)
{
    struct note note = {.stream = stream,
                        .prefix = mem_format("caseload-note-%s-%s", stream->name, run_id),
                        .sql = mem_text(buf_string(sql)),
                        .parameters = json_incref(parameters)};
    const struct query_job query = job_of(&note, sql);
    if (!job_begin(bq, &query, note.id, err)) {
        note_done(&note);
        return false;
    }
    bq->notes = mem_grow(bq->notes, bq->note_count + 1, sizeof *bq->notes);
    bq->notes[bq->note_count++] = note;
    return true;
}

static bool settle(struct bigquery *bq, const struct note *note, struct error *err)
{
    AUTO(buf_done) struct buf sql = {0};
    AUTO(json_drop) json_t *rows = NULL;
    char id[JOB_ID];
    int64_t noted = 0;
    copy_text(note, &sql);
    const struct query_job query = job_of(note, &sql);
    if (!job_query(bq, &query, id, &rows, err)) return false;
    if (!cell_int(json_array_get(rows, 0), 0, &noted))
        return error_set(err, ERROR_FORMAT, "BigQuery job %s is done, but returned no result; try again", id);
    return noted > 0 || error_set(err, ERROR_BUSY,
                                  "something else was committed between the fetch and its note in the "
                                  "ledger; the next try reads it again");
}

void notes_await(struct bigquery *bq, const char *lock)
{
    size_t left = 0;
    for (size_t i = 0; i < bq->note_count; i++) {
        struct note *note = &bq->notes[i];
        struct error err = {0};
        if (lock && strcmp(stream_lock(note->stream), lock) != 0) {
            bq->notes[left++] = *note;
            continue;
        }
        if (!settle(bq, note, &err)) {
            table_cache_clear(bq); /* a table may have been dropped */
            error_wrap(&err, "commit of %s", note->stream->name);
            if (bq->note_failure.kind == ERROR_NONE) bq->note_failure = err;
        }
        note_done(note);
    }
    bq->note_count = left;
}

bool notes_end(struct bigquery *bq, struct error *err)
{
    notes_await(bq, NULL);
    const struct error failure = bq->note_failure;
    bq->note_failure = (struct error){.kind = ERROR_NONE};
    if (failure.kind != ERROR_NONE) *err = failure;
    return failure.kind == ERROR_NONE;
}

void notes_take(struct bigquery *bq, struct bigquery *other)
{
    if (other->note_count > 0)
        bq->notes = mem_grow(bq->notes, bq->note_count + other->note_count, sizeof *bq->notes);
    for (size_t i = 0; i < other->note_count; i++)
        bq->notes[bq->note_count++] = other->notes[i];
    other->note_count = 0;
    if (bq->note_failure.kind == ERROR_NONE) bq->note_failure = other->note_failure;
    other->note_failure = (struct error){.kind = ERROR_NONE};
}

void notes_drop(struct bigquery *bq)
{
    for (size_t i = 0; i < bq->note_count; i++)
        note_done(&bq->notes[i]);
    free(bq->notes);
    bq->notes = NULL;
    bq->note_count = 0;
}
