/* SPDX-License-Identifier: Apache-2.0 */
/* exit_codes.h - the exit codes of all commands: one table, which the manual page and the README show. Those
 * of errors are in base/error.h; the codes from 64 on are those of sysexits.h.
 */
#ifndef CASELOAD_APP_EXIT_CODES_H
#define CASELOAD_APP_EXIT_CODES_H

#include <stddef.h>

#include "base/error.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FINDINGS = 1, /* of a command that checks or compares */
    EXIT_WORK = 2,     /* plan --detailed-exitcode: there is something to load */
    EXIT_PARTLY = 3,
    EXIT_BUG = 70,
    EXIT_SIGNAL = 128 /* and the signal's number */
};

struct exit_code_row {
    enum error_kind kind; /* the code is that of its rule; ERROR_NONE: see code */
    int code;
    const char *meaning;
};

/* Ascending; *out_count rows. */
const struct exit_code_row *exit_codes(size_t *out_count);
int exit_code_number(const struct exit_code_row *row);

#endif
