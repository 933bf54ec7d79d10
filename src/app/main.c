/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/suggest.h"
#include "commands.h"

static int help(FILE *out)
{
    fputs("caseload: loads a support desk into day-partitioned BigQuery tables, when a Pub/Sub message says "
          "so\n"
          "\n"
          "  caseload serve --config FILE    wait for messages and serve them\n"
          "  caseload run --config FILE      the same once, without Pub/Sub\n"
          "  caseload streams                what can be loaded\n"
          "  caseload schema STREAM          its tables, and with --diff how those that are there differ\n"
          "  caseload version\n"
          "\n"
          "Each has --help.\n",
          out);
    return out == stdout ? 0 : EX_USAGE;
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
    } commands[] = {{"serve", serve_command},
                    {"run", run_command},
                    {"schema", schema_command},
                    {"streams", streams_command},
                    {"version", version_command}};
    static const char *const names[] = {"serve", "run", "schema", "streams", "version"};
    const char *meant;

    if (argc < 2) return help(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return help(stdout);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 2, argv + 2);
    meant = suggest_name(argv[1], names, sizeof names / sizeof names[0]);
    fprintf(stderr, "caseload: there is no command \"%.64s\"; %s%s%s\n", argv[1],
            meant ? "did you mean " : "see --help", meant ? meant : "", meant ? "?" : "");
    return EX_USAGE;
}
