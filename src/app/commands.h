/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - the commands; command.c lists them in the order of the help. */
#ifndef CASELOAD_APP_COMMANDS_H
#define CASELOAD_APP_COMMANDS_H

#include "command.h"

extern const struct command serve_command, drain_command, run_command, backfill_command, status_command,
    history_command, show_command, rejected_command, dead_command, health_command, streams_command,
    schema_command, singer_command, doctor_command, completion_command, manual_command, version_command;

#endif
