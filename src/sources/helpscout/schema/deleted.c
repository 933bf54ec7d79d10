/* SPDX-License-Identifier: Apache-2.0 */
/* deleted.c - records that are gone, and the ids that are compared to find them. */
#include "rest/tombstone.h"
#include "schema.h"

static const struct column deleted_columns[] = {TOMBSTONE_COLUMNS};

#define DELETED(n, about) TABLE(n, about, deleted_columns, KEYS("id"), TIMES("seen_missing_at"))

const struct table helpscout_conversations_deleted =
    DELETED("conversations_deleted", "Conversations that were deleted for good, or merged into others");
const struct table helpscout_customers_deleted =
    DELETED("customers_deleted", "Customers that were erased or merged into others");

static const struct column id_columns[] = {
    KEY("id", "Id of a record that was there"),
};

const struct table helpscout_conversation_ids =
    TABLE("conversations_reconciliation", "Ids of all conversations, to find those that are gone", id_columns,
          KEYS("id"));
