/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "base/suggest.h"
#include "commands.h"

#define COMMANDS_LIMIT 32
#define WIDTH          100

static int print_help(FILE *out)
{
    size_t count;
    const struct command *const *all = commands_all(&count);
    fputs("caseload: loads a support desk into day-partitioned BigQuery tables when a Pub/Sub message "
          "arrives\n\n",
          out);
    for (size_t i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s%s%s%s", all[i]->name, all[i]->argument ? " " : "",
                       all[i]->argument ? all[i]->argument : "",
                       all[i]->config == CONFIG_NEEDED ? " --config FILE" : "");
        fprintf(out, "  caseload %-24s  %s\n", name, all[i]->summary);
    }
    fputs("\nEach command has --help.\n", out);
    return out == stdout ? EXIT_DONE : error_rules[ERROR_REQUEST].run_exit_code;
}

/* Lines of at most WIDTH characters; a line break of the text begins a paragraph. */
static void print_wrapped(const char *text)
{
    size_t column = 0;
    for (const char *word = text; *word;) {
        size_t size = strcspn(word, " \n");
        if (column > 0 && column + 1 + size > WIDTH) {
            putchar('\n');
            column = 0;
        }
        printf("%s%.*s", column > 0 ? " " : "", (int)size, word);
        column += size + (column > 0);
        if (word[size] == '\n') {
            fputs("\n\n", stdout);
            column = 0;
        }
        word += size + (word[size] != '\0');
    }
    putchar('\n');
}

static int print_command_help(const struct command *command)
{
    char synopsis[512];
    command_synopsis(command, synopsis, sizeof synopsis);
    printf("%s\n\n", synopsis);
    print_wrapped(command->text);
    if (command->examples) putchar('\n');
    for (size_t i = 0; command->examples && command->examples[i]; i++)
        printf("  caseload %s%s%s\n", command->name, *command->examples[i] ? " " : "", command->examples[i]);
    if (command->option_count > 0) fputs("\nOptions:\n", stdout);
    for (size_t i = 0; i < command->option_count; i++) {
        const struct command_option *option = &command->options[i];
        char name[64];
        (void)snprintf(name, sizeof name, "--%s%s%s", option->name, option->value ? " " : "",
                       option->value ? option->value : "");
        printf("  %-26s %s\n", name, option->text);
    }
    if (command->config == CONFIG_UNUSED) return EXIT_DONE;
    fputs("\nSettings (in the file; top-level ones also as --setting-name or CASELOAD_SETTING_NAME):\n",
          stdout);
    config_print_help(stdout);
    return EXIT_DONE;
}

static const struct command *find_command(const char *name, struct error *err)
{
    char hint[SUGGEST_HINT];
    const char *names[COMMANDS_LIMIT];
    size_t count;
    const struct command *const *all = commands_all(&count);
    for (size_t i = 0; i < count; i++) {
        names[i] = all[i]->name;
        if (strcmp(names[i], name) == 0) return all[i];
    }
    (void)error_set(err, ERROR_REQUEST, "there is no command \"%.64s\"; %s", name,
                    suggest_hint(name, names, count, "see --help", hint));
    return NULL;
}

static bool is_one_of(const char *text, const char *one, const char *other)
{
    return strcmp(text, one) == 0 || strcmp(text, other) == 0;
}

/* abort() has said why. Without this the shell would see a signal instead of a code of the table. */
static void exit_with_bug(int signal)
{
    (void)signal;
    _exit(EXIT_BUG);
}

int main(int argc, char **argv)
{
    struct options options;
    struct error err = {0};
    if (!getenv("CASELOAD_CORE_DUMPS")) { /* set it to debug a crash */
        secret_forbid_core_dumps();
        (void)signal(SIGABRT, exit_with_bug);
    }
    mem_keep_freed();
    if (argc < 2) return print_help(stderr);
    bool is_help = strcmp(argv[1], "help") == 0;
    if (is_one_of(argv[1], "--help", "-h") || (is_help && argc == 2)) return print_help(stdout);
    const char *name = is_help ? argv[2] : is_one_of(argv[1], "--version", "-V") ? "version" : argv[1];
    const struct command *command = find_command(name, &err);
    if (!command) return command_fail(&err);
    if (is_help) return print_command_help(command);
    if (!options_parse(command, argc - 2, argv + 2, &options, &err)) return command_fail_as(command, &err);
    return options.help ? print_command_help(command) : command->run(&options);
}
