/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - a command's line: its own options, --config, and a flag for every top-level setting. */
#ifndef CASELOAD_APP_OPTIONS_H
#define CASELOAD_APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "config.h"

#define FLAGS_LIMIT 32

struct options {
    const char *config;
    const char *from, *to; /* of run */
    const char *wait;      /* of drain */
    const char *topic;     /* of backfill */
    struct flag flags[FLAGS_LIMIT];
    size_t flag_count;
    char names[FLAGS_LIMIT][64]; /* the flags' keys */
    bool help;
};

/* own: the command's own options, NULL at the end. Borrows the arguments after the command. ERROR_REQUEST. */
bool options_parse(int count, char **arguments, const char *const *own, struct options *out_options,
                   struct error *err) CHECKED;

/* Takes an option without a value, such as --json, out of the arguments; returns whether it was there. */
bool options_take_switch(int *inout_count, char **arguments, const char *option);

/* --streams selects among the configured streams, as a message does: takes it out of the settings' flags;
 * NULL: it is not given. */
const char *options_take_streams(struct options *options);

#endif
