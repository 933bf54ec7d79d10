/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "commands.h"

static int run(const struct options *options)
{
    (void)options;
    puts("caseload " CASELOAD_VERSION);
    return EXIT_DONE;
}

const struct command version_command = {
    .name = "version",
    .summary = "print the version",
    .text = "Prints the version.",
    .run = run,
};
