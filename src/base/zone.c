/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "zone_rule.h"

#define FOLDER       "/usr/share/zoneinfo"
#define FILE_LIMIT   (256 * 1024) /* the largest zones have a few kilobytes */
#define HEADER       44
#define OFFSET_LIMIT (26 * 3600) /* RFC 8536: offsets lie within -25 and +26 hours */
#define TYPES        256
#define DAY_S        INT64_C(86400)

struct zone {
    char name[LIMIT_NAME];
    size_t count;      /* of transitions */
    int64_t *from_s;   /* ascending */
    int32_t *offset_s; /* in force from the transition of the same index */
    int32_t first_s;   /* in force before all transitions */
    bool has_rule;     /* in force from the last transition on */
    struct zone_rule rule;
};

struct header {
    size_t ut, standard, leaps, times, types, letters;
};

struct view {
    const unsigned char *at;
    size_t left;
};

static uint32_t big32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t big64(const unsigned char *at)
{
    uint64_t bits = (uint64_t)big32(at) << 32 | big32(at + 4);
    int64_t value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void skip(struct view *view, size_t size)
{
    view->at += size;
    view->left -= size;
}

static bool read_header(struct view *view, struct header *out, unsigned char *out_version)
{
    const unsigned char *at = view->at;
    if (view->left < HEADER || memcmp(at, "TZif", 4) != 0) return false;
    *out_version = at[4];
    *out = (struct header){.ut = big32(at + 20),
                           .standard = big32(at + 24),
                           .leaps = big32(at + 28),
                           .times = big32(at + 32),
                           .types = big32(at + 36),
                           .letters = big32(at + 40)};
    skip(view, HEADER);
    /* With the counts bounded no size below can overflow. */
    return out->ut <= TYPES && out->standard <= TYPES && out->leaps <= FILE_LIMIT &&
           out->times <= FILE_LIMIT && out->types >= 1 && out->types <= TYPES && out->letters <= FILE_LIMIT;
}

/* Bytes of the data block behind a header; times take 4 bytes in the first block and 8 in the second. */
static size_t block_size(const struct header *header, size_t time_size)
{
    return header->times * (time_size + 1) + header->types * 6 + header->letters +
           header->leaps * (time_size + 4) + header->standard + header->ut;
}

static bool read_block(struct zone *zone, struct view *view, const struct header *header, size_t time_size)
{
    if (view->left < block_size(header, time_size)) return false;
    const unsigned char *indices = view->at + header->times * time_size;
    const unsigned char *types = indices + header->times;
    zone->count = header->times;
    zone->from_s = mem_zero(header->times, sizeof *zone->from_s);
    zone->offset_s = mem_zero(header->times, sizeof *zone->offset_s);
    for (size_t i = 0; i < header->types; i++) {
        int32_t offset = (int32_t)big32(types + i * 6);
        if (offset < -OFFSET_LIMIT || offset > OFFSET_LIMIT) return false;
    }
    zone->first_s = (int32_t)big32(types);
    for (size_t i = 0; i < header->times; i++) {
        const unsigned char *time = view->at + i * time_size;
        if (indices[i] >= header->types) return false;
        zone->from_s[i] = time_size == 8 ? big64(time) : (int32_t)big32(time);
        zone->offset_s[i] = (int32_t)big32(types + indices[i] * 6u);
        if (i > 0 && zone->from_s[i] <= zone->from_s[i - 1]) return false;
    }
    skip(view, block_size(header, time_size));
    return true;
}

/* "\n" rule "\n"; an empty rule keeps the last transition's offset. */
static bool read_footer(struct zone *zone, const struct view *view)
{
    char text[256];
    if (view->left < 2 || view->at[0] != '\n') return false;
    const unsigned char *end = memchr(view->at + 1, '\n', view->left - 1);
    if (!end) return false;
    size_t size = (size_t)(end - view->at) - 1;
    if (size == 0) return true;
    if (size >= sizeof text || memchr(view->at + 1, '\0', size)) return false;
    memcpy(text, view->at + 1, size);
    text[size] = '\0';
    zone->has_rule = zone_rule_parse(text, &zone->rule);
    return zone->has_rule;
}

/* Version 1 has one block with 32-bit times. Later versions keep it for old readers, and we skip it. */
static bool read_zone(struct zone *zone, struct view view)
{
    struct header header;
    unsigned char version;
    if (!read_header(&view, &header, &version)) return false;
    if (version == '\0') return read_block(zone, &view, &header, 4);
    if (version < '2' || view.left < block_size(&header, 4)) return false;
    skip(&view, block_size(&header, 4));
    return read_header(&view, &header, &version) && read_block(zone, &view, &header, 8) &&
           read_footer(zone, &view);
}

/* Letters, digits, _ + - and single dots or slashes between them: nothing that leaves the folder. */
static bool harmless(const char *name)
{
    char before = '/';
    if (strlen(name) >= LIMIT_NAME) return false;
    for (; *name; name++) {
        bool mark = *name == '/' || *name == '.';
        bool letter = (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
                      (*name >= '0' && *name <= '9') || *name == '_' || *name == '+' || *name == '-';
        if ((!mark && !letter) || (mark && (before == '/' || before == '.'))) return false;
        before = *name;
    }
    return before != '/' && before != '.';
}

static bool load(struct zone *zone, const char *name, struct error *err)
{
    const char *folder = getenv("TZDIR");
    AUTO(mem_free) char *path = mem_format("%s/%s", folder && *folder ? folder : FOLDER, name);
    AUTO(buf_done) struct buf bytes = {0};
    if (!file_read(path, FILE_LIMIT, &bytes, err))
        return error_wrap(err,
                          "time zone \"%s\" (use a name like \"Europe/Berlin\" or \"Etc/UTC\", and install "
                          "the system's time zone database, tzdata)",
                          name);
    if (!read_zone(zone, (struct view){.at = (unsigned char *)bytes.data, .left = bytes.size}))
        return error_set(err, ERROR_CONFIG,
                         "time zone \"%s\": %s is not a time zone file; install tzdata again", name, path);
    return true;
}

bool zone_load(const char *name, struct zone **out_zone, struct error *err)
{
    struct zone *zone;
    *out_zone = NULL;
    if (!harmless(name))
        return error_set(err, ERROR_CONFIG,
                         "\"%.80s\" is not a time zone's name; use one like \"Europe/Berlin\"", name);
    zone = mem_zero(1, sizeof *zone);
    memcpy(zone->name, name, strlen(name));
    /* UTC is all zeros, and needs no database: a bare container image has none. */
    if (strcmp(name, "UTC") != 0 && strcmp(name, "Etc/UTC") != 0 && !load(zone, name, err)) {
        zone_free(zone);
        return false;
    }
    *out_zone = zone;
    return true;
}

void zone_free(struct zone *zone)
{
    if (!zone) return;
    free(zone->from_s);
    free(zone->offset_s);
    free(zone);
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

static struct zone_span span_at(const struct zone *zone, int64_t at_s)
{
    size_t low = 0;
    size_t high = zone->count; /* the first transition after the instant lies from low to high */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->from_s[middle] <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->count && zone->has_rule) return zone_rule_at(&zone->rule, at_s);
    return (struct zone_span){.offset_s = low > 0 ? zone->offset_s[low - 1] : zone->first_s,
                              .until_s = low < zone->count ? zone->from_s[low] : INT64_MAX};
}

int zone_offset_s(const struct zone *zone, int64_t at_s)
{
    return span_at(zone, at_s).offset_s;
}

struct day zone_day(const struct zone *zone, int64_t at_s)
{
    int64_t local_s = at_s + zone_offset_s(zone, at_s);
    return (struct day){.n = (int32_t)(local_s / DAY_S - (local_s % DAY_S < 0))};
}

int64_t zone_start_s(const struct zone *zone, struct day day)
{
    int64_t midnight_s = day.n * DAY_S; /* of the local clock, as if it were UTC */
    int64_t at_s = midnight_s - OFFSET_LIMIT;
    /* Clocks jump over midnight, and back over it. So walk the stretches of equal offset around it, and take
     * the first instant that shows the day or a later one. */
    for (;;) {
        struct zone_span span = span_at(zone, at_s);
        int64_t shown_s = midnight_s - span.offset_s;
        if (shown_s < at_s) shown_s = at_s;
        if (shown_s < span.until_s) return shown_s;
        at_s = span.until_s;
    }
}
