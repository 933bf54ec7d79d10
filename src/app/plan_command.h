/* SPDX-License-Identifier: Apache-2.0 */
/* plan_command.h - `caseload plan` and `caseload run --dry-run`: what a run would load. */
#ifndef CASELOAD_APP_PLAN_COMMAND_H
#define CASELOAD_APP_PLAN_COMMAND_H

#include "command.h"

/* For command_do. */
bool plan_print(struct services *services, const struct options *options, int *out_code, struct error *err);

#endif
