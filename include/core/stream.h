/* SPDX-License-Identifier: Apache-2.0 */
/* stream.h - what a stream is: pure data, constant for the life of the process.
 *
 * A stream fills one table of its own and those of its children. A table is a grow-only set of rows keyed
 * (key columns, version, _read_at). A column takes the record's field of its name, unless it says otherwise:
 * no paths. Sources send some fields under two names or in two forms: the column says which, and both fill
 * it.
 */
#ifndef CASELOAD_CORE_STREAM_H
#define CASELOAD_CORE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"

enum column_type {
    COLUMN_STRING, /* takes strings, integers and booleans (ids and enums change their JSON type over time) */
    COLUMN_INT64,
    COLUMN_FLOAT64,
    COLUMN_BOOL,
    COLUMN_TIMESTAMP, /* seconds since 1970 as number or text, or RFC 3339 */
    COLUMN_JSON,      /* any value, whole */
    COLUMN_RECORD
};

enum column_mode { COLUMN_NULLABLE, COLUMN_REQUIRED, COLUMN_REPEATED };

struct column {
    const char *name;
    const char *field; /* of the record, if the source names it otherwise ("createdAt"); NULL: the name */
    /* Fields that are taken, the first that is there, while `field` is absent, null or empty; a NULL ends
     * them. One that is a column of its own fills both. */
    const char *const *alternatives;
    /* A value comes alone or inside an object ({"image_url": ...}): the member that it is there. A scalar
     * column takes that member of an object; a RECORD takes what is no object as that field. */
    const char *value_member;
    enum column_type type;
    enum column_mode mode;
    const struct column *fields; /* of a RECORD */
    size_t field_count;
    const char *description;
};

/* A member of a record, by dotted path; list elements have the path of their list. */
struct left_out {
    const char *path;
    const char *but; /* the one member of it that counts; NULL: none */
};

struct table {
    const char *name;
    const char *description;
    const struct column *columns; /* as sent; the service columns below are added to each table */
    size_t column_count;
    const char *const *key; /* REQUIRED columns that, with the version, name a row */
    size_t key_count;
    const char *version; /* REQUIRED TIMESTAMP column; NULL: partition_date is the version (snapshots) */
    const char *day;     /* TIMESTAMP column whose local day is partition_date; NULL: the day of reading */
    bool day_is_fixed;   /* all versions of a record have the same day */
    bool is_named_by_version; /* an event without id: at another time it is another record */
    bool version_may_lack;    /* a record without version has the first instant of the day of reading */

    /* Where keys of this table that are known to be gone are listed, with `seen_missing_at`; NULL: nowhere.
     * A record is gone if that is not before its newest version; <table>_latest leaves it out. */
    const struct table *gone;

    /* A set that belongs to a record of another table, replaced as a whole when that record changes:
     * `owner_key` names the owner, and this table's version is the owner's. <table>_latest shows the sets of
     * the owners' newest versions. NULL: an ordinary table. */
    const struct table *owner;
    const char *owner_key;

    /* A child: rows of what is gone are not in <table>_latest. parent_key names the parent. NULL: none is, or
     * the parents' deletions are not known. */
    const struct table *parent;
    const char *parent_key;

    /* Another content of a known version is another row; else the first reading of a version stays. */
    bool keeps_contents;
    /* Members that do not count as content: another value there is not another content. */
    const struct left_out *left_out;
    size_t left_out_count;
    /* Domains of the source's files, whose addresses differ in host and query at each reading; '#' stands for
     * digits. A NULL ends them; NULL: there are none. */
    const char *const *file_hosts;
};

enum stream_kind {
    STREAM_INCREMENTAL, /* the source filters by the version: units of days */
    STREAM_EVENT,       /* the same by the time of creation */
    STREAM_SCAN,        /* the source can't filter: everything, each time */
    STREAM_SNAPSHOT,    /* a list without times: once a day */
    STREAM_RECONCILE /* all records of `subject`, every few days: missing ones are asked for, and deleted */
};

enum child_choice {
    CHILD_DEFAULT, /* by name, or with its parent when no streams are named */
    CHILD_NAMED,   /* by name only */
    CHILD_ALWAYS   /* whenever its parent is loaded */
};

struct child {
    const struct table *table; /* filled by the parent's fetch, in the parent's transaction */
    enum child_choice choice;
};

/* A stream that lists the attributes which this workspace has added to the records of another table. */
struct attribute_list {
    const struct table *of; /* whose column `values` holds the values by name; <of>_custom is made of it */
    const char *values;     /* a JSON column */
    const char *within;   /* path to the REPEATED column that holds the attributes; NULL: they are the rows */
    const char *name;     /* the column with an attribute's name in there */
    const char *type;     /* the column with its type */
    const char *custom;   /* the BOOL column that is false for the built-in ones; NULL: there are none */
    const char *archived; /* the BOOL column that says it is not used any more; NULL: all are in use */
};

struct stream {
    const char *name;
    enum stream_kind kind;
    const struct table *table; /* of a STREAM_RECONCILE: the subject if it lists whole records; else a table
                                * of keys, which is only staged */
    const struct child *children;
    size_t child_count;
    bool by_default; /* loaded when the configuration names no streams */
    int unit_days;   /* the most days of a unit; 0: LIMIT_UNIT_DAYS */

    const struct table *subject; /* of a STREAM_RECONCILE, which goes along with it */
    const struct table *lock;    /* see stream_lock; NULL: the subject, or the stream's own table */
    const struct attribute_list *attributes; /* NULL: it is no such list */

    /* For people: */
    const char *cost;        /* requests to the source */
    const char *permission;  /* that the credentials need */
    const char *limitations; /* what it can't see; NULL: nothing in particular */
};

/* A stream with those of its children that the configuration asks for. tables[0] is the stream's own. */
struct selection {
    const struct stream *stream;
    const struct table *tables[LIMIT_TABLES];
    bool ignores_contents[LIMIT_TABLES]; /* by configuration: one row a version */
    size_t table_count;
};

/* The tables of a STREAM_RECONCILE's selection: the list; the subject, for records that the list lacks and
 * that are alive; where those that are gone are noted. */
enum { RECONCILE_LIST, RECONCILE_ALIVE, RECONCILE_GONE, RECONCILE_TABLES };

/* The columns that caseload adds to every data table. */
#define COLUMN_PARTITION_DATE "partition_date" /* DATE, REQUIRED: the partitioning column */
#define COLUMN_EXTRA          "_extra"         /* JSON: what no column takes, by dotted path */
#define COLUMN_CONTENT        "_content"       /* INT64: see core/content.h; NULL: unknown, or not compared */
#define COLUMN_READ_AT        "_read_at"   /* TIMESTAMP: the warehouse's clock before the record was read */
#define COLUMN_LOADED_AT      "_loaded_at" /* TIMESTAMP, REQUIRED: when the row was committed */
#define COLUMN_RUN_ID         "_run_id"    /* STRING, REQUIRED: the run that committed it */
#define COLUMN_SEQUENCE       "_seq"       /* INT64: order of arrival, in staging tables only */

const char *stream_kind_name(enum stream_kind kind);  /* "incremental" */
bool stream_is_windowed(const struct stream *stream); /* its source is asked for a window of time */
bool stream_claims_days(const struct stream *stream); /* its ledger rows say which days are whole */
/* The name of the lock that a commit of this stream holds. Two streams that write one table must hold the
 * same lock: inserts never conflict with each other, so a key that both load would be stored twice. */
const char *stream_lock(const struct stream *stream);
/* Do rows stay in this table of the stream? Not where deletions are noted: an id that is seen again leaves.
 */
bool stream_keeps_rows(const struct stream *stream, const struct table *table);
/* Is it a reconciliation whose list has whole records, so that it is another reading of its subject? The
 * subject's stream is incremental: a scan reads everything itself. */
bool stream_lists_rows(const struct stream *stream);
bool selection_has_table(const struct selection *selection, const struct table *table);
const struct column *table_column(const struct table *table, const char *name); /* NULL if there is none */
/* The columns that all rows of one record share: the key without the version, unless that names the record,
 * and without flags. A flag (a part that was redacted) describes a record, but does not name another one. */
size_t table_identity(const struct table *table, const char *out_columns[16]);
const char *column_field(const struct column *column);

#endif
