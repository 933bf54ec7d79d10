/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/trigger.h"

void delivery_done(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->attribute_count; i++) {
        free(delivery->attributes[i].key);
        free(delivery->attributes[i].value);
    }
    free(delivery->attributes);
    free(delivery->ack_id);
    free(delivery->message_id);
    free(delivery->data);
    *delivery = (struct delivery){0};
}
