/* SPDX-License-Identifier: Apache-2.0 */
/* sql.h - the statements, made of the texts in sql/.
 *
 * Values travel as parameters. Only names are put into a text, and only if they are made of letters, digits
 * and _. For any other name the text gets a byte that sql_check refuses, so that such a statement is never
 * sent. The builders append to out_sql.
 */
#ifndef CASELOAD_BIGQUERY_SQL_H
#define CASELOAD_BIGQUERY_SQL_H

#include "base/buf.h"
#include "base/json.h"
#include "internal.h"

extern const char sql_adopt[], sql_attributes[], sql_commit_alarm[], sql_commit_check[],
    sql_commit_children[], sql_commit_children_scan[], sql_commit_compare[], sql_commit_declare[],
    sql_commit_doubled[], sql_commit_later[], sql_commit_ledger[], sql_commit_lock[], sql_commit_mended[],
    sql_commit_missing[], sql_commit_reconcile[], sql_commit_reconcile_back[], sql_commit_reconcile_doubled[],
    sql_commit_reconcile_empty[], sql_commit_content_changes[], sql_commit_rejected[], sql_commit_result[],
    sql_commit_same[], sql_commit_union[], sql_custom[], sql_deduplicate[], sql_latest[], sql_latest_day[],
    sql_latest_gone[], sql_latest_gone_parent[], sql_latest_refresh[], sql_latest_set[], sql_ledger[],
    sql_history[], sql_lock_row[], sql_mend[], sql_missing[], sql_newest_day[], sql_provenance[],
    sql_rejects[], sql_repeats[], sql_repeats_clear[], sql_state[], sql_state_scan[], sql_status[],
    sql_suspects[];

#define SQL_PATH (3 * TABLE_ID)

struct sql_names {
    const char *project, *dataset, *control;
};

struct sql_value {
    const char *name, *text;
};

#define SQL_STAGE_REJECTED LIMIT_TABLES /* the index of the rejected records among stages */

bool sql_is_name(const char *name);       /* [A-Za-z0-9_]+ */
bool sql_is_project(const char *project); /* the same with -, perhaps after a domain: example.com:acme-data */
void sql_path(char out[SQL_PATH], const struct sql_names *names, const char *dataset, const char *table);
void sql_quote(char out[TABLE_ID], const char *name); /* `name` */
void sql_word(char out[TABLE_ID], const char *name);  /* name, to stand within a literal */
void sql_literal(struct buf *out, const char *text);  /* any text as a literal */
/* "r.`a`, r.`b`" with the prefix "r." */
void sql_add_columns(struct buf *out, const char *const *columns, size_t count, const char *prefix);
/* "l.`a` = r.`a` AND l.`b` = r.`b`" */
void sql_add_match(struct buf *out, const char *const *columns, size_t count, const char *left,
                   const char *right);
/* Appends the text with its placeholders filled. A placeholder without value, or a value without placeholder,
 * is our mistake. */
void sql_fill(struct buf *out, const char *text, const struct sql_value *values, size_t count);
/* May the statement be sent? Else ERROR_LIMIT: it is too long, or holds a name that it must not. */
bool sql_check(const struct buf *sql, const char *what, struct error *err) CHECKED;

/* --- sql_commit.c --- */

/* Exceptions from the claim of a commit; NULL: there are none. */
struct sql_claim {
    const char *unclaimed; /* days of the unit: "DATE '2026-03-01', ..." */
    const char *left_out;  /* child tables: "'a', 'b'" */
    bool mends_nothing;    /* no record of the stream waits in `rejected` to be fetched again */
};

/* The ledger row of a commit, and the end of its transaction. */
void sql_add_ledger(const struct sql_names *names, const struct selection *selection,
                    const char *const stages[LIMIT_TABLES + 1], const struct sql_claim *claim,
                    struct buf *out);
/* The column of that name, as an expression. */
const char *sql_children_from(const struct stream *stream);
/* The commit of a selection; stages[i] NULL: nothing staged for that table. */
void sql_commit(const struct sql_names *names, const struct selection *selection,
                const char *const stages[LIMIT_TABLES + 1], const struct sql_claim *claim,
                struct buf *out_sql);

/* The script that only notes a fetch which read what the last commit had read. */
void sql_commit_same_text(const struct sql_names *names, const struct selection *selection,
                          const struct sql_claim *claim, struct buf *out_sql);

void sql_state_text(const struct sql_names *names, const struct selection *const *selections, size_t count,
                    struct buf *out_sql);
void sql_adopt_text(const struct sql_names *names, const struct table *table, struct buf *out_sql);
void sql_ledger_text(const struct sql_names *names, struct buf *out_sql);
/* How many rows repeat the reading before them; the script that removes them (fields: the live table's); and
 * the statement that says they are removed. One script may do several tables: it begins once, since scripts
 * declare variables at their start only. */
void sql_repeats_text(const struct sql_names *names, const struct table *table, struct buf *out_sql);
void sql_deduplicate_begin(struct buf *out_sql);
void sql_deduplicate_text(const struct sql_names *names, const struct table *table, const json_t *fields,
                          struct buf *out_sql);
void sql_repeats_clear_text(const struct sql_names *names, const struct stream *stream, struct buf *out_sql);
void sql_provenance_text(const struct sql_names *names, struct buf *out_sql);
void sql_lock_row_text(const struct sql_names *names, const struct stream *stream, struct buf *out_sql);

/* --- sql_staged.c --- */

/* The value of a data table's column, made of the staging table's in which JSON is text. row: an alias. */
void sql_staged_value(const struct column *column, const char *row, struct buf *out);

/* --- sql_reconcile.c --- */

/* The statements between the lock and the ledger row. */
void sql_reconcile_text(const struct sql_names *names, const struct stream *stream,
                        const char *const stages[LIMIT_TABLES + 1], struct buf *out_sql);
/* At most `ceiling` of the records that the staged list lacks. */
void sql_missing_text(const struct sql_names *names, const struct stream *stream, const char *list_stage,
                      int64_t ceiling, struct buf *out_sql);

/* Adds the version's column, of snapshots the day's, unless it is there. Returns how many there are then. */
size_t sql_add_version(const struct table *table, const char **columns, size_t count);

/* --- sql_rejected.c --- */

/* The part of a commit that stores rejected records, and marks those that are loaded now. */
void sql_add_rejected(const struct sql_names *names, const struct stream *stream,
                      const struct sql_claim *claim, const char *const stages[LIMIT_TABLES + 1],
                      struct buf *out_sql);

/* --- sql_latest.c --- */

/* The rows that <table>_latest shows. */
struct sql_latest {
    const struct table *table;
    const json_t
        *fields;       /* the live table's, which show the columns that were added later; NULL: none were */
    const char *since; /* of a list: a day that is not after its newest, "2026-03-01"; NULL: none is known */
    const char *days;  /* a condition on partition_date, " AND ..."; NULL: all days */
};

void sql_latest_text(const struct sql_names *names, const struct sql_latest *latest, struct buf *out_sql);
void sql_latest_shown(const struct table *table, const json_t *fields, struct buf *out); /* its columns */
void sql_newest_day_text(const struct sql_names *names, const struct table *table, struct buf *out_sql);

struct sql_refresh {
    const struct stream *stream; /* whose lock row it takes */
    const struct table *table;
    const json_t *fields; /* the live table's; <table>_latest has them all */
    bool is_rebuilt;      /* all rows are written again */
};

/* The script that makes <table>_latest, a table, equal to what the view shows. */
void sql_latest_refresh_text(const struct sql_names *names, const struct sql_refresh *refresh,
                             struct buf *out_sql);

/* --- sql_questions.c --- */

#define REJECTED_DAYS 90 /* older rejects are not looked at */

struct sql_status {
    const struct selection *selections;
    size_t count;
    bool has_tables[LIMIT_STREAMS]; /* all tables of the selection exist */
    struct day first_day, start;    /* of the source, and of the configuration */
    int64_t max_age_s;              /* older streams are stale */
};

/* Without parameters: it is a view's, too. */
void sql_status_text(const struct sql_names *names, const struct sql_status *status, struct buf *out_sql);
void sql_history_text(const struct sql_names *names, int64_t limit, struct buf *out_sql);
void sql_mend_text(const struct sql_names *names, const struct table *table, struct buf *out_sql);
void sql_rejects_text(const struct sql_names *names, bool with_text, int64_t limit, struct buf *out_sql);

/* --- sql_views.c --- */

/* Names, types and whether archived, of the newest day of an attribute list; one name's rows stand together.
 */
void sql_attributes_text(const struct sql_names *names, const struct stream *stream, struct buf *out_sql);
/* An attribute that a workspace added, and the column that shows it. */
struct custom_attribute {
    const char *name; /* any text: it comes from outside */
    const char *type;
    char column[TABLE_ID];
};

/* Do values of these types need columns of different types? */
bool sql_custom_types_differ(const char *type, const char *other);
void sql_custom_text(const struct sql_names *names, const struct attribute_list *list,
                     const struct custom_attribute *attributes, size_t count, struct buf *out_sql);

#endif
