/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_command.c - `caseload doctor`: what this project's BigQuery does with caseload's requests. */
#include "bigquery/doctor.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "commands.h"
#include "options.h"
#include "services.h"

static void print_line(void *self, const struct doctor_line *line)
{
    (void)self;
    printf("%-4s  %-18s  %s: %s%s%s\n", line->is_ok ? "ok" : "FAIL", line->check, line->what, line->found,
           *line->advice ? ". Remedy: " : "", line->advice);
    fflush(stdout);
}

static void print_json(void *self, const struct doctor_line *line)
{
    (void)self;
    AUTO(json_drop)
    json_t *object = json_pack("{s:s, s:s, s:s, s:b, s:s}", "check", line->check, "what", line->what, "found",
                               line->found, "ok", line->is_ok, "advice", line->advice);
    if (object) json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
}

static bool check_all(struct services *services, const struct options *options, int *out_code,
                      struct error *err)
{
    if (!services_open_bigquery(services, err)) return false;
    const struct bigquery_settings bigquery = services_bigquery(services);
    const struct http_settings http = services_http(services);
    const struct doctor_settings settings = {.bigquery = &bigquery,
                                             .http = &http,
                                             .report =
                                                 options_has(options, "json") ? print_json : print_line};
    *out_code = doctor_run(&settings) ? EXIT_DONE : EXIT_FINDINGS;
    return true;
}

static int run(const struct options *options)
{
    return command_do(options, check_all);
}

static const struct command_option doctor_options[] = {{"json", NULL, "print one object a line"}};

const struct command doctor_command = {
    .name = "doctor",
    .summary = "try what this project's BigQuery does with caseload's requests",
    .text =
        "Tries in a dataset of its own, which it makes and removes, what BigQuery does with the requests of "
        "a run. It "
        "reads nothing of the source, and touches no other dataset. One line a check. Takes less than two "
        "minutes and "
        "costs less than a cent. Exits with 0 if all is ok, else with 1.\n"
        "The credentials need what a run needs, and roles/bigquery.user on the project to make the dataset.",
    .options = doctor_options,
    .option_count = 1,
    .config = CONFIG_NEEDED,
    .run = run,
};
