/* SPDX-License-Identifier: Apache-2.0 */
/* selection.h - turns the configured names of streams and children into selections. Pure; any thread. */
#ifndef CASELOAD_CORE_SELECTION_H
#define CASELOAD_CORE_SELECTION_H

#include "base/error.h"
#include "core/stream.h"

/* names are streams and children in any order; the selections keep the order of the streams. NULL selects the
 * default set. Adds children marked CHILD_ALWAYS, and after all others the reconciliations of the selected
 * streams. catalog is the source's table of streams. out_selections has LIMIT_STREAMS entries. ERROR_CONFIG
 * for an unknown or repeated name and for a child without its parent. */
bool selection_resolve(const struct stream *const *catalog, size_t catalog_count, const char *const *names,
                       size_t name_count, struct selection *out_selections, size_t *out_count,
                       struct error *err) CHECKED;

#endif
