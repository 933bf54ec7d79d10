/* SPDX-License-Identifier: Apache-2.0 */
/* completion_command.c - `caseload completion`: completions for bash, zsh and fish, made from the table of
 * commands. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "sources/sources.h"

/* Calls print for each option of the command: name without "--", placeholder or NULL, text. */
static void each_option(const struct command *command,
                        void (*print)(const struct command *, const struct command_option *))
{
    for (size_t i = 0; i < command->option_count; i++)
        print(command, &command->options[i]);
    if (command->config == CONFIG_UNUSED) return;
    print(command, &(struct command_option){"config", "FILE", "the configuration"});
    for (size_t i = 0; i < config_settings.count; i++) {
        const struct setting *setting = &config_settings.settings[i];
        char name[SETTING_KEY];
        if (*setting->group || !config_scalar(setting->key)) continue;
        print(command, &(struct command_option){setting_flag(setting->key, name), "VALUE", setting->help});
    }
}

static void print_words(const struct command *command)
{
    const struct source_type *type;
    if (!command->argument || command == &show_command) return;
    if (command->second) { /* the first is a list of words */
        for (const char *c = command->argument; *c; c++)
            putchar(*c == '|' ? ' ' : *c);
        return;
    }
    if (command == &completion_command) {
        fputs("bash zsh fish", stdout);
        return;
    }
    for (size_t k = 0; (type = source_type_at(k)) != NULL; k++)
        for (size_t i = 0; i < type->stream_count; i++)
            if (type->streams[i]->kind != STREAM_RECONCILE) printf("%s ", type->streams[i]->name);
}

static void print_names(void)
{
    size_t count;
    const struct command *const *all = commands_all(&count);
    for (size_t i = 0; i < count; i++)
        printf("%s ", all[i]->name);
}

static void bash_option(const struct command *command, const struct command_option *option)
{
    (void)command;
    printf("--%s ", option->name);
}

static void print_bash(void)
{
    size_t count;
    const struct command *const *all = commands_all(&count);
    puts("# bash completion of caseload\n"
         "_caseload() {\n"
         "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words\n"
         "    COMPREPLY=()\n"
         "    case $before in\n"
         "    --config | --ca-file | --catalog | --state) mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); "
         "return ;;\n"
         "    esac\n"
         "    case ${COMP_WORDS[1]} in");
    for (size_t i = 0; i < count; i++) {
        printf("    %s) words='", all[i]->name);
        print_words(all[i]);
        fputs(" ", stdout);
        each_option(all[i], bash_option);
        puts("--help' ;;");
    }
    fputs("    esac\n"
          "    [ \"$COMP_CWORD\" -gt 1 ] || words='",
          stdout);
    print_names();
    puts("--help --version'\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
         "}\n"
         "complete -F _caseload caseload");
}

/* A text between single quotes; zsh's _arguments also gives colons and brackets a meaning. */
static void print_quoted(const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr(special, *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void zsh_option(const struct command *command, const struct command_option *option)
{
    (void)command;
    printf(" \\\n            '--%s[", option->name);
    print_quoted(option->text, ":[]\\");
    printf("]%s%s%s'", option->value ? ":" : "", option->value ? option->value : "",
           option->value ? (strcmp(option->value, "FILE") == 0 ? ":_files" : ":") : "");
}

static void print_zsh(void)
{
    size_t count;
    const struct command *const *all = commands_all(&count);
    puts("#compdef caseload\n"
         "_caseload() {\n"
         "    local -a names=(");
    for (size_t i = 0; i < count; i++) {
        printf("        '%s:", all[i]->name);
        print_quoted(all[i]->summary, ":\\");
        puts("'");
    }
    puts("    )\n"
         "    if (( CURRENT == 2 )); then\n"
         "        _describe command names\n"
         "        return\n"
         "    fi\n"
         "    local name=$words[2]\n"
         "    shift words\n"
         "    (( CURRENT-- ))\n"
         "    case $name in");
    for (size_t i = 0; i < count; i++) {
        printf("    %s)\n        _arguments", all[i]->name);
        if (all[i]->argument) {
            printf(" \\\n            '1:%s:(", all[i]->argument);
            print_words(all[i]);
            fputs(")'", stdout);
        }
        each_option(all[i], zsh_option);
        puts(" \\\n            '--help[print the help]'\n        ;;");
    }
    puts("    esac\n"
         "}\n"
         "_caseload \"$@\"");
}

static void fish_option(const struct command *command, const struct command_option *option)
{
    printf("complete -c caseload -n '__fish_seen_subcommand_from %s' -l %s%s -d '", command->name,
           option->name,
           !option->value                       ? ""
           : strcmp(option->value, "FILE") == 0 ? " -rF"
                                                : " -x");
    for (const char *c = option->text; *c; c++)
        printf(*c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
    puts("'");
}

static void print_fish(void)
{
    size_t count;
    const struct command *const *all = commands_all(&count);
    puts("# fish completion of caseload\n"
         "complete -c caseload -f");
    for (size_t i = 0; i < count; i++) {
        printf("complete -c caseload -n __fish_use_subcommand -a %s -d '", all[i]->name);
        print_quoted(all[i]->summary, "");
        puts("'");
        if (all[i]->argument) {
            printf("complete -c caseload -n '__fish_seen_subcommand_from %s' -a '", all[i]->name);
            print_words(all[i]);
            puts("'");
        }
        each_option(all[i], fish_option);
    }
}

static int run(const struct options *options)
{
    static const struct {
        const char *shell;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};
    struct error err = {0};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shells[i].shell, options->argument) != 0) continue;
        shells[i].print();
        return EXIT_DONE;
    }
    (void)error_set(&err, ERROR_REQUEST, "there is no completion for \"%.64s\"; write bash, zsh or fish",
                    options->argument);
    return command_fail(&err);
}

static const char *const examples[] = {"bash > /etc/bash_completion.d/caseload", NULL};

const struct command completion_command = {
    .name = "completion",
    .argument = "SHELL",
    .summary = "print the completion of a shell",
    .text = "Prints the completion for bash, zsh or fish.",
    .examples = examples,
    .run = run,
};
