/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - a command's line: its argument, its own options, --config, and a flag for every top-level
 * setting. */
#ifndef CASELOAD_APP_OPTIONS_H
#define CASELOAD_APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "config.h"

#define FLAGS_LIMIT   32
#define OPTIONS_LIMIT 8

struct command;

struct options {
    const struct command *command;
    const char *argument; /* NULL: not given */
    const char *second;   /* the same */
    const char *config;
    const char *streams;               /* of options_take_streams */
    const char *values[OPTIONS_LIMIT]; /* of command->options, by index; a switch that is given has "" */
    struct flag flags[FLAGS_LIMIT];
    size_t flag_count;
    char names[FLAGS_LIMIT][64]; /* the flags' keys */
    bool help;
};

/* Borrows the arguments after the command's name. ERROR_REQUEST. */
bool options_parse(const struct command *command, int count, char **arguments, struct options *out_options,
                   struct error *err) CHECKED;

/* The value of an own option of the command; NULL: not given. */
const char *options_value(const struct options *options, const char *name);
bool options_has(const struct options *options, const char *name);
/* The option is a whole number from 1 to most; *value stays without it. ERROR_REQUEST. */
bool options_read_number(const struct options *options, const char *name, int64_t most, int64_t *value,
                         struct error *err) CHECKED;

/* --streams selects among the configured streams, as a message does: takes it out of the settings' flags;
 * NULL: it is not given. */
void options_take_streams(struct options *options);

#endif
