/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - lists that a record shows in part, or that are read elsewhere. In a collection's file:
 *
 *   "lists": {"tags": {
 *     "at": "tags.data",   where the record holds it, and
 *     "more": "has_more",  the member beside it that says whether it is cut; without "at" it is elsewhere
 * only "cut": 10,           elements that a record shows "long": number,      the size of a list that is the
 * same in every version, or null "size": number,      the size of any other "element": {...},    the short
 * form, by {index} from 1 "rest": {...},       what a client that reads all of it keeps of those beyond the
 * cut "full": {...}}}      the long form
 *
 * A template says "$list tags" for the elements that it shows, "$size tags" for how many there are, and
 * "$cut tags" for whether some are not shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "workspace/record.h"

#define LIST_LIMIT (16 * 1024 * 1024)

struct list {
    const json_t *spec;
    struct template_context context;
    int64_t size, cut;
    char id[COLLECTION_KEY];
};

static const json_t *list_spec(const struct collection *collection, const char *name)
{
    return json_object_get(json_object_get(collection->data, "lists"), name);
}

static void list_open(const struct body *body, const char *name, struct list *out_list)
{
    out_list->spec = list_spec(body->collection, name);
    if (!out_list->spec) {
        fprintf(stderr, "sandbox: templates of %s: there is no list \"%s\"\n", body->collection->kind, name);
        abort();
    }
    struct template_context *context = &out_list->context;
    *context = body_context(body, out_list->id);
    context->seed = hash_mix(context->seed ^ hash_text(name));
    context->extend = NULL;
    out_list->cut = json_int_at(out_list->spec, "cut", INT64_MAX);
    out_list->size = template_number(json_object_get(out_list->spec, "long"), context, -1);
    if (out_list->size >= 0)
        context->version = 0;
    else
        out_list->size = template_number(json_object_get(out_list->spec, "size"), context, 0);
}

/* One element, from 1; form: "element" or "full". */
static void write_element(const struct list *list, const char *form, int64_t index, struct buf *out)
{
    struct template_context context = list->context;
    bool is_rest = index > list->cut && strcmp(form, "element") == 0;
    context.index = (uint64_t)index;
    context.seed = hash_mix(context.seed ^ (uint64_t)index);
    (void)template_write(json_object_get(list->spec, is_rest ? "rest" : form), &context, out);
}

static void write_elements(const struct list *list, const char *form, int64_t count, struct buf *out)
{
    buf_byte(out, '[');
    for (int64_t index = 1; index <= count; index++) {
        if (index > 1) buf_byte(out, ',');
        write_element(list, form, index, out);
    }
    buf_byte(out, ']');
}

bool list_write_word(const struct body *body, const char *word, const char *name, struct buf *out)
{
    bool is_list = strcmp(word, "$list") == 0, is_size = strcmp(word, "$size") == 0;
    if (!is_list && !is_size && strcmp(word, "$cut") != 0) return false;
    struct list list;
    list_open(body, name, &list);
    bool is_cut = body->audience == AUDIENCE_CLIENT && list.size > list.cut;
    if (is_list)
        write_elements(&list, "element", is_cut ? list.cut : list.size, out);
    else if (is_size)
        buf_format(out, "%lld", (long long)list.size);
    else
        buf_text(out, is_cut ? "true" : "false");
    return true;
}

/* --- given records --- */

/* Splits "tags.data": the object that holds the list, whose name is out_member; NULL: the body has none. */
static json_t *list_holder(const json_t *body, const char *at, char out_object[64], const char **out_member)
{
    const char *dot = strchr(at, '.');
    snprintf(out_object, 64, "%.*s", (int)(dot - at), at);
    *out_member = dot + 1;
    json_t *holder = json_object_get(body, out_object);
    return json_is_object(holder) ? holder : NULL;
}

/* A client that reads the whole list knows less of the elements beyond the cut. */
static void reduce_rest(const json_t *spec, json_t *elements, size_t cut)
{
    const json_t *rest = json_object_get(spec, "rest");
    for (size_t i = cut; i < json_array_size(elements); i++) {
        json_t *element = json_array_get(elements, i), *member;
        const char *name;
        void *next;
        json_object_foreach_safe (element, next, name, member) {
            if (!json_object_get(rest, name)) json_object_del(element, name);
        }
    }
}

static void shape_list(const struct body *body, const json_t *spec, json_t *given)
{
    char object[64];
    const char *member = "", *at = json_text_at(spec, "at"), *more = json_text_at(spec, "more");
    json_t *holder = at ? list_holder(given, at, object, &member) : NULL;
    size_t cut = (size_t)json_int_at(spec, "cut", 0), size = json_array_size(json_object_get(holder, member));
    bool is_truth = body->audience == AUDIENCE_TRUTH;
    if (!holder || (size <= cut && !is_truth)) return;
    json_t *shown = json_deep_copy(holder), *elements = json_object_get(shown, member);
    while (!is_truth && json_array_size(elements) > cut)
        json_array_remove(elements, json_array_size(elements) - 1);
    reduce_rest(spec, elements, cut);
    if (size > cut || json_object_get(shown, more)) json_object_set_new(shown, more, json_boolean(!is_truth));
    json_object_set_new(given, object, shown);
}

void lists_shape(const struct body *body, json_t *given)
{
    const char *name;
    json_t *spec, *specs = json_object_get(body->collection->data, "lists");
    json_object_foreach (specs, name, spec) {
        shape_list(body, spec, given);
    }
}

/* --- whole lists --- */

static json_t *read_element(const struct list *list, int64_t index)
{
    AUTO(buf_done) struct buf text;
    buf_init(&text, LIST_LIMIT);
    write_element(list, "full", index, &text);
    return text_read(&text);
}

/* In full; yours. */
static json_t *read_list(const struct body *body, const char *name)
{
    struct list list;
    list_open(body, name, &list);
    const char *at = json_text_at(list.spec, "at");
    const json_t *given = version_of(body->collection, body->number, body->version)->given;
    const json_t *own = given && at ? json_at(given, at) : NULL;
    json_t *elements = json_array();
    int64_t size = given && at ? (int64_t)json_array_size(own) : list.size;
    for (int64_t index = 1; index <= size; index++) {
        json_t *element = read_element(&list, index);
        json_t *id = json_object_get(json_array_get(own, (size_t)index - 1), "id");
        if (id) json_object_set(element, "id", id);
        json_array_append_new(elements, element);
    }
    return elements;
}

json_t *collection_read_list(struct collection *collection, const char *key, const char *list)
{
    json_t *elements = NULL;
    pthread_mutex_lock(&collection->lock);
    size_t number = index_find(collection, key);
    if (number < collection->count && !collection->records[number].is_removed)
        elements = read_list(&(struct body){.collection = collection,
                                            .number = number,
                                            .version = collection->records[number].past_count},
                             list);
    pthread_mutex_unlock(&collection->lock);
    return elements;
}

json_t *collection_version_list(struct collection *collection, size_t number, size_t version,
                                const char *list)
{
    pthread_mutex_lock(&collection->lock);
    json_t *elements = read_list(
        &(struct body){.collection = collection, .number = number, .version = (uint32_t)version}, list);
    pthread_mutex_unlock(&collection->lock);
    return elements;
}
