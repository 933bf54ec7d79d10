/* SPDX-License-Identifier: Apache-2.0 */
/* error_info.c - what comes with a refused acknowledgement: a packed google.rpc.Status with an ErrorInfo. */
#include <string.h>

#include "base/mem.h"
#include "pubsub/internal.h"

#define INFO_TYPE  "type.googleapis.com/google.rpc.ErrorInfo"
#define INFO_LIMIT 16384

static void put_number(struct buf *out, uint64_t value)
{
    for (; value > 127; value >>= 7)
        buf_byte(out, (char)(value | 128));
    buf_byte(out, (char)value);
}

/* A field with a length, as texts and messages have. */
static void put(struct buf *out, int field, const char *bytes, size_t size)
{
    put_number(out, (uint64_t)field << 3 | 2);
    put_number(out, size);
    buf_add(out, bytes, size);
}

static void put_text(struct buf *out, int field, const char *text)
{
    put(out, field, text, strlen(text));
}

static void put_buf(struct buf *out, int field, const struct buf *bytes)
{
    put(out, field, buf_string(bytes), bytes->size);
}

/* The first ack id of an AcknowledgeRequest (field 2) or a ModifyAckDeadlineRequest (field 4); yours. */
static char *first_ack_id(const struct procedure *procedure)
{
    const uint8_t *bytes = (const uint8_t *)buf_string(&procedure->request);
    size_t size = procedure->request.size;
    char *id = NULL;
    Google__Pubsub__V1__AcknowledgeRequest *ack =
        google__pubsub__v1__acknowledge_request__unpack(NULL, size, bytes);
    if (ack && ack->n_ack_ids > 0) id = mem_text(ack->ack_ids[0]);
    if (ack) google__pubsub__v1__acknowledge_request__free_unpacked(ack, NULL);
    Google__Pubsub__V1__ModifyAckDeadlineRequest *modify =
        id ? NULL : google__pubsub__v1__modify_ack_deadline_request__unpack(NULL, size, bytes);
    if (modify && modify->n_ack_ids > 0) id = mem_text(modify->ack_ids[0]);
    if (modify) google__pubsub__v1__modify_ack_deadline_request__free_unpacked(modify, NULL);
    return id;
}

void procedure_add_error_info(struct procedure *procedure, const char *word)
{
    AUTO(mem_free) char *id = first_ack_id(procedure);
    AUTO(buf_done) struct buf entry = buf_limited(INFO_LIMIT);
    AUTO(buf_done) struct buf info = buf_limited(INFO_LIMIT);
    AUTO(buf_done) struct buf any = buf_limited(INFO_LIMIT);
    if (!id) return;
    put_text(&entry, 1, id);
    put_text(&entry, 2, word);
    put_text(&info, 1, "EXACTLY_ONCE_ACKID_FAILURE");
    put_text(&info, 2, "pubsub.googleapis.com");
    put_buf(&info, 3, &entry);
    put_text(&any, 1, INFO_TYPE);
    put_buf(&any, 2, &info);
    buf_reset(&procedure->error_info);
    put_number(&procedure->error_info, 1 << 3);
    put_number(&procedure->error_info, procedure->status);
    put_text(&procedure->error_info, 2, procedure->text);
    put_buf(&procedure->error_info, 3, &any);
}
