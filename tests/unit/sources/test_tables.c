/* SPDX-License-Identifier: Apache-2.0 */
/* test_tables.c - each source's table of streams and the columns of its tables keep the rules that others
 * rely on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "core/run.h"
#include "rest/rest.h"
#include "sources/sources.h"

/* BigQuery's. */
#define DESCRIPTION_MAX 1024
#define DEPTH_MAX       15
#define COLUMNS_MAX     10000

static const struct source_type *type; /* that is tested */

#define TABLES_MAX (LIMIT_STREAMS * LIMIT_TABLES * 3)

struct catalog {
    const struct table *tables[TABLES_MAX];
    size_t count;
};

/* --- walking --- */

static void add_table(struct catalog *catalog, const struct table *table)
{
    if (!table) return;
    for (size_t i = 0; i < catalog->count; i++)
        if (catalog->tables[i] == table) return;
    assert_true(catalog->count < TABLES_MAX);
    catalog->tables[catalog->count++] = table;
    add_table(catalog, table->gone);
    add_table(catalog, table->owner);
}

/* Every table that is reached from a stream, each once. */
static struct catalog all_tables(void)
{
    struct catalog catalog = {0};
    for (size_t i = 0; i < type->stream_count; i++) {
        const struct stream *stream = type->streams[i];
        add_table(&catalog, stream->table);
        add_table(&catalog, stream->subject);
        for (size_t c = 0; c < stream->child_count; c++)
            add_table(&catalog, stream->children[c].table);
        if (stream->attributes) add_table(&catalog, stream->attributes->of);
    }
    return catalog;
}

static const struct stream *stream_of(const struct table *table)
{
    for (size_t i = 0; i < type->stream_count; i++)
        if (type->streams[i]->table == table) return type->streams[i];
    return NULL;
}

/* --- names --- */

static bool begins_with(const char *name, const char *prefix)
{
    return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t size = strlen(name), suffix_size = strlen(suffix);
    return size >= suffix_size && strcmp(name + size - suffix_size, suffix) == 0;
}

static bool valid_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char *const reserved[] = {"_TABLE_",  "_FILE_",   "_PARTITION",     "_ROW_TIMESTAMP",
                                           "_CHANGE_", "__ROOT__", "_COLIDENTIFIER", "_SESSION_"};
    if (!name || !name[0] || strlen(name) > 300) return false;
    if (!strchr(letters, name[0])) return false;
    for (const char *at = name; *at; at++)
        if (!strchr(letters, *at) && !(*at >= '0' && *at <= '9')) return false;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (begins_with(name, reserved[i])) return false;
    return true;
}

static bool ours(const char *name)
{
    static const char *const service[] = {COLUMN_PARTITION_DATE, COLUMN_EXTRA, COLUMN_LOADED_AT,
                                          COLUMN_RUN_ID, COLUMN_SEQUENCE};
    for (size_t i = 0; i < sizeof service / sizeof *service; i++)
        if (strcasecmp(name, service[i]) == 0) return true;
    return false;
}

static void check_text(const char *text)
{
    assert_non_null(text);
    assert_in_range(strlen(text), 1, DESCRIPTION_MAX);
}

/* --- columns --- */

/* Returns how many there are, with those inside. */
static size_t check_columns(const struct column *columns, size_t count, int depth)
{
    size_t all = count;
    assert_in_range(depth, 0, DEPTH_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct column *column = &columns[i];
        if (!valid_name(column->name)) fail_msg("\"%s\" is no name", column->name ? column->name : "");
        check_text(column->description);
        assert_int_equal(column->type == COLUMN_RECORD, column->field_count > 0);
        assert_true(column->mode != COLUMN_REQUIRED || depth == 0);
        for (size_t other = 0; other < i; other++) /* BigQuery takes "a" and "A" for one */
            if (strcasecmp(column->name, columns[other].name) == 0) fail_msg("%s twice", column->name);
        all += check_columns(column->fields, column->field_count, depth + 1);
    }
    return all;
}

/* Keys are compared and sorted. */
static bool comparable(const struct column *column)
{
    switch (column->type) {
    case COLUMN_STRING:
    case COLUMN_INT64:
    case COLUMN_BOOL:
    case COLUMN_TIMESTAMP: return true;
    case COLUMN_FLOAT64:
    case COLUMN_JSON:
    case COLUMN_RECORD: return false;
    }
    return false;
}

static bool among_key(const struct table *table, const char *name)
{
    for (size_t i = 0; i < table->key_count; i++)
        if (strcmp(table->key[i], name) == 0) return true;
    return false;
}

static void check_time(const struct table *table, const char *name)
{
    const struct column *column = table_column(table, name);
    if (!column || column->type != COLUMN_TIMESTAMP || column->mode != COLUMN_REQUIRED)
        fail_msg("%s: %s is not a time that every row has", table->name, name);
}

/* --- the tests --- */

static void columns_are_such_as_bigquery_takes(void **state)
{
    (void)state;
    const struct catalog catalog = all_tables();
    assert_true(catalog.count > 0);
    for (size_t i = 0; i < catalog.count; i++) {
        const struct table *table = catalog.tables[i];
        size_t all = check_columns(table->columns, table->column_count, 0);
        assert_in_range(all, 1, COLUMNS_MAX);
        for (size_t c = 0; c < table->column_count; c++)
            if (ours(table->columns[c].name))
                fail_msg("%s: %s is a column of ours", table->name, table->columns[c].name);
    }
}

static void tables_have_names_of_their_own(void **state)
{
    (void)state;
    static const char *const derived[] = {"_latest", "_custom"};
    const struct catalog catalog = all_tables();
    for (size_t i = 0; i < catalog.count; i++) {
        const char *name = catalog.tables[i]->name;
        if (!valid_name(name)) fail_msg("\"%s\" is no name", name ? name : "");
        check_text(catalog.tables[i]->description);
        for (size_t d = 0; d < sizeof derived / sizeof *derived; d++)
            if (ends_with(name, derived[d])) fail_msg("%s could be made of another table", name);
        for (size_t other = 0; other < i; other++)
            if (strcasecmp(name, catalog.tables[other]->name) == 0) fail_msg("%s twice", name);
    }
}

/* A row needs what names it and what tells its day, and nothing else. */
static void rows_can_be_named(void **state)
{
    (void)state;
    const struct catalog catalog = all_tables();
    for (size_t i = 0; i < catalog.count; i++) {
        const struct table *table = catalog.tables[i];
        assert_in_range(table->key_count, 1, 15);
        for (size_t k = 0; k < table->key_count; k++) {
            const struct column *key = table_column(table, table->key[k]);
            if (!key || key->mode != COLUMN_REQUIRED || !comparable(key))
                fail_msg("%s: %s can't be a key", table->name, table->key[k]);
        }
        assert_int_equal(table->version == NULL, table->day == NULL);
        if (table->version) check_time(table, table->version);
        if (table->day) check_time(table, table->day);
        for (size_t c = 0; c < table->column_count; c++) {
            const struct column *column = &table->columns[c];
            bool needed = among_key(table, column->name) ||
                          (table->version && strcmp(table->version, column->name) == 0) ||
                          (table->day && strcmp(table->day, column->name) == 0);
            if ((column->mode == COLUMN_REQUIRED) != needed)
                fail_msg("%s: %s is REQUIRED in vain, or not but must be", table->name, column->name);
        }
    }
}

/* "tags.tag_name" */
static bool has_path(const struct column *columns, size_t count, const char *path)
{
    size_t size = strcspn(path, ".");
    for (size_t i = 0; i < count; i++) {
        const char *field = column_field(&columns[i]);
        if (strlen(field) != size || strncmp(field, path, size) != 0) continue;
        bool is_end = !path[size] || columns[i].type == COLUMN_JSON;
        return is_end || has_path(columns[i].fields, columns[i].field_count, path + size + 1);
    }
    return false;
}

/* A name that is misspelt would leave nothing out. */
static void what_is_left_out_is_in_some_table(void **state)
{
    (void)state;
    const struct catalog catalog = all_tables();
    for (size_t i = 0; i < catalog.count; i++) {
        const struct table *table = catalog.tables[i];
        for (size_t k = 0; k < table->left_out_count; k++) {
            bool found = false;
            for (size_t other = 0; other < catalog.count; other++)
                found = found || has_path(catalog.tables[other]->columns, catalog.tables[other]->column_count,
                                          table->left_out[k].path);
            if (!found) fail_msg("%s: no table has %s", table->name, table->left_out[k].path);
        }
    }
}

static void who_is_gone_is_listed(void **state)
{
    (void)state;
    const struct catalog catalog = all_tables();
    for (size_t i = 0; i < catalog.count; i++) {
        const struct table *table = catalog.tables[i], *gone = table->gone;
        if (!gone) continue;
        assert_true(table->version && table->key_count == 1 && gone->key_count == 1);
        assert_string_equal(gone->key[0], table->key[0]);
        assert_int_equal(table_column(gone, gone->key[0])->type, table_column(table, table->key[0])->type);
        assert_string_equal(gone->version, "seen_missing_at");
        assert_string_equal(gone->day, "seen_missing_at");
        assert_int_equal(table_column(gone, "merged_into")->type, COLUMN_STRING);
        assert_int_equal(table_column(gone, "source")->type, COLUMN_STRING);
        assert_null(gone->gone);
        for (size_t other = 0; other < i; other++)
            assert_ptr_not_equal(gone, catalog.tables[other]->gone);
    }
}

static void sets_have_owners(void **state)
{
    (void)state;
    const struct catalog catalog = all_tables();
    for (size_t i = 0; i < catalog.count; i++) {
        const struct table *table = catalog.tables[i], *owner = table->owner;
        assert_int_equal(owner == NULL, table->owner_key == NULL);
        if (!owner) continue;
        assert_true(table->version && owner->version && owner->key_count == 1);
        assert_true(among_key(table, table->owner_key));
        assert_int_equal(table_column(table, table->owner_key)->type,
                         table_column(owner, owner->key[0])->type);
    }
}

static bool lists_who_is_gone(const struct stream *stream)
{
    for (size_t c = 0; c < stream->child_count; c++)
        if (stream->children[c].table == stream->table->gone)
            return stream->children[c].choice == CHILD_ALWAYS;
    return false;
}

static void streams_fill_their_tables(void **state)
{
    (void)state;
    assert_in_range(type->stream_count, 1, LIMIT_STREAMS);
    for (size_t i = 0; i < type->stream_count; i++) {
        const struct stream *stream = type->streams[i];
        bool timeless = !stream_lists_rows(stream) &&
                        (stream->kind == STREAM_SNAPSHOT || stream->kind == STREAM_RECONCILE);
        if (!stream_lists_rows(stream)) {
            assert_string_equal(stream->name, stream->table->name);
            assert_ptr_equal(stream_of(stream->table), stream);
        }
        check_text(stream->cost);
        check_text(stream->permission);
        assert_in_range(stream->child_count, 0, LIMIT_TABLES - 1);
        assert_true(stream->unit_days >= 0);
        assert_int_equal(timeless, stream->table->version == NULL);
        assert_true(timeless || stream->child_count == 0 || stream->table->key_count == 1);
        if (stream->table->gone && !stream_lists_rows(stream) && !lists_who_is_gone(stream))
            fail_msg("%s: the table of those that are gone is not among its children", stream->name);
    }
}

/* A reconciliation writes its subject's list of deletions, and may heal the subject itself. */
static bool writes(const struct stream *stream, const struct table *table)
{
    if (stream->subject) return table == stream->subject || table == stream->subject->gone;
    for (size_t c = 0; c < stream->child_count; c++)
        if (stream->children[c].table == table) return true;
    return table == stream->table;
}

static void streams_that_write_one_table_hold_one_lock(void **state)
{
    (void)state;
    const struct catalog catalog = all_tables();
    size_t shared = 0;
    for (size_t t = 0; t < catalog.count; t++) {
        const char *lock = NULL;
        for (size_t i = 0; i < type->stream_count; i++) {
            const struct stream *stream = type->streams[i];
            if (!writes(stream, catalog.tables[t])) continue;
            if (lock) assert_string_equal(stream_lock(stream), lock);
            shared += lock != NULL;
            lock = stream_lock(stream);
        }
    }
    bool has_deletions = strcmp(type->name, "intercom") == 0;
    assert_true(shared >= 5 || !has_deletions); /* three lists of deletions, two subjects */
}

/* Else <table>_latest would show one row for all events of a kind. */
static void events_without_id_are_named_by_their_version(void **state)
{
    (void)state;
    const struct catalog catalog = all_tables();
    for (size_t t = 0; t < catalog.count; t++) {
        const struct table *table = catalog.tables[t];
        bool has_id = false, has_version = false;
        for (size_t i = 0; i < table->key_count; i++) {
            has_id = has_id || !strcmp(table->key[i], "id");
            has_version = has_version || (table->version && !strcmp(table->key[i], table->version));
        }
        if (table->is_named_by_version != (has_version && !has_id))
            fail_msg("%s: its key does not say what names a record", table->name);
    }
}

static void reconciliations_know_whom_they_compare(void **state)
{
    (void)state;
    for (size_t i = 0; i < type->stream_count; i++) {
        const struct stream *stream = type->streams[i];
        const struct table *subject = stream->subject;
        assert_int_equal(stream->kind == STREAM_RECONCILE, subject != NULL);
        if (!subject) continue;
        assert_true(subject->gone && stream_of(subject));
        assert_true(subject->key_count == 1 && stream->table->key_count == 1);
        assert_string_equal(stream->table->key[0], subject->key[0]);
        /* A scan reads all records itself, with their children. A record that does not say its version is no
         * row. */
        const struct rest_stream *rest = (const struct rest_stream *)stream;
        bool are_rows = stream_of(subject)->kind == STREAM_INCREMENTAL && !rest->lookup->lacks_version;
        assert_int_equal(stream_lists_rows(stream), are_rows);
        assert_int_equal(rest->ids_only, !are_rows);
        if (stream_lists_rows(stream)) continue;
        assert_int_equal(stream->table->column_count, 1);
        assert_int_equal(stream->table->columns[0].type, table_column(subject, subject->key[0])->type);
    }
}

/* The columns of what a list holds, as a table. */
static struct table table_within(const struct stream *stream)
{
    struct table table = *stream->table;
    const char *at = stream->attributes->within;
    while (at && *at) {
        char name[64];
        size_t size = strcspn(at, ".");
        (void)snprintf(name, sizeof name, "%.*s", (int)size, at);
        const struct column *column = table_column(&table, name);
        assert_true(column && column->type == COLUMN_RECORD);
        at += size + (at[size] == '.');
        assert_true((column->mode == COLUMN_REPEATED) == !*at);
        table.columns = column->fields;
        table.column_count = column->field_count;
    }
    return table;
}

static void lists_of_attributes_name_their_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < type->stream_count; i++) {
        const struct stream *stream = type->streams[i];
        const struct attribute_list *list = stream->attributes;
        if (!list) continue;
        const struct table holder = table_within(stream);
        const struct column *values = table_column(list->of, list->values);
        const struct column *name = table_column(&holder, list->name);
        const struct column *kind = table_column(&holder, list->type);
        const struct column *custom = list->custom ? table_column(&holder, list->custom) : NULL;
        const struct column *archived = list->archived ? table_column(&holder, list->archived) : NULL;
        assert_true(values && values->type == COLUMN_JSON);
        assert_true(name && name->type == COLUMN_STRING);
        assert_true(kind && kind->type == COLUMN_STRING);
        assert_true(!list->custom || (custom && custom->type == COLUMN_BOOL));
        assert_true(!list->archived || (archived && archived->type == COLUMN_BOOL));
        assert_true(!list->archived || table_column(stream->table, list->archived));
    }
}

static size_t index_of(const char *name)
{
    for (size_t i = 0; i < type->stream_count; i++)
        if (strcmp(type->streams[i]->name, name) == 0) return i;
    fail_msg("there is no stream %s", name);
    return 0;
}

/* Streams of one lock are loaded one after the other, and so are those that share Intercom's only scroll. */
static void streams_that_depend_are_a_group(void **state)
{
    (void)state;
    static struct selection selections[LIMIT_STREAMS];
    static struct request request;
    size_t groups[LIMIT_STREAMS], count = 0;
    request.count = type->stream_count;
    for (size_t i = 0; i < type->stream_count; i++) {
        const struct stream *stream = type->streams[i];
        selections[i] = (struct selection){.stream = stream, .tables = {stream->table}, .table_count = 1};
        for (size_t k = 0; k < stream->child_count; k++)
            selections[i].tables[selections[i].table_count++] = stream->children[k].table;
        request.selections[i] = &selections[i];
    }
    run_groups(&request, groups);
    for (size_t i = 0; i < type->stream_count; i++) {
        count += groups[i] == i;
        for (size_t k = 0; k < i; k++)
            if (strcmp(stream_lock(type->streams[i]), stream_lock(type->streams[k])) == 0)
                assert_int_equal(groups[i], groups[k]);
    }
    assert_true(count >= 6); /* else workers would have nothing to do */
    if (strcmp(type->name, "intercom") != 0) return;
    assert_int_equal(groups[index_of("companies")], groups[index_of("companies_reconciliation")]);
    assert_int_equal(groups[index_of("conversations")], groups[index_of("deleted_conversations")]);
    assert_int_not_equal(groups[index_of("contacts")], groups[index_of("companies")]);
    assert_int_not_equal(groups[index_of("contacts")], groups[index_of("conversations")]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_such_as_bigquery_takes),
        cmocka_unit_test(tables_have_names_of_their_own),
        cmocka_unit_test(rows_can_be_named),
        cmocka_unit_test(what_is_left_out_is_in_some_table),
        cmocka_unit_test(who_is_gone_is_listed),
        cmocka_unit_test(sets_have_owners),
        cmocka_unit_test(streams_fill_their_tables),
        cmocka_unit_test(streams_that_write_one_table_hold_one_lock),
        cmocka_unit_test(streams_that_depend_are_a_group),
        cmocka_unit_test(events_without_id_are_named_by_their_version),
        cmocka_unit_test(reconciliations_know_whom_they_compare),
        cmocka_unit_test(lists_of_attributes_name_their_columns),
    };
    int failed = 0;
    for (size_t i = 0; (type = source_type_at(i)) != NULL; i++)
        failed += cmocka_run_group_tests_name(type->name, tests, NULL, NULL);
    return failed;
}
