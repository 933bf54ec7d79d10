/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - one function a command; each returns the process's exit code. */
#ifndef CASELOAD_APP_COMMANDS_H
#define CASELOAD_APP_COMMANDS_H

/* arguments after the command's name. */
int serve_command(int count, char **arguments);
int run_command(int count, char **arguments);
int schema_command(int count, char **arguments);
int streams_command(int count, char **arguments);

#endif
