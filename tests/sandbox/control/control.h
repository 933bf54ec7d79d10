/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - the sandbox's own interface, /control: move the clock, plan faults, change the help desks'
 * records, publish messages, compare the warehouse with the truth. Any thread. */
#ifndef CASELOAD_SANDBOX_CONTROL_H
#define CASELOAD_SANDBOX_CONTROL_H

#include "httpd/httpd.h"
#include "pubsub/server.h"
#include "shared/faults.h"
#include "shared/journal.h"
#include "shared/service.h"
#include "shared/virtual_clock.h"
#include "workspace/collection.h"

struct store;

/* The services that it controls; all are borrowed. */
struct control {
    struct virtual_clock *clock;
    struct journal *journal;
    struct faults *faults;
    struct store *store;
    struct pubsub_server *pubsub;
    const struct help_desk *desks; /* ends with a zeroed one; the first is meant where none is named */
    /* Has the service such an operation? A fault that names none would never happen. */
    bool (*is_operation)(const char *service, const char *operation);
};

extern const struct route control_routes[]; /* their service is the struct control */

/* The collection of that kind; service NULL: in the first help desk that has it. NULL: there is none. */
struct collection *control_collection(const struct control *control, const char *service, const char *kind);
int64_t control_now_s(const struct control *control);
/* Is the dataset equal to the truth of a help desk; service NULL: of the first one?
 * {"equal":bool,"streams":[..]} as oracle_compare reports; yours. */
json_t *control_compare(const struct control *control, const char *service, const char *dataset,
                        bool has_latest);

/* --- workspace.c: changes of records --- */
struct control_change {
    const char *name;
    bool (*apply)(const struct control *control, const json_t *argument); /* false: it can't be done */
    const char *usage;                                                    /* the argument, for people */
};

extern const struct control_change control_changes[]; /* ends with a zeroed one */

#endif
