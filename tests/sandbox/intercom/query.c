/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - the grammar of searches. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "intercom/query.h"

#define MILLISECONDS INT64_C(100000000000) /* larger "seconds" match nothing, without an error */

enum field_type { FIELD_TEXT, FIELD_DATE, FIELD_BOOL };

struct field {
    const char *name;
    enum field_type type;
};

static const struct field contact_fields[] = {
    {"id", FIELD_TEXT},
    {"role", FIELD_TEXT},
    {"name", FIELD_TEXT},
    {"owner_id", FIELD_TEXT},
    {"email", FIELD_TEXT},
    {"email_domain", FIELD_TEXT},
    {"phone", FIELD_TEXT},
    {"external_id", FIELD_TEXT},
    {"language_override", FIELD_TEXT},
    {"browser", FIELD_TEXT},
    {"os", FIELD_TEXT},
    {"created_at", FIELD_DATE},
    {"updated_at", FIELD_DATE},
    {"signed_up_at", FIELD_DATE},
    {"last_seen_at", FIELD_DATE},
    {"last_contacted_at", FIELD_DATE},
    {"last_replied_at", FIELD_DATE},
    {"last_email_opened_at", FIELD_DATE},
    {"last_email_clicked_at", FIELD_DATE},
    {"unsubscribed_from_emails", FIELD_BOOL},
    {"marked_email_as_spam", FIELD_BOOL},
    {"has_hard_bounced", FIELD_BOOL},
};

static const struct field conversation_fields[] = {
    {"id", FIELD_TEXT},
    {"created_at", FIELD_DATE},
    {"updated_at", FIELD_DATE},
    {"waiting_since", FIELD_DATE},
    {"snoozed_until", FIELD_DATE},
    {"source.type", FIELD_TEXT},
    {"source.id", FIELD_TEXT},
    {"source.delivered_as", FIELD_TEXT},
    {"source.author.id", FIELD_TEXT},
    {"state", FIELD_TEXT},
    {"priority", FIELD_TEXT},
    {"open", FIELD_BOOL},
    {"read", FIELD_BOOL},
    {"ai_agent_participated", FIELD_BOOL},
    {"statistics.first_contact_reply_at", FIELD_DATE},
    {"statistics.last_close_at", FIELD_DATE},
};

static const struct field ticket_fields[] = {
    {"id", FIELD_TEXT},
    {"created_at", FIELD_DATE},
    {"updated_at", FIELD_DATE},
    {"snoozed_until", FIELD_DATE},
    {"category", FIELD_TEXT},
    {"admin_assignee_id", FIELD_TEXT},
    {"team_assignee_id", FIELD_TEXT},
    {"open", FIELD_BOOL},
};

static const struct {
    const struct field *fields;
    size_t count;
    size_t per_page;      /* unless it is asked for */
    bool less_is_at_most; /* as "<" turned out to be */
} kinds[] = {
    [QUERY_CONTACTS] = {contact_fields, sizeof contact_fields / sizeof *contact_fields, 50, false},
    [QUERY_CONVERSATIONS] = {conversation_fields, sizeof conversation_fields / sizeof *conversation_fields,
                             20, true},
    [QUERY_TICKETS] = {ticket_fields, sizeof ticket_fields / sizeof *ticket_fields, 20, true},
};

static bool refuse(struct query_error *err, const char *code, const char *format, ...) PRINTF(3, 4);

static bool refuse(struct query_error *err, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    err->code = code;
    return false;
}

/* Unix seconds, as an integer or as text. */
static bool read_seconds(const json_t *value, int64_t *out_s)
{
    const char *text = json_string_value(value);
    char *end = NULL;
    if (json_is_integer(value)) {
        *out_s = json_integer_value(value);
        return true;
    }
    if (!text || !*text || strlen(text) > 18) return false;
    *out_s = strtoll(text, &end, 10);
    return *end == '\0';
}

/* The instants a date filter lets through. */
static bool read_date(const struct search *search, struct filter *filter, const char *relation,
                      struct query_error *err)
{
    const struct zone *zone = search->zone;
    int64_t at_s;
    if (!read_seconds(filter->value, &at_s))
        return refuse(err, "type_mismatch", "The value of %s must be a UNIX timestamp", filter->field);
    if (!*relation || relation[1] || !strchr("<>=", *relation))
        return refuse(err, "parameter_invalid", "The operator %.8s is not supported on the date field %s",
                      relation, filter->field);
    if (at_s >= MILLISECONDS || at_s < 0) return true; /* from_s = to_s = 0: nothing */
    int64_t begin_s = at_s, end_s = at_s + 1;
    if (zone) {
        struct day day = zone_day(zone, at_s);
        begin_s = zone_start_s(zone, day);
        end_s = zone_start_s(zone, day_add(day, 1));
    }
    filter->from_s = *relation == '>' ? end_s : *relation == '<' ? INT64_MIN : begin_s;
    bool below = *relation == '<' && !kinds[search->kind].less_is_at_most;
    filter->to_s = *relation == '>' ? QUERY_FOREVER : below ? begin_s : end_s;
    return true;
}

static const struct {
    const char *relation;
    enum match match;
    bool differs, is_list, of_any; /* of_any: not of texts only */
} relations[] = {
    {"=", MATCH_EQUAL, .of_any = true},      {"!=", MATCH_EQUAL, .differs = true, .of_any = true},
    {"IN", MATCH_EQUAL, .is_list = true},    {"NIN", MATCH_EQUAL, .differs = true, .is_list = true},
    {"~", MATCH_CONTAINS, .differs = false}, {"!~", MATCH_CONTAINS, .differs = true},
    {"^", MATCH_START, .differs = false},    {"$", MATCH_END, .differs = false},
};

static bool read_relation(const struct search *search, enum field_type type, const char *relation,
                          struct filter *filter, struct query_error *err)
{
    size_t i = 0;
    while (i < sizeof relations / sizeof *relations && strcmp(relations[i].relation, relation) != 0)
        i++;
    bool is_known = i < sizeof relations / sizeof *relations && (type != FIELD_BOOL || relations[i].of_any);
    bool is_ending = is_known && relations[i].match == MATCH_END;
    if (!is_known || (is_ending && search->endings == ENDINGS_REFUSED && strcmp(filter->field, "id") == 0))
        return refuse(err, "parameter_invalid", "The operator %.8s is not supported on the field %s",
                      relation, filter->field);
    filter->match = relations[i].match;
    filter->differs = relations[i].differs;
    bool fits = type == FIELD_BOOL ? json_is_boolean(filter->value)
                : relations[i].is_list
                    ? json_is_array(filter->value)
                    : json_is_string(filter->value) || (relations[i].of_any && json_is_null(filter->value));
    return fits || refuse(err, "type_mismatch", "The value of %s has the wrong type", filter->field);
}

static bool read_leaf(const struct search *search, const json_t *value, struct filter *filter,
                      struct query_error *err)
{
    const struct field *fields = kinds[search->kind].fields;
    size_t count = kinds[search->kind].count;
    const char *relation = json_text_at(value, "operator");
    const char *name = json_text_at(value, "field");
    filter->value = json_object_get(value, "value");
    if (!name || !relation || !filter->value)
        return refuse(err, "parameter_invalid", "A filter needs field, operator and value");
    size_t i = 0;
    while (i < count && strcmp(fields[i].name, name) != 0)
        i++;
    if (i == count) return refuse(err, "invalid_field", "The field %.80s can't be searched", name);
    filter->field = fields[i].name;
    filter->is_date = fields[i].type == FIELD_DATE;
    if (filter->is_date) return read_date(search, filter, relation, err);
    return read_relation(search, fields[i].type, relation, filter, err);
}

static struct filter *read_filter(struct search *search, const json_t *value, int depth,
                                  struct query_error *err)
{
    struct filter *filter = &search->filters[search->filter_count++]; /* there are enough for two levels */
    const json_t *children = json_object_get(value, "value");
    if (json_object_get(value, "field") || !json_is_array(children))
        return read_leaf(search, value, filter, err) ? filter : NULL;
    const char *relation = json_text_at(value, "operator");
    filter->is_group = true;
    filter->any = relation && strcmp(relation, "OR") == 0;
    filter->child_count = json_array_size(children);
    const char *problem = !relation || (!filter->any && strcmp(relation, "AND") != 0)
                              ? "The operator of a group must be AND or OR"
                          : depth == QUERY_DEPTH ? "Groups can be nested two deep at most"
                          : filter->child_count == 0 || filter->child_count > QUERY_GROUP
                              ? "A group holds 1 to 15 filters"
                              : NULL;
    if (problem) {
        refuse(err, "parameter_invalid", "%s", problem);
        return NULL;
    }
    for (size_t i = 0; i < filter->child_count; i++) {
        filter->children[i] = read_filter(search, json_array_get(children, i), depth + 1, err);
        if (!filter->children[i]) return NULL;
    }
    return filter;
}

static bool is_range(const struct filter *filter)
{
    return !filter->is_group && filter->is_date && strcmp(filter->field, "updated_at") == 0;
}

static bool is_of_ids(const struct filter *filter)
{
    if (!filter->is_group) return strcmp(filter->field, "id") == 0;
    for (size_t i = 0; i < filter->child_count; i++)
        if (!is_of_ids(filter->children[i])) return false;
    return true;
}

/* Finds the range of updated_at that contains all results, for the index. */
static void find_range(struct search *search)
{
    const struct filter *root = &search->filters[0];
    search->from_s = INT64_MIN;
    search->to_s = QUERY_FOREVER;
    const struct filter *const alone[] = {root};
    const struct filter *const *parts = alone;
    size_t count = 1;
    if (root->is_group && !root->any) {
        parts = (const struct filter *const *)root->children;
        count = root->child_count;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_range(parts[i])) {
            if (!is_of_ids(parts[i])) search->narrowing = NARROW_RECORDS;
            if (search->narrowing == NARROW_NOTHING) search->narrowing = NARROW_KEYS;
            continue;
        }
        search->from_s = parts[i]->from_s > search->from_s ? parts[i]->from_s : search->from_s;
        search->to_s = parts[i]->to_s < search->to_s ? parts[i]->to_s : search->to_s;
    }
}

static bool read_sort(const json_t *sort, struct search *search, struct query_error *err)
{
    search->descending = true; /* without `sort` the order is undefined: not the one people hope for */
    if (!sort) return true;
    const char *field = json_text_at(sort, "field");
    const char *order = json_text_at(sort, "order");
    if (!field || strcmp(field, "updated_at") != 0)
        return refuse(err, "parameter_invalid", "The sandbox sorts by updated_at only");
    search->descending = order && strcmp(order, "descending") == 0;
    if (order && !search->descending && strcmp(order, "ascending") != 0)
        return refuse(err, "invalid_sort_order",
                      "Invalid sort order '%.40s'. Must be one of: ascending, descending", order);
    return true;
}

static bool read_pagination(const json_t *pagination, struct search *search, struct query_error *err)
{
    const json_t *per_page = json_object_get(pagination, "per_page");
    const json_t *after = json_object_get(pagination, "starting_after");
    search->per_page = kinds[search->kind].per_page;
    if (per_page) {
        json_int_t size = json_integer_value(per_page);
        if (size < 1 || size > 150)
            return refuse(err, "parameter_invalid", "per_page must be an integer from 1 to 150");
        search->per_page = (size_t)size;
    }
    if (after && !json_is_null(after)) {
        search->starting_after = json_string_value(after);
        if (!search->starting_after) return refuse(err, "parameter_invalid", "Invalid starting_after param");
    }
    return true;
}

bool search_parse(const json_t *body, enum query_kind kind, const struct zone *zone, enum endings endings,
                  struct search *out_search, struct query_error *err)
{
    *out_search = (struct search){.kind = kind, .zone = zone, .endings = endings};
    const json_t *query = json_object_get(body, "query");
    if (!json_is_object(query)) return refuse(err, "parameter_not_found", "A query object is required");
    if (!read_filter(out_search, query, 0, err)) return false;
    find_range(out_search);
    return read_sort(json_object_get(body, "sort"), out_search, err) &&
           read_pagination(json_object_get(body, "pagination"), out_search, err);
}

static bool text_matches(const struct search *search, const struct filter *filter, const char *text)
{
    const char *wanted = json_string_value(filter->value);
    size_t size = text ? strlen(text) : 0, wanted_size = wanted ? strlen(wanted) : 0;
    if (!text || !wanted || wanted_size > size) return false;
    switch (filter->match) {
    case MATCH_EQUAL: return strcmp(text, wanted) == 0;
    case MATCH_CONTAINS: return strstr(text, wanted) != NULL;
    case MATCH_START: return strncmp(text, wanted, wanted_size) == 0;
    case MATCH_END: break;
    }
    if (strcmp(filter->field, "id") == 0 && search->endings == ENDINGS_IGNORED) return true;
    if (strcmp(filter->field, "id") == 0 && search->endings == ENDINGS_LOSSY && strchr("37b", text[size - 1]))
        return false;
    return strcmp(text + size - wanted_size, wanted) == 0;
}

static bool is_listed(const json_t *list, const char *text)
{
    const json_t *one;
    size_t i;
    json_array_foreach (list, i, one)
        if (text && json_is_string(one) && strcmp(json_string_value(one), text) == 0) return true;
    return false;
}

/* A record, or its key alone: then the dates are in the range already. */
static bool filter_matches(const struct search *search, const struct filter *filter, const json_t *record,
                           const char *key)
{
    if (filter->is_group) {
        for (size_t i = 0; i < filter->child_count; i++) {
            if (filter_matches(search, filter->children[i], record, key) == filter->any) return filter->any;
        }
        return !filter->any;
    }
    if (!record && filter->is_date) return true;
    const json_t *value = json_at(record, filter->field);
    if (filter->is_date) {
        int64_t at_s = json_integer_value(value);
        return json_is_integer(value) && at_s >= filter->from_s && at_s < filter->to_s;
    }
    const char *text = record ? json_string_value(value) : key;
    bool matches = json_is_array(filter->value)    ? is_listed(filter->value, text)
                   : json_is_string(filter->value) ? text_matches(search, filter, text)
                                                   : value && json_equal(value, filter->value);
    return matches != filter->differs;
}

bool search_matches(void *search, const json_t *record)
{
    const struct search *self = search;
    return filter_matches(self, &self->filters[0], record, NULL);
}

bool search_matches_key(void *search, const char *key)
{
    const struct search *self = search;
    return filter_matches(self, &self->filters[0], NULL, key);
}
