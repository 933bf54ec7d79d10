/* SPDX-License-Identifier: Apache-2.0 */
/* proto_json.h - messages of protocol buffers as JSON, and back, by their descriptors.
 *
 * https://protobuf.dev/programming-guides/json/: lowerCamelCase (snake_case is read, too), bytes in base64,
 * Timestamp and Duration as texts, maps as objects, no members for defaults. Played are the types that
 * pubsub.proto has. Strict: a member that the message lacks, or of another type, is refused in Google's
 * words. Any thread.
 */
#ifndef CASELOAD_SANDBOX_PUBSUB_PROTO_JSON_H
#define CASELOAD_SANDBOX_PUBSUB_PROTO_JSON_H

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "base/json.h"

#define PROTO_JSON_PROBLEM 400

/* Appends the packed message. False: problem says why. */
bool proto_from_json(const ProtobufCMessageDescriptor *type, const json_t *value, struct buf *out,
                     char out_problem[PROTO_JSON_PROBLEM]);
/* Of a packed message, which must be whole: it is the sandbox's own. Yours. */
json_t *proto_to_json(const ProtobufCMessageDescriptor *type, const void *bytes, size_t size);

#endif
