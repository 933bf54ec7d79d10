/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_singer.c - a file for `caseload singer`: a catalog if it has "streams", else a state. */
#include "base/json.h"
#include "base/zone.h"
#include "fake_streams.h"
#include "fuzz.h"
#include "singer/singer.h"
#include "state.h"

static void try_catalog(const json_t *catalog)
{
    static const struct stream *const all[] = {&fake_people, &fake_tickets, &fake_staff, &fake_leavers,
                                               &fake_teams};
    const struct singer_streams streams = {all, sizeof all / sizeof *all};
    struct singer_catalog read;
    struct error err = {0};
    bool done = singer_catalog_read(catalog, &streams, NULL, &read, &err);
    fuzz_require(done ? read.name_count > 0 : err.kind == ERROR_CONFIG && err.text[0] != '\0');
    singer_catalog_done(&read);
}

/* A state that is read can be committed to, and read again. */
static void try_stream(struct singer_state *state, const struct stream *stream, struct error *err)
{
    const struct selection selection = fake_selection(stream);
    const struct singer_scope scope = {.selection = &selection, .sent = ~0U};
    const struct day day = day_of_civil(2026, 1, 10);
    const struct commit commit = {.unit = {.lo = day, .hi = day, .claim_hi = day, .open = true},
                                  .began_us = (int64_t)day_add(day, 5).n * INT64_C(86400000000)};
    struct state read = {.now_us = commit.began_us};
    if (!singer_state_read(state, &scope, &read, err)) {
        fuzz_require(err->kind == ERROR_CONFIG && err->text[0] != '\0');
        state_done(&read);
        return;
    }
    fuzz_require(read.day_count <= 16);
    state_done(&read);
    AUTO(json_drop) json_t *unread = json_array();
    if (!singer_state_commit(state, &scope, &commit, unread, err)) return;
    (void)singer_state_next_version(state, stream->name, commit.began_us);
    read = (struct state){.now_us = commit.began_us};
    fuzz_require(singer_state_read(state, &scope, &read, err));
    state_done(&read);
}

static void try_state(const json_t *given)
{
    static struct zone *zone;
    struct error err = {0};
    struct singer_state state;
    if (!zone) fuzz_require(zone_load("Etc/UTC", &zone, &err));
    const struct plan_settings plan = {.zone = zone, .start = day_of_civil(2026, 1, 1), .lookback_days = 2};
    if (singer_state_init(&state, given, &plan, &err)) {
        try_stream(&state, &fake_people, &err);
        try_stream(&state, &fake_calls, &err);
        try_stream(&state, &fake_teams, &err);
    }
    singer_state_done(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    AUTO(json_drop) json_t *value = NULL;
    if (!json_read((const char *)data, size, NULL, &value, &err)) return 0;
    if (json_object_get(value, "streams"))
        try_catalog(value);
    else
        try_state(value);
    return 0;
}
