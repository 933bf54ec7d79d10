/* SPDX-License-Identifier: Apache-2.0 */
/* GRANT `role` ON SCHEMA dataset TO "member": an entry of the dataset's access list.
 * https://cloud.google.com/bigquery/docs/reference/standard-sql/data-control-language */
#include <string.h>

#include "sql/script.h"

void parse_grant(struct parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_GRANT;
    do {
        const char *role = parse_name(parser, "a role");
        list_add(parser->sql, &statement->names, arena_text(&parser->sql->arena, role, strlen(role)));
    } while (parse_take(parser, ","));
    parse_need(parser, "ON");
    if (!parse_take(parser, "SCHEMA"))
        sql_fail_at(parser->sql, parse_peek(parser)->at, "The sandbox plays GRANT ... ON SCHEMA only");
    statement->target = parse_path(parser, &statement->at);
    parse_need(parser, "TO");
    do {
        const struct sql_token *token = parse_peek(parser);
        if (token->kind != TOKEN_STRING) parse_unexpected(parser, "a member");
        if (strchr(token->text, ':') == NULL)
            sql_fail_at(parser->sql, token->at, "Invalid member \"%s\": its type and a colon are missing",
                        token->text);
        list_add(parser->sql, &statement->exprs, parse_expr(parser));
    } while (parse_take(parser, ","));
}

/* Entries show the old names of these roles. */
static const char *role_shown(const char *role)
{
    static const struct {
        const char *role, *shown;
    } roles[] = {{"roles/bigquery.dataViewer", "READER"},
                 {"roles/bigquery.dataEditor", "WRITER"},
                 {"roles/bigquery.dataOwner", "OWNER"}};
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        if (strcmp(roles[i].role, role) == 0) return roles[i].shown;
    return role;
}

/* "serviceAccount:x@y" is {"role": .., "userByEmail": "x@y"}. */
static json_t *entry_of(const char *role, const struct expr *member)
{
    static const struct {
        const char *prefix, *name;
    } kinds[] = {{"user:", "userByEmail"}, {"serviceAccount:", "userByEmail"}, {"group:", "groupByEmail"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t size = strlen(kinds[i].prefix);
        if (strncmp(member->name, kinds[i].prefix, size) == 0)
            return json_pack("{s:s, s:s}", "role", role_shown(role), kinds[i].name, member->name + size);
    }
    return json_pack("{s:s, s:s}", "role", role_shown(role), "iamMember", member->name);
}

/* To the access list, once. Takes the entry. */
static void add_entry(json_t *resource, json_t *entry)
{
    json_t *access = json_object_get(resource, "access");
    size_t i = 0;
    if (access == NULL)
        (void)json_object_set_new(resource, "access", access = json_array()); /* memory only */
    while (i < json_array_size(access) && !json_equal(json_array_get(access, i), entry))
        i++;
    if (i == json_array_size(access)) (void)json_array_append(access, entry); /* the same */
    json_decref(entry);
}

void run_grant(struct work *work)
{
    struct script *script = work->script;
    const struct statement *statement = work->statement;
    const struct pointer_list *path = &statement->target;
    const char *dataset = path->items[path->count - 1], *project = script->query->project;
    bool ours = path->count == 1 || (path->count == 2 && strcmp(path->items[0], project) == 0);
    json_t *resource = ours ? catalog_dataset(script->store, dataset) : NULL;
    if (resource == NULL) sql_fail(&script->sql, "notFound", "Not found: Dataset %s:%s", project, dataset);
    if (script->query->dry_run) return;
    resource = json_deep_copy(resource);
    for (size_t i = 0; i < statement->names.count; i++)
        for (size_t j = 0; j < statement->exprs.count; j++)
            add_entry(resource, entry_of(statement->names.items[i], statement->exprs.items[j]));
    store_stamp(resource, script->store->now_us(script->store->now_self));
    bool good = catalog_put_dataset(script->store, dataset, resource, script->sql.err);
    json_decref(resource);
    if (!good) script_fail_again(script);
}
