/* SPDX-License-Identifier: Apache-2.0 */
/* content.h - the hash of a record's content, which tells two readings of one version apart.
 *
 * The hash is taken of the record as row_build gets it, so a column that is added later does not change it.
 * Nulls and empty containers count as absent. Neither the order of members nor that of list elements counts;
 * how often an element occurs does. 5, 5.0 and "5" are one value, as ids change their JSON type over time.
 *
 * Addresses inside of texts are reduced to what stays between two readings: of the table's `file_hosts` only
 * the path counts, and a query with a signature or an expiry is dropped. Members named in the table's
 * `left_out` do not count.
 *
 * The rule must not change: rows that are stored keep the hashes of the old one. Pure; any thread.
 */
#ifndef CASELOAD_CORE_CONTENT_H
#define CASELOAD_CORE_CONTENT_H

#include <stdint.h>

#include "base/json_value.h"
#include "core/stream.h"

/* Never negative. Compared only within one key and version. */
int64_t content_hash(const struct table *table, const struct json_value *value);

#endif
