/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - what was asked, in order.
 *
 * Entries are kept as finished lines. Past a ceiling the oldest half is forgotten; numbers go on.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/json.h"
#include "base/mem.h"
#include "shared/journal.h"

#define ENTRIES    200000
#define BYTES      (96 * 1024 * 1024)
#define LINE_LIMIT (1024 * 1024)

struct entry {
    char *service;
    char *line;
};

struct journal {
    pthread_mutex_t lock;
    struct entry *entries; /* number of entries[i]: forgotten + i + 1 */
    size_t count, capacity;
    size_t bytes; /* of all lines */
    int64_t forgotten;
};

struct journal *journal_new(void)
{
    struct journal *journal = mem_zero(1, sizeof *journal);
    pthread_mutex_init(&journal->lock, NULL);
    return journal;
}

static void entries_free(struct entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(entries[i].service);
        free(entries[i].line);
    }
}

void journal_free(struct journal *journal)
{
    if (!journal) return;
    entries_free(journal->entries, journal->count);
    free(journal->entries);
    pthread_mutex_destroy(&journal->lock);
    free(journal);
}

/* The oldest entries go, until half of each ceiling is left. */
static void forget_half(struct journal *journal)
{
    size_t gone = 0;
    while (gone < journal->count && (journal->count - gone > ENTRIES / 2 || journal->bytes > BYTES / 2))
        journal->bytes -= strlen(journal->entries[gone++].line);
    entries_free(journal->entries, gone);
    journal->count -= gone;
    memmove(journal->entries, journal->entries + gone, journal->count * sizeof *journal->entries);
    journal->forgotten += (int64_t)gone;
}

static void make_room(struct journal *journal)
{
    if (journal->count == ENTRIES || journal->bytes > BYTES) forget_half(journal);
    if (journal->count == journal->capacity) {
        journal->capacity = journal->capacity ? journal->capacity * 2 : 256;
        journal->entries = mem_grow(journal->entries, journal->capacity, sizeof *journal->entries);
    }
}

int64_t journal_add(struct journal *journal, const char *service, const char *operation, int64_t at_us,
                    int status, const char *fault, const json_t *detail)
{
    char at[INSTANT_TEXT];
    instant_format(at_us, at);
    pthread_mutex_lock(&journal->lock);
    make_room(journal);
    int64_t number = journal->forgotten + (int64_t)journal->count + 1;
    AUTO(json_drop)
    json_t *entry = json_pack("{s:I, s:s, s:s, s:s, s:i}", "n", (json_int_t)number, "service", service,
                              "operation", operation, "at", at, "status", status);
    if (fault) json_object_set_new(entry, "fault", json_string(fault));
    AUTO(json_drop)
    json_t *members = json_deep_copy(detail); /* jansson iterates over non-const objects only */
    json_object_update(entry, members);
    struct buf line;
    buf_init(&line, LINE_LIMIT);
    if (!json_write(&line, entry)) {
        buf_reset(&line);
        buf_format(&line, "{\"n\":%lld,\"service\":\"%s\"}", (long long)number, service);
    }
    journal->bytes += line.size;
    journal->entries[journal->count++] =
        (struct entry){.service = mem_text(service), .line = buf_take(&line, NULL)};
    pthread_mutex_unlock(&journal->lock);
    return number;
}

int64_t journal_dump(struct journal *journal, const char *service, int64_t after, struct buf *out)
{
    pthread_mutex_lock(&journal->lock);
    int64_t last = after > journal->forgotten ? after : journal->forgotten;
    for (size_t i = (size_t)(last - journal->forgotten); i < journal->count; i++) {
        const struct entry *entry = &journal->entries[i];
        bool is_wanted = !service || strcmp(service, entry->service) == 0;
        if (is_wanted && strlen(entry->line) + 1 > out->limit - out->size) break;
        if (is_wanted) buf_format(out, "%s\n", entry->line);
        last++;
    }
    pthread_mutex_unlock(&journal->lock);
    return last;
}
