/* SPDX-License-Identifier: Apache-2.0 */
/* spans.h - neighbouring days with the same claim, in order and without overlaps. One thread. */
#ifndef CASELOAD_SINGER_SPANS_H
#define CASELOAD_SINGER_SPANS_H

#include <stddef.h>

#include "base/day.h"
#include "base/error.h"
#include "base/json.h"

struct span {
    struct day lo, hi;
    int lookback_days; /* the claim is final for this setting, and for smaller ones */
    json_t *left_out;  /* names of child tables; NULL: none */
};

struct spans {
    struct span *list; /* ascending */
    size_t count;
};

/* The days of the span get its claim, whatever they had. Takes no reference of left_out. false: there are too
 * many spans. */
bool spans_put(struct spans *spans, struct span span) CHECKED;
/* Days from this one on have no claim. */
void spans_cut(struct spans *spans, struct day from);
void spans_done(struct spans *spans);

/* place: "bookmarks.contacts", for the error. Spans of earlier calls are lost. ERROR_CONFIG. */
bool spans_read(const json_t *list, const char *place, struct spans *out_spans, struct error *err) CHECKED;
json_t *spans_write(const struct spans *spans); /* yours */

#endif
