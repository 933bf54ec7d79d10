/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - the sandbox as a program. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#include "base/day.h"
#include "sandbox.h"

static const char help[] =
    "usage: caseload-sandbox [--database FILE] [--http PORT] [--pubsub PORT] [--seed N] [--start INSTANT]\n"
    "                        [--workspace ID] [--zone ZONE] [--token-env NAME] [--until-eof]\n"
    "                        [--latency realistic[:FACTOR]] [--auth] [--tls] [--round-json]\n"
    "                        [--key-file FILE] [--ca-file FILE]\n"
    "\n"
    "Pub/Sub, BigQuery and help desks on loopback. Prints one line of JSON with its ports when it is ready, "
    "and\n"
    "ends on SIGTERM or SIGINT, with --until-eof also when its standard input ends.\n"
    "\n"
    "  --database FILE   keep the tables in this SQLite file (default: in memory)\n"
    "  --http PORT       BigQuery, help desks and /control (default: any free port)\n"
    "  --pubsub PORT     Pub/Sub over gRPC (default: any free port)\n"
    "  --seed N          makes other records (default: 0)\n"
    "  --start INSTANT   where the virtual clock begins (default: 2026-03-02T04:00:00Z)\n"
    "  --latency realistic[:FACTOR]\n"
    "                    BigQuery takes as long as the service: queries 1 to 2 s, load jobs 3 to 8 s, "
    "scripts 5 "
    "to\n"
    "                    12 s, 100 ms for each call of an upload; times FACTOR. For benchmarks\n"
    "  --workspace ID    the workspace's id (default: sandbox1)\n"
    "  --zone ZONE       and its time zone (default: America/Los_Angeles)\n"
    "  --token-env NAME  the variable that holds the source's token (default token: sandbox-token)\n"
    "  --auth            Google's services want bearer tokens, of /token or signed by the account\n"
    "  --round-json      load jobs round numbers of JSON columns; else they refuse those whose text changes\n"
    "  --key-file FILE   where the key of the service account is written\n"
    "  --tls             all but /control and the metadata server is spoken to under TLS\n"
    "  --ca-file FILE    where the certificate of the authority is written\n";

struct arguments {
    struct sandbox_options options;
    bool until_eof;
    bool help;
};

static bool read_number(const char *text, unsigned long long most, unsigned long long *out_number)
{
    char *end;
    errno = 0;
    *out_number = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out_number <= most;
}

/* "realistic", or "realistic:0.1" */
static bool read_latency(const char *text, double *out_factor)
{
    static const char word[] = "realistic";
    char *end;
    *out_factor = 1;
    if (strncmp(text, word, sizeof word - 1) != 0) return false;
    text += sizeof word - 1;
    if (*text == '\0') return true;
    *out_factor = strtod(text + 1, &end);
    return *text == ':' && end > text + 1 && *end == '\0' && *out_factor > 0 && *out_factor <= 10;
}

static bool read_option(struct sandbox_options *options, const char *name, const char *value)
{
    unsigned long long number;
    int64_t start_us;
    if (strcmp(name, "--database") == 0) {
        options->database = value;
    } else if (strcmp(name, "--workspace") == 0) {
        options->workspace = value;
    } else if (strcmp(name, "--key-file") == 0) {
        options->key_file = value;
    } else if (strcmp(name, "--ca-file") == 0) {
        options->ca_file = value;
    } else if (strcmp(name, "--zone") == 0) {
        options->workspace_zone = value;
    } else if (strcmp(name, "--token-env") == 0) {
        options->source_token = getenv(value);
        return options->source_token != NULL;
    } else if (strcmp(name, "--start") == 0) {
        if (!instant_parse(value, strlen(value), &start_us)) return false;
        options->start_s = start_us / 1000000;
    } else if (strcmp(name, "--latency") == 0) {
        return read_latency(value, &options->latency);
    } else if (strcmp(name, "--seed") == 0) {
        if (!read_number(value, UINT64_MAX, &number)) return false;
        options->seed = number;
    } else {
        int *port = strcmp(name, "--http") == 0 ? &options->http_port : &options->pubsub_port;
        if ((port == &options->pubsub_port && strcmp(name, "--pubsub") != 0) ||
            !read_number(value, 65535, &number))
            return false;
        *port = (int)number;
    }
    return true;
}

static bool read_arguments(int count, char *const *words, struct arguments *out)
{
    for (int i = 1; i < count; i++) {
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0) {
            out->help = true;
        } else if (strcmp(words[i], "--until-eof") == 0) {
            out->until_eof = true;
        } else if (strcmp(words[i], "--auth") == 0) {
            out->options.auth = true;
        } else if (strcmp(words[i], "--tls") == 0) {
            out->options.tls = true;
        } else if (strcmp(words[i], "--round-json") == 0) {
            out->options.rounds_json = true;
        } else if (i + 1 == count || !read_option(&out->options, words[i], words[i + 1])) {
            fprintf(stderr, "caseload-sandbox: %s is unknown, or its value is missing or wrong; see --help\n",
                    words[i]);
            return false;
        } else {
            i++;
        }
    }
    return true;
}

static void interrupt(int number)
{
    (void)number; /* that pselect returns is all that is wanted */
}

/* SIGTERM and SIGINT are blocked, here and in all threads to come, but while wait_for_end waits. */
static sigset_t hold_signals(void)
{
    struct sigaction action = {.sa_handler = interrupt};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigset_t held, before;
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGINT);
    pthread_sigmask(SIG_BLOCK, &held, &before);
    return before;
}

/* Until a signal comes, or standard input ends. */
static void wait_for_end(const sigset_t *signals, bool until_eof)
{
    for (;;) {
        char bytes[256];
        fd_set fds;
        FD_ZERO(&fds);
        FD_SET(STDIN_FILENO, &fds);
        if (pselect(until_eof ? STDIN_FILENO + 1 : 0, &fds, NULL, NULL, NULL, signals) < 0) return;
        if (read(STDIN_FILENO, bytes, sizeof bytes) <= 0) return;
    }
}

int main(int count, char **words)
{
    struct arguments arguments = {.until_eof = false};
    if (!read_arguments(count, words, &arguments)) return 64;
    if (arguments.help) {
        fputs(help, stdout);
        return 0;
    }
    (void)mallopt(M_ARENA_MAX,
                  1); /* each job has a thread: with many arenas, freed rows stay in all of them */
    sigset_t signals = hold_signals();
    struct sandbox *sandbox;
    struct error err;
    if (!sandbox_start(&arguments.options, &sandbox, &err)) {
        fprintf(stderr, "caseload-sandbox: %s\n", err.text);
        return error_rules[err.kind].run_exit_code;
    }
    printf("{\"http\":%d,\"pubsub\":%d}\n", sandbox_http_port(sandbox), sandbox_pubsub_port(sandbox));
    fflush(stdout);
    wait_for_end(&signals, arguments.until_eof);
    sandbox_stop(sandbox);
    return 0;
}
