/* SPDX-License-Identifier: Apache-2.0 */
/* row_value.h - which JSON value fits which scalar column, and how it is written there.
 *
 * A value goes to a column only if it can be read back from it with the same meaning:
 *
 *   STRING     strings; integers, reals and booleans as their JSON text (ids and enums change their type)
 *   INT64      integers; reals without fraction and texts "12", "-3" that are exactly such an integer
 *   FLOAT64    reals; integers a double holds exactly; texts of JSON numbers with at most 15 digits
 *   BOOL       true and false, nothing that looks like them
 *   TIMESTAMP  seconds as number or text, milliseconds beyond 1e11, RFC 3339; years 0001 to 9999. Cut to
 *              microseconds, which is all that a column holds, and moved to UTC
 *   JSON       everything, as a text: see rows_value_quote
 *
 * Values that do not fit go to _extra. Pure; any thread.
 */
#ifndef CASELOAD_CORE_ROW_VALUE_H
#define CASELOAD_CORE_ROW_VALUE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/json_value.h"
#include "core/stream.h"

/* One scalar, or any value for JSON. False: it does not fit, and nothing was written. A full buffer is not
 * reported here; it stays marked. The type is not RECORD. */
bool rows_value_write(enum column_type type, const struct json_value *value, struct buf *out);

/* Makes the JSON at the end of out, from `start` on, the text of a string. Values of JSON columns travel like
 * this: a loader may refuse a number like 67.174118, as a double's text has other digits (67.17411800000001).
 * The warehouse makes JSON of the text. */
void rows_value_quote(struct buf *out, size_t start);

#endif
