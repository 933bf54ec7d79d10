/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_http_header.c - the headers of a response, as http stores them: lower-case names, a line each. */
#include "fuzz.h"
#include "net/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char value[16];
    struct http_reply reply = {.status = 429};
    buf_init(&reply.headers, 1024 * 1024);
    buf_init(&reply.body, 16);
    if (!buf_add(&reply.headers, (const char *)data, size)) return 0;
    (void)http_header(&reply, "x", value, sizeof value); /* must stay within value */
    (void)http_header_int(&reply, "content-length", -1);
    (void)http_date_s(&reply, 0);
    int64_t delay_ms = http_retry_after_ms(&reply);
    fuzz_require(delay_ms >= 0 && delay_ms <= 24 * 3600 * INT64_C(1000));
    http_reply_done(&reply);
    return 0;
}
