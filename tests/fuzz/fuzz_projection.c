/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_projection.c - a record of any shape becomes a row, or is rejected with a reason; its value reads back
 * equal, and equal values have one hash. */
#include <string.h>

#include "base/json_value.h"
#include "base/limits.h"
#include "core/content.h"
#include "core/rows.h"
#include "fuzz.h"
#include "sources/sources.h"

#define TABLES_MAX 256

/* Made once for each table: most of the time would go there. */
static const struct projection *projection_of(const struct table *table)
{
    static struct {
        const struct table *table;
        struct projection *projection;
    } made[TABLES_MAX];
    size_t at = 0;
    while (made[at].table && made[at].table != table)
        fuzz_require(++at < TABLES_MAX);
    if (!made[at].table) {
        made[at].table = table;
        made[at].projection = projection_new(table);
    }
    return made[at].projection;
}

static void build(const struct table *table, const struct zone *zone, const struct json_value *record)
{
    AUTO(buf_done) struct buf row = buf_limited(LIMIT_ROW);
    AUTO(value_drop) struct json_value *read = NULL;
    struct json_normalisations none = {0};
    struct row_facts facts;
    struct error err;
    const struct row_context context = {
        .zone = zone, .content = record, .read_us = 1, .projection = projection_of(table)};
    if (row_build(table, record, &context, &row, &facts) == ROW_REJECTED) {
        fuzz_require(facts.problem[0] != '\0' && row.size == 0);
        return;
    }
    fuzz_require(!memchr(row.data, '\n', row.size));
    fuzz_require(value_read(row.data, row.size, false, &none, &read, &err));
    fuzz_require(json_normalisations_sum(&none) == 0); /* nothing is to be repaired, no name comes twice */
    fuzz_require(facts.has_content && facts.content >= 0);
}

static void build_all(const struct source_type *type, const struct zone *zone,
                      const struct json_value *record)
{
    for (size_t i = 0; i < type->stream_count; i++) {
        const struct stream *stream = type->streams[i];
        build(stream->table, zone, record);
        for (size_t k = 0; k < stream->child_count; k++)
            build(stream->children[k].table, zone, record);
    }
}

static void expect_same(const struct json_value *value)
{
    static const struct table table = {.name = "any"};
    AUTO(buf_done) struct buf text = buf_limited(64 * 1024 * 1024);
    AUTO(buf_done) struct buf again = buf_limited(64 * 1024 * 1024);
    AUTO(value_drop) struct json_value *read = NULL;
    struct json_normalisations none = {0};
    struct error err;
    fuzz_require(value_write(&text, value));
    fuzz_require(value_read(text.data, text.size, false, &none, &read, &err));
    fuzz_require(json_normalisations_sum(&none) == 0 && value_write(&again, read));
    fuzz_require(text.size == again.size && memcmp(text.data, again.data, text.size) == 0);
    fuzz_require(content_hash(&table, value) == content_hash(&table, read));
}

/* Sources replace members: the others stay, in their order. */
static void change(struct json_value *object)
{
    size_t members = 0;
    struct json_value *first = value_members(object);
    if (!first) return;
    value_set_integer(object, first->key, 7);
    fuzz_require(value_integer_at(object, "\x01", 0) == 0);
    value_set_text(object, "a name of ours", "x");
    value_set(object, "another", value_get(object, "a name of ours"));
    value_remove(object, "a name of ours");
    for (struct json_value *member = value_members(object); member; member = member->next)
        members++;
    fuzz_require(members == object->size && strcmp(value_text_at(object, "another"), "x") == 0);
    expect_same(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const sources[] = {"intercom", "helpscout", "comagic"};
    static struct zone *zone;
    AUTO(value_drop) struct json_value *record = NULL;
    struct error err;
    if (!zone) fuzz_require(zone_load("Europe/Berlin", &zone, &err));
    if (!value_read((const char *)data, size, true, NULL, &record, &err)) return 0;
    expect_same(record);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        build_all(source_type_find(sources[i]), zone, record);
    change(record);
    return 0;
}
