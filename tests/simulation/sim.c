/* SPDX-License-Identifier: Apache-2.0 */
/* sim.c - the program: many histories of the real design, or each wrong design until it is caught. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "sim.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MOST_HUNTED  5000 /* histories until a wrong design must be caught */
#define MOST_PROBLEM 512

static const struct design designs[] = {
    {.name = "union", .warehouse = FAKE_UNION}, /* the real one */
    {.name = "append", .warehouse = FAKE_APPEND},
    {.name = "append-named", .warehouse = FAKE_APPEND_NAMED},
    {.name = "union-unlocked", .warehouse = FAKE_UNION_UNLOCKED},
    {.name = "max-only", .warehouse = FAKE_MAX_ONLY},
    {.name = "claim-open", .warehouse = FAKE_CLAIM_OPEN},
    {.name = "overwrite", .warehouse = FAKE_OVERWRITE},
    {.name = "ack-first", .ack_first = true},
};

static const char *const event_names[EVENT_KINDS] = {
    [EVENT_HISTORY] = "histories",
    [EVENT_DAY] = "days",
    [EVENT_TICK] = "ticks published",
    [EVENT_TICK_SKIPPED] = "ticks skipped",
    [EVENT_BACKFILL] = "backfills published",
    [EVENT_REPLAY] = "old messages replayed",
    [EVENT_DELIVERY] = "first deliveries",
    [EVENT_REDELIVERY] = "redeliveries",
    [EVENT_LEASE_LAPSED] = "leases lapsed",
    [EVENT_ACK] = "acks",
    [EVENT_ACK_LOST] = "acks lost or undone",
    [EVENT_NACK] = "nacks",
    [EVENT_OVERLAP] = "workers overlapping another",
    [EVENT_SATISFIED] = "streams satisfied",
    [EVENT_UNIT] = "units done",
    [EVENT_PORT_CALL] = "port calls",
    [EVENT_SWITCH] = "switches between workers",
    [EVENT_PAUSE] = "long pauses",
    [EVENT_FAULT] = "port calls failed",
    [EVENT_KILL] = "workers killed",
    [EVENT_STOP] = "workers told to stop",
    [EVENT_COMMIT] = "commits",
    [EVENT_ANSWER_LOST] = "commits with unclear outcome",
    [EVENT_ORPHAN] = "commit jobs orphaned",
    [EVENT_ORPHAN_LANDED] = "orphans landed late",
    [EVENT_ORPHAN_REFUSED] = "orphans refused",
    [EVENT_ORPHAN_LOST] = "orphans that never ran",
    [EVENT_TOUCH] = "records touched",
    [EVENT_NIGHTLY_TOUCH] = "records touched nightly",
    [EVENT_CHILD] = "children added",
    [EVENT_CHILD_EDITED] = "children edited",
    [EVENT_LATE] = "versions visible late",
    [EVENT_LATE_BY_A_DAY] = "versions visible 12 h late",
    [EVENT_FUTURE] = "versions dated in the future",
    [EVENT_DAY_DELETED] = "days deleted",
    [EVENT_TABLE_DROPPED] = "tables dropped",
    [EVENT_CLAIM_CHECKED] = "claims checked",
};

struct options {
    uint64_t seed;
    int64_t histories;
    const struct design *design;
    bool designs, verbose;
};

/* What all histories share. */
struct bench {
    struct zone *zones[16];
    char *stacks[SIM_WORKERS];
    int64_t counts[EVENT_KINDS];
};

static bool bench_begin(struct bench *bench)
{
    struct error err = {0};
    *bench = (struct bench){0};
    for (size_t i = 0; i < history_zone_count; i++)
        if (!zone_load(history_zones[i], &bench->zones[i], &err)) {
            fprintf(stderr, "sim: %s\n", err.text);
            return false;
        }
    for (size_t i = 0; i < SIM_WORKERS; i++)
        bench->stacks[i] = mem_zero(1, SIM_STACK);
    return true;
}

static void bench_end(struct bench *bench)
{
    for (size_t i = 0; i < history_zone_count; i++)
        zone_free(bench->zones[i]);
    for (size_t i = 0; i < SIM_WORKERS; i++)
        free(bench->stacks[i]);
}

static enum property run_one(struct bench *bench, const struct design *design, uint64_t seed, FILE *trace,
                             char problem[MOST_PROBLEM])
{
    const struct zone *zones[COUNT(bench->zones)];
    enum property broken;
    for (size_t i = 0; i < COUNT(zones); i++)
        zones[i] = bench->zones[i];
    const struct history history = {
        .seed = seed, .design = design, .zones = zones, .stacks = bench->stacks, .trace = trace};
    (void)history_run(&history, bench->counts, &broken, problem, MOST_PROBLEM);
    return broken;
}

static void print_counts(const struct bench *bench)
{
    for (size_t i = 0; i < EVENT_KINDS; i++)
        printf("%12" PRId64 "  %s\n", bench->counts[i], event_names[i]);
}

/* Every event must have happened, or the histories prove less than they say. */
static bool all_happened(const struct bench *bench)
{
    bool all = true;
    for (size_t i = 0; i < EVENT_KINDS; i++) {
        if (bench->counts[i] > 0) continue;
        printf("never happened: %s\n", event_names[i]);
        all = false;
    }
    return all;
}

static int run_histories(struct bench *bench, const struct options *options)
{
    char problem[MOST_PROBLEM];
    for (int64_t i = 0; i < options->histories; i++) {
        uint64_t seed = options->seed + (uint64_t)i;
        enum property broken =
            run_one(bench, options->design, seed, options->verbose ? stdout : NULL, problem);
        if (broken == PROPERTY_NONE) continue;
        printf("seed %" PRIu64 " breaks \"%s\": %s\n", seed, property_name(broken), problem);
        printf("again, with a trace: sim --seed %" PRIu64 " --histories 1 --design %s --verbose\n", seed,
               options->design->name);
        return 1;
    }
    print_counts(bench);
    if (options->histories >= 1000 && !all_happened(bench)) return 1;
    printf("design %s: all properties held in %" PRId64 " histories from seed %" PRIu64 "\n",
           options->design->name, options->histories, options->seed);
    return 0;
}

static int hunt_designs(struct bench *bench, const struct options *options)
{
    int missed = 0;
    printf("%-16s %10s  %-10s %s\n", "wrong design", "histories", "property", "what was seen");
    for (size_t d = 1; d < COUNT(designs); d++) {
        enum property broken = PROPERTY_NONE;
        char problem[MOST_PROBLEM];
        int n = 0;
        while (broken == PROPERTY_NONE && n < MOST_HUNTED)
            broken = run_one(bench, &designs[d], options->seed + (uint64_t)n++, NULL, problem);
        if (broken == PROPERTY_NONE) missed++;
        printf("%-16s %10d  %-10s %s\n", designs[d].name, n, property_name(broken), problem);
    }
    return missed ? 1 : 0;
}

static bool parse_number(const char *text, uint64_t *out_number)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end || text[0] == '-') return false;
    *out_number = number;
    return true;
}

static bool parse_design(const char *name, const struct design **out_design)
{
    for (size_t i = 0; i < COUNT(designs); i++)
        if (strcmp(designs[i].name, name) == 0) {
            *out_design = &designs[i];
            return true;
        }
    return false;
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        uint64_t number = 0;
        if (strcmp(argv[i], "--designs") == 0) {
            options->designs = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            options->verbose = true;
        } else if (strcmp(argv[i], "--seed") == 0 && parse_number(value, &options->seed)) {
            i++;
        } else if (strcmp(argv[i], "--histories") == 0 && parse_number(value, &number)) {
            options->histories = (int64_t)number;
            i++;
        } else if (strcmp(argv[i], "--design") == 0 && parse_design(value, &options->design)) {
            i++;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.seed = 1, .histories = 10000, .design = &designs[0]};
    struct bench bench;
    if (!parse_options(argc, argv, &options)) {
        fprintf(stderr,
                "usage: sim [--seed S] [--histories N] [--design NAME] [--verbose] | --designs\ndesigns:");
        for (size_t i = 0; i < COUNT(designs); i++)
            fprintf(stderr, " %s", designs[i].name);
        fputc('\n', stderr);
        return 64;
    }
    if (!bench_begin(&bench)) return 1;
    log_open(stderr, LOG_CRITICAL);
    int code = options.designs ? hunt_designs(&bench, &options) : run_histories(&bench, &options);
    bench_end(&bench);
    return code;
}
