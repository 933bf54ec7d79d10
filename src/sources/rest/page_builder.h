/* SPDX-License-Identifier: Apache-2.0 */
/* page_builder.h - collects the records of a page, their children, and the deletions they mention.
 *
 * Bodies that are not the listing's own are values of the builder's document, or kept until the next reset.
 * One thread.
 */
#ifndef CASELOAD_SOURCES_REST_PAGE_BUILDER_H
#define CASELOAD_SOURCES_REST_PAGE_BUILDER_H

#include "rest.h"

/* Records of a list, outside of the window too. */
struct list_count {
    int64_t expected; /* as the first page says; -1: unknown */
    int64_t received;
};

struct page_builder {
    const struct selection *selection;
    const struct rest_stream *stream;
    struct record *records;
    size_t count, capacity;
    struct document *document; /* of values that are made for the page */
    struct document **kept;    /* others that live as long as the page */
    size_t kept_count;
    int64_t incomplete; /* records of a reconciliation with a list that is cut off */
    const struct rest_source *rest;
    unsigned child_lists_seen; /* some were read, as bits: a refusal concerns a single record */
};

void page_builder_init(struct page_builder *builder, const struct rest_source *rest,
                       const struct selection *selection); /* selection is borrowed */
void page_builder_reset(struct page_builder *builder);     /* no records */
void page_builder_done(struct page_builder *builder);

/* A record of the stream itself, with the deletions it mentions; or its id alone, of an ids_only stream. */
void page_builder_add_record(struct page_builder *builder, struct json_value *body, int64_t listed_us);
void page_builder_add(struct page_builder *builder, struct record record); /* as it is; body is borrowed */
bool page_builder_wants(const struct page_builder *builder, const struct table *table);
/* A child of the record added last; body is borrowed. Does nothing if the selection lacks the table. */
void page_builder_add_child(struct page_builder *builder, const struct table *table, struct json_value *body);

/* The value lives as long as the page. */
void page_builder_keep(struct page_builder *builder, const struct json_value *value);

void list_count_restart(struct list_count *count);
/* Counts the records of a page. The total in the first answer counts, later ones are ignored. */
void page_builder_count(const struct page_builder *builder, struct list_count *count,
                        const struct json_value *answer, const struct json_value *list);
/* The page says that its list held fewer records than it announced. The first time counts. */
void page_contradict(struct page *page, int64_t expected, int64_t received);
/* The list has ended: page says whether it held fewer records than it announced. */
void page_builder_check_total(const struct page_builder *builder, const struct list_count *count,
                              struct page *page);
/* ERROR_FORMAT if the list of a reconciliation ended early. */
bool page_builder_check_complete(const struct page_builder *builder, const struct list_count *count,
                                 const char *what, struct error *err);

bool is_id(const struct json_value *value); /* a text or a number */
/* The id of a record as text. False: it has none that can stand in a URL. */
bool record_id(const struct json_value *record, char out_id[LIMIT_NAME]);

#endif
