/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_bigquery.c - BigQuery's answers. The first byte says what is asked: c checks datasets, p prepares the
 * tables of a stream, s peeks at its state, l loads a row, q asks for the history; the rest are replies.
 */
#include <string.h>

#include "bigquery/bigquery.h"
#include "fake_streams.h"
#include "fuzz.h"
#include "replies.h"

static const struct source_identity identity = {.workspace = "w1", .type = "desk", .name = "W"};

static bool load(struct warehouse *warehouse, const struct selection *selection, struct error *err)
{
    static const char row[] = "{\"id\":\"1\",\"_seq\":0}";
    struct load *load = NULL;
    struct committed committed;
    const struct commit commit = {.unit = {.lo = day_of_civil(2026, 1, 5), .hi = day_of_civil(2026, 1, 11)},
                                  .began_us = INT64_C(1772424000000000),
                                  .run_id = "r",
                                  .message_id = "",
                                  .fetched = 1};
    if (!warehouse->ops->begin(warehouse, selection, &load, err)) return false;
    if (!warehouse->ops->write(load, 0, row, sizeof row - 1, err)) {
        warehouse->ops->abort(load);
        return false;
    }
    if (!warehouse->ops->commit(load, &commit, &committed, err)) return false;
    fuzz_require(committed.doubled >= INT64_MIN); /* all of it was written */
    return true;
}

static bool ask(struct warehouse *warehouse, struct error *err)
{
    json_t *rows = NULL;
    const struct question question = {.kind = QUESTION_HISTORY};
    bool good = warehouse->ops->ask(warehouse, &question, &rows, err);
    fuzz_require(!good || json_is_array(rows));
    json_decref(rows);
    return good;
}

static bool run(struct warehouse *warehouse, char what, struct error *err)
{
    const struct selection selection = fake_selection(&fake_tickets);
    struct state state = {0};
    switch (what) {
    case 'c': return bigquery_check(warehouse, err);
    case 'p': return warehouse->ops->prepare(warehouse, &selection, &identity, err);
    case 'l': return load(warehouse, &selection, err);
    case 'q': return ask(warehouse, err);
    default: break;
    }
    bool good = warehouse->ops->peek(warehouse, &selection, &identity, &state, err);
    for (size_t i = 1; good && i < state.day_count; i++)
        fuzz_require(state.days[i - 1].day.n < state.days[i].day.n);
    if (good) state_done(&state);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http http;
    struct warehouse *warehouse = NULL;
    struct error err = {0};
    if (size == 0) return 0;
    replies_init(&http, data + 1, size - 1);
    const struct selection selection = fake_selection(&fake_tickets);
    const struct bigquery_settings settings = {.base_url = "https://bigquery.googleapis.com",
                                               .project = "p",
                                               .dataset = "d",
                                               .control_dataset = "d_caseload",
                                               .location = "EU",
                                               .timezone = "Etc/UTC",
                                               .first_day = day_of_civil(2011, 1, 1),
                                               .start = day_of_civil(2026, 1, 5),
                                               .selections = &selection,
                                               .selection_count = 1,
                                               .version = "1",
                                               .host = "h",
                                               .temporary_directory = "/tmp",
                                               .http = &http,
                                               .stop = &http.stop};
    fuzz_require(bigquery_new(&settings, &warehouse, &err));
    fuzz_require(run(warehouse, (char)data[0], &err) || (err.kind != ERROR_NONE && err.text[0] != '\0'));
    warehouse->ops->free(warehouse);
    return 0;
}
