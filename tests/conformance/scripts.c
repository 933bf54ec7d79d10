/* SPDX-License-Identifier: Apache-2.0 */
/* scripts.c - prints, as one JSON object, the statements and schemas of a stream with a child, as the worker
 * sends them, and the schemas of all real streams: what tests/conformance/googlesql.py lets Google's SQL
 * engine judge.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fake_members.h"
#include "fake_streams.h"
#include "schema.h"
#include "sources/sources.h"
#include "sql.h"

static const struct sql_names names = {.project = "judge", .dataset = "desk", .control = "desk_caseload"};

/* --- People who may be gone, with columns that were added later, sets and attributes --- */

#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct custom_attribute attributes[] = {
    {"plan", "string", "plan"},    {"it's \"so\"\\ \n$.plan[0]`", "string", "it_s"},
    {"seats", "integer", "seats"}, {"share", "float", "share"},
    {"open", "boolean", "open"},   {"born", "date", "born"},
    {"tags", "list", "tags"},
};

/* The live table: it began with id and updated_at, the rest was added. */
static json_t *grown_fields(void)
{
    struct table early = fake_members_table;
    struct error err;
    bool changed = false;
    early.column_count = 2;
    json_t *fields = schema_data(&early), *wanted = schema_data(&fake_members_table);
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
    sql_commit(&names, &selection, stages, NULL, text);
    add_text(statements, name, text);
}

static void add_reconcile(json_t *statements, const char *name, const char *stage, const char *rejected,
                          struct buf *text)
{
    const struct selection selection = {
        .stream = &fake_members_reconciliation,
        .tables = {&fake_members_ids, &fake_members_table, &fake_members_deleted},
        .table_count = RECONCILE_TABLES};
    const char *stages[LIMIT_TABLES + 1] = {stage, stage ? "stage_people_0_1" : NULL,
                                            stage ? "stage_people_0_2" : NULL};

    stages[SQL_STAGE_REJECTED] = rejected;
    sql_commit(&names, &selection, stages, NULL, text);
    add_text(statements, name, text);
}

/* The list of the same people with whole records, and a fetch of them by their time. */
static void add_list(json_t *statements, struct buf *text)
{
    const struct selection listed = {
        .stream = &fake_members_list,
        .tables = {&fake_members_table, &fake_members_table, &fake_members_deleted},
        .table_count = RECONCILE_TABLES};
    const struct selection dated = {
        .stream = &fake_members_dated, .tables = {&fake_members_table}, .table_count = 1};
    const char *stages[LIMIT_TABLES + 1] = {"stage_people_1_0", "stage_people_0_1", "stage_people_0_2"};

    sql_commit(&names, &listed, stages, NULL, text);
    add_text(statements, "people_commit_list", text);
    sql_missing_text(&names, &fake_members_list, "stage_people_1_0", 3, text);
    add_text(statements, "people_missing_list", text);
    sql_commit(&names, &dated, (const char * [LIMIT_TABLES + 1]){"stage_people_1_0"}, NULL, text);
    add_text(statements, "people_dated_commit", text);
}

/* A scan of the people with their teams, a set. */
static void add_scan(json_t *statements, struct buf *text)
{
    const struct selection selection = {
        .stream = &fake_members, .tables = {&fake_members_table, &fake_members_teams}, .table_count = 2};
    const char *stages[LIMIT_TABLES + 1] = {"stage_people_1_0", "stage_people_1_1"};

    sql_commit(&names, &selection, stages, NULL, text);
    add_text(statements, "people_scan_commit", text);
    sql_state_text(&names, &(const struct selection *){&selection}, 1, text);
    add_text(statements, "people_scan_state", text);
}

static void add_people(json_t *statements, struct buf *text)
{
    const struct selection compared = {
        .stream = &fake_members_reconciliation, .tables = {&fake_members_ids}, .table_count = 1};
    json_t *fields = grown_fields();

    add_reconcile(statements, "people_commit", "stage_people_0_0", NULL, text);
    add_reconcile(statements, "people_commit_rejects", "stage_people_0_0", "stage_people_0_rejected", text);
    add_reconcile(statements, "people_commit_empty", NULL, NULL, text);
    sql_missing_text(&names, &fake_members_reconciliation, "stage_people_0_0", 3, text);
    add_text(statements, "people_missing", text);
    add_list(statements, text);
    add_scan(statements, text);
    sql_state_text(&names, &(const struct selection *){&compared}, 1, text);
    add_text(statements, "people_state", text);
    sql_latest_text(&names, &(struct sql_latest){.table = &fake_members_table, .fields = fields}, text);
    add_text(statements, "people_latest", text);
    sql_latest_text(&names, &(struct sql_latest){.table = &fake_members_teams}, text);
    add_text(statements, "people_teams_latest", text);
    sql_latest_text(&names, &(struct sql_latest){.table = fake_members_attributes.table}, text);
    add_text(statements, "people_list_latest", text);
    struct sql_refresh refresh = {.stream = &fake_members, .table = &fake_members_table, .fields = fields};
    sql_latest_refresh_text(&names, &refresh, text);
    add_text(statements, "people_latest_refresh", text);
    refresh.is_rebuilt = true;
    sql_latest_refresh_text(&names, &refresh, text);
    add_text(statements, "people_latest_rebuild", text);
    json_t *team_fields = schema_data(&fake_members_teams);
    refresh =
        (struct sql_refresh){.stream = &fake_members, .table = &fake_members_teams, .fields = team_fields};
    sql_latest_refresh_text(&names, &refresh, text);
    add_text(statements, "people_teams_latest_refresh", text);
    json_decref(team_fields);
    json_t *list_fields = schema_data(fake_members_attributes.table);
    refresh = (struct sql_refresh){
        .stream = &fake_members, .table = fake_members_attributes.table, .fields = list_fields};
    sql_latest_refresh_text(&names, &refresh, text);
    add_text(statements, "people_list_latest_refresh", text);
    json_decref(list_fields);
    sql_attributes_text(&names, &fake_members_attributes, text);
    add_text(statements, "people_attributes", text);
    sql_custom_text(&names, fake_members_attributes.attributes, attributes, COUNT(attributes), text);
    add_text(statements, "people_custom", text);
    json_decref(fields);
}

static json_t *all_statements(void)
{
    json_t *statements = json_object();
    struct buf text;

    buf_init(&text, LIMIT_SQL);
    const struct selection tickets = fake_selection(&fake_tickets);

    sql_state_text(&names, &(const struct selection *){&tickets}, 1, &text);
    add_text(statements, "state", &text);
    sql_adopt_text(&names, fake_tickets.table, &text);
    add_text(statements, "adopt", &text);
    sql_latest_text(&names, &(struct sql_latest){.table = fake_tickets.table}, &text);
    add_text(statements, "latest", &text);
    sql_ledger_text(&names, &text);
    add_text(statements, "ledger", &text);
    sql_repeats_text(&names, fake_tickets.table, &text);
    add_text(statements, "repeats", &text);
    json_t *fields = schema_data(fake_tickets.table);
    sql_deduplicate_begin(&text);
    sql_deduplicate_text(&names, fake_tickets.table, fields, &text);
    json_decref(fields);
    add_text(statements, "deduplicate", &text);
    sql_repeats_clear_text(&names, &fake_tickets, &text);
    add_text(statements, "repeats_clear", &text);
    sql_provenance_text(&names, &text);
    add_text(statements, "provenance", &text);
    sql_lock_row_text(&names, &fake_tickets, &text);
    add_text(statements, "lock_row", &text);
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
    json_object_set_new(schemas, "people_deleted", schema_data(&fake_members_deleted));
    json_object_set_new(schemas, "people_teams", schema_data(&fake_members_teams));
    json_object_set_new(schemas, "people_attributes", schema_data(fake_members_attributes.table));
    json_object_set_new(schemas, "stage_people", schema_stage(&fake_members_ids));
    json_object_set_new(schemas, "stage_people_deleted", schema_stage(&fake_members_deleted));
    json_object_set_new(schemas, "stage_people_scan", schema_stage(&fake_members_table));
    json_object_set_new(schemas, "stage_people_teams", schema_stage(&fake_members_teams));
    json_object_set_new(schemas, "runs", schema_runs());
    json_object_set_new(schemas, "missing", schema_missing());
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
