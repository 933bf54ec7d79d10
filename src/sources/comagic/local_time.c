/* SPDX-License-Identifier: Apache-2.0 */
/* local_time.c - the account's local times. The service names no zone, neither in requests nor in answers.
 *
 * Where clocks are put back an hour comes twice, and nothing says which of the two is meant: it is read as
 * the first. So an instant still shows the text that came.
 */
#include <stdio.h>
#include <string.h>

#include "base/day.h"
#include "internal.h"

#define DAY_S  INT64_C(86400)
#define NEAR_S INT64_C(10800) /* clocks are put back by less */

static void write_local(int64_t local_s, char out[LOCAL_TIME])
{
    char instant[INSTANT_TEXT];
    instant_format(local_s * 1000000, instant);
    (void)snprintf(out, LOCAL_TIME, "%.10s %.8s", instant, instant + 11);
}

/* After clocks were put back, the local times before `to` reach up to where they were put back. */
static int64_t last_local_s(const struct zone *zone, int64_t to_s)
{
    int now = zone_offset_s(zone, to_s), before = zone_offset_s(zone, to_s - NEAR_S);
    return to_s - 1 + (before > now ? before : now);
}

void local_bounds(const struct zone *zone, struct window window, int64_t now_s, char out_from[LOCAL_TIME],
                  char out_till[LOCAL_TIME])
{
    int64_t from_s = window.from_s > 0 ? window.from_s : 0;
    int64_t to_s =
        window.to_s == WINDOW_OPEN ? zone_start_s(zone, day_add(zone_day(zone, now_s), 1)) : window.to_s;
    int64_t from_local_s = from_s + zone_offset_s(zone, from_s), till_local_s = last_local_s(zone, to_s);
    write_local(from_local_s, out_from);
    write_local(till_local_s > from_local_s ? till_local_s : from_local_s, out_till);
}

/* "10:11:12" */
static bool read_clock(const char *text, int64_t *out_s)
{
    int hour, minute, second, size = 0;
    if (strspn(text, "0123456789:") != 8 || text[8] != '\0') return false;
    if (sscanf(text, "%2d:%2d:%2d%n", &hour, &minute, &second, &size) != 3 || size != 8) return false;
    *out_s = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

bool local_time_read(const struct zone *zone, const char *text, int64_t *out_s)
{
    char date[DAY_TEXT];
    struct day day;
    int64_t clock_s = 0;
    (void)snprintf(date, sizeof date, "%.10s", text);
    bool is_date = strlen(text) == 10;
    if (!day_parse(date, &day) || (!is_date && (text[10] != ' ' || !read_clock(text + 11, &clock_s))))
        return false;
    if (is_date) {
        *out_s = zone_start_s(zone, day);
        return true;
    }
    int64_t local_s = day.n * DAY_S + clock_s;
    int64_t early_s = local_s - zone_offset_s(zone, local_s - DAY_S);
    int64_t late_s = local_s - zone_offset_s(zone, local_s + DAY_S);
    *out_s = early_s < late_s ? early_s : late_s;
    if (*out_s + zone_offset_s(zone, *out_s) == local_s) return true;
    *out_s = early_s < late_s ? late_s : early_s;
    return *out_s + zone_offset_s(zone, *out_s) == local_s;
}

static void prepare_value(const struct zone *zone, struct json_value *object, const struct column *column);

static void prepare_fields(const struct zone *zone, const struct column *columns, size_t count,
                           struct json_value *object)
{
    for (size_t i = 0; value_is_object(object) && i < count; i++)
        prepare_value(zone, object, &columns[i]);
}

static void prepare_value(const struct zone *zone, struct json_value *object, const struct column *column)
{
    char instant[INSTANT_TEXT];
    int64_t at_s;
    const char *field = column_field(column);
    struct json_value *value = value_get(object, field);
    const char *text = value_text(value);
    if (column->type == COLUMN_RECORD && value_is_array(value)) {
        for (struct json_value *element = value->first; element; element = element->next)
            prepare_fields(zone, column->fields, column->field_count, element);
    } else if (column->type == COLUMN_RECORD) {
        prepare_fields(zone, column->fields, column->field_count, value);
    } else if (column->type == COLUMN_TIMESTAMP && text && local_time_read(zone, text, &at_s)) {
        instant_format(at_s * 1000000, instant);
        value_set_text(object, field, instant);
    }
}

/* "2026-01-31/5001//17": what is absent or null is empty. */
static void make_key(const char *const *fields, const char *name, struct json_value *record)
{
    AUTO(buf_done) struct buf key = buf_limited(4096);
    for (const char *const *field = fields; *field; field++) {
        const struct json_value *value = value_get(record, *field);
        if (field != fields) buf_byte(&key, '/');
        if (value_is_string(value) || value_is_integer(value)) buf_add(&key, value->text, value->size);
    }
    value_set_text(record, name, buf_string(&key));
}

void comagic_prepare(const struct rest_source *source, const struct table *table, struct json_value *record)
{
    const struct comagic *comagic = (const struct comagic *)source;
    const char *const *fields = comagic_made_key(table);
    if (fields && value_is_object(record)) make_key(fields, table->columns[0].name, record);
    prepare_fields(comagic->rest.zone, table->columns, table->column_count, record);
}
