/* SPDX-License-Identifier: Apache-2.0 */

#include "core/progress.h"

void progress_step(struct progress *progress, const char *where)
{
    if (!progress) return;
    atomic_store(&progress->where, where);
    atomic_fetch_add(&progress->steps, 1);
}
