/* tables.h - the tables of this source, and the words in which they are written down.
 *
 * Columns bear the names of the record's fields (API 2.16). Everything may be absent or null but the key and
 * the version. What no column takes is kept in _extra, so an unknown field is no loss.
 */
#ifndef CASELOAD_SOURCES_INTERCOM_TABLES_H
#define CASELOAD_SOURCES_INTERCOM_TABLES_H

#include "core/stream.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))

#define TEXT(n, about)                                                                                       \
    {                                                                                                        \
        .name = (n), .type = COLUMN_STRING, .description = (about)                                           \
    }
#define NUMBER(n, about)                                                                                     \
    {                                                                                                        \
        .name = (n), .type = COLUMN_INT64, .description = (about)                                            \
    }
#define FLAG(n, about)                                                                                       \
    {                                                                                                        \
        .name = (n), .type = COLUMN_BOOL, .description = (about)                                             \
    }
#define TIME(n, about)                                                                                       \
    {                                                                                                        \
        .name = (n), .type = COLUMN_TIMESTAMP, .description = (about)                                        \
    }
#define JSON(n, about)                                                                                       \
    {                                                                                                        \
        .name = (n), .type = COLUMN_JSON, .description = (about)                                             \
    }
#define KEY(n, about)                                                                                        \
    {                                                                                                        \
        .name = (n), .type = COLUMN_STRING, .mode = COLUMN_REQUIRED, .description = (about)                  \
    }
#define VERSION(n, about)                                                                                    \
    {                                                                                                        \
        .name = (n), .type = COLUMN_TIMESTAMP, .mode = COLUMN_REQUIRED, .description = (about)               \
    }
#define TEXTS(n, about)                                                                                      \
    {                                                                                                        \
        .name = (n), .type = COLUMN_STRING, .mode = COLUMN_REPEATED, .description = (about)                  \
    }
#define DAY(n, about) VERSION(n, about) /* what partition_date is made of, if it is not the version */
#define KEY_FLAG(n, about)                                                                                   \
    {                                                                                                        \
        .name = (n), .type = COLUMN_BOOL, .mode = COLUMN_REQUIRED, .description = (about)                    \
    }
#define RECORD(n, of, about)                                                                                 \
    {                                                                                                        \
        .name = (n), .type = COLUMN_RECORD, .fields = (of), .field_count = COUNT(of), .description = (about) \
    }
#define RECORDS(n, of, about)                                                                                \
    {                                                                                                        \
        .name = (n), .type = COLUMN_RECORD, .mode = COLUMN_REPEATED, .fields = (of),                         \
        .field_count = COUNT(of), .description = (about)                                                     \
    }

/* One file a subject: table_<subject>.c. */
extern const struct table intercom_admins, intercom_contacts, intercom_conversation_parts,
    intercom_conversations;

#endif
