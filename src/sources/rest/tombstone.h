/* SPDX-License-Identifier: Apache-2.0 */
/* tombstone.h - notes of records that are gone: rows of <table>_deleted. One thread. */
#ifndef CASELOAD_SOURCES_REST_TOMBSTONE_H
#define CASELOAD_SOURCES_REST_TOMBSTONE_H

#include "page_builder.h"

/* clang-format off */
/* The columns of such a table. */
#define TOMBSTONE_COLUMNS                                                                                    \
    KEY("id", "Id of the record that is gone"),                                                              \
    VERSION("seen_missing_at",                                                                               \
            "When this became known; the record is gone unless a newer version of it was seen"),             \
    TEXT("merged_into", "Id of the record it was merged into, if it was"),                                   \
    TEXT("source", "How this is known: deleted feed, merge history, merged, reconciliation or two lists")
/* clang-format on */

/* Of the builder's document. Absent members are not set. */
struct json_value *tombstone_make(struct page_builder *builder, const struct json_value *id,
                                  const struct json_value *seen_missing_at, const char *source);
/* For add_tombstone of a reconciliation's struct rest_stream. The commit dates it by the list. */
void tombstone_add_gone(struct page_builder *builder, const struct rest_source *rest,
                        const char *canonical_id, const struct json_value *record);

#endif
