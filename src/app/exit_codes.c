/* SPDX-License-Identifier: Apache-2.0 */
#include "exit_codes.h"

#include <signal.h>

static const struct exit_code_row rows[] = {
    {ERROR_NONE, EXIT_DONE, "done; of serve, also after SIGTERM"},
    {ERROR_NONE, EXIT_FINDINGS,
     "a command that checks or compares found something; check --strict: warnings only"},
    {ERROR_NONE, EXIT_WORK, "plan --detailed-exitcode: there is something to load"},
    {ERROR_NONE, EXIT_PARTLY,
     "some streams were forbidden, failed or rejected records, the others are loaded"},
    {ERROR_REQUEST, 0, "the command line or a request is not understood"},
    {ERROR_REFUSED, 0, "a service refuses a call for good, or its response can't be read"},
    {ERROR_UNREACHABLE, 0, "a service can't be reached, or there are no credentials"},
    {ERROR_NONE, EXIT_BUG, "a fault of caseload itself; please report it"},
    {ERROR_BUSY, 0,
     "a service is busy, a limit, or interrupted at a safe point: the same command goes on later"},
    {ERROR_AUTH, 0, "credentials are refused, or all streams are forbidden"},
    {ERROR_CONFIG, 0, "the configuration is wrong"},
    {ERROR_NONE, EXIT_SIGNAL + SIGINT, "interrupted (SIGINT) before a safe point; nothing is lost"},
    {ERROR_NONE, EXIT_SIGNAL + SIGTERM, "terminated (SIGTERM) before a safe point; nothing is lost"},
};

const struct exit_code_row *exit_codes(size_t *out_count)
{
    *out_count = sizeof rows / sizeof *rows;
    return rows;
}

int exit_code_number(const struct exit_code_row *row)
{
    return row->kind == ERROR_NONE ? row->code : error_rules[row->kind].run_exit_code;
}
