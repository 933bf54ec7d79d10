/* SPDX-License-Identifier: Apache-2.0 */
/* faults.c - the fault script: which call misbehaves, and how. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "shared/faults.h"

#define FAULTS      1000
#define EVERY_CALL  0
#define NTH_LARGEST 1000000000

struct planned {
    struct fault fault;
    char service[32];
    char operation[64];
    long nth; /* EVERY_CALL, or the call that misbehaves, from 1 */
    long calls;
};

struct faults {
    pthread_mutex_t lock;
    struct planned *planned;
    size_t count;
};

#define DESK "desk" /* any help desk: a service that has no actions of its own here */

/* The actions of each service; operation NULL: its other operations. */
static const struct {
    const char *service, *operation, *action;
    size_t least, most; /* arguments */
} known[] = {
    {"auth", NULL, "status", 1, FAULT_ARGUMENTS},
    {"auth", NULL, "drop", 1, 1},
    {"auth", NULL, "delay", 1, 1},
    {"auth", NULL, "hang", 0, 0},
    {"auth", NULL, "truncate", 0, 0},
    {"auth", NULL, "empty", 0, 0},
    {"auth", NULL, "html", 0, 0},
    {"auth", NULL, "body", 1, FAULT_ARGUMENTS},
    {"bigquery", "job", "fail", 1, FAULT_ARGUMENTS},
    {"bigquery", "job", "hold", 2, FAULT_ARGUMENTS},
    {"bigquery", "job", "delay", 1, 1},
    {"bigquery", "job", "lost-statistics", 0, 0},
    {"bigquery", "table", "missing", 1, 2},
    {"bigquery", "load", "fail", 1, FAULT_ARGUMENTS},
    {"bigquery", "load", "pending", 0, 0},
    {"bigquery", "load", "vanish", 0, 1},
    {"bigquery", "upload.bytes", "short", 1, 1},
    {"bigquery", "upload.bytes", "lose-session", 0, 1},
    {"bigquery", "upload.location", "at", 1, 1},
    {"bigquery", "script", "fail", 1, FAULT_ARGUMENTS},
    {"bigquery", "script", "hold", 2, FAULT_ARGUMENTS},
    {"bigquery", "script", "delay", 1, 1},
    {"bigquery", NULL, "status", 1, FAULT_ARGUMENTS},
    {"bigquery", NULL, "late-status", 1, FAULT_ARGUMENTS},
    {"bigquery", NULL, "drop", 1, 1},
    {"bigquery", NULL, "delay", 1, 1},
    {"bigquery", NULL, "hang", 0, 0},
    {"bigquery", NULL, "truncate", 0, 0},
    {"bigquery", NULL, "empty", 0, 0},
    {"bigquery", NULL, "html", 0, 0},
    {"bigquery", NULL, "body", 1, FAULT_ARGUMENTS},
    {DESK, NULL, "status", 1, FAULT_ARGUMENTS},
    {DESK, NULL, "late-status", 1, FAULT_ARGUMENTS},
    {DESK, NULL, "drop", 1, 1},
    {DESK, NULL, "delay", 1, 1},
    {DESK, NULL, "hang", 0, 0},
    {DESK, NULL, "truncate", 0, 0},
    {DESK, NULL, "damage", 0, 0},
    {DESK, NULL, "empty", 0, 0},
    {DESK, NULL, "html", 0, 0},
    {DESK, NULL, "body", 1, FAULT_ARGUMENTS},
    {DESK, NULL, "raw", 0, 0},
    {"pubsub", NULL, "twice", 0, 0},
    {"pubsub", NULL, "lose", 0, 0},
    {"pubsub", NULL, "refuse", 0, FAULT_ARGUMENTS},
    {"pubsub", NULL, "delay", 1, 1},
    {"pubsub", NULL, "drop", 0, 1},
};

#define KNOWN (sizeof known / sizeof *known)

struct faults *faults_new(void)
{
    struct faults *faults = mem_zero(1, sizeof *faults);
    pthread_mutex_init(&faults->lock, NULL);
    return faults;
}

void faults_free(struct faults *faults)
{
    if (!faults) return;
    free(faults->planned);
    pthread_mutex_destroy(&faults->lock);
    free(faults);
}

/* Copies the next word; false: there is none, or it does not fit. */
static bool next_word(const char **cursor, char *out_word, size_t size, struct error *err)
{
    const char *at = *cursor + strspn(*cursor, " \t");
    size_t length = strcspn(at, " \t\r\n");
    out_word[0] = '\0';
    if (length >= size)
        return error_set(err, ERROR_CONFIG, "fault: \"%.40s...\" is too long; use at most %zu bytes", at,
                         size - 1);
    if (length == 0)
        return error_set(err, ERROR_CONFIG,
                         "fault: a word is missing; write SERVICE OPERATION NTH ACTION [ARGUMENT ...]");
    memcpy(out_word, at, length);
    out_word[length] = '\0';
    *cursor = at + length;
    return true;
}

static bool read_nth(const char *word, long *out_nth, struct error *err)
{
    *out_nth = EVERY_CALL;
    if (strcmp(word, "*") == 0) return true;
    char *end;
    long nth = strtol(word, &end, 10);
    if (*end != '\0' || nth < 1 || nth > NTH_LARGEST)
        return error_set(err, ERROR_CONFIG, "fault: \"%s\" is no count of calls; write 1, 2, ... or *", word);
    *out_nth = nth;
    return true;
}

static const char *service_of(const struct planned *planned)
{
    if (strncmp(planned->operation, "rest.", 5) == 0) return DESK; /* Pub/Sub over HTTP */
    for (size_t i = 0; i < KNOWN; i++)
        if (strcmp(known[i].service, planned->service) == 0) return planned->service;
    return DESK;
}

/* Is the action one of the operation's? Operations with actions of their own have no others. */
static bool check_action(const struct planned *planned, struct error *err)
{
    const char *service = service_of(planned);
    bool own = false;
    for (size_t i = 0; i < KNOWN; i++)
        own = own || (strcmp(known[i].service, service) == 0 && known[i].operation &&
                      strcmp(known[i].operation, planned->operation) == 0);
    const char *names[KNOWN] = {NULL};
    for (size_t i = 0; i < KNOWN; i++) {
        if (strcmp(known[i].service, service) != 0 || own != (known[i].operation != NULL)) continue;
        names[i] = known[i].action;
        if (strcmp(known[i].action, planned->fault.action) != 0) continue;
        size_t count = planned->fault.argument_count;
        if (count >= known[i].least && count <= known[i].most) return true;
        return error_set(err, ERROR_CONFIG, "fault: %s %s takes %zu to %zu arguments, not %zu",
                         planned->service, known[i].action, known[i].least, known[i].most, count);
    }
    const char *nearest = suggest_name(planned->fault.action, names, KNOWN);
    return error_set(err, ERROR_CONFIG, "fault: %s %s can't \"%s\"%s%s%s", planned->service,
                     planned->operation, planned->fault.action, nearest ? "; did you mean \"" : "",
                     nearest ? nearest : "", nearest ? "\"?" : "");
}

static bool check_missing(const struct fault *fault, struct error *err)
{
    static const char *const places[] = {"", "get", "list", "load", "query"};
    char *end;
    const char *first = fault->argument[0];
    long ms = strtol(first, &end, 10);
    if (strcmp(first, "once") != 0 && (*end != '\0' || ms < 0 || ms > 600000))
        return error_set(err, ERROR_CONFIG,
                         "fault: missing takes once or 0 to 600000 milliseconds, not \"%s\"", first);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(places[i], fault->argument[1]) == 0) return true;
    return error_set(err, ERROR_CONFIG,
                     "fault: \"%s\" is no place where tables are missing; write get, list, load or query",
                     fault->argument[1]);
}

static bool check_arguments(const struct fault *fault, struct error *err)
{
    const char *first = fault->argument[0];
    if (strcmp(fault->action, "drop") == 0 && fault->argument_count && strcmp(first, "before") != 0 &&
        strcmp(first, "after") != 0)
        return error_set(err, ERROR_CONFIG, "fault: drop takes before or after, not \"%s\"", first);
    if (strcmp(fault->action, "missing") == 0 && !check_missing(fault, err)) return false;
    bool status = strcmp(fault->action, "status") == 0 || strcmp(fault->action, "late-status") == 0;
    if (status || strcmp(fault->action, "delay") == 0) {
        char *end;
        long number = strtol(first, &end, 10);
        if (*end != '\0' || number < (status ? 200 : 0) || number > (status ? 599 : 600000))
            return error_set(
                err, ERROR_CONFIG,
                "fault: \"%s\" is out of range for %s; statuses are 200 to 599, delays 0 to 600000 ms", first,
                fault->action);
    }
    for (size_t i = 1; status && i < fault->argument_count; i++) {
        const char *equals = strchr(fault->argument[i], '=');
        if (!equals || equals == fault->argument[i])
            return error_set(err, ERROR_CONFIG,
                             "fault: \"%s\" is not of the form header=value or reason=word",
                             fault->argument[i]);
    }
    return true;
}

static bool parse(const char *line, struct planned *out, struct error *err)
{
    *out = (struct planned){.nth = EVERY_CALL};
    if (strlen(line) >= sizeof out->fault.line)
        return error_set(err, ERROR_CONFIG, "fault: the line is longer than %zu bytes",
                         sizeof out->fault.line - 1);
    memcpy(out->fault.line, line, strcspn(line, "\r\n"));
    const char *cursor = out->fault.line;
    char nth[16];
    if (!next_word(&cursor, out->service, sizeof out->service, err) ||
        !next_word(&cursor, out->operation, sizeof out->operation, err) ||
        !next_word(&cursor, nth, sizeof nth, err) ||
        !next_word(&cursor, out->fault.action, sizeof out->fault.action, err) ||
        !read_nth(nth, &out->nth, err))
        return false;
    bool whole = strcmp(out->fault.action, "body") == 0; /* its text is read from the line */
    while (cursor[strspn(cursor, " \t")] != '\0' && !(whole && out->fault.argument_count == 1)) {
        if (out->fault.argument_count == FAULT_ARGUMENTS)
            return error_set(err, ERROR_CONFIG, "fault: more than %d arguments", FAULT_ARGUMENTS);
        char *argument = out->fault.argument[out->fault.argument_count++];
        if (!next_word(&cursor, argument, sizeof out->fault.argument[0], err)) return false;
    }
    return check_action(out, err) && check_arguments(&out->fault, err);
}

bool faults_add(struct faults *faults, const char *line, struct error *err)
{
    struct planned planned;
    if (!parse(line, &planned, err)) return false;
    bool added = true;
    pthread_mutex_lock(&faults->lock);
    if (faults->count == FAULTS) {
        added = error_set(err, ERROR_LIMIT, "fault: there are %d already; clear them first", FAULTS);
    } else {
        faults->planned = mem_grow(faults->planned, faults->count + 1, sizeof *faults->planned);
        faults->planned[faults->count++] = planned;
    }
    pthread_mutex_unlock(&faults->lock);
    return added;
}

void faults_clear(struct faults *faults)
{
    pthread_mutex_lock(&faults->lock);
    faults->count = 0;
    pthread_mutex_unlock(&faults->lock);
}

char *faults_waiting(struct faults *faults)
{
    AUTO(buf_done) struct buf lines = buf_limited(FAULTS * sizeof(struct fault));
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count; i++) {
        const struct planned *planned = &faults->planned[i];
        if (planned->calls >= (planned->nth == EVERY_CALL ? 1 : planned->nth)) continue;
        buf_text(&lines, planned->fault.line);
        buf_text(&lines, "\n");
    }
    pthread_mutex_unlock(&faults->lock);
    return mem_text(buf_string(&lines));
}

/* "*" is every request; what happens inside of one is planned by its own name. */
static bool is_inside(const char *operation)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (known[i].operation && strcmp(known[i].operation, operation) == 0) return true;
    return false;
}

static bool applies(const struct planned *planned, const char *service, const char *operation)
{
    if (strcmp(planned->service, service) != 0) return false;
    if (strcmp(planned->operation, "*") == 0) return !is_inside(operation);
    return strcmp(planned->operation, operation) == 0;
}

bool faults_next(struct faults *faults, const char *service, const char *operation, struct fault *out_fault)
{
    bool found = false;
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count; i++) {
        struct planned *planned = &faults->planned[i];
        if (!applies(planned, service, operation)) continue;
        planned->calls++;
        if (found || (planned->nth != EVERY_CALL && planned->nth != planned->calls)) continue;
        found = true;
        *out_fault = planned->fault;
    }
    pthread_mutex_unlock(&faults->lock);
    return found;
}

bool faults_planned(struct faults *faults, const struct fault *fault)
{
    bool found = false;
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count && !found; i++)
        found = strcmp(faults->planned[i].fault.line, fault->line) == 0;
    pthread_mutex_unlock(&faults->lock);
    return found;
}
