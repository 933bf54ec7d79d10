/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - the description of a command: its command line, its help, and its place in the manual page and
 * in the shells' completions all come from it. Constant data.
 */
#ifndef CASELOAD_APP_COMMAND_H
#define CASELOAD_APP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "exit_codes.h"
#include "options.h"

struct command_option {
    const char *name;  /* "from" of --from */
    const char *value; /* placeholder of its value; NULL: a switch */
    const char *text;
};

enum command_config {
    CONFIG_UNUSED,   /* no --config, no settings */
    CONFIG_OPTIONAL, /* the command says when it is needed */
    CONFIG_NEEDED
};

struct command {
    const char *name;
    const char *argument;        /* placeholder of its one argument; NULL: none */
    const char *second;          /* of one more, which may be left out; NULL: none */
    const char *summary;         /* a clause */
    const char *text;            /* paragraphs, a line break only between them */
    const char *const *examples; /* what follows "caseload NAME"; NULL at the end, or none */
    const struct command_option *options;
    size_t option_count;
    enum command_config config;
    bool has_no_warehouse;                     /* project, dataset and location are not needed */
    bool is_tap;                               /* of Singer: its log has the form of one */
    const char *error_prefix;                  /* of the line that says why it failed; NULL: "caseload:" */
    int (*run)(const struct options *options); /* returns the exit code */
};

/* All commands, in the order of the help; *out_count of them. */
const struct command *const *commands_all(size_t *out_count);

/* "caseload drain --config FILE [--wait SECONDS] [--SETTING VALUE ...]"; size at least 512. */
void command_synopsis(const struct command *command, char *out, size_t size);

/* Prints the error to stderr; returns its exit code. */
int command_fail(const struct error *err);
int command_fail_as(const struct command *command, const struct error *err); /* with the command's prefix */

struct services;
struct request;

/* Reads and judges --streams, --from and --to, without a request. ERROR_REQUEST. */
bool command_request(const struct services *services, const struct options *options,
                     struct request *out_request, struct error *err) CHECKED;

/* Loads the configuration that the options name; prints each fault to stderr. */
bool command_config(const struct options *options, struct config *out_config, struct error *err) CHECKED;

/* Loads the configuration into services->config, calls work, closes what it opened; returns the exit code.
 * work: out_code is of a success, EXIT_DONE unless it is set. */
int command_do(const struct options *options,
               bool (*work)(struct services *services, const struct options *options, int *out_code,
                            struct error *err));

#endif
