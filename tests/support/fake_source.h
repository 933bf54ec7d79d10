/* SPDX-License-Identifier: Apache-2.0 */
/* fake_source.h - the source port in memory: records with all their versions, of which a search shows one.
 *
 *     struct fake_source source;
 *     fake_source_init(&source);
 *     fake_source_put(&source, &fake_people, "p1", 1700000000);
 *     ... use &source.base ...
 *     fake_source_done(&source);
 *
 * It keeps the port's contract and no more. A page is computed when it is requested, so a record that changes
 * in between moves to another page. Records outside of the window may be sent. One thread. The fake owns
 * everything that is put into it.
 */
#ifndef CASELOAD_TESTS_FAKE_SOURCE_H
#define CASELOAD_TESTS_FAKE_SOURCE_H

#include "core/source.h"
#include "fake.h"

#define FAKE_STREAMS 8

struct fake_child {
    char *id;
    int64_t created_s, updated_s;
    bool redacted;
    int content;
    struct json_value *body;
};

struct fake_version {
    int64_t version_s;
    int64_t visible_us; /* a search finds it from this time */
    bool is_unindexed;  /* no search ever finds it; lists have it */
    size_t child_count; /* entries of the record's children that existed then; an edited child has several */
    int content;
    struct json_value *set; /* elements of the set of this version; NULL: the stream has none */
    const char *problem;    /* not NULL: sent as a rejected record. Borrowed */
    bool is_unsettled;
    struct json_value *body;
    struct json_value *cut_body; /* what an incomplete reading is */
};

struct fake_record {
    char *id;
    struct fake_version *versions; /* ascending */
    size_t version_count;
    struct fake_child *children; /* in the order they appeared; an edit appends the child again */
    size_t child_count;
    int64_t sent_us;   /* when it was sent the last time, complete and within a window that was asked for */
    int64_t listed_us; /* the same by the list of a reconciliation */
    bool is_gone;      /* no list has it, and it is answered as gone when it is asked for */
    bool is_hidden;    /* no list has it, and it is alive when it is asked for */
    bool is_unknown;   /* it can't be read when it is asked for */
    bool sent_newer;   /* sent in its newest version, at the position of the version that a search shows */
};

/* Answers of the source to questions for records by id. */
enum fake_answers { FAKE_ANSWERS_TRUE, FAKE_ANSWERS_GONE, FAKE_ANSWERS_NOTHING };

struct fake_stream {
    const struct stream *stream;
    struct fake_record *records;
    size_t record_count;
};

struct fake_source {
    struct source base;
    struct source_identity identity; /* "w1", "fake"; change it at will */
    struct fake_hook hook;           /* identify, open, ask, next */
    const int64_t *now_us;           /* the clock; NULL: every version is visible at once */
    bool (*is_cut)(void *context);   /* with the hook's: is this reading incomplete? NULL: never */
    /* The same: does the list end after this page? is_list: it is a reconciliation's; any other one says that
     * it came short, unless it is silent. */
    bool (*is_short)(void *context, bool is_list);
    bool is_silent;
    enum fake_answers answers;
    bool is_unstamped;            /* pages do not say when they were asked for */
    size_t page_size;             /* 2 unless changed */
    int64_t widen_s;              /* the window is widened by this at both ends */
    bool by_id;                   /* pages are ordered by id, not by version */
    bool shows_old_until_visible; /* else a record with an invisible version is not found at all */
    struct fake_stream streams[FAKE_STREAMS];
    size_t stream_count;
    size_t readers; /* open readers; 0 at the end, else a leak */
    int64_t opens, pages;
    int64_t missing;           /* so many records fewer than announced; 0: the list is whole */
    int64_t asks, asked;       /* calls of ask, and their ids */
    struct window last_window; /* of the newest open */
};

void fake_source_init(struct fake_source *source);
void fake_source_done(struct fake_source *source);

struct fake_stream *fake_source_stream(struct fake_source *source, const struct stream *stream);
/* Found or created. Borrowed until the next record is created. */
struct fake_record *fake_source_record(struct fake_source *source, const struct stream *stream,
                                       const char *id);

/* Adds a version, or another content of the newest version, visible at once. Borrowed until the next one is
 * added. */
struct fake_version *fake_source_put(struct fake_source *source, const struct stream *stream, const char *id,
                                     int64_t version_s);
void fake_version_set_content(struct fake_version *version, int content);
/* The labels of a ticket: a bit each. */
void fake_version_set_labels(struct fake_version *version, const char *ticket, unsigned labels);
/* Adds or edits a child. It belongs to the versions that are added after it. */
void fake_source_put_child(struct fake_source *source, const struct stream *stream, const char *parent,
                           const struct fake_child *child);

/* The version that a search shows now, or NULL. */
const struct fake_version *fake_source_shown(const struct fake_source *source,
                                             const struct fake_record *record);
/* The version that a list has now, or NULL. */
const struct fake_version *fake_source_listed(const struct fake_source *source,
                                              const struct fake_record *record);
/* The version that is sent when a search shows `shown`. */
const struct fake_version *fake_source_sent(const struct fake_record *record,
                                            const struct fake_version *shown);
/* Whether child i is the newest edit of that child as of this version. */
bool fake_child_current(const struct fake_record *record, const struct fake_version *version, size_t i);

#endif
