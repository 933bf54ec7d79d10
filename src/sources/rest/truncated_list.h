/* SPDX-License-Identifier: Apache-2.0 */
/* truncated_list.h - a list inside a record that is cut off and says so. Pure. */
#ifndef CASELOAD_SOURCES_REST_TRUNCATED_LIST_H
#define CASELOAD_SOURCES_REST_TRUNCATED_LIST_H

#include "rest.h"

/* The path of the complete list on the source's host, NULL if this one is complete. */
const char *truncated_list_path(const struct rest_source *rest, const struct json_value *record,
                                const struct truncated_list *truncated);
/* Adds the elements that belong here; those that came with the record stay as they are. */
void truncated_list_complete(const struct rest_dialect *dialect, struct json_value *record,
                             const struct truncated_list *truncated, const struct json_value *elements);
/* Is one of the record's lists still cut off? lists may be NULL. */
bool truncated_list_remains(const struct rest_dialect *dialect, const struct json_value *record,
                            const struct truncated_list *lists);

#endif
