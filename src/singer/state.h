/* SPDX-License-Identifier: Apache-2.0 */
/* state.h - the value of STATE messages: for each stream what a ledger would say.
 *
 *     {"currently_syncing": "contacts",
 *      "bookmarks": {
 *        "contacts": {
 *          "updated_at": "2026-03-02T00:00:00Z",
 *          "days": [{"from": "2026-01-05", "to": "2026-03-01", "lookback_days": 2}],
 *          "read_at": "2026-03-02T04:00:00Z"},
 *        "companies": {"read_at": ..., "children_read_at": ..., "unread": ["7"]}},
 *      "activate_versions": {"admins": 1772424000000},
 *      "caseload": {"source": "intercom", "workspace": "w1", "timezone": "Etc/UTC"}}
 *
 * currently_syncing: the stream of the newest commit; absent at the end
 * days:              those that count as sent, if they are before updated_at; absent: all before it
 * lookback_days:     up to which setting the range is final. It stands in place of the time of reading, so
 *                    that daily runs make one range. A larger setting reads its days again
 * left_out:          of a range: the tables that it lacks
 * read_at:           when the newest fetch without an upper end began
 * children_read_at:  of a scan: when the newest one that read all children began
 * unread:            of a scan: the records whose children could not be read
 *
 * Other members are kept as they are. Times are by the source's clock. One thread.
 */
#ifndef CASELOAD_SINGER_STATE_H
#define CASELOAD_SINGER_STATE_H

#include "base/json.h"
#include "core/plan.h"
#include "core/source.h"
#include "core/warehouse.h"

struct singer_state {
    json_t *value; /* an object */
    const struct plan_settings *plan;
};

/* given: the value of the last STATE, borrowed; NULL: there is none. ERROR_CONFIG. */
bool singer_state_init(struct singer_state *state, const json_t *given, const struct plan_settings *plan,
                       struct error *err) CHECKED;
void singer_state_done(struct singer_state *state);

/* Notes whose data it is. ERROR_CONFIG: it is another's, or its days are of another zone. */
bool singer_state_identify(struct singer_state *state, const struct source_identity *identity,
                           struct error *err) CHECKED;

/* A stream, and the tables of it that are sent: a catalog may select a child, and not its parent. */
struct singer_scope {
    const struct selection *selection;
    unsigned sent; /* tables of the selection, as bits */
};

/* All of out_state but the clock, which is set. Yours also after a failure: state_done. ERROR_CONFIG. */
bool singer_state_read(const struct singer_state *state, const struct singer_scope *scope,
                       struct state *out_state, struct error *err) CHECKED;

/* unread: of a scan, a list of the records whose children this commit lacks. */
bool singer_state_commit(struct singer_state *state, const struct singer_scope *scope,
                         const struct commit *commit, const json_t *unread, struct error *err) CHECKED;

/* A version for a stream that is sent whole: later ones are greater. */
int64_t singer_state_next_version(struct singer_state *state, const char *stream, int64_t now_us);
void singer_state_end(struct singer_state *state); /* no stream is in progress */

#endif
