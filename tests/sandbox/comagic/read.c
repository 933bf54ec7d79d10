/* SPDX-License-Identifier: Apache-2.0 */
/* read.c - reports and lists: parameters, pages, records. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "comagic/internal.h"

#define DAY_S       86400
#define LIMIT_MOST  10000
#define LIMIT_USUAL 1000
#define OFFSET_MOST 100000

struct reading {
    const struct call *call;
    const struct method *method;
    const json_t *fields; /* NULL: the default ones */
    int64_t site;         /* 0: any */
    int64_t limit, offset;
    struct collection_query query;
};

static bool refuse(const struct call *call, const char *mnemonic, const char *message, const char *field,
                   const char *value)
{
    comagic_refuse(call, &(struct failure){-32602, mnemonic, message, field, value, NULL});
    return false;
}

static bool is_unknown(struct comagic *comagic, const char *name)
{
    pthread_mutex_lock(&comagic->lock);
    bool is_found = json_object_get(comagic->unknown, name) != NULL;
    pthread_mutex_unlock(&comagic->lock);
    return is_found;
}

/* The letters of a field; NULL: there is no such. */
static const char *find_flags(const struct reading *reading, const char *name)
{
    size_t size = strlen(name);
    const char *at = reading->method->fields;
    if (is_unknown(reading->call->comagic, name)) return NULL;
    if (!at) return "FD";
    for (; at && *at; at = strchr(at, ' ') ? strchr(at, ' ') + 1 : NULL)
        if (strncmp(at, name, size) == 0 && at[size] == ':') return at + size + 1;
    return NULL;
}

static bool has_flag(const char *flags, char flag)
{
    for (; *flags && *flags != ' '; flags++)
        if (*flags == flag) return true;
    return false;
}

/* --- parameters --- */

static bool read_number(const struct call *call, const char *name, int64_t least, int64_t most, int64_t *out)
{
    const json_t *value = json_object_get(call->params, name);
    char text[32];
    if (!value) return true;
    if (!json_is_integer(value)) return refuse(call, "data_type_error", "Invalid data type", name, NULL);
    *out = json_integer_value(value);
    (void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return (*out >= least && *out <= most) ||
           refuse(call, "invalid_parameter_value", "Invalid parameter value", name, text);
}

static bool read_time(const struct reading *reading, const char *name, int64_t *out_first_s,
                      int64_t *out_last_s)
{
    const char *text = json_text_at(reading->call->params, name);
    if (!text)
        return refuse(reading->call, "required_parameter_missed", "A required parameter is missing", name,
                      NULL);
    return local_read(reading->call->comagic->zone, text, out_first_s, out_last_s) ||
           refuse(reading->call, "invalid_parameter_value", "Invalid parameter value", name, text);
}

static bool read_window(struct reading *reading)
{
    int64_t from_s, till_s, unused;
    const struct call *call = reading->call;
    if (!reading->method->time) return true;
    if (!read_time(reading, "date_from", &from_s, &unused) ||
        !read_time(reading, "date_till", &unused, &till_s))
        return false;
    if (till_s < from_s)
        return refuse(call, "invalid_parameters_combination", "date_till is before date_from", "date_till",
                      NULL);
    if (till_s - from_s > reading->method->days * DAY_S + 3600)
        return refuse(call, "date_interval_limit_reached", "Max value of requested date interval is 3 months",
                      "date_till", json_text_at(call->params, "date_till"));
    reading->query.from_s = from_s;
    reading->query.to_s = till_s + 1;
    return true;
}

static bool read_fields(struct reading *reading)
{
    const struct call *call = reading->call;
    const json_t *fields = json_object_get(call->params, "fields");
    if (!fields) return true;
    if (json_array_size(fields) == 0)
        return refuse(call, "data_type_error", "Invalid data type", "fields", NULL);
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const char *name = json_string_value(json_array_get(fields, i));
        if (!name || !find_flags(reading, name))
            return refuse(call, "unexpected_parameters", "Passed unexpected parameters to method", "fields",
                          name);
    }
    reading->fields = fields;
    return true;
}

static bool check_sort(const struct reading *reading)
{
    const struct call *call = reading->call;
    const json_t *sort = json_object_get(call->params, "sort");
    for (size_t i = 0; i < json_array_size(sort); i++) {
        const char *name = json_text_at(json_array_get(sort, i), "field"),
                   *flags = name ? find_flags(reading, name) : NULL;
        if (!flags)
            return refuse(call, "unexpected_parameters", "Passed unexpected parameters to method", "sort",
                          name);
        if (!has_flag(flags, 'S'))
            return refuse(call, "sort_prohibited", "Sorting is prohibited", "sort", name);
    }
    return true;
}

static bool read_site(struct reading *reading)
{
    const json_t *site = json_object_get(reading->call->params, "site_id");
    if (!reading->method->needs_site) return true;
    if (!json_is_integer(site))
        return refuse(reading->call, "required_parameter_missed", "A required parameter is missing",
                      "site_id", NULL);
    reading->site = json_integer_value(site);
    return true;
}

static bool read_parameters(struct reading *reading)
{
    static const char *const of_reports[] = {"limit",  "offset",    "fields",    "sort",
                                             "filter", "date_from", "date_till", NULL};
    static const char *const of_sites[] = {"limit",     "offset",    "fields",  "sort", "filter",
                                           "date_from", "date_till", "site_id", NULL};
    static const char *const of_lists[] = {"limit", "offset", "fields", "sort", "filter", NULL};
    const struct call *call = reading->call;
    const char *const *known = !reading->method->time        ? of_lists
                               : reading->method->needs_site ? of_sites
                                                             : of_reports;
    return comagic_check_names(call, known) && read_number(call, "limit", 1, LIMIT_MOST, &reading->limit) &&
           read_number(call, "offset", 0, OFFSET_MOST, &reading->offset) && read_site(reading) &&
           read_window(reading) && read_fields(reading) && check_sort(reading) &&
           (!json_object_get(call->params, "filter") ||
            refuse(call, "filter_prohibited", "Filtering is prohibited", "filter", NULL));
}

/* --- records --- */

/* Times are seconds in a template, and local times in an answer. */
static json_t *shape(const struct zone *zone, const char *name, json_t *value)
{
    static const char *const times[] = {
        "start_time",    "finish_time",   "connect_time",    "date_time",
        "sale_date",     "process_time",  "tag_change_time", "communication_date_time",
        "creation_time", "creation_date", "activation_date"};
    const char *member;
    json_t *inner, *shaped;
    char text[LOCAL_TEXT];
    for (size_t i = 0; json_is_integer(value) && i < sizeof times / sizeof *times; i++) {
        if (strcmp(name, times[i]) != 0) continue;
        local_write(zone, json_integer_value(value), text);
        return json_string(text);
    }
    if (json_is_integer(value) && strcmp(name, "date") == 0) {
        local_write(zone, json_integer_value(value), text);
        return json_stringn(text, 10);
    }
    if (json_is_array(value)) {
        shaped = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            json_array_append_new(shaped, shape(zone, name, json_array_get(value, i)));
        return shaped;
    }
    if (!json_is_object(value)) return json_incref(value);
    shaped = json_object();
    json_object_foreach (value, member, inner)
        json_object_set_new(shaped, member, shape(zone, member, inner));
    return shaped;
}

static json_t *pick(const struct reading *reading, json_t *body)
{
    const struct zone *zone = reading->call->comagic->zone;
    json_t *record = json_object(), *value;
    const char *name;
    for (size_t i = 0; i < json_array_size(reading->fields); i++) {
        name = json_string_value(json_array_get(reading->fields, i));
        value = json_object_get(body, name);
        json_object_set_new(record, name, value ? shape(zone, name, value) : json_null());
    }
    if (reading->fields) return record;
    json_object_foreach (body, name, value) {
        const char *flags = find_flags(reading, name);
        if (flags && has_flag(flags, 'D')) json_object_set_new(record, name, shape(zone, name, value));
    }
    return record;
}

static bool is_of_site(void *self, const json_t *record)
{
    const struct reading *reading = self;
    return reading->site == 0 || json_int_at(record, "site_id", -1) == reading->site;
}

/* Without a sort nothing says in which order a report comes. */
static bool is_turned(const struct reading *reading)
{
    struct comagic *comagic = reading->call->comagic;
    if (!reading->method->time || json_object_get(reading->call->params, "sort")) return false;
    pthread_mutex_lock(&comagic->lock);
    bool is_odd = ++comagic->unsorted % 2;
    pthread_mutex_unlock(&comagic->lock);
    return is_odd;
}

static size_t records_of_page(struct comagic *comagic, int64_t limit)
{
    pthread_mutex_lock(&comagic->lock);
    int64_t most = comagic->page_most;
    pthread_mutex_unlock(&comagic->lock);
    return (size_t)(most > 0 && most < limit ? most : limit);
}

/* An employee's figures of the window, of which only the past has any: a record each, without a time. */
static void aggregate(json_t *bodies, struct collection_page *page, int64_t active_s)
{
    for (size_t i = 0; i < json_array_size(bodies); i++)
        json_object_set_new(json_array_get(bodies, i), "status_stats",
                            json_pack("{s:I, s:i}", "available", (json_int_t)active_s, "break", 60));
    if (active_s > 0) return;
    json_array_clear(bodies);
    page->total = 0;
}

/* All employees, whatever the window. Returns how much of it is over. */
static int64_t widen(struct reading *reading)
{
    struct collection_query *query = &reading->query;
    int64_t end_s = query->to_s < query->now_s ? query->to_s : query->now_s, active_s = end_s - query->from_s;
    query->from_s = query->to_s = 0;
    query->by_arrival = true;
    query->descending = false;
    query->expect = false;
    return active_s;
}

void comagic_read(const struct call *call, const struct method *method)
{
    struct reading reading = {.call = call, .method = method, .limit = LIMIT_USUAL};
    struct collection *collection = workspace_find(call->comagic->workspace, method->kind);
    struct collection_page page;
    reading.query = (struct collection_query){.by_arrival = !method->time};
    if (!read_parameters(&reading)) return;
    reading.query.limit = records_of_page(call->comagic, reading.limit);
    reading.query.offset = (size_t)reading.offset;
    reading.query.now_s = comagic_now_s(call->comagic);
    reading.query.expect = true;
    reading.query.descending = is_turned(&reading);
    reading.query.form.on_demand = true;
    if (method->needs_site) reading.query.wanted = is_of_site;
    reading.query.self = &reading;
    int64_t active_s = method->is_aggregate ? widen(&reading) : 0;
    AUTO(json_drop) json_t *bodies = collection_list(collection, &reading.query, &page);
    if (method->is_aggregate) aggregate(bodies, &page, active_s);
    json_t *records = json_array();
    for (size_t i = 0; i < json_array_size(bodies); i++)
        json_array_append_new(records, pick(&reading, json_array_get(bodies, i)));
    json_object_set_new(call->exchange->detail, "records",
                        json_integer((json_int_t)json_array_size(records)));
    comagic_reply(call, records, (int64_t)page.total);
}
