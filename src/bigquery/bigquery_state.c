/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "job.h"
#include "table.h"

enum { CELL_KIND, CELL_DAY, CELL_ROWS, CELL_SEEN, CELL_BEGAN };

static bool is_instant(int64_t us)
{
    return us >= INSTANT_MIN_US && us <= INSTANT_MAX_US;
}

static bool bad_answer(const char *what, struct error *err)
{
    return error_set(
        err, ERROR_FORMAT,
        "BigQuery's answer on the state of the tables can't be used: %s; look at the table runs in the "
        "control dataset",
        what);
}

static bool read_claim(const json_t *row, struct claim *out_claim, struct error *err)
{
    struct claim claim = {.any = true};
    if (!cell_int(row, CELL_ROWS, &claim.rows) || claim.rows < 0)
        return bad_answer("a claim without a count", err);
    if (!cell_int(row, CELL_SEEN, &claim.committed_us) || !cell_int(row, CELL_BEGAN, &claim.began_us) ||
        !is_instant(claim.committed_us) || !is_instant(claim.began_us))
        return bad_answer("a claim without its times", err);
    *out_claim = claim;
    return true;
}

static bool read_open(const json_t *row, struct state *state, struct error *err)
{
    int64_t count;
    if (!cell_int(row, CELL_ROWS, &count) || count < 0) return bad_answer("no count of open runs", err);
    if (count == 0) return true;
    if (!cell_int(row, CELL_BEGAN, &state->open_run_us) || !is_instant(state->open_run_us))
        return bad_answer("an open run without its time", err);
    state->any_open_run = true;
    return true;
}

static bool read_day(const char *kind, const json_t *row, struct day_state *out, struct error *err)
{
    if (!cell_day(row, CELL_DAY, &out->day)) return bad_answer("a row without a day", err);
    if (!strcmp(kind, "claim")) return read_claim(row, &out->newest, err);
    if (!strcmp(kind, "own")) return read_claim(row, &out->own, err);
    if (strcmp(kind, "held") != 0) return bad_answer("a row of an unknown kind", err);
    if (!cell_int(row, CELL_ROWS, &out->held) || out->held < 0)
        return bad_answer("a day without a count", err);
    return true;
}

static bool read_rows(const json_t *rows, struct state *state, struct error *err)
{
    size_t count = json_array_size(rows);
    state->days = mem_zero(count + 1, sizeof *state->days);
    for (size_t i = 0; i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        const char *kind = cell_text(row, CELL_KIND);
        if (!kind) return bad_answer("a row without a kind", err);
        if (!strcmp(kind, "now")) {
            if (!cell_int(row, CELL_SEEN, &state->now_us) || !is_instant(state->now_us))
                return bad_answer("no clock", err);
        } else if (!strcmp(kind, "open")) {
            if (!read_open(row, state, err)) return false;
        } else if (!read_day(kind, row, &state->days[state->day_count++], err)) {
            return false;
        }
    }
    return state->now_us ? true : bad_answer("no clock", err);
}

static int compare_days(const void *a, const void *b)
{
    const struct day_state *one = a, *other = b;
    return day_compare(one->day, other->day);
}

static void merge_days(struct state *state)
{
    size_t kept = 0;
    if (state->day_count == 0) return;
    qsort(state->days, state->day_count, sizeof *state->days, compare_days);
    for (size_t i = 1; i < state->day_count; i++) {
        const struct day_state *next = &state->days[i];
        struct day_state *last = &state->days[kept];
        if (day_compare(last->day, next->day) != 0) {
            state->days[++kept] = *next;
            continue;
        }
        last->held += next->held;
        if (next->newest.any) last->newest = next->newest;
        if (next->own.any) last->own = next->own;
    }
    state->day_count = kept + 1;
}

/* As prepare saw the tables a moment ago. The next run notices one that was dropped since. */
static bool recall_created(struct bigquery *bq, const struct stream *stream, struct state *state,
                           struct error *err)
{
    const struct table_cache_entry *cached = table_cache_find(bq, stream);
    if (!cached) return error_set(err, ERROR_BUSY, "its tables were not prepared; try again");
    state->created_us = cached->created_us;
    return true;
}

bool bigquery_read_state(struct warehouse *warehouse, const struct selection *selection,
                         const char *message_id, struct state *out_state, struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    struct state state = {0};
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    sql_state_text(&names, selection, &sql);
    AUTO(json_drop) json_t *parameters = json_array();
    parameter_add(parameters, "stream", "STRING", selection->stream->name);
    parameter_add(parameters, "message_id", "STRING", message_id);
    parameter_add_day(parameters, "first_day", bq->settings.first_day);
    AUTO(json_drop) json_t *rows = NULL;
    if (!job_read(bq, &sql, parameters, &rows, err) || !read_rows(rows, &state, err) ||
        !recall_created(bq, selection->stream, &state, err)) {
        state_done(&state);
        table_cache_clear(bq);
        return error_wrap(err, "state of %s", selection->stream->name);
    }
    state.answered_us = clock_boot_us();
    merge_days(&state);
    if (state.now_us > bq->now_us) bq->now_us = state.now_us;
    *out_state = state;
    return true;
}

bool bigquery_now(struct bigquery *bq, int64_t *out_us, struct error *err)
{
    if (bq->now_us == 0) {
        AUTO(json_drop) json_t *parameters = json_array();
        AUTO(json_drop) json_t *rows = NULL;
        AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
        buf_text(&sql, "SELECT CURRENT_TIMESTAMP() AS now");
        if (!job_read(bq, &sql, parameters, &rows, err)) return false;
        if (!cell_int(json_array_get(rows, 0), 0, &bq->now_us) || !is_instant(bq->now_us) ||
            bq->now_us <= 0) {
            bq->now_us = 0;
            return bad_answer("no clock", err);
        }
    }
    *out_us = bq->now_us;
    return true;
}
