/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "base/suggest.h"
#include "commands.h"

int command_fail(const struct error *err)
{
    fprintf(stderr, "caseload: %s: %s\n", error_rules[err->kind].name, err->text);
    return error_rules[err->kind].run_exit_code;
}

int command_misused(const char *format, ...)
{
    va_list args;
    fputs("caseload: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return error_rules[ERROR_REQUEST].run_exit_code;
}

static int help(FILE *out)
{
    fputs(
        "caseload: loads a support desk into day-partitioned BigQuery tables when a Pub/Sub message arrives\n"
        "\n"
        "  caseload serve --config FILE    process messages until SIGTERM\n"
        "  caseload drain --config FILE    process the messages that wait, then end\n"
        "  caseload run --config FILE      process one request, without Pub/Sub\n"
        "  caseload backfill --config FILE publish a message for each month of a range\n"
        "  caseload streams                list the streams that can be loaded\n"
        "  caseload schema STREAM          print its tables; with --diff, how existing tables differ\n"
        "  caseload doctor --config FILE   try BigQuery in a dataset of its own, and tell what it does\n"
        "  caseload version\n"
        "\n"
        "Each command has --help.\n",
        out);
    return out == stdout ? 0 : error_rules[ERROR_REQUEST].run_exit_code;
}

static int version_command(int count, char **arguments)
{
    if (count > 0 && (strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "-h") == 0))
        puts("caseload version\n\nPrints the version.");
    else
        puts("caseload " CASELOAD_VERSION);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int count, char **arguments);
    } commands[] = {{"serve", serve_command},     {"drain", drain_command},       {"doctor", doctor_command},
                    {"run", run_command},         {"backfill", backfill_command}, {"schema", schema_command},
                    {"streams", streams_command}, {"version", version_command}};
    const char *names[sizeof commands / sizeof commands[0]];
    if (!getenv("CASELOAD_CORE_DUMPS")) secret_forbid_core_dumps(); /* set it to debug a crash */
    if (argc < 2) return help(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return help(stdout);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        names[i] = commands[i].name;
        if (strcmp(argv[1], names[i]) == 0) return commands[i].run(argc - 2, argv + 2);
    }
    const char *meant = suggest_name(argv[1], names, sizeof names / sizeof names[0]);
    return command_misused("there is no command \"%.64s\"; %s%s%s", argv[1],
                           meant ? "did you mean " : "see --help", meant ? meant : "", meant ? "?" : "");
}
