/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_json.c - JSON from a source: any value that is read is written as JSON that reads back equal. */
#include "base/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_normalisations counts = {0}, none = {0};
    struct error err = {0};
    struct buf text;
    AUTO(json_drop) json_t *value = NULL;
    AUTO(json_drop) json_t *again = NULL;
    if (!json_read((const char *)data, size, &counts, &value, &err)) {
        fuzz_require(err.kind != ERROR_NONE && err.text[0] != '\0');
        return 0;
    }
    buf_init(&text, 64 * 1024 * 1024);
    fuzz_require(json_write(&text, value));
    fuzz_require(json_read(buf_string(&text), text.size, &none, &again, &err));
    fuzz_require(json_equal(value, again));
    fuzz_require(none.numbers == 0 && none.characters == 0 && none.duplicates == 0);
    buf_done(&text);
    return 0;
}
