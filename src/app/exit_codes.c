/* SPDX-License-Identifier: Apache-2.0 */
#include "exit_codes.h"

static const struct exit_code_row rows[] = {
    {EXIT_DONE, "done; of serve, also after SIGTERM"},
    {EXIT_FINDINGS, "a command that checks or compares found something; check --strict: warnings only"},
    {EXIT_WORK, "plan --detailed-exitcode: there is something to load"},
    {EXIT_PARTLY, "some streams were forbidden, failed or rejected records, the others are loaded"},
    {64, "the command line or a request is not understood"},
    {65, "a service refuses a call for good, or its response can't be read"},
    {69, "a service can't be reached, or there are no credentials"},
    {EXIT_BUG, "a fault of caseload itself; please report it"},
    {75, "a service is busy, a limit, or interrupted at a safe point: the same command goes on later"},
    {77, "credentials are refused, or all streams are forbidden"},
    {78, "the configuration is wrong"},
    {130, "interrupted (SIGINT) before a safe point; nothing is lost"},
    {143, "terminated (SIGTERM) before a safe point; nothing is lost"},
};

const struct exit_code_row *exit_codes(size_t *out_count)
{
    *out_count = sizeof rows / sizeof *rows;
    return rows;
}
