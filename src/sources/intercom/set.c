/* SPDX-License-Identifier: Apache-2.0 */
/* set.c - a set that belongs to a record and has a path of its own: the segments of a company. */
#include "parts.h"

bool set_check(const struct intercom *intercom, const struct intercom_set *set, const struct batch *batch,
               bool *out_wanted, struct error *err)
{
    *out_wanted = set && batch_wants(batch, set->table);
    if (!*out_wanted || intercom->minor >= set->since) return true;
    return error_set(
        err, ERROR_CONFIG,
        "Intercom's API has %s from version 2.%d on, and 2.%d is configured: set a newer api_version, or "
        "leave %s out of the streams",
        set->table->name, set->since, intercom->minor, set->table->name);
}

bool set_begin(struct errand *errand, struct errands *errands, const struct intercom_set *set, const char *id,
               struct error *err)
{
    const struct errand_place place = {.name = set->table->name, .before = set->before, .after = set->after};
    return errand_begin_at(errand, errands, &place, id, err);
}

/* Not an empty set: a row in `rejected` tells that it is unknown. */
static void reject(const struct errand *errand, const struct intercom_set *set, const json_t *record,
                   struct batch *batch, const struct error *err)
{
    char problem[256];
    json_t *body = json_object(), *text;
    errand_problem(errand, set->noun, err, problem, sizeof problem);
    (void)json_object_set(body, set->parent, json_object_get(record, "id"));
    batch_child(batch, set->table, body);
    text = json_string(problem);
    (void)json_array_append_new(batch->made, text); /* lives as long as the page */
    batch->records[batch->count - 1].problem = json_string_value(text);
}

bool set_end(struct errand *errand, const struct intercom_set *set, const json_t *record, struct batch *batch,
             struct error *err)
{
    struct error failure = {0}; /* not err: it may end well */
    AUTO(json_drop) json_t *list = json_array();
    enum fate fate = errand_list(errand, set->list, list, &failure);
    if (fate == FATE_FAILED) *err = failure;
    if (fate == FATE_REJECTED) reject(errand, set, record, batch, &failure);
    for (size_t i = 0; fate == FATE_READ && i < json_array_size(list); i++) {
        json_t *element = json_incref(json_array_get(list, i));
        if (json_is_object(element)) {
            (void)json_object_set(element, set->parent, json_object_get(record, "id"));
            if (set->version) /* absent: not set */
                (void)json_object_set(element, set->version, json_object_get(record, "updated_at"));
        }
        batch_child(batch, set->table, element);
    }
    return fate != FATE_FAILED;
}
