/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - what a trigger message asks for. Pure.
 *
 * Data is empty or one JSON object; attributes of the same names override it. Keys: streams, from, to.
 */
#ifndef CASELOAD_CORE_REQUEST_H
#define CASELOAD_CORE_REQUEST_H

#include "base/day.h"
#include "base/error.h"
#include "core/stream.h"
#include "core/trigger.h"

struct request {
    const struct selection *selections[LIMIT_STREAMS]; /* borrowed from the configured ones, their order */
    size_t count;
    bool has_from, has_to;
    struct day from, to; /* inclusive */
};

/* Fails with ERROR_REQUEST: which key, what is wrong, what would be right. */
bool request_decode(const struct delivery *delivery, const struct selection *configured,
                    size_t configured_count, struct request *out_request, struct error *err) CHECKED;

/* The same from a command line: NULL means not given. streams is comma-separated. */
bool request_from_flags(const char *streams, const char *from, const char *to,
                        const struct selection *configured, size_t configured_count,
                        struct request *out_request, struct error *err) CHECKED;

#endif
