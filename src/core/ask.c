/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include <inttypes.h>

#include "base/log.h"

#define SAMPLE      300 /* if none of so many is alive, fewer than 1 % are, with 95 % confidence */
#define SHRUNK_MIN  100
#define CEILING_MIN 1000
#define CEILING_MAX 10000

int64_t ask_ceiling(int64_t requests)
{
    return requests < CEILING_MIN ? CEILING_MIN : requests > CEILING_MAX ? CEILING_MAX : requests;
}

static void warn_shrunk(const struct asker *asker, int64_t missing, int64_t asked)
{
    log_write(LOG_WARNING, "list_shrunk",
              LOG_FIELDS(LOG_TEXT("stream", asker->stream), LOG_NUMBER("listed", asker->listed),
                         LOG_NUMBER("missing", missing)),
              "%s: the list holds %" PRId64 " records and lacks %" PRId64 " known ones; %" PRId64
              " of these are asked for, and the others are declared deleted only if "
              "they are gone and the next list lacks them, too",
              asker->stream, asker->listed, missing, asked);
}

static void warn_incomplete(const struct asker *asker, int64_t missing, int64_t alive)
{
    log_write(LOG_WARNING, "list_incomplete",
              LOG_FIELDS(LOG_TEXT("stream", asker->stream), LOG_NUMBER("listed", asker->listed),
                         LOG_NUMBER("missing", missing), LOG_NUMBER("alive", alive)),
              "%s: the list is incomplete: it holds %" PRId64 " records and lacks %" PRId64
              ", of which %" PRId64 " are alive; these were read one by one",
              asker->stream, asker->listed, missing, alive);
}

bool ask_missing(struct asker *asker, const struct missing *missing, bool *out_confirmed, struct error *err)
{
    int64_t doubtful = missing->total - missing->alive, known = asker->listed + missing->total;
    bool is_shrunk = doubtful > SHRUNK_MIN && doubtful > known / 10;
    int64_t first = doubtful < (int64_t)missing->count ? doubtful : (int64_t)missing->count;
    int64_t rest = (int64_t)missing->count - first, sample = doubtful < SAMPLE ? doubtful : SAMPLE;
    struct answers answers = {0}, again = {0};

    if (is_shrunk && first > SAMPLE) first = SAMPLE;
    if (is_shrunk) warn_shrunk(asker, doubtful, first);
    if (first > 0 && !asker->ask(asker, missing->ids, (size_t)first, &answers, err)) return false;
    if (answers.alive > 0) warn_incomplete(asker, doubtful, answers.alive);
    if (!is_shrunk && rest > 0 &&
        !asker->ask(asker, missing->ids + (missing->count - (size_t)rest), (size_t)rest, &again, err))
        return false;
    *out_confirmed = first >= sample && answers.gone == first;
    return true;
}
