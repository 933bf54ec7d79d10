/* SPDX-License-Identifier: Apache-2.0 */
/* rows_table.h - a table with every type and mode, for the tests of the row builder. */
#ifndef CASELOAD_TESTS_ROWS_TABLE_H
#define CASELOAD_TESTS_ROWS_TABLE_H

#include "core/stream.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct column item_fields[] = {
    {.name = "id", .type = COLUMN_STRING},
    {.name = "count", .type = COLUMN_INT64},
    {.name = "seen_at", .type = COLUMN_TIMESTAMP},
    {.name = "labels", .type = COLUMN_STRING, .mode = COLUMN_REPEATED},
};

static const struct column owner_fields[] = {
    {.name = "id", .type = COLUMN_STRING},
    {.name = "active", .type = COLUMN_BOOL},
    {.name = "items",
     .type = COLUMN_RECORD,
     .mode = COLUMN_REPEATED,
     .fields = item_fields,
     .field_count = COUNT(item_fields)},
    {.name = "more", .type = COLUMN_JSON},
};

static const struct column columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "created_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "name", .type = COLUMN_STRING},
    {.name = "n", .type = COLUMN_INT64},
    {.name = "x", .type = COLUMN_FLOAT64},
    {.name = "ok", .type = COLUMN_BOOL},
    {.name = "at", .type = COLUMN_TIMESTAMP},
    {.name = "any", .type = COLUMN_JSON},
    {.name = "owner", .type = COLUMN_RECORD, .fields = owner_fields, .field_count = COUNT(owner_fields)},
    {.name = "items",
     .type = COLUMN_RECORD,
     .mode = COLUMN_REPEATED,
     .fields = item_fields,
     .field_count = COUNT(item_fields)},
    {.name = "tags", .type = COLUMN_STRING, .mode = COLUMN_REPEATED},
    {.name = "numbers", .type = COLUMN_INT64, .mode = COLUMN_REPEATED},
    {.name = "anys", .type = COLUMN_JSON, .mode = COLUMN_REPEATED},
};

static const char *const key[] = {"id"};

static const struct table table = {.name = "things",
                                   .columns = columns,
                                   .column_count = COUNT(columns),
                                   .key = key,
                                   .key_count = COUNT(key),
                                   .version = "updated_at",
                                   .day = "created_at"};

#endif
