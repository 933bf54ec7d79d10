/* SPDX-License-Identifier: Apache-2.0 */
/* fresh.c - the fault of a table that was made, and is not found at once.
 *
 * The service's parts learn of a new table one after the other. The fault `missing` is looked up for every
 * table that is made by tables.insert or by a load job.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bigquery/internal.h"

struct fresh_table {
    struct fresh_table *next;
    char *project, *dataset, *table;
    char place[64];   /* "get", "list", "load" or "query"; "": everywhere but in lists, unless for a time */
    int64_t until_ms; /* by the machine's clock; -1: until it was missed once */
    bool over;
};

void bq_note_made(struct bigquery_server *bigquery, const char *project, const char *dataset,
                  const char *table)
{
    struct fault fault;
    int64_t ms = 0;
    if (!faults_next(bigquery->faults, "bigquery", "table", &fault)) return;
    bool once = strcmp(fault.argument[0], "once") == 0;
    struct fresh_table *fresh = mem_zero(1, sizeof *fresh);
    fresh->project = mem_text(project);
    fresh->dataset = mem_text(dataset);
    fresh->table = mem_text(table);
    memcpy(fresh->place, fault.argument[1], sizeof fresh->place);
    (void)bq_text_int64(fault.argument[0], &ms);
    fresh->until_ms = once ? -1 : clock_ms() + ms;
    pthread_mutex_lock(&bigquery->mutex);
    fresh->next = bigquery->fresh;
    bigquery->fresh = fresh;
    pthread_mutex_unlock(&bigquery->mutex);
}

/* Is `dataset.table` in the query, not as the beginning of another name? */
static bool is_named(const struct fresh_table *fresh, const char *query)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    AUTO(mem_free) char *name = mem_format("%s.%s", fresh->dataset, fresh->table);
    for (const char *at = strstr(query, name); at; at = strstr(at + 1, name)) {
        const char *end = at + strlen(name);
        bool whole = *end == '\0' || !strchr(letters, *end);
        if (whole && (at == query || !strchr(letters, at[-1]))) return true;
    }
    return false;
}

bool bq_is_fresh(struct bigquery_server *bigquery, const char *place, const struct table_name *name,
                 const char *query, struct store_error *err)
{
    struct fresh_table *found = NULL;
    pthread_mutex_lock(&bigquery->mutex);
    for (struct fresh_table *fresh = bigquery->fresh; fresh && !found; fresh = fresh->next) {
        if (fresh->until_ms >= 0 && clock_ms() >= fresh->until_ms) fresh->over = true;
        if (fresh->over || (fresh->place[0] && strcmp(fresh->place, place) != 0)) continue;
        if (!fresh->place[0] && fresh->until_ms < 0 && strcmp(place, "list") == 0) continue;
        bool named = query ? is_named(fresh, query)
                           : strcmp(fresh->project, name->project) == 0 &&
                                 strcmp(fresh->dataset, name->dataset) == 0 &&
                                 strcmp(fresh->table, name->table) == 0;
        if (!named) continue;
        found = fresh;
        fresh->over = fresh->until_ms < 0;
    }
    pthread_mutex_unlock(&bigquery->mutex);
    if (!found) return false;
    (void)bq_problem(err, "notFound", "Not found: Table %s:%s.%s", found->project, found->dataset,
                     found->table);
    return true;
}

void bq_drop_fresh(struct bigquery_server *bigquery)
{
    while (bigquery->fresh) {
        struct fresh_table *fresh = bigquery->fresh;
        bigquery->fresh = fresh->next;
        free(fresh->project);
        free(fresh->dataset);
        free(fresh->table);
        free(fresh);
    }
}
