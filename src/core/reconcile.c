/* SPDX-License-Identifier: Apache-2.0 */
/* reconcile.c - asks for what the list of a reconciliation lacks, and stages the answers. */
#include "ask.h"
#include "stream_run.h"

struct unit_asker {
    struct asker asker; /* first */
    struct unit_load *unit_load;
};

static bool ask_and_stage(struct asker *asker, char *const *ids, size_t count, struct answers *out_answers,
                          struct error *err)
{
    struct unit_load *unit_load = ((struct unit_asker *)asker)->unit_load;
    struct stream_run *run = unit_load->run;
    struct source *source = run->context->source;
    const int64_t *taken = unit_load->taken;
    int64_t alive = taken[RECONCILE_ALIVE] + unit_load->claim.rejected, gone = taken[RECONCILE_GONE];

    stream_run_close_reader(run);
    if (!source->ops->ask(source, run->selection, ids, count, &run->reader, err) ||
        !unit_load_take_pages(unit_load, err))
        return false;
    *out_answers = (struct answers){.alive = taken[RECONCILE_ALIVE] + unit_load->claim.rejected - alive,
                                    .gone = taken[RECONCILE_GONE] - gone};
    return true;
}

bool unit_load_fetch_missing(struct unit_load *unit_load, struct error *err)
{
    struct stream_run *run = unit_load->run;
    struct unit_asker unit_asker = {
        .asker = {.stream = run->result->stream, .listed = unit_load->fetched, .ask = ask_and_stage},
        .unit_load = unit_load};
    struct missing missing = {0};
    bool done;

    progress_step(run->context->progress, "comparing the list");
    if (!run->context->warehouse->ops->missing(unit_load->load, run->state.now_us,
                                               ask_ceiling(run->result->requests), &missing, err))
        return false;
    done = ask_missing(&unit_asker.asker, &missing, &run->confirms_missing, err);
    run->confirms_missing = run->confirms_missing && !run->is_contradicted;
    missing_done(&missing);
    return done;
}
