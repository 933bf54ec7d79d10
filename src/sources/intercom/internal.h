/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of this source share. One thread, that of the source.
 *
 * streams     the table of streams; schema/ has their columns
 * intercom    the source: workspace, region, version, dialect
 * search      how the pages of a list are requested
 * next_page   where the next page is
 * scroll      reader: the companies, which have a list of their own kind
 * opening_part the first message of a conversation as a part
 * deletions   what answers say about deletions
 */
#ifndef CASELOAD_SOURCES_INTERCOM_INTERNAL_H
#define CASELOAD_SOURCES_INTERCOM_INTERNAL_H

#include "intercom.h"
#include "rest/next_page.h"
#include "rest/page_builder.h"
#include "rest/rest.h"

struct intercom {
    struct rest_source rest; /* first */
    char version_line[32];   /* "Intercom-Version: 2.16" */
    const char *place;       /* its region; borrowed from the options */
    int minor;               /* the 16 of it */
};

bool intercom_check(const void *options, struct source_address *out_address, const char **out_key,
                    struct error *err) CHECKED;
bool intercom_create(const struct source_context *context, const void *options, struct source **out_source,
                     struct error *err);

enum intercom_bounds {
    BOUNDS_SECONDS,  /* a search compares times by the second */
    BOUNDS_DAYS_2_16 /* up to 2.16 by whole days of the workspace's zone, from 2.17 by the second */
};

struct intercom_stream {
    struct rest_stream rest; /* first */
    const char *query;       /* more parameters, "a=b&c=d", from version 2.<query_since> on; may be NULL */
    int query_since;
    int since;              /* the API has the path from version 2.<since> on */
    int child_list_since;   /* ... and the child list */
    const char *older_path; /* where it was before; NULL: nowhere */
    const char *older_query;
    enum intercom_bounds bounds;
};

/* The bounds to request, so that the answer holds at least the window: low < time and, unless the window is
 * open, time < high. */
void search_bounds(const struct intercom *intercom, enum intercom_bounds bounds, struct window window,
                   int64_t *out_low_s, int64_t *out_high_s);

extern const struct pagination intercom_search, intercom_cursors, intercom_numbers, intercom_logs,
    intercom_list, intercom_list_slices;

bool intercom_next_page(const struct page_context *context, struct next_page *out_next, struct error *err);

extern const struct rest_reader_type intercom_scroll;

struct json_value *make_opening_part(
    const struct json_value *conversation); /* NULL: it has no first message */
void set_redacted(struct json_value *part); /* a part that does not say so is not redacted */

void derive_merged(struct page_builder *builder, const struct json_value *contact);
void derive_deleted(struct page_builder *builder, const struct json_value *record);
void add_merged(struct page_builder *builder, const struct rest_source *rest, const char *canonical_id,
                const struct json_value *record);

#endif
