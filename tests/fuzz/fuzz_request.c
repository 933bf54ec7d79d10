/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_request.c - a Pub/Sub message from anybody: data, and after its first newline an attribute "streams".
 */
#include <string.h>

#include "base/mem.h"
#include "core/request.h"
#include "fake_streams.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct selection configured[] = {fake_selection(&fake_people), fake_selection(&fake_tickets)};
    struct error err = {0};
    struct request request;
    AUTO(mem_free) char *text = mem_zero(size + 1, 1);
    if (size > 0) memcpy(text, data, size);
    char *value = memchr(text, '\n', size);
    struct message_attribute attribute = {.key = (char[]){"streams"}, .value = value};
    struct delivery delivery = {
        .data = text, .data_size = size, .attributes = &attribute, .attribute_count = value ? 1 : 0};
    if (value) {
        *value = '\0';
        attribute.value = value + 1;
        delivery.data_size = (size_t)(value - text);
    }
    if (!request_decode(&delivery, configured, 2, &request, &err)) {
        fuzz_require(err.kind == ERROR_REQUEST && err.text[0] != '\0');
        return 0;
    }
    fuzz_require(request.count >= 1 && request.count <= 2);
    fuzz_require(!request.has_from || !request.has_to || request.from.n <= request.to.n);
    return 0;
}
