/* scripts.c - prints, as one JSON object, the statements and schemas of a stream with a child, as the worker
 * sends them, and the schemas of all real streams: what tests/conformance/googlesql.py lets Google's SQL
 * engine judge.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fake_streams.h"
#include "internal.h"
#include "sources/sources.h"

static const struct sql_names names = {.project = "judge", .dataset = "desk", .control = "desk_caseload"};

/* --- People who may be gone, with columns that were added later, sets and attributes --- */

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct column home_columns[] = {
    {.name = "city", .type = COLUMN_STRING},
    {.name = "zip", .type = COLUMN_INT64},
    {.name = "tags", .type = COLUMN_STRING, .mode = COLUMN_REPEATED},
};
static const struct column people_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "name", .type = COLUMN_STRING},
    {.name = "seats", .type = COLUMN_INT64},
    {.name = "share", .type = COLUMN_FLOAT64},
    {.name = "open", .type = COLUMN_BOOL},
    {.name = "seen", .type = COLUMN_TIMESTAMP},
    {.name = "home", .type = COLUMN_RECORD, .fields = home_columns, .field_count = COUNT(home_columns)},
    {.name = "custom_attributes", .type = COLUMN_JSON},
};
static const struct column gone_columns[] = {
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "seen_missing_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
    {.name = "source", .type = COLUMN_STRING},
};
static const struct column set_columns[] = {
    {.name = "person_id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "id", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "person_updated_at", .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED},
};
static const struct column list_columns[] = {
    {.name = "name", .type = COLUMN_STRING, .mode = COLUMN_REQUIRED},
    {.name = "data_type", .type = COLUMN_STRING},
    {.name = "custom", .type = COLUMN_BOOL},
};
static const char *const id_key[] = {"id"}, *const name_key[] = {"name"};
static const char *const set_key[] = {"person_id", "id"};
static const struct table people_gone = {.name = "people_deleted",
                                         .columns = gone_columns,
                                         .column_count = COUNT(gone_columns),
                                         .key = id_key,
                                         .key_count = 1,
                                         .version = "seen_missing_at",
                                         .day = "seen_missing_at"};
static const struct table people = {.name = "people",
                                    .columns = people_columns,
                                    .column_count = COUNT(people_columns),
                                    .key = id_key,
                                    .key_count = 1,
                                    .version = "updated_at",
                                    .day = "updated_at",
                                    .gone = &people_gone};
static const struct table people_sets = {.name = "people_sets",
                                         .columns = set_columns,
                                         .column_count = COUNT(set_columns),
                                         .key = set_key,
                                         .key_count = 2,
                                         .version = "person_updated_at",
                                         .day = "person_updated_at",
                                         .owner = &people,
                                         .owner_key = "person_id"};
static const struct table people_ids = {.name = "people_reconciliation",
                                        .columns = people_columns,
                                        .column_count = 1,
                                        .key = id_key,
                                        .key_count = 1};
static const struct stream compare_people = {
    .name = "people_reconciliation", .kind = STREAM_RECONCILE, .table = &people_ids, .subject = &people};
static const struct attribute_list people_list = {
    .of = &people, .name = "name", .type = "data_type", .custom = "custom"};
static const struct stream list_people = {
    .name = "people_attributes",
    .kind = STREAM_SNAPSHOT,
    .table = &(const struct table){.name = "people_attributes",
                                   .columns = list_columns,
                                   .column_count = COUNT(list_columns),
                                   .key = name_key,
                                   .key_count = 1},
    .attributes = &people_list,
};
static const struct attribute attributes[] = {
    {"plan", "string", "plan"},    {"it's \"so\"\\ \n$.plan[0]`", "string", "it_s"},
    {"seats", "integer", "seats"}, {"share", "float", "share"},
    {"open", "boolean", "open"},   {"born", "date", "born"},
    {"tags", "list", "tags"},
};

/* The live table: it began with id and updated_at, the rest was added. */
static json_t *grown_fields(void)
{
    struct table early = people;
    struct error err;
    bool changed = false;
    early.column_count = 2;
    json_t *fields = schema_data(&early), *wanted = schema_data(&people);
    if (!schema_merge(fields, wanted, &changed, &err)) abort();
    json_decref(wanted);
    return fields;
}

static void add_text(json_t *object, const char *name, struct buf *text)
{
    json_object_set_new(object, name, json_string(buf_string(text)));
    buf_reset(text);
}

/* staged: which of the stream's table, its child's and the rejects' have staged rows. */
static void add_commit(json_t *statements, const char *name, const bool staged[3], struct buf *text)
{
    const struct selection selection = fake_selection(&fake_tickets);
    const char *stages[LIMIT_TABLES + 1] = {
        staged[0] ? "stage_tickets_0_0" : NULL,
        staged[1] ? "stage_tickets_0_1" : NULL,
    };

    stages[SQL_STAGE_REJECTED] = staged[2] ? "stage_tickets_0_rejected" : NULL;
    if (!sql_commit(&names, &selection, stages, text)) abort();
    add_text(statements, name, text);
}

static void add_reconcile(json_t *statements, const char *name, const char *stage, struct buf *text)
{
    const struct selection selection = {.stream = &compare_people, .tables = {&people_ids}, .table_count = 1};
    const char *stages[LIMIT_TABLES + 1] = {stage};

    if (!sql_commit(&names, &selection, stages, text)) abort();
    add_text(statements, name, text);
}

static void add_people(json_t *statements, struct buf *text)
{
    json_t *fields = grown_fields();

    add_reconcile(statements, "people_commit", "stage_people_0_0", text);
    add_reconcile(statements, "people_commit_empty", NULL, text);
    sql_state_text(&names, &compare_people, text);
    add_text(statements, "people_state", text);
    sql_latest_text(&names, &people, fields, text);
    add_text(statements, "people_latest", text);
    sql_latest_text(&names, &people_sets, NULL, text);
    add_text(statements, "people_sets_latest", text);
    sql_latest_text(&names, list_people.table, NULL, text);
    add_text(statements, "people_list_latest", text);
    sql_latest_table_text(&names, &people, fields, "1-2", text);
    add_text(statements, "people_latest_table", text);
    sql_attributes_text(&names, &list_people, text);
    add_text(statements, "people_attributes", text);
    sql_custom_text(&names, &people, attributes, COUNT(attributes), text);
    add_text(statements, "people_custom", text);
    json_decref(fields);
}

static json_t *all_statements(void)
{
    json_t *statements = json_object();
    struct buf text;

    buf_init(&text, LIMIT_SQL);
    sql_state_text(&names, &fake_tickets, &text);
    add_text(statements, "state", &text);
    sql_adopt_text(&names, fake_tickets.table, &text);
    add_text(statements, "adopt", &text);
    sql_latest_text(&names, fake_tickets.table, NULL, &text);
    add_text(statements, "latest", &text);
    sql_ledger_text(&names, &text);
    add_text(statements, "ledger", &text);
    sql_seed_text(&names, &fake_tickets, &text);
    add_text(statements, "seed", &text);
    add_commit(statements, "commit_all", (const bool[]){true, true, true}, &text);
    add_commit(statements, "commit_parents", (const bool[]){true, false, false}, &text);
    add_commit(statements, "commit_rejected", (const bool[]){false, false, true}, &text);
    add_commit(statements, "commit_nothing", (const bool[]){false, false, false}, &text);
    add_people(statements, &text);
    buf_done(&text);
    return statements;
}

static void add_schemas(json_t *schemas, const struct table *table)
{
    char name[128];

    json_object_set_new(schemas, table->name, schema_data(table));
    snprintf(name, sizeof name, "stage_%s", table->name);
    json_object_set_new(schemas, name, schema_stage(table));
}

static void add_stream(json_t *schemas, const struct stream *stream)
{
    add_schemas(schemas, stream->table);
    for (size_t i = 0; i < stream->child_count; i++)
        add_schemas(schemas, stream->children[i].table);
}

static json_t *all_schemas(void)
{
    const struct source_type *intercom = source_type_find("intercom");
    json_t *schemas = json_object();

    for (size_t i = 0; i < intercom->stream_count; i++)
        add_stream(schemas, intercom->streams[i]);
    add_stream(schemas, &fake_tickets); /* last: there are real ones of that name */
    json_object_set_new(schemas, "people", grown_fields());
    json_object_set_new(schemas, "people_deleted", schema_data(&people_gone));
    json_object_set_new(schemas, "people_sets", schema_data(&people_sets));
    json_object_set_new(schemas, "people_attributes", schema_data(list_people.table));
    json_object_set_new(schemas, "stage_people", schema_stage(&people_ids));
    json_object_set_new(schemas, "runs", schema_runs());
    json_object_set_new(schemas, "rejected", schema_rejected());
    json_object_set_new(schemas, "stage_rejected", schema_rejected_stage());
    json_object_set_new(schemas, "lock", schema_lock());
    return schemas;
}

int main(void)
{
    json_t *all = json_pack("{s:o, s:o}", "statements", all_statements(), "schemas", all_schemas());

    json_dumpf(all, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(all);
    return 0;
}
