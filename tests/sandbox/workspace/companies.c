/* SPDX-License-Identifier: Apache-2.0 */
/* companies.c - the scroll over all companies, their segments, and the deleted ones. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "workspace/companies.h"
#include "workspace/records.h"

#define SEGMENTS       8           /* there are */
#define MOST_SEGMENTS  5           /* of one company */
#define LOADED_AFTER_S (2 * 86400) /* a version so old lay before the end of whatever was loaded then */

struct shown {
    size_t number;
    int64_t updated_s, at_s;
};

struct company_removal {
    char id[SHELF_KEY];
    int64_t at_s;
};

struct companies {
    pthread_mutex_t lock;
    struct shelf *shelf;
    uint64_t seed, scrolls, choices;
    char param[SCROLL_PARAM]; /* "": no scroll is open */
    char last_key[SHELF_KEY]; /* "": at the beginning */
    int64_t used_us;          /* when it was last asked for a page */
    struct shown *shown;      /* those from `settled` on only if the open scroll comes to its end */
    size_t shown_count, shown_capacity, settled;
    struct company_removal *removals;
    size_t removal_count;
};

struct companies *companies_new(struct shelf *shelf, uint64_t seed)
{
    struct companies *companies = mem_zero(1, sizeof *companies);
    pthread_mutex_init(&companies->lock, NULL);
    companies->shelf = shelf;
    companies->seed = mix(seed ^ UINT64_C(0x636f6d70616e79));
    return companies;
}

void companies_free(struct companies *companies)
{
    if (!companies) return;
    free(companies->shown);
    free(companies->removals);
    pthread_mutex_destroy(&companies->lock);
    free(companies);
}

/* --- scrolling --- */

static void open_scroll(struct companies *companies)
{
    uint64_t chance = mix(companies->seed ^ mix(++companies->scrolls));
    snprintf(companies->param, SCROLL_PARAM, "%08" PRIx64 "-%04" PRIx64 "-4a3b-8c1d-%012" PRIx64,
             chance >> 32, chance >> 16 & 0xffff, mix(chance) & UINT64_C(0xffffffffffff));
    companies->last_key[0] = '\0';
    companies->shown_count = companies->settled;
}

static void remember(struct companies *companies, const json_t *page, int64_t now_s)
{
    for (size_t i = 0; i < json_array_size(page); i++) {
        const json_t *company = json_array_get(page, i);
        const char *id = json_text_at(company, "id");
        if (!id) continue;
        if (companies->shown_count == companies->shown_capacity) {
            companies->shown_capacity = companies->shown_capacity ? companies->shown_capacity * 2 : 512;
            companies->shown =
                mem_grow(companies->shown, companies->shown_capacity, sizeof *companies->shown);
        }
        companies->shown[companies->shown_count++] =
            (struct shown){.number = shelf_number(companies->shelf, id),
                           .updated_s = json_int_at(company, "updated_at", 0),
                           .at_s = now_s};
    }
}

static json_t *turn_page(struct companies *companies, int64_t now_us)
{
    struct shelf_page page;
    shelf_list(companies->shelf,
               &(struct shelf_query){.order = SHELF_BY_ARRIVAL,
                                     .after_key = companies->last_key[0] ? companies->last_key : NULL,
                                     .limit = SCROLL_PAGE,
                                     .now_s = now_us / 1000000},
               &page);
    companies->used_us = now_us;
    remember(companies, page.records, now_us / 1000000);
    if (json_array_size(page.records) > 0) {
        memcpy(companies->last_key, page.last_key, SHELF_KEY);
    } else {
        companies->param[0] = '\0';
        companies->settled = companies->shown_count;
    }
    return page.records;
}

enum scroll companies_scroll(struct companies *companies, const char *param, int64_t now_us,
                             json_t **out_page, char out_param[SCROLL_PARAM])
{
    enum scroll state = SCROLL_GOES_ON;
    pthread_mutex_lock(&companies->lock);
    if (now_us - companies->used_us > SCROLL_IDLE_S * INT64_C(1000000)) companies->param[0] = '\0';
    if (param && (!companies->param[0] || strcmp(param, companies->param) != 0))
        state = SCROLL_UNKNOWN;
    else if (!param && companies->param[0])
        state = SCROLL_EXISTS;
    else if (!param)
        open_scroll(companies);
    if (state == SCROLL_GOES_ON) {
        snprintf(out_param, SCROLL_PARAM, "%s", companies->param);
        *out_page = turn_page(companies, now_us);
    }
    pthread_mutex_unlock(&companies->lock);
    return state;
}

/* --- segments --- */

json_t *companies_segments_of(const struct companies *companies, size_t number, size_t version)
{
    static const char *const names[SEGMENTS] = {"Active",   "New",    "Paying, “big”", "Größer als 50",
                                                "Slipping", "試用中", "Churned",       "All"};
    json_t *segments = json_array();
    uint64_t chance = mix(companies->seed ^ mix(number) ^ mix(version + UINT64_C(0x736567)));
    size_t count = (size_t)(chance % (MOST_SEGMENTS + 1)), first = (size_t)(chance >> 8) % SEGMENTS;
    for (size_t i = 0; i < count; i++) {
        size_t segment = (first + i) % SEGMENTS;
        json_t *made = json_pack("{s:s, s:o, s:s, s:i, s:i, s:s}", "type", "segment", "id",
                                 json_sprintf("5f0c1e2a%02zx", segment), "name", names[segment], "created_at",
                                 1700000000, "updated_at", 1700000000 + (int)segment, "person_type",
                                 segment % 2 ? "user" : "contact");
        if (segment % 3 == 0) json_object_set_new(made, "count", segment ? json_integer(7) : json_null());
        json_array_append_new(segments, made);
    }
    return segments;
}

size_t companies_segment_number(const json_t *segment)
{
    const char *id = json_text_at(segment, "id");
    size_t size = id ? strlen(id) : 0;
    return size >= 2 ? strtoul(id + size - 2, NULL, 16) : 0;
}

json_t *companies_segments(struct companies *companies, const char *id)
{
    bool current;
    size_t number = shelf_number(companies->shelf, id);
    size_t versions = shelf_versions(companies->shelf, number, &current);
    return current ? companies_segments_of(companies, number, versions - 1) : NULL;
}

/* --- the deleted --- */

static bool remove_one(struct companies *companies, const char *id, int64_t at_s)
{
    if (!shelf_remove(companies->shelf, id)) return false;
    companies->removals =
        mem_grow(companies->removals, companies->removal_count + 1, sizeof *companies->removals);
    struct company_removal *removal = &companies->removals[companies->removal_count++];
    *removal = (struct company_removal){.at_s = at_s};
    snprintf(removal->id, sizeof removal->id, "%s", id);
    return true;
}

bool companies_remove(struct companies *companies, const char *id, int64_t at_s)
{
    pthread_mutex_lock(&companies->lock);
    bool removed = remove_one(companies, id, at_s);
    pthread_mutex_unlock(&companies->lock);
    return removed;
}

int64_t companies_remove_some(struct companies *companies, int64_t count, int64_t at_s)
{
    int64_t removed = 0;
    pthread_mutex_lock(&companies->lock);
    size_t ever = shelf_ever(companies->shelf);
    size_t start = ever ? (size_t)(mix(companies->seed ^ mix(++companies->choices)) % ever) : 0;
    for (size_t i = 0; i < ever && removed < count; i++) {
        char id[SHELF_KEY];
        shelf_key(companies->shelf, (start + i * 7) % ever, id); /* a number twice is no harm */
        removed += remove_one(companies, id, at_s);
    }
    pthread_mutex_unlock(&companies->lock);
    return removed;
}

bool companies_removal(struct companies *companies, const char *id, int64_t *out_at_s)
{
    bool found = false;
    pthread_mutex_lock(&companies->lock);
    for (size_t i = 0; i < companies->removal_count && !found; i++) {
        found = strcmp(companies->removals[i].id, id) == 0;
        if (found) *out_at_s = companies->removals[i].at_s;
    }
    pthread_mutex_unlock(&companies->lock);
    return found;
}

/* The newest version that was shown to the end of a scroll when it was old enough; 0: none. */
static int64_t loaded_s(struct companies *companies, size_t number)
{
    int64_t newest_s = 0;
    pthread_mutex_lock(&companies->lock);
    for (size_t i = 0; i < companies->settled; i++) {
        const struct shown *shown = &companies->shown[i];
        if (shown->number == number && shown->at_s >= shown->updated_s + LOADED_AFTER_S &&
            shown->updated_s > newest_s)
            newest_s = shown->updated_s;
    }
    pthread_mutex_unlock(&companies->lock);
    return newest_s;
}

bool companies_wanted(struct companies *companies, size_t number, size_t *out_version)
{
    bool current;
    size_t versions = shelf_versions(companies->shelf, number, &current);
    if (versions == 0) return false;
    *out_version = versions - 1;
    if (current) return true;
    int64_t wanted_s = loaded_s(companies, number);
    for (size_t version = versions; wanted_s && version > 0; version--) {
        int64_t at_s;
        json_decref(shelf_version(companies->shelf, number, version - 1, &at_s));
        *out_version = version - 1;
        if (at_s == wanted_s) return true;
    }
    return false;
}
