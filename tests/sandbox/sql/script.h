/* SPDX-License-Identifier: Apache-2.0 */
/* script.h - one running script. Private to script.c, data.c, ddl.c and parameters.c. */
#ifndef CASELOAD_SANDBOX_SQL_SCRIPT_H
#define CASELOAD_SANDBOX_SQL_SCRIPT_H

#include "sql/emit.h"
#include "sql/sql.h"

struct script {
    struct sql sql;
    struct store *store;
    const struct sql_query *query;
    const struct pointer_list *statements; /* of the whole script: it may begin with declarations */
    struct sql_result *result;
    struct pointer_list variables, parameters; /* struct variable */
    struct pointer_list owned;                 /* the same: values that a statement made */
    struct transaction transaction;            /* number 0: none is open */
    int64_t transaction_us;                    /* when it began: the time of all its statements */
    int64_t row_count;                         /* @@row_count; -1: NULL */
    size_t steps;
    bool is_many; /* a script, not a single statement */
};

/* Arguments and result of a function that sql_fail may leave. */
struct work {
    struct script *script;
    const struct statement *statement;
    const struct expr *expr;
    bool truth;
};

/* script.c */
_Noreturn void script_fail_again(struct script *script); /* the error has been set */
struct emitter script_emitter(struct script *script);
void script_note_tables(struct script *script, const struct emitter *emitter); /* in the result */
/* Prepared and bound; NULL: the error is set. */
sqlite3_stmt *script_prepare(struct script *script, const struct emitter *emitter, const char *sql,
                             const struct transaction *transaction);
bool script_step_failed(struct script *script); /* sets the error; false */

/* data.c: statements on rows, run with the mutex held. */
void run_select(struct work *work);
void run_dml(struct work *work);
/* The columns of a result as a STRUCT; names without one are made, doubled ones refused. */
const struct type *script_row_type(struct script *script, const struct pointer_list *columns);
/* In the script's transaction, or in one of its own. False: the error is set. */
bool script_write(struct script *script, const struct emitter *emitter, const struct write *write);

/* ddl.c: tables and views, with the mutex held too. */
void run_create_table(struct work *work);
void run_create_view(struct work *work);
void run_drop(struct work *work);

/* grant.c */
void run_grant(struct work *work);

/* parameters.c */
void read_parameters(struct script *script);

#endif
