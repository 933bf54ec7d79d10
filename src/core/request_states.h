/* SPDX-License-Identifier: Apache-2.0 */
/* request_states.h - the states of all streams of a request, read together before the first one is loaded.
 *
 * One reading of all costs as little as one of the first. It stays good for STATE_LIFE_US; later streams of a
 * long request ask again, each for itself. Each stream is prepared by one thread, one
 * thread reads, then each stream's state is taken by one thread.
 * Times are in microseconds.
 */
#ifndef CASELOAD_CORE_REQUEST_STATES_H
#define CASELOAD_CORE_REQUEST_STATES_H

#include "core/run.h"

struct stream_start {
    struct state state;
    bool is_prepared;     /* the tables are */
    bool is_ready;        /* the state is read */
    struct error failure; /* why not; ERROR_NONE: it was not tried */
};

struct request_states {
    const struct run_context *context; /* of the first worker */
    const struct request *request;
    const char *message_id;
    struct stream_start *starts; /* as many as the request has selections */
};

void request_states_init(struct request_states *states, const struct run_context *context,
                         const struct request *request, const char *message_id);
void request_states_done(struct request_states *states);
/* Prepares the tables of a stream, by the worker with that context; other workers may prepare others. False:
 * it failed in a way that ends the run. request_states_take returns the failure. */
bool request_states_prepare(struct request_states *states, const struct run_context *context, size_t index);
/* The states of all that are prepared. request_states_take returns a failure. */
void request_states_read(struct request_states *states);
/* The state of the stream, prepared. context: of the worker that loads it. asked_us: when the worker's newest
 * page was asked for, by clock_boot_us. out_state is yours: state_done. */
bool request_states_take(struct request_states *states, const struct run_context *context, size_t index,
                         int64_t asked_us, struct state *out_state, struct error *err) CHECKED;

#endif
