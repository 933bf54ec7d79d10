/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - what the files of the sandbox's own door share: changes of the world, by name. */
#ifndef CASELOAD_SANDBOX_CONTROL_H
#define CASELOAD_SANDBOX_CONTROL_H

#include "sandbox_internal.h"

struct control_change {
    const char *name;
    bool (*change)(struct sandbox *sandbox, json_t *what); /* false: not so */
    const char *usage;                                     /* what follows the name */
};

/* All of them; ends with NULL. */
extern const struct control_change *const control_changes[];
/* control_records.c: companies and tickets; deleting and merging. Ends with a zeroed one. */
extern const struct control_change control_record_changes[];

int64_t control_now_s(struct sandbox *sandbox);
/* {"from": day, "to": day, "count": n}, in seconds. */
bool control_read_fill(const json_t *what, int64_t *out_from_s, int64_t *out_to_s, int64_t *out_count);

#endif
