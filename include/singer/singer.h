/* SPDX-License-Identifier: Apache-2.0 */
/* singer.h - the warehouse port as a tap of Singer: records, and the state that they are read up to, as lines
 * of JSON for a target (https://github.com/singer-io/getting-started, docs/SPEC.md 0.3.0).
 *
 * A row is written as a RECORD message at once; a commit is a STATE message, written after all records that
 * it covers. The state holds what a ledger would: see the file state.h. The target's tables are not known
 * here, so a claim is believed as it is, and reconciliations can't be run. One thread.
 */
#ifndef CASELOAD_SINGER_SINGER_H
#define CASELOAD_SINGER_SINGER_H

#include <stdatomic.h>

#include "base/json.h"
#include "core/plan.h"
#include "core/stream.h"
#include "core/warehouse.h"

/* The source's table of streams. */
struct singer_streams {
    const struct stream *const *streams;
    size_t count;
};

/* --- The catalog --- */

/* The selection that a catalog file makes. */
struct singer_catalog {
    json_t *selected; /* stream: the fields that are not sent, {"email": null, "location": {"city": null}} */
    const char *names[LIMIT_STREAMS * LIMIT_TABLES]; /* for selection_resolve: also parents of children */
    size_t name_count;
};

/* The catalog of all streams, for --discover. `by_default` are the selections of a run without a catalog.
 * Yours. */
json_t *singer_discover(const struct singer_streams *streams, const struct selection *by_default,
                        size_t by_default_count);

/* ERROR_CONFIG; the text names stream and field. warn gets a sentence about a value that is taken, but should
 * be another. */
bool singer_catalog_read(const json_t *catalog, const struct singer_streams *streams,
                         void (*warn)(const char *text), struct singer_catalog *out_catalog,
                         struct error *err) CHECKED;
void singer_catalog_done(struct singer_catalog *catalog);

/* --- The warehouse --- */

struct singer_settings {
    int file;                             /* of the messages; borrowed */
    const struct plan_settings *plan;     /* copied; its zone is borrowed */
    const struct singer_catalog *catalog; /* borrowed; NULL: whatever is loaded is sent */
    const json_t *state;                  /* the value of the last STATE; NULL: there is none */
    const atomic_bool *stop;              /* ends the wait for a reader that takes nothing */
    int64_t (*now_us)(void *self);        /* the clock that decides which days are over */
    /* Records of a stream since the last call; each minute, and at the end for each stream. */
    void (*count)(void *self, const char *stream, int64_t records);
    void (*wait)(void *self, int64_t seconds); /* each minute that the reader takes nothing */
    void *self;
};

/* ERROR_CONFIG: the state can't be used. out_warehouse is yours. `missing` of the port is NULL. */
bool singer_new(const struct singer_settings *settings, struct warehouse **out_warehouse,
                struct error *err) CHECKED;

/* The stream that a run was interrupted in: the next one begins there. NULL: none; borrowed. */
const char *singer_current_stream(const json_t *state);

/* After a run: counts the records. is_done: all streams succeeded, and the last STATE says so. */
bool singer_finish(struct warehouse *warehouse, bool is_done, struct error *err) CHECKED;

#endif
