/* SPDX-License-Identifier: Apache-2.0 */
/* truth.c - what the tables loaded from all this must hold. */
#include <string.h>

#include "comagic/internal.h"

#define EVENTS(n, time) {.name = (n), .rules = &oracle_contents, .version = (time), .is_event = true}
#define LIST(n)         {.name = (n), .rules = &oracle_snapshots}

const struct oracle_table comagic_truth[] = {
    EVENTS("calls", "start_time"),
    {.name = NULL},
};

const struct oracle_latest comagic_latest[] = {
    {"calls", "id", "start_time", NULL, NULL, NULL},
    {.name = NULL},
};
