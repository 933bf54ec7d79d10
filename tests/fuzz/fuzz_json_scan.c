/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json_scan.c - JSON from a source: the scanner accepts what jansson accepts, and what is repaired. */
#include <string.h>

#include "base/json.h"
#include "fuzz.h"
#include "value_tree.h"

/* Tokens lie in the text one after another, and the scan ends. */
static void walk(const char *text, size_t size)
{
    struct json_scan scan;
    struct json_token token;
    const char *before = text;
    json_scan_init(&scan, text, size);
    for (;;) {
        enum json_token_type type = json_scan_next(&scan, &token);
        fuzz_require(scan.at >= before && scan.at <= text + size);
        before = scan.at;
        if (type == JSON_TOKEN_END || (type == JSON_TOKEN_ERROR && !json_scan_leave(&scan))) return;
        if (type != JSON_TOKEN_ERROR)
            fuzz_require(token.at >= text && token.size <= (size_t)(scan.at - token.at));
    }
}

/* json_read accepts each text that jansson accepts, and reads it alike but for numbers that jansson rounds.
 */
static void compare(const char *text, size_t size, const json_t *strict,
                    const struct json_normalisations *repairs, const struct error *err)
{
    AUTO(json_drop) json_t *judged = NULL;
    bool is_deep = !strict && strstr(err->text, "nesting exceeds");
    if (is_deep || memchr(text, 0, size)) return; /* jansson reads on, or stops there */
    judged = json_loadb(text, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (judged) fuzz_require(strict && json_normalisations_sum(repairs) == repairs->numbers);
    if (judged && repairs->numbers == 0) fuzz_require(json_equal(judged, strict));
    if (!judged && strict) fuzz_require(json_normalisations_sum(repairs) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct json_normalisations repairs = {0}, more = {0}, none = {0};
    struct error err;
    AUTO(json_drop) json_t *strict = NULL;
    AUTO(json_drop) json_t *lenient = NULL;
    AUTO(json_drop) json_t *again = NULL;
    AUTO(json_drop) json_t *front = tree_read_front(text, size);
    AUTO(buf_done) struct buf written = buf_limited(64 * 1024 * 1024);
    walk(text, size);
    bool is_read = json_read(text, size, &repairs, &strict, &err);
    compare(text, size, strict, &repairs, &err);
    bool is_kept = tree_read_lenient(text, size, &more, &lenient, &err);
    if (is_read) fuzz_require(is_kept && json_equal(strict, lenient) && more.texts == 0);
    if (!is_read && is_kept) fuzz_require(more.texts + more.characters > 0);
    if (!is_kept) return 0;
    if (json_is_object(lenient)) fuzz_require(front && json_equal(front, lenient));
    fuzz_require(json_write(&written, lenient));
    fuzz_require(json_read(buf_string(&written), written.size, &none, &again, &err));
    fuzz_require(json_equal(lenient, again) && json_normalisations_sum(&none) == 0);
    return 0;
}
