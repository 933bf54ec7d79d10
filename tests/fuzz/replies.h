/* SPDX-License-Identifier: Apache-2.0 */
/* replies.h - net/http.h without a network: each request is answered by the next reply of the fuzzer's bytes.
 *
 * It takes the place of src/net/http.c in the program. The bytes are replies, with a line "%%" between them:
 *
 *     200
 *     Header: value
 *
 *     the body
 *
 * A reply without a status is a lost connection. After the last one every call ends with ERROR_STOPPED, and
 * stop is set, so that a run ends. Waits for a rate limit take no time. One thread.
 */
#ifndef CASELOAD_FUZZ_REPLIES_H
#define CASELOAD_FUZZ_REPLIES_H

#include "net/http.h"

struct http {
    const char *at, *end; /* of the replies that are left */
    atomic_bool stop;
};

void replies_init(struct http *http, const uint8_t *data, size_t size);

#endif
