/* SPDX-License-Identifier: Apache-2.0 */
/* fake_source.h - port 1 in memory: records with all their versions, of which a search shows one.
 *
 *     struct fake_source source;
 *     fake_source_init(&source);
 *     fake_source_put(&source, &fake_people, "p1", 1700000000);
 *     ... use &source.base ...
 *     fake_source_done(&source);
 *
 * It keeps the port's contract and not more: a page is read when it is asked for, so a record that is touched
 * meanwhile is gone from its old place; what lies outside of the window may be sent too. One thread.
 */
#ifndef CASELOAD_TESTS_FAKE_SOURCE_H
#define CASELOAD_TESTS_FAKE_SOURCE_H

#include "core/source.h"
#include "fake.h"

#define FAKE_STREAMS 8

struct fake_child {
    char *id;
    int64_t created_s, updated_s;
    json_t *body;
};

struct fake_version {
    int64_t version_s;
    int64_t visible_us;  /* a search finds it from then on */
    size_t child_count;  /* so many of the record's children existed (a child may be there several times) */
    const char *problem; /* not NULL: sent as a record that can't be loaded. Borrowed */
    json_t *body;
};

struct fake_record {
    char *id;
    struct fake_version *versions; /* ascending */
    size_t version_count;
    struct fake_child *children; /* in the order they appeared; an edit appends the child again */
    size_t child_count;
    bool ahead; /* is sent as it is now, at the place of the version that a search knows */
};

struct fake_stream {
    const struct stream *stream;
    struct fake_record *records;
    size_t record_count;
};

struct fake_source {
    struct source base;
    struct source_identity identity; /* "w1", "fake"; change it at will */
    struct fake_hook hook;           /* identify, open, next */
    const int64_t *now_us;           /* the clock; NULL: every version is visible at once */
    size_t page_size;                /* 2 unless changed */
    int64_t widen_s;                 /* sends so much more than the window at either end */
    bool by_id;                      /* pages ascend by id, not by version */
    bool stale;                      /* a touched record shows its old version until the new one is visible */
    struct fake_stream streams[FAKE_STREAMS];
    size_t stream_count;
    size_t readers; /* open ones: a leak if not 0 at the end */
    int64_t opens, pages;
    struct window last_window; /* of the newest open */
};

void fake_source_init(struct fake_source *source);
void fake_source_done(struct fake_source *source);

struct fake_stream *fake_source_stream(struct fake_source *source, const struct stream *stream);
/* Found or made; borrowed until the next record is made. */
struct fake_record *fake_source_record(struct fake_source *source, const struct stream *stream,
                                       const char *id);

/* The record's newest version, visible at once; greater than those before it. Borrowed until the next. */
struct fake_version *fake_source_put(struct fake_source *source, const struct stream *stream, const char *id,
                                     int64_t version_s);
/* A child of a record, new or edited. It belongs to the versions that are put afterwards. */
void fake_source_put_child(struct fake_source *source, const struct stream *stream, const char *parent,
                           const struct fake_child *child);

/* The version by which a search finds a record now, or NULL. */
const struct fake_version *fake_source_shown(const struct fake_source *source,
                                             const struct fake_record *record);
/* The version that is sent of a record which is found by that one. */
const struct fake_version *fake_source_sent(const struct fake_record *record,
                                            const struct fake_version *shown);
/* Is child i of the record, as of a version, the newest edit of that child? */
bool fake_child_current(const struct fake_record *record, const struct fake_version *version, size_t i);

#endif
