/* SPDX-License-Identifier: Apache-2.0 */
/* sim.c - the program: runs histories of the real design, or each wrong design until a property fails. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "sim.h"

#define COUNT(array)           (sizeof(array) / sizeof((array)[0]))
#define MAX_HISTORIES_TO_CATCH 20000
#define MAX_PROBLEM            512

/* Fetches that overlap, of contents that change without a version. */
static void overlap_often(struct fault_rates *rates)
{
    rates->pause = 40;
    rates->lapse = 20;
    rates->silent = 900;
    rates->update_interval_us = 2 * HOUR;
}

/* Rows that vanish between two fetches of the same. */
static void erase_often(struct fault_rates *rates)
{
    rates->delete_interval_us = DAY;
    rates->update_interval_us = 4 * DAY;
    rates->silent = rates->nightly = 0;
}

static const struct design designs[] = {
    {.name = "union", .warehouse = FAKE_UNION}, /* the real one */
    {.name = "append", .warehouse = FAKE_APPEND},
    {.name = "append-named", .warehouse = FAKE_APPEND_NAMED},
    {.name = "union-unlocked", .warehouse = FAKE_UNION_UNLOCKED},
    {.name = "max-only", .warehouse = FAKE_MAX_ONLY},
    {.name = "claim-open", .warehouse = FAKE_CLAIM_OPEN},
    {.name = "overwrite", .warehouse = FAKE_OVERWRITE},
    {.name = "ack-first", .ack_first = true},
    {.name = "first-content", .warehouse = FAKE_FIRST_CONTENT},
    {.name = "any-content", .warehouse = FAKE_ANY_CONTENT},
    {.name = "read-earlier", .warehouse = FAKE_READ_EARLIER},
    {.name = "overtaken", .warehouse = FAKE_OVERTAKEN, .provoke = overlap_often},
    {.name = "stored-unknown", .warehouse = FAKE_STORED_UNKNOWN},
    {.name = "staged-unknown", .warehouse = FAKE_STAGED_UNKNOWN},
    {.name = "flag-in-key", .warehouse = FAKE_FLAG_IN_KEY},
    {.name = "set-by-row", .warehouse = FAKE_SET_BY_ROW, .provoke = overlap_often},
    {.name = "same-uncounted", .warehouse = FAKE_SAME_UNCOUNTED, .provoke = erase_often},
    {.name = "children-ignored", .warehouse = FAKE_CHILDREN_IGNORED},
    {.name = "run-clock", .run_clock = true, .provoke = overlap_often},
    {.name = "ungrouped", .is_ungrouped = true},
    {.name = "silently-short", .is_silent = true},
    {.name = "list-known-only", .warehouse = FAKE_LIST_KNOWN_ONLY},
    {.name = "list-from-ever", .warehouse = FAKE_LIST_FROM_EVER},
    {.name = "list-ends-late", .warehouse = FAKE_LIST_ENDS_LATE},
    {.name = "lists-believed", .warehouse = FAKE_LISTS_BELIEVED},
    {.name = "nobody-asked", .answers = FAKE_ANSWERS_GONE},
    {.name = "never-answered", .answers = FAKE_ANSWERS_NOTHING},
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
    [EVENT_THREAD] = "threads begun beside the first",
    [EVENT_PARALLEL] = "port calls while another thread has another stream",
    [EVENT_HELPED] = "port calls while another thread has the same stream",
    [EVENT_SATISFIED] = "streams satisfied",
    [EVENT_UNIT] = "units done",
    [EVENT_PORT_CALL] = "port calls",
    [EVENT_SWITCH] = "switches between workers",
    [EVENT_PAUSE] = "long pauses",
    [EVENT_FAULT] = "port calls failed",
    [EVENT_KILL] = "workers killed",
    [EVENT_STOP] = "workers asked to stop",
    [EVENT_COMMIT] = "commits",
    [EVENT_ANSWER_LOST] = "commits with unclear outcome",
    [EVENT_ORPHAN] = "commit jobs orphaned",
    [EVENT_ORPHAN_LANDED] = "orphans landed late",
    [EVENT_ORPHAN_REFUSED] = "orphans refused",
    [EVENT_ORPHAN_LOST] = "orphans that never ran",
    [EVENT_UPDATE] = "records updated",
    [EVENT_NIGHTLY_UPDATE] = "records updated nightly",
    [EVENT_CHILD] = "children added",
    [EVENT_CHILD_EDITED] = "children edited",
    [EVENT_SILENT] = "contents changed silently",
    [EVENT_SILENT_CHILD] = "children changed silently",
    [EVENT_SILENT_SET] = "sets changed silently",
    [EVENT_CUT] = "records sent incomplete",
    [EVENT_OLD_COMMIT] = "commits of an older caseload",
    [EVENT_RECONTENTED] = "rows of known versions",
    [EVENT_REPEATED] = "jobs repeated at the end",
    [EVENT_LAST_SEEN_CHECKED] = "last readings checked",
    [EVENT_LATE] = "versions visible late",
    [EVENT_LATE_BY_A_DAY] = "versions visible 12 h late",
    [EVENT_UNINDEXED] = "versions that no search finds",
    [EVENT_LISTED_CHECKED] = "contents that a list had checked",
    [EVENT_FUTURE] = "versions dated in the future",
    [EVENT_DAY_DELETED] = "days deleted",
    [EVENT_ROW_DELETED] = "single rows deleted",
    [EVENT_TABLE_DROPPED] = "tables dropped",
    [EVENT_DEATH] = "records deleted",
    [EVENT_RETURN] = "records that came back",
    [EVENT_HIDDEN] = "records hidden from lists",
    [EVENT_UNREADABLE] = "records that can't be read by id",
    [EVENT_SHORT_WINDOW] = "lists of a window that came short",
    [EVENT_SHORT_LIST] = "lists that came short",
    [EVENT_ASKED] = "records asked for by id",
    [EVENT_FOUND_ALIVE] = "records found alive",
    [EVENT_DECLARED] = "records declared deleted",
    [EVENT_TAKEN_BACK] = "deletions taken back",
    [EVENT_DEAD_CHECKED] = "deletions checked at the end",
    [EVENT_CLAIM_CHECKED] = "claims checked",
    [EVENT_MOVED_CHECKED] = "records that moved on checked",
};

struct options {
    uint64_t seed;
    int64_t histories;
    const struct design *design;
    bool designs, verbose;
};

/* Loaded once for all histories. */
struct shared {
    struct zone *zones[16];
    char *stacks[SIM_WORKERS * SIM_THREADS];
    int64_t counts[EVENT_KINDS];
};

static bool shared_begin(struct shared *shared)
{
    struct error err = {0};
    *shared = (struct shared){0};
    for (size_t i = 0; i < history_zone_count; i++)
        if (!zone_load(history_zones[i], &shared->zones[i], &err)) {
            fprintf(stderr, "sim: %s\n", err.text);
            return false;
        }
    for (size_t i = 0; i < COUNT(shared->stacks); i++)
        shared->stacks[i] = mem_zero(1, SIM_STACK);
    return true;
}

static void shared_end(struct shared *shared)
{
    for (size_t i = 0; i < history_zone_count; i++)
        zone_free(shared->zones[i]);
    for (size_t i = 0; i < COUNT(shared->stacks); i++)
        free(shared->stacks[i]);
}

static enum property run_one(struct shared *shared, const struct design *design, uint64_t seed, FILE *trace,
                             char problem[MAX_PROBLEM])
{
    const struct zone *zones[COUNT(shared->zones)];
    enum property broken;
    for (size_t i = 0; i < COUNT(zones); i++)
        zones[i] = shared->zones[i];
    const struct history history = {
        .seed = seed, .design = design, .zones = zones, .stacks = shared->stacks, .trace = trace};
    (void)history_run(&history, shared->counts, &broken, problem, MAX_PROBLEM);
    return broken;
}

static void print_counts(const struct shared *shared)
{
    for (size_t i = 0; i < EVENT_KINDS; i++)
        printf("%12" PRId64 "  %s\n", shared->counts[i], event_names[i]);
}

/* A kind of event that never occurred was not tested. */
static bool all_events_occurred(const struct shared *shared)
{
    bool all = true;
    for (size_t i = 0; i < EVENT_KINDS; i++) {
        if (shared->counts[i] > 0) continue;
        printf("never occurred: %s\n", event_names[i]);
        all = false;
    }
    return all;
}

static int run_histories(struct shared *shared, const struct options *options)
{
    char problem[MAX_PROBLEM];
    for (int64_t i = 0; i < options->histories; i++) {
        uint64_t seed = options->seed + (uint64_t)i;
        enum property broken =
            run_one(shared, options->design, seed, options->verbose ? stdout : NULL, problem);
        if (broken == PROPERTY_NONE) continue;
        printf("seed %" PRIu64 " breaks \"%s\": %s\n", seed, property_name(broken), problem);
        printf("To replay it with a trace: sim --seed %" PRIu64 " --histories 1 --design %s --verbose\n",
               seed, options->design->name);
        return 1;
    }
    print_counts(shared);
    if (options->histories >= 1000 && !all_events_occurred(shared)) return 1;
    printf("design %s: all properties held in %" PRId64 " histories from seed %" PRIu64 "\n",
           options->design->name, options->histories, options->seed);
    return 0;
}

static int catch_wrong_designs(struct shared *shared, const struct options *options)
{
    int missed = 0;
    printf("%-16s %10s  %-10s %s\n", "wrong design", "histories", "property", "first failure");
    for (size_t d = 1; d < COUNT(designs); d++) {
        enum property broken = PROPERTY_NONE;
        char problem[MAX_PROBLEM];
        int n = 0;
        while (broken == PROPERTY_NONE && n < MAX_HISTORIES_TO_CATCH)
            broken = run_one(shared, &designs[d], options->seed + (uint64_t)n++, NULL, problem);
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
    struct shared shared;
    if (!parse_options(argc, argv, &options)) {
        fprintf(stderr,
                "usage: sim [--seed S] [--histories N] [--design NAME] [--verbose] | --designs\ndesigns:");
        for (size_t i = 0; i < COUNT(designs); i++)
            fprintf(stderr, " %s", designs[i].name);
        fputc('\n', stderr);
        return 64;
    }
    if (!shared_begin(&shared)) return 1;
    log_open(STDERR_FILENO, LOG_CRITICAL);
    int code = options.designs ? catch_wrong_designs(&shared, &options) : run_histories(&shared, &options);
    shared_end(&shared);
    return code;
}
