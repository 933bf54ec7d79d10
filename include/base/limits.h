/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - every ceiling, in one place. Bytes unless the name says otherwise. */
#ifndef CASELOAD_BASE_LIMITS_H
#define CASELOAD_BASE_LIMITS_H

#define LIMIT_MESSAGE 65536              /* a trigger message's data */
#define LIMIT_CONFIG  262144             /* the configuration file */
#define LIMIT_PAGE    (32 * 1024 * 1024) /* one answer of the source, decompressed */
#define LIMIT_PAGE_SOFT                                                                                      \
    (12 * 1024 * 1024) /* ... that could hold fewer records, if it were asked for fewer                      \
                        */
#define LIMIT_DETAIL         (64 * 1024 * 1024) /* one record with all that belongs to it, read by pieces */
#define LIMIT_COMPRESSED     (24 * 1024 * 1024) /* ... deflated, as it is kept meanwhile */
#define LIMIT_SLICE          (1024 * 1024)      /* what is read of it at once, about */
#define LIMIT_DEFERRED_TOTAL (8 * 1024 * 1024)  /* answers that came before their turn, all of them */
#define LIMIT_DEFERRED_BODY  (1024 * 1024)      /* ... and each of them */
#define LIMIT_ROW            (16 * 1024 * 1024) /* one NDJSON row */
#define LIMIT_REJECT         (64 * 1024 * 1024) /* raw text of one rejected record: more than a page holds */
#define LIMIT_STAGED         (96 * 1024 * 1024) /* one staged row, escaped; BigQuery takes 100 MB */
#define LIMIT_REPLY          (24 * 1024 * 1024) /* one answer of a Google API */
#define LIMIT_SQL            (1024 * 1024)      /* one statement text */
#define LIMIT_CHUNK          (512 * 1024)       /* one upload chunk: a multiple of 256 KiB */
#define LIMIT_REJECTS        100                /* rejected records a unit may have */
#define LIMIT_TABLES         6                  /* a stream's table and its children's */
#define LIMIT_STREAMS        64                 /* streams in one configuration */
#define LIMIT_UNIT_DAYS      7                  /* days in one unit of work */
#define LIMIT_EMPTY_DAYS     366 /* days of adjacent empty units that share one ledger commit */
#define LIMIT_NAME           128 /* a workspace id, a source type, a zone name, a run id */

#endif
