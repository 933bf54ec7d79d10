/* SPDX-License-Identifier: Apache-2.0 */
#include "listing.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "provenance.h"
#include "table.h"

#define MOST_LISTED 20000 /* without labels; the others are asked for one by one */
#define MONTH_DAYS  30
#define SCHEMA_TEXT 17

static const char *dataset_of(const struct bigquery *bq, size_t i)
{
    return i == 0 ? bq->settings.dataset : bq->settings.control_dataset;
}

void listing_clear(struct bigquery *bq)
{
    for (size_t i = 0; i < LISTED_DATASETS; i++)
        json_drop(&bq->listed[i]);
    json_drop(&bq->lock_rows);
    bq->is_listing_new = false;
}

static void take_page(json_t *listed, const json_t *tables)
{
    for (size_t i = 0; i < json_array_size(tables); i++) {
        json_t *item = json_array_get(tables, i);
        const char *name = json_text_at(item, "tableReference.tableId");
        bool has_room = json_object_size(listed) < MOST_LISTED || json_object_get(item, "labels");
        if (name && has_room) json_object_set(listed, name, item);
    }
}

bool listing_read_dataset(struct bigquery *bq, const char *dataset, json_t *listed, struct error *err)
{
    AUTO(mem_free) char *page = NULL;
    do {
        AUTO(json_drop) json_t *answer = NULL;
        if (!table_list(bq, dataset, page, &answer, err)) return false;
        take_page(listed, json_object_get(answer, "tables"));
        const char *next = json_text_at(answer, "nextPageToken");
        mem_free(&page);
        page = next && *next ? mem_text(next) : NULL;
    } while (page);
    return true;
}

bool listing_read(struct bigquery *bq, struct error *err)
{
    if (bq->is_listing_new) return true;
    listing_clear(bq);
    for (size_t i = 0; i < LISTED_DATASETS; i++) {
        AUTO(json_drop) json_t *listed = json_object();
        if (!listing_read_dataset(bq, dataset_of(bq, i), listed, err)) return false;
        bq->listed[i] = json_incref(listed);
    }
    bq->is_listing_new = true;
    return true;
}

static json_t *listed_in(const struct bigquery *bq, const char *dataset)
{
    return bq->listed[strcmp(dataset, bq->settings.dataset) != 0];
}

const json_t *listing_find(const struct bigquery *bq, const char *dataset, const char *table)
{
    return json_object_get(listed_in(bq, dataset), table);
}

void listing_forget(struct bigquery *bq, const char *dataset, const char *table)
{
    (void)json_object_del(listed_in(bq, dataset), table);
}

bool listing_check_provenance(struct bigquery *bq, struct error *err)
{
    const char *name;
    json_t *item;
    json_object_foreach (bq->listed[0], name, item)
        if (!provenance_check_table(bq, item, err)) return false;
    return true;
}

void listing_label(const struct bigquery *bq, json_t *want, const struct listing_note *note)
{
    uint64_t hash = HASH_EMPTY;
    char schema[SCHEMA_TEXT];
    AUTO(buf_done) struct buf text = buf_limited(LIMIT_SQL);
    json_t *labels = json_object_get(want, "labels");
    if (!labels) {
        labels = json_object();
        json_object_set_new(want, "labels", labels);
    }
    json_write(&text, want);
    hash = hash_bytes(hash, buf_string(&text), text.size);
    if (note->view) hash = hash_bytes(hash, note->view, strlen(note->view));
    if (note->is_monthly) hash = hash_mix(hash + (uint64_t)(day_of_utc(bq->now_us).n / MONTH_DAYS));
    snprintf(schema, sizeof schema, "%016llx", (unsigned long long)hash);
    json_object_set_new(labels, LABEL_SCHEMA, json_string(schema));
}

bool listing_is_labelled(const json_t *table, const json_t *want)
{
    const char *have = json_text_at(table, "labels." LABEL_SCHEMA);
    const char *wanted = json_text_at(want, "labels." LABEL_SCHEMA);
    return have && wanted && !strcmp(have, wanted);
}

bool listing_vouches(const struct bigquery *bq, const char *dataset, const char *table, const json_t *want)
{
    const json_t *item = listing_find(bq, dataset, table);
    struct error unread;
    return item && listing_is_labelled(item, want) && table_fits(item, want, &unread);
}
