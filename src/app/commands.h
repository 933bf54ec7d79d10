/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands; command.c lists them in the order of the help. */
#ifndef CASELOAD_APP_COMMANDS_H
#define CASELOAD_APP_COMMANDS_H

#include "command.h"

extern const struct command init_command;
extern const struct command config_command;
extern const struct command check_command;
extern const struct command plan_command;
extern const struct command preview_command;
extern const struct command serve_command;
extern const struct command drain_command;
extern const struct command run_command;
extern const struct command backfill_command;
extern const struct command status_command;
extern const struct command history_command;
extern const struct command show_command;
extern const struct command rejected_command;
extern const struct command dead_command;
extern const struct command health_command;
extern const struct command streams_command;
extern const struct command schema_command;
extern const struct command singer_command;
extern const struct command doctor_command;
extern const struct command completion_command;
extern const struct command manual_command;
extern const struct command version_command;

#endif
