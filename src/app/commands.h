/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - one function a command; each returns the process's exit code, as error_rules says. */
#ifndef CASELOAD_APP_COMMANDS_H
#define CASELOAD_APP_COMMANDS_H

#include "base/error.h"

/* count and arguments: after the command's name. */
int serve_command(int count, char **arguments);
int drain_command(int count, char **arguments);
int backfill_command(int count, char **arguments);
int run_command(int count, char **arguments);
int schema_command(int count, char **arguments);
int doctor_command(int count, char **arguments);
int streams_command(int count, char **arguments);

/* Prints the error to stderr; returns its exit code. */
int command_fail(const struct error *err);
/* The command line is not understood: a sentence with the way out. */
int command_misused(const char *format, ...) PRINTF(1, 2);

#endif
