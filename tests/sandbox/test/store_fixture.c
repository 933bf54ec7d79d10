/* SPDX-License-Identifier: Apache-2.0 */
#include "test/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 1048576

static int64_t standing_clock(void *self)
{
    (void)self;
    return INT64_C(1772424000123456);
}

struct store *fixture_open(void)
{
    struct error err;
    struct store *store = NULL;
    if (!store_open(NULL, standing_clock, NULL, &store, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        abort();
    }
    json_t *dataset = json_pack("{s:s}", "location", "EU");
    (void)store_dataset_put(store, "d", dataset);       /* in memory, it can't fail */
    (void)store_dataset_put(store, "control", dataset); /* the same */
    json_decref(dataset);
    return store;
}

/* {"v":..} and {"f":[..]} away. */
static json_t *plain(const json_t *shown)
{
    const json_t *fields = json_object_get(shown, "f"), *value = json_object_get(shown, "v");
    if (value != NULL) return plain(value);
    const json_t *list = fields != NULL ? fields : shown;
    if (!json_is_array(list)) return json_deep_copy(shown);
    json_t *made = json_array();
    for (size_t i = 0; i < json_array_size(list); i++)
        (void)json_array_append_new(made, plain(json_array_get(list, i))); /* memory only */
    return made;
}

void fixture_rows(const json_t *rows, const char *separator, struct buf *out)
{
    for (size_t r = 0; r < json_array_size(rows); r++) {
        json_t *row = plain(json_array_get(rows, r));
        for (size_t i = 0; i < json_array_size(row); i++) {
            const json_t *cell = json_array_get(row, i);
            char *text = json_dumps(cell, JSON_ENCODE_ANY | JSON_COMPACT);
            const char *shown = json_is_string(cell) ? json_string_value(cell) : text;
            buf_format(out, "%s%s", i > 0 ? separator : "", json_is_null(cell) ? "NULL" : shown);
            free(text);
        }
        buf_byte(out, '\n');
        json_decref(row);
    }
}

/* A script that runs in the middle of another one, once. */
struct interruption {
    struct store *store;
    const char *at, *text;
    const json_t *parameters;
    bool done;
};

static bool run_silently(struct store *store, const char *text, const json_t *parameters,
                         struct store_error *err)
{
    struct sql_query query = {.text = text, .project = "p", .parameters = parameters};
    struct sql_result result;
    bool good = sql_run(store, &query, &result, err);
    sql_result_done(&result);
    return good;
}

static void interrupt(void *self, const char *statement)
{
    struct store_error err;
    struct interruption *interruption = self;
    if (interruption->done || strncmp(statement, interruption->at, strlen(interruption->at)) != 0) return;
    interruption->done = true;
    if (!run_silently(interruption->store, interruption->text, interruption->parameters, &err)) {
        (void)fprintf(stderr, "the other script: %s\n", err.message);
    }
}

static const char *run(struct store *store, struct sql_query *query)
{
    static char shown[MOST];
    struct sql_result result;
    struct store_error err;
    if (sql_run(store, query, &result, &err)) {
        struct buf out;
        buf_init(&out, MOST - 1);
        fixture_rows(result.rows, "|", &out);
        (void)snprintf(shown, sizeof shown, "%s", buf_string(&out));
        buf_done(&out);
    } else {
        (void)snprintf(shown, sizeof shown, "%s: %s", err.reason, err.message);
    }
    sql_result_done(&result);
    return shown;
}

const char *fixture_run(struct store *store, const char *text, const json_t *parameters)
{
    struct sql_query query = {.text = text, .project = "p", .parameters = parameters};
    return run(store, &query);
}

const char *fixture_run_around(struct store *store, const char *text, const json_t *parameters,
                               const char *at, const char *other, const json_t *other_parameters)
{
    struct interruption interruption = {
        .store = store, .at = at, .text = other, .parameters = other_parameters};
    struct sql_query query = {
        .text = text, .project = "p", .parameters = parameters, .before = interrupt, .self = &interruption};
    return run(store, &query);
}

const char *fixture_load(struct store *store, const char *dataset, const char *table, json_t *rows,
                         bool empty_only, bool replace)
{
    static char shown[1200];
    struct store_batch *batch = NULL;
    struct store_error err = {0};
    int64_t count = 0;
    bool good = store_batch_new(store, dataset, table, &batch, &err), added = good;
    for (size_t i = 0; i < json_array_size(rows) && added; i++)
        added = store_batch_add(batch, json_array_get(rows, i), &err);
    if (good && added) good = store_batch_commit(batch, empty_only, replace, &count, &err);
    if (good && !added) store_batch_drop(batch);
    json_decref(rows);
    (void)snprintf(shown, sizeof shown, "%s%s%s", err.reason, err.reason[0] ? ": " : "", err.message);
    return shown;
}

void fixture_parameter(json_t *parameters, const char *name, const char *type, const char *value)
{
    json_t *made = json_pack("{s:s, s:{s:s}, s:{s:s}}", "name", name, "parameterType", "type", type,
                             "parameterValue", "value", value);
    (void)json_array_append_new(parameters, made); /* memory only */
}
