/* SPDX-License-Identifier: Apache-2.0 */
/* reconcile.c - asks for what the list of a reconciliation lacks, and stages the answers. */
#include "ask.h"
#include "stream_run.h"

struct unit_asker {
    struct asker asker; /* first */
    struct batch *batch;
};

static bool ask_and_stage(struct asker *asker, char *const *ids, size_t count, struct answers *out_answers,
                          struct error *err)
{
    struct batch *batch = ((struct unit_asker *)asker)->batch;
    struct stream_run *run = batch->run;
    struct source *source = run->context->source;
    const int64_t *taken = batch->taken;
    int64_t alive = taken[RECONCILE_ALIVE] + batch->claim.rejected, gone = taken[RECONCILE_GONE];

    stream_run_close_reader(run);
    if (!source->ops->ask(source, run->selection, ids, count, &run->reader, err) ||
        !batch_take_pages(batch, err))
        return false;
    *out_answers = (struct answers){.alive = taken[RECONCILE_ALIVE] + batch->claim.rejected - alive,
                                    .gone = taken[RECONCILE_GONE] - gone};
    return true;
}

bool batch_fetch_missing(struct batch *batch, struct error *err)
{
    struct stream_run *run = batch->run;
    struct unit_asker unit_asker = {
        .asker = {.stream = run->result->stream, .listed = batch->fetched, .ask = ask_and_stage},
        .batch = batch};
    struct missing missing = {0};
    bool done;

    progress_step(run->context->progress, "comparing the list");
    if (!run->context->warehouse->ops->missing(batch->load, run->share->state.now_us,
                                               ask_ceiling(run->result->requests), &missing, err))
        return false;
    done = ask_missing(&unit_asker.asker, &missing, &run->confirms_missing, err);
    run->confirms_missing = run->confirms_missing && !run->is_contradicted;
    missing_done(&missing);
    return done;
}
