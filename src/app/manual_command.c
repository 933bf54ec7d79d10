/* SPDX-License-Identifier: Apache-2.0 */
/* manual_command.c - `caseload manual`: the manual page as mdoc(7), made from the tables of commands,
 * settings and errors. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "sources/sources.h"

#define LINE 76 /* bytes of an input line; mandoc -T lint complains at 80 */

static void print_word(const char *word, size_t size, bool at_start)
{
    if (at_start && (*word == '.' || *word == '\'')) fputs("\\&", stdout);
    for (size_t i = 0; i < size; i++)
        fputs(word[i] == '\\' ? "\\e" : (char[]){word[i], '\0'}, stdout);
}

/* Text for troff: a sentence a line, as mdoc wants it. A backslash, and a dot or quote at the beginning of a
 * line, have meanings of their own. */
static void print_text(const char *text)
{
    size_t column = 0;
    for (const char *word = text; *word;) {
        size_t size = strcspn(word, " \n");
        if (column > 0 && column + 1 + size > LINE) {
            putchar('\n');
            column = 0;
        }
        if (column > 0) putchar(' ');
        print_word(word, size, column == 0);
        column += size + (column > 0);
        bool ends_sentence = size > 0 && word[size - 1] == '.' && word[size] == ' ';
        if (ends_sentence || word[size] == '\n') column = 0;
        if (ends_sentence) putchar('\n');
        if (word[size] == '\n') fputs("\n.Pp\n", stdout);
        word += size + (word[size] != '\0');
    }
    putchar('\n');
}

/* A line of a macro, continued where it is long. */
static void print_example(const char *name, const char *text)
{
    size_t column = (size_t)printf(".Dl caseload %s", name);
    for (const char *word = text; *word;) {
        size_t size = strcspn(word, " ");
        if (column + 1 + size > LINE) {
            fputs(" \\\n", stdout);
            column = 0;
        } else {
            putchar(' ');
        }
        printf("%.*s", (int)size, word);
        column += 1 + size;
        word += size + (word[size] != '\0');
    }
    putchar('\n');
}

static void print_command(const struct command *command)
{
    char synopsis[512];
    command_synopsis(command, synopsis, sizeof synopsis);
    puts(".It Xo");
    print_text(synopsis);
    puts(".Xc");
    print_text(command->text);
    if (command->option_count > 0) puts(".Bl -tag -width Ds");
    for (size_t i = 0; i < command->option_count; i++) {
        const struct command_option *option = &command->options[i];
        printf(".It Fl -%s", option->name);
        if (option->value) printf(" Ar %s", option->value);
        putchar('\n');
        print_text(option->text);
    }
    if (command->option_count > 0) puts(".El");
    for (size_t i = 0; command->examples && command->examples[i]; i++)
        print_example(command->name, command->examples[i]);
}

static void print_settings(const struct setting_table *table)
{
    puts(".Bl -tag -width Ds");
    for (size_t i = 0; i < table->count; i++) {
        char key[SETTING_KEY];
        printf(".It Va %s\n", setting_name(&table->settings[i], key));
        print_text(table->settings[i].help);
        if (table->settings[i].required) puts("Required.");
        if (table->settings[i].default_value)
            printf("The default is %s .\n", table->settings[i].default_value);
    }
    puts(".El");
}

static void print_exit_codes(void)
{
    size_t count;
    const struct exit_code_row *rows = exit_codes(&count);
    puts(".Sh EXIT STATUS\n.Bl -tag -width Ds");
    for (size_t i = 0; i < count; i++) {
        printf(".It %d\n", exit_code_number(&rows[i]));
        print_text(rows[i].meaning);
    }
    puts(".El");
}

static int run(const struct options *options)
{
    size_t count;
    const struct source_type *type;
    const struct command *const *all = commands_all(&count);
    (void)options;
    puts(".\\\" SPDX-License-Identifier: Apache-2.0\n"
         ".Dd $Mdocdate$\n.Dt CASELOAD 1\n.Os\n"
         ".Sh NAME\n.Nm caseload\n.Nd load a support desk into day-partitioned BigQuery tables\n"
         ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar options\n"
         ".Sh DESCRIPTION\n.Nm\n"
         "loads what is new each time a Pub/Sub message arrives.\n"
         "Its only memory is the warehouse: it can be killed at any moment,\n"
         "and stores each version of each record once.\n"
         ".Sh COMMANDS\n.Bl -tag -width Ds");
    for (size_t i = 0; i < count; i++)
        print_command(all[i]);
    puts(".El\n.Sh CONFIGURATION\n"
         "The configuration is one JSON object.\n"
         "Settings without a dot can also be given as\n.Fl -setting-name Ar VALUE\n"
         "and in the environment as\n.Ev CASELOAD_SETTING_NAME ,\nif they are single values.");
    print_settings(&config_settings);
    for (size_t i = 0; (type = source_type_at(i)) != NULL; i++) {
        printf(".Ss If source.type is \\(dq%s\\(dq\n", type->name);
        print_settings(&type->settings);
    }
    print_exit_codes();
    return EXIT_DONE;
}

const struct command manual_command = {
    .name = "manual",
    .summary = "print the manual page",
    .text = "Prints the manual page caseload(1) as mdoc, which man and mandoc read.",
    .run = run,
};
