/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "job.h"
#include "table.h"

enum { CELL_STREAM, CELL_KIND, CELL_DAY, CELL_ROWS, CELL_SEEN, CELL_BEGAN, CELL_NAME };

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

static bool read_open(const json_t *row, bool *out_any, int64_t *out_us, struct error *err)
{
    int64_t count;
    if (!cell_int(row, CELL_ROWS, &count) || count < 0) return bad_answer("no count of open runs", err);
    if (count == 0) return true;
    if (!cell_int(row, CELL_BEGAN, out_us) || !is_instant(*out_us))
        return bad_answer("an open run without its time", err);
    *out_any = true;
    return true;
}

/* A row of a scan's, if it is one. */
static bool read_scan(const char *kind, const json_t *row, struct scan_state *scan, bool *out_is_one,
                      struct error *err)
{
    const char *id = cell_text(row, CELL_NAME);
    *out_is_one = true;
    if (!strcmp(kind, "children")) return read_open(row, &scan->any_run, &scan->run_us, err);
    if (!strcmp(kind, "unread")) {
        if (id) scan_state_add_unread(scan, id);
        return true;
    }
    *out_is_one = !strcmp(kind, "hole");
    if (!*out_is_one) return true;
    scan->has_hole = true;
    return cell_day(row, CELL_DAY, &scan->hole) || bad_answer("a row without a day", err);
}

static unsigned lacking_table(const struct selection *selection, const char *name)
{
    for (unsigned i = 1; name && i < selection->table_count; i++)
        if (!strcmp(selection->tables[i]->name, name)) return 1U << i;
    return 0;
}

static bool read_last(const char *kind, const json_t *row, struct last_commit *last, struct error *err)
{
    int64_t *number = strcmp(kind, "last") == 0 ? &last->digest : &last->held;
    if (!cell_int(row, CELL_ROWS, number) || !cell_int(row, CELL_SEEN, &last->committed_us) ||
        !is_instant(last->committed_us))
        return bad_answer("a last commit without its numbers", err);
    return true;
}

static bool read_day(const struct selection *selection, const char *kind, const json_t *row,
                     struct day_state *out, struct error *err)
{
    if (!cell_day(row, CELL_DAY, &out->day)) return bad_answer("a row without a day", err);
    if (!strcmp(kind, "claim")) return read_claim(row, &out->newest, err);
    if (!strcmp(kind, "own")) return read_claim(row, &out->own, err);
    if (!strcmp(kind, "lacks")) {
        out->lacks = lacking_table(selection, cell_text(row, CELL_NAME));
        return true;
    }
    if (strcmp(kind, "held") != 0) return bad_answer("a row of an unknown kind", err);
    if (!cell_int(row, CELL_ROWS, &out->held) || out->held < 0)
        return bad_answer("a day without a count", err);
    return true;
}

static void add_day(struct state *state, const struct day_state *day)
{
    if ((state->day_count & (state->day_count - 1)) == 0)
        state->days = mem_grow(state->days, state->day_count ? 2 * state->day_count : 1, sizeof *state->days);
    state->days[state->day_count++] = *day;
}

struct answer {
    const struct selection *const *selections;
    size_t count;
    struct state *states;
    int64_t now_us;
    bool is_unsettled[LIMIT_STREAMS]; /* records of the stream wait to be fetched again */
};

static bool read_row(const json_t *row, struct answer *answer, struct error *err)
{
    const char *kind = cell_text(row, CELL_KIND), *stream = cell_text(row, CELL_STREAM);
    struct day_state day = {.held = 0};
    bool is_of_scan;
    size_t i = 0;
    if (!kind || !stream) return bad_answer("a row without a kind or a stream", err);
    if (!strcmp(kind, "now"))
        return (cell_int(row, CELL_SEEN, &answer->now_us) && is_instant(answer->now_us)) ||
               bad_answer("no clock", err);
    while (i < answer->count && strcmp(answer->selections[i]->stream->name, stream) != 0)
        i++;
    if (i == answer->count) return bad_answer("a row of an unknown stream", err);
    struct state *state = &answer->states[i];
    if (!strncmp(kind, "last", 4)) return read_last(kind, row, &answer->states[i].last, err);
    if (!strcmp(kind, "open")) return read_open(row, &state->any_open_run, &state->open_run_us, err);
    if (!strcmp(kind, "unsettled")) return answer->is_unsettled[i] = true;
    if (!read_scan(kind, row, &state->scan, &is_of_scan, err)) return false;
    if (is_of_scan) return true;
    if (!read_day(answer->selections[i], kind, row, &day, err)) return false;
    add_day(state, &day);
    return true;
}

static bool read_rows(const json_t *rows, struct answer *answer, struct error *err)
{
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (!read_row(json_array_get(rows, i), answer, err)) return false;
    return answer->now_us ? true : bad_answer("no clock", err);
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
        last->lacks |= next->lacks;
        if (next->newest.any) last->newest = next->newest;
        if (next->own.any) last->own = next->own;
    }
    state->day_count = kept + 1;
}

/* As prepare saw the tables a moment ago. The next run notices one that was dropped since. */
static bool recall_created(struct bigquery *bq, const struct answer *answer, size_t i, struct error *err)
{
    struct table_cache_entry *cached = table_cache_find(bq, answer->selections[i]->stream);
    if (!cached) return error_set(err, ERROR_BUSY, "its tables were not prepared; try again");
    answer->states[i].created_us = cached->created_us;
    for (size_t k = 0; k < answer->states[i].day_count; k++)
        if (answer->states[i].days[k].newest.committed_us > cached->claimed_us)
            cached->claimed_us = answer->states[i].days[k].newest.committed_us;
    cached->mends_nothing = !answer->is_unsettled[i];
    return true;
}

static bool read_states(struct bigquery *bq, const char *message_id, struct answer *answer, struct error *err)
{
    struct sql_names names = bigquery_names(bq);
    AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
    AUTO(json_drop) json_t *parameters = json_array();
    AUTO(json_drop) json_t *rows = NULL;
    sql_state_text(&names, answer->selections, answer->count, &sql);
    parameter_add(parameters, "message_id", "STRING", message_id);
    parameter_add_day(parameters, "first_day", bq->settings.first_day);
    parameter_add_day(parameters, "rejected_since", bigquery_rejected_since(bq));
    if (!job_read(bq, &sql, parameters, &rows, err) || !read_rows(rows, answer, err)) return false;
    int64_t answered_us = clock_boot_us();
    for (size_t i = 0; i < answer->count; i++) {
        struct state *state = &answer->states[i];
        if (!recall_created(bq, answer, i, err)) return false;
        state->now_us = answer->now_us;
        state->answered_us = answered_us;
        merge_days(state);
    }
    return true;
}

bool bigquery_read_state(struct warehouse *warehouse, const struct selection *const *selections, size_t count,
                         const char *message_id, struct state *out_states, struct error *err)
{
    struct bigquery *bq = (struct bigquery *)warehouse;
    struct answer answer = {.selections = selections, .count = count, .states = out_states};
    for (size_t i = 0; i < count; i++)
        out_states[i] = (struct state){0};
    if (!read_states(bq, message_id, &answer, err)) {
        for (size_t i = 0; i < count; i++)
            state_done(&out_states[i]);
        table_cache_clear(bq);
        return error_wrap(err, "state of %s%s", selections[0]->stream->name, count > 1 ? " and others" : "");
    }
    bigquery_note_now(bq, answer.now_us);
    bq->is_listing_new = false; /* the next run reads it again */
    bq->looks_closely = false;
    return true;
}

void bigquery_note_now(struct bigquery *bq, int64_t now_us)
{
    if (now_us <= bq->now_us) return;
    bq->now_us = now_us;
    bq->now_boot_us = clock_boot_us();
}

bool bigquery_now(struct bigquery *bq, int64_t *out_us, struct error *err)
{
    if (bq->now_us == 0) {
        AUTO(json_drop) json_t *parameters = json_array();
        AUTO(json_drop) json_t *rows = NULL;
        AUTO(buf_done) struct buf sql = buf_limited(LIMIT_SQL);
        buf_text(&sql, "SELECT CURRENT_TIMESTAMP() AS now");
        if (!job_read(bq, &sql, parameters, &rows, err)) return false;
        int64_t now_us;
        if (!cell_int(json_array_get(rows, 0), 0, &now_us) || !is_instant(now_us) || now_us <= 0)
            return bad_answer("no clock", err);
        bigquery_note_now(bq, now_us);
    }
    *out_us = bq->now_us;
    return true;
}
