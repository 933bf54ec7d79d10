/* SPDX-License-Identifier: Apache-2.0 */
/* fake.h - what the in-memory doubles of the three ports share: a hook and a clock.
 *
 * The hook is called at the start of every port call, with the call's name ("state", "next", "commit", ...).
 * It may let time pass, count, look, or make the call fail by filling err and returning false. A zeroed hook
 * lets everything pass.
 */
#ifndef CASELOAD_TESTS_FAKE_H
#define CASELOAD_TESTS_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct fake_hook {
    bool (*call)(void *context, const char *name, struct error *err);
    void *context;
};

static inline bool fake_enter(const struct fake_hook *hook, const char *name, struct error *err)
{
    return !hook->call || hook->call(hook->context, name, err);
}

#endif
