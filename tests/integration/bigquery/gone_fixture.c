/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gone_fixture.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* --- People, teams they belong to, and the list of all their ids --- */

const struct selection gone_all = {
    .stream = &fake_members,
    .tables = {&fake_members_table, &fake_members_teams, &fake_members_deleted},
    .table_count = 3};
const struct selection gone_compared = {
    .stream = &fake_members_reconciliation,
    .tables = {&fake_members_ids, &fake_members_table, &fake_members_deleted},
    .table_count = RECONCILE_TABLES};

/* --- Rows --- */

static void add(struct texts *texts, size_t table, const char *format, ...) PRINTF(3, 4);

static void add(struct texts *texts, size_t table, const char *format, ...)
{
    va_list list;
    assert_true(texts->count < COUNT(texts->rows));
    char *text = texts->text[texts->count];
    va_start(list, format);
    vsnprintf(text, sizeof texts->text[0], format, list);
    va_end(list);
    texts->rows[texts->count++] = (struct row){table, text};
}

void add_person(struct texts *texts, const char *id, int on)
{
    add(texts, 0,
        "{\"id\":\"%s\",\"updated_at\":\"2026-02-%02dT10:00:00Z\",\"name\":\"%s\",\"partition_date\":"
        "\"2026-02-%02d\",\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":%zu}",
        id, on, id, on, texts->count);
}

void add_team(struct texts *texts, const char *person, const char *id, int on)
{
    add(texts, 1,
        "{\"person_id\":\"%s\",\"id\":\"%s\",\"person_updated_at\":\"2026-02-%02dT10:00:00Z\","
        "\"partition_date\":\"2026-02-%02d\",\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":%zu}",
        person, id, on, on, texts->count);
}

void add_deleted_at(struct texts *texts, const char *id, int on, const char *time)
{
    add(texts, 2,
        "{\"id\":\"%s\",\"seen_missing_at\":\"2026-02-%02dT%sZ\",\"source\":\"deleted feed\","
        "\"partition_date\":\"2026-02-%02d\",\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":%zu}",
        id, on, time, on, texts->count);
}

void add_deleted(struct texts *texts, const char *id, int on)
{
    add_deleted_at(texts, id, on, "10:00:00");
}

/* A unit of everything that began at noon of that day. */
struct commit whole(int on)
{
    struct commit commit = commit_of(1, 28);
    commit.unit.open = true;
    commit.unit.claim_hi = day(0);
    commit.began_us = ((int64_t)day(on).n * 86400 + 43200) * 1000000;
    return commit;
}

void put(const struct bench *bench, const struct texts *texts)
{
    struct commit commit = whole(1);
    put_rows(bench, &gone_all, texts->rows, texts->count, &commit);
}

/* The list of all ids, one letter each, as it was at noon of that day. */
void add_listed(struct texts *texts, const char *ids)
{
    for (; *ids; ids++)
        add(texts, RECONCILE_LIST,
            "{\"id\":\"%c\",\"partition_date\":\"2026-03-01\",\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":"
            "%zu}",
            *ids, texts->count);
}

/* The missing ids as they are to be asked for; then the total, and those found alive before. */
static char *missing_text(const struct missing *missing)
{
    AUTO(buf_done) struct buf text;
    buf_init(&text, 256);
    for (size_t i = 0; i < missing->count; i++)
        buf_text(&text, missing->ids[i]);
    buf_format(&text, " %d %d", (int)missing->total, (int)missing->alive);
    return buf_take(&text, NULL);
}

static void add_answers(struct texts *texts, const struct comparison *comparison,
                        const struct missing *missing)
{
    for (const char *id = comparison->alive; id && *id; id++)
        add(texts, RECONCILE_ALIVE,
            "{\"id\":\"%c\",\"updated_at\":\"2026-02-03T10:00:00Z\",\"name\":\"again\",\"partition_date\":"
            "\"2026-02-03\",\"_content\":\"7\",\"_read_at\":\"2026-03-02T00:00:00Z\",\"_seq\":%zu}",
            *id, texts->count);
    for (size_t i = 0; i < missing->count; i++) {
        const char *id = missing->ids[i];
        if (comparison->gone ? !strstr(comparison->gone, id)
                             : comparison->alive && strstr(comparison->alive, id) != NULL)
            continue;
        add(texts, RECONCILE_GONE,
            "{\"id\":\"%s\",\"seen_missing_at\":\"2026-02-28T10:00:00Z\",\"source\":\"reconciliation\","
            "\"partition_date\":\"2026-02-28\",\"_read_at\":\"2026-03-01T00:00:00Z\",\"_seq\":%zu}",
            id, texts->count);
    }
}

static void write_texts(struct load *load, const struct texts *texts)
{
    struct error err = {0};
    for (size_t i = 0; i < texts->count; i++)
        must(load->bq->warehouse.ops->write(load, texts->rows[i].table, texts->rows[i].json,
                                            strlen(texts->rows[i].json), &err),
             &err);
}

static void write_rejects(struct load *load, const char *ids)
{
    struct error err = {0};
    for (; ids && *ids; ids++) {
        const char id[] = {*ids, '\0'};
        const struct reject reject = {
            .id = *ids == '-' ? "" : id, .reason = "it has no date", .record = id, .record_size = 1};
        must(load->bq->warehouse.ops->reject(load, &reject, &err), &err);
    }
}

/* out_missing: see missing_text; yours. May be NULL. */
struct committed compare_as(const struct bench *bench, const struct comparison *comparison,
                            char **out_missing)
{
    struct error err = {0};
    struct committed committed = {0};
    struct missing missing = {0};
    struct texts listed = {.count = 0}, answers = {.count = 0};
    struct commit commit = whole(comparison->on);
    commit.confirms_missing = comparison->confirms_missing;
    must(prepare(bench, &gone_compared, &err), &err);
    struct load *load = begin(bench, &gone_compared);
    add_listed(&listed, comparison->listed);
    write_texts(load, &listed);
    if (listed.count > 0)
        must(load->bq->warehouse.ops->missing(load, commit.began_us, 10, &missing, &err), &err);
    add_answers(&answers, comparison, &missing);
    write_texts(load, &answers);
    write_rejects(load, comparison->rejected);
    if (out_missing) *out_missing = missing_text(&missing);
    missing_done(&missing);
    must(bench->warehouse->ops->commit(load, &commit, &committed, &err), &err);
    assert_int_equal(committed.doubled, 0);
    return committed;
}

/* All that it lacks is gone. */
int64_t compare(const struct bench *bench, const char *ids, int on)
{
    return compare_as(bench, &(struct comparison){.listed = ids, .on = on}, NULL).inserted[RECONCILE_GONE];
}

int64_t in_latest(const struct bench *bench, const char *id)
{
    return ask("SELECT COUNT(*) FROM `acme-data.%s.people_latest` WHERE id = '%s'", bench->dataset, id);
}

int64_t noted(const struct bench *bench, const char *id)
{
    return ask("SELECT COUNT(*) FROM `acme-data.%s.people_deleted` WHERE " GONE_OLDEST " AND id = '%s'",
               bench->dataset, id);
}

struct bench bench_with(const char *ids)
{
    struct bench bench = bench_new();
    struct texts texts = {.count = 0};
    for (int on = 3; *ids; ids++, on++)
        add_person(&texts, (const char[]){*ids, '\0'}, on);
    put(&bench, &texts);
    return bench;
}
