/* SPDX-License-Identifier: Apache-2.0 */
#include "request_states.h"

#include <stdlib.h>

#include "base/mem.h"

#define STATE_LIFE_US INT64_C(600000000) /* ten minutes */

void request_states_init(struct request_states *states, const struct run_context *context,
                         const struct request *request, const char *message_id)
{
    *states = (struct request_states){
        .context = context,
        .request = request,
        .message_id = message_id,
        .starts = mem_zero(request->count + 1, sizeof *states->starts),
    };
}

void request_states_done(struct request_states *states)
{
    for (size_t i = 0; i < states->request->count; i++)
        state_done(&states->starts[i].state);
    free(states->starts);
    *states = (struct request_states){0};
}

static bool prepare(const struct request_states *states, const struct run_context *context, size_t index,
                    struct error *err)
{
    progress_step(context->progress, "preparing the tables");
    return context->warehouse->ops->prepare(context->warehouse, states->request->selections[index],
                                            context->identity, err);
}

/* Reads the states of the streams of these indexes. */
static bool read_states(struct request_states *states, const struct run_context *context,
                        const size_t *indexes, size_t count, struct error *err)
{
    const struct selection *selections[LIMIT_STREAMS];
    struct state *found = mem_zero(count + 1, sizeof *found);
    for (size_t i = 0; i < count; i++)
        selections[i] = states->request->selections[indexes[i]];
    progress_step(context->progress, "reading the state");
    bool good =
        context->warehouse->ops->state(context->warehouse, selections, count, states->message_id, found, err);
    for (size_t i = 0; good && i < count; i++) {
        struct stream_start *start = &states->starts[indexes[i]];
        state_done(&start->state);
        *start = (struct stream_start){.state = found[i], .is_ready = true};
    }
    free(found);
    return good;
}

static bool start_alone(struct request_states *states, const struct run_context *context, size_t index,
                        struct error *err)
{
    return prepare(states, context, index, err) && read_states(states, context, &index, 1, err);
}

/* One of the tables may be the reason. */
static bool may_read_alone(const struct error *failure)
{
    return failure->kind == ERROR_REFUSED || failure->kind == ERROR_FORMAT || failure->kind == ERROR_LIMIT;
}

bool request_states_prepare(struct request_states *states, const struct run_context *context, size_t index)
{
    struct stream_start *start = &states->starts[index];
    if (start->is_prepared || start->failure.kind != ERROR_NONE) return true;
    start->is_prepared = prepare(states, context, index, &start->failure);
    return start->is_prepared || error_rules[start->failure.kind].stream_only;
}

/* If the states are refused together, each stream asks for itself. */
void request_states_read(struct request_states *states)
{
    size_t ready[LIMIT_STREAMS], count = 0;
    for (size_t i = 0; i < states->request->count; i++)
        if (states->starts[i].is_prepared) ready[count++] = i;
    struct error failure = {.kind = ERROR_NONE};
    if (count == 0 || read_states(states, states->context, ready, count, &failure)) return;
    if (count > 1 && may_read_alone(&failure)) return;
    for (size_t i = 0; i < count; i++)
        states->starts[ready[i]].failure = failure;
}

bool request_states_take(struct request_states *states, const struct run_context *context, size_t index,
                         int64_t asked_us, struct state *out_state, struct error *err)
{
    struct stream_start *start = &states->starts[index];
    if (start->failure.kind != ERROR_NONE) {
        *err = start->failure;
        return false;
    }
    bool is_old = asked_us - start->state.answered_us > STATE_LIFE_US;
    if ((!start->is_ready || is_old) && !start_alone(states, context, index, err)) return false;
    *out_state = start->state;
    *start = (struct stream_start){.failure = {.kind = ERROR_NONE}};
    return true;
}
