/* SPDX-License-Identifier: Apache-2.0 */
/* internal.h - what the files of this source share. One thread, that of the source.
 *
 * streams    the table of streams; schema/ has their columns
 * helpscout  the source: account, token, dialect
 * requests   how the pages of a list are requested
 */
#ifndef CASELOAD_SOURCES_HELPSCOUT_INTERNAL_H
#define CASELOAD_SOURCES_HELPSCOUT_INTERNAL_H

#include "helpscout.h"
#include "rest/rest.h"

bool helpscout_check(const void *options, struct source_address *out_address, const char **out_key,
                     struct error *err) CHECKED;
bool helpscout_create(const struct source_context *context, const void *options, struct source **out_source,
                      struct error *err);

/* Lists that are filtered by `modifiedAt`; those in the order of creation, whole; reports of a window; all
 * others. */
extern const struct pagination helpscout_modified, helpscout_created, helpscout_report, helpscout_list;

#endif
