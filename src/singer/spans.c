/* SPDX-License-Identifier: Apache-2.0 */
#include "spans.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"

static bool is_same_claim(const struct span *a, const struct span *b)
{
    if (a->lookback_days != b->lookback_days || !a->left_out != !b->left_out) return false;
    return !a->left_out || json_equal(a->left_out, b->left_out);
}

/* Appends, or makes the last span longer. */
static void append(struct spans *spans, struct span span)
{
    struct span *last = spans->count ? &spans->list[spans->count - 1] : NULL;
    if (day_compare(span.lo, span.hi) > 0) return;
    if (last && is_same_claim(last, &span) && day_compare(day_add(last->hi, 1), span.lo) == 0) {
        last->hi = span.hi;
        return;
    }
    spans->list[spans->count] = span;
    json_incref(spans->list[spans->count++].left_out);
}

static bool replace(struct spans *spans, const struct span *span)
{
    struct spans made = {.list = mem_zero(spans->count + 2, sizeof *made.list)};
    bool is_added = false;
    for (size_t i = 0; i < spans->count; i++) {
        struct span before = spans->list[i], after = before;
        before.hi = day_min(before.hi, day_add(span->lo, -1));
        after.lo = day_max(after.lo, day_add(span->hi, 1));
        if (!is_added && day_compare(span->lo, spans->list[i].lo) <= 0) {
            append(&made, *span);
            is_added = true;
        }
        append(&made, before);
        if (!is_added && day_compare(span->hi, spans->list[i].hi) <= 0) {
            append(&made, *span);
            is_added = true;
        }
        append(&made, after);
    }
    if (!is_added) append(&made, *span);
    spans_done(spans);
    *spans = made;
    return spans->count <= LIMIT_SINGER_SPANS;
}

bool spans_put(struct spans *spans, struct span span)
{
    return day_compare(span.lo, span.hi) > 0 || replace(spans, &span);
}

void spans_cut(struct spans *spans, struct day from)
{
    while (spans->count > 0 && day_compare(spans->list[spans->count - 1].lo, from) >= 0)
        json_decref(spans->list[--spans->count].left_out);
    if (spans->count == 0) return;
    struct span *last = &spans->list[spans->count - 1];
    last->hi = day_min(last->hi, day_add(from, -1));
}

void spans_done(struct spans *spans)
{
    for (size_t i = 0; i < spans->count; i++)
        json_decref(spans->list[i].left_out);
    free(spans->list);
    *spans = (struct spans){.list = NULL};
}

static bool is_list_of_texts(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_string(json_array_get(list, i))) return false;
    return json_array_size(list) > 0;
}

static bool read_span(const json_t *value, struct span *out)
{
    const char *from = json_text_at(value, "from"), *to = json_text_at(value, "to");
    int64_t lookback = json_int_at(value, "lookback_days", -1);
    out->left_out = json_object_get(value, "left_out");
    out->lookback_days = (int)lookback;
    return from && to && day_parse(from, &out->lo) && day_parse(to, &out->hi) &&
           day_compare(out->lo, out->hi) <= 0 && lookback >= 0 && lookback <= LIMIT_LOOKBACK_DAYS &&
           (!out->left_out || is_list_of_texts(out->left_out));
}

bool spans_read(const json_t *list, const char *place, struct spans *out_spans, struct error *err)
{
    *out_spans = (struct spans){.list = NULL};
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct span span;
        if (read_span(json_array_get(list, i), &span) && spans_put(out_spans, span)) continue;
        spans_done(out_spans);
        return error_set(
            err, ERROR_CONFIG,
            "the state: %s.days[%zu] is not {\"from\": day, \"to\": day, \"lookback_days\": 0 to "
            "%d}, or there are more than %d; use a state as it was written, or remove "
            "\"%s\" to send the stream again",
            place, i, LIMIT_LOOKBACK_DAYS, LIMIT_SINGER_SPANS, place);
    }
    return true;
}

json_t *spans_write(const struct spans *spans)
{
    json_t *list = json_array();
    for (size_t i = 0; i < spans->count; i++) {
        const struct span *span = &spans->list[i];
        char from[DAY_TEXT], to[DAY_TEXT];
        day_format(span->lo, from);
        day_format(span->hi, to);
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:i, s:O*}", "from", from, "to", to, "lookback_days",
                                        span->lookback_days, "left_out", span->left_out));
    }
    return list;
}
