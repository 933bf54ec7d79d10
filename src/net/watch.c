/* SPDX-License-Identifier: Apache-2.0 */
#include "net/watch.h"

#include <stddef.h>

bool net_watch_failed(const struct net_watch *watch, const struct net_failure *failure,
                      char out_advice[NET_ADVICE])
{
    return watch && watch->failed && watch->failed(watch->self, failure, out_advice);
}

void net_watch_ended(const struct net_watch *watch, const char *origin, bool had_failed, bool is_answered)
{
    if (watch && watch->ended) watch->ended(watch->self, origin, had_failed, is_answered);
}
