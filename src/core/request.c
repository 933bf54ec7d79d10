/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - the message's keys, from its data and its attributes, checked one by one. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "core/request.h"

static const char *const keys[] = {"streams", "from", "to"};
enum { KEY_STREAMS, KEY_FROM, KEY_TO, KEYS };

struct values {
    char *text[KEYS];
};

static void values_done(struct values *values)
{
    for (size_t i = 0; i < KEYS; i++)
        free(values->text[i]);
}

static int key_index(const char *name)
{
    for (int i = 0; i < KEYS; i++)
        if (strcmp(keys[i], name) == 0) return i;
    return -1;
}

static bool take(struct values *values, int key, const char *text)
{
    free(values->text[key]);
    values->text[key] = mem_text(text);
    return true;
}

static bool take_list(struct values *values, const json_t *list, struct error *err)
{
    size_t i;
    const json_t *name;
    AUTO(buf_done) struct buf joined = buf_limited(LIMIT_MESSAGE);
    json_array_foreach (json_iterable(list), i, name) {
        if (!json_is_string(name) || strchr(json_string_value(name), ','))
            return error_set(err, ERROR_REQUEST, "streams[%zu] is not a stream's name; write [\"contacts\"]",
                             i);
        if (i > 0) buf_byte(&joined, ',');
        buf_text(&joined, json_string_value(name));
    }
    return take(values, KEY_STREAMS, buf_string(&joined));
}

static bool take_json(struct values *values, const char *name, const json_t *value, struct error *err)
{
    char hint[SUGGEST_HINT];
    int key = key_index(name);
    if (key < 0) {
        return error_set(err, ERROR_REQUEST, "the message has the unknown key \"%.64s\"; %s", name,
                         suggest_hint(name, keys, KEYS, "known are streams, from and to", hint));
    }
    if (json_is_null(value)) return true;
    if (json_is_string(value)) return take(values, key, json_string_value(value));
    if (key == KEY_STREAMS && json_is_array(value)) return take_list(values, value, err);
    return error_set(err, ERROR_REQUEST, "\"%s\" has the wrong type; write %s", name,
                     key == KEY_STREAMS ? "a list of names" : "a day such as \"2026-01-31\"");
}

static bool take_data(struct values *values, const struct delivery *delivery, struct error *err)
{
    AUTO(json_drop) json_t *data = NULL;
    const char *name;
    json_t *value;
    if (delivery->data_size == 0) return true;
    if (delivery->data_size > LIMIT_MESSAGE)
        return error_set(err, ERROR_REQUEST, "the message's data has %zu bytes; at most %d are read",
                         delivery->data_size, LIMIT_MESSAGE);
    if (!json_read(delivery->data, delivery->data_size, NULL, &data, err)) {
        err->kind = ERROR_REQUEST;
        return error_wrap(err, "the message's data is not JSON; send nothing, or one object such as "
                               "{\"streams\":[\"contacts\"]}");
    }
    if (!json_is_object(data))
        return error_set(err, ERROR_REQUEST,
                         "the message's data is not a JSON object; send nothing, or one such as "
                         "{\"from\":\"2026-01-01\",\"to\":\"2026-01-31\"}");
    json_object_foreach (data, name, value) {
        if (!take_json(values, name, value, err)) return false;
    }
    return true;
}

/* A key of two letters is one edit away from half of all short names: only its case may be a slip. */
static bool is_slip(const char *name, const char *key)
{
    return strcasecmp(name, key) == 0 || (strlen(key) > 2 && suggest_distance(name, key, 1) <= 1);
}

/* Attributes are added on the way by others, so unknown ones pass; but not what is a slip of a known key. */
static bool take_attributes(struct values *values, const struct delivery *delivery, struct error *err)
{
    for (size_t i = 0; i < delivery->attribute_count; i++) {
        const struct message_attribute *attribute = &delivery->attributes[i];
        int key = key_index(attribute->key);
        if (key >= 0) {
            take(values, key, attribute->value);
            continue;
        }
        for (size_t k = 0; k < KEYS; k++) {
            if (is_slip(attribute->key, keys[k]))
                return error_set(err, ERROR_REQUEST,
                                 "the message has the attribute \"%.64s\"; did you mean \"%s\"?",
                                 attribute->key, keys[k]);
        }
    }
    return true;
}

static bool read_day(const char *key, const char *text, bool *out_any, struct day *out_day, struct error *err)
{
    *out_any = text != NULL;
    if (!text || day_parse(text, out_day)) return true;
    return error_set(err, ERROR_REQUEST, "\"%s\" is \"%.32s\", which is not a day; write it like 2026-01-31",
                     key, text);
}

/* A child's name means its parent: the selection that fills that table. */
static const struct selection *find_selection(const char *name, const struct selection *configured,
                                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t t = 0; t < configured[i].table_count; t++)
            if (strcmp(configured[i].tables[t]->name, name) == 0) return &configured[i];
    }
    return NULL;
}

static bool no_such_stream(const char *name, const struct selection *configured, size_t count,
                           struct error *err)
{
    char hint[SUGGEST_HINT];
    const char *known[LIMIT_STREAMS * LIMIT_TABLES];
    size_t known_count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t t = 0; t < configured[i].table_count; t++)
            known[known_count++] = configured[i].tables[t]->name;
    }
    return error_set(err, ERROR_REQUEST,
                     "\"streams\" names \"%.64s\", which is not among the configured streams; %s", name,
                     suggest_hint(name, known, known_count, "add it to the configuration first", hint));
}

static bool pick_streams(char *list, const struct selection *configured, size_t count,
                         bool picked[LIMIT_STREAMS], struct error *err)
{
    for (char *name = list, *end; name; name = end) {
        end = strchr(name, ',');
        if (end) *end++ = '\0';
        name += strspn(name, " ");
        for (size_t size = strlen(name); size > 0 && name[size - 1] == ' ';)
            name[--size] = '\0';
        const struct selection *selection = find_selection(name, configured, count);
        if (!selection) return no_such_stream(name, configured, count, err);
        picked[selection - configured] = true;
    }
    return true;
}

static bool request_make(struct values *values, const struct selection *configured, size_t count,
                         struct request *out, struct error *err)
{
    bool picked[LIMIT_STREAMS] = {false};
    char *streams = values->text[KEY_STREAMS];
    *out = (struct request){0};
    if (streams && !*streams)
        return error_set(err, ERROR_REQUEST,
                         "\"streams\" is empty; leave it out to mean all configured streams");
    if (streams && !pick_streams(streams, configured, count, picked, err)) return false;
    for (size_t i = 0; i < count; i++)
        if (!streams || picked[i]) out->selections[out->count++] = &configured[i];
    if (!read_day("from", values->text[KEY_FROM], &out->has_from, &out->from, err)) return false;
    if (!read_day("to", values->text[KEY_TO], &out->has_to, &out->to, err)) return false;
    if (out->has_from && out->has_to && day_compare(out->from, out->to) > 0)
        return error_set(err, ERROR_REQUEST, "\"from\" (%s) is after \"to\" (%s); swap them",
                         values->text[KEY_FROM], values->text[KEY_TO]);
    return true;
}

bool request_decode(const struct delivery *delivery, const struct selection *configured,
                    size_t configured_count, struct request *out_request, struct error *err)
{
    AUTO(values_done) struct values values = {0};
    return take_data(&values, delivery, err) && take_attributes(&values, delivery, err) &&
           request_make(&values, configured, configured_count, out_request, err);
}

bool request_from_flags(const char *streams, const char *from, const char *to,
                        const struct selection *configured, size_t configured_count,
                        struct request *out_request, struct error *err)
{
    AUTO(values_done)
    struct values values = {
        .text = {[KEY_STREAMS] = mem_text(streams), [KEY_FROM] = mem_text(from), [KEY_TO] = mem_text(to)},
    };

    return request_make(&values, configured, configured_count, out_request, err);
}
