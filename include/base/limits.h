/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - every ceiling, in one place. Bytes unless the name says otherwise. */
#ifndef CASELOAD_BASE_LIMITS_H
#define CASELOAD_BASE_LIMITS_H

/* Settings and messages */
#define LIMIT_CONFIG  (256 * 1024) /* the configuration file */
#define LIMIT_MESSAGE (64 * 1024)  /* the data of a trigger message */
#define LIMIT_NAME    128          /* a workspace id, a source type, a zone name, a run id */
#define LIMIT_STREAMS 64           /* streams in one configuration */
#define LIMIT_TABLES  6            /* a stream's table and its children's */
#define LIMIT_WORKERS 8            /* threads of one run */

/* Responses of a source */
#define LIMIT_PAGE           (32 * 1024 * 1024) /* one response, decompressed */
#define LIMIT_PAGE_SOFT      (12 * 1024 * 1024) /* on overflow the page is requested again with fewer records */
#define LIMIT_DETAIL         (64 * 1024 * 1024) /* one record with its children */
#define LIMIT_COMPRESSED     (24 * 1024 * 1024) /* the same, deflated, while it waits */
#define LIMIT_SLICE          (1024 * 1024)      /* about what is inflated of it at once */
#define LIMIT_DEFERRED_BODY  (1024 * 1024)      /* one response that arrived before its turn */
#define LIMIT_DEFERRED_TOTAL (16 * 1024 * 1024) /* all of those, of all workers */

/* Rows */
#define LIMIT_ROW            (16 * 1024 * 1024) /* one NDJSON row */
#define LIMIT_REJECTED_IDS   400                /* text of the first ids of rejected records */
#define LIMIT_REJECT         (64 * 1024 * 1024) /* raw text of one rejected record: more than a page holds */
#define LIMIT_STAGED         (96 * 1024 * 1024) /* one staged row, escaped; BigQuery takes 100 MB */
#define LIMIT_REJECTS        100 /* rejected records of a unit, unless max_rejected says otherwise */
#define LIMIT_REJECTS_FACTOR 10  /* so many times max_rejected rejected records end a unit early */

/* Units */
#define LIMIT_UNIT_DAYS 7 /* days of a unit */
#define LIMIT_UNCLAIMED                                                                                      \
    400 /* days of a unit that are left unclaimed one by one; beyond, the unit claims nothing */
#define LIMIT_LOOKBACK_DAYS 35   /* the largest lookback */
#define LIMIT_UNREAD        1000 /* records whose children are requested again by a scan */
/* A batch gets no further window when it holds so much: what is lost with it is some minutes of work. */
#define LIMIT_BATCH_ROWS     200000
#define LIMIT_BATCH_REQUESTS 5000
#define LIMIT_BATCH_UNITS    260 /* of five years */
#define LIMIT_WINDOW_UNITS   26  /* of a batch that are read at once */

/* Output for Singer */
#define LIMIT_SINGER_FILE  (16 * 1024 * 1024)  /* a catalog or a state */
#define LIMIT_SINGER_LINE  (256 * 1024 * 1024) /* one message: more than a rejected record, escaped */
#define LIMIT_SINGER_SPANS 10000               /* neighbouring days of a stream's state */

/* Google's APIs */
#define LIMIT_REPLY (24 * 1024 * 1024) /* one response */
#define LIMIT_SQL   (1024 * 1024)      /* one statement text */
#define LIMIT_VIEW  (256 * 1024)       /* the text of a view; BigQuery counts characters */
#define LIMIT_CHUNK (4 * 1024 * 1024)  /* one upload chunk of a unit; half as much with more workers */
#define LIMIT_KEPT  (8 * 1024 * 1024)  /* compressed rows in memory, of all workers; more go to a file */

#endif
