/* SPDX-License-Identifier: Apache-2.0 */
/* deleted.c - a list of deleted records for each table, and the ids that are compared. */
#include "schema.h"

static const struct column deleted_columns[] = {
    KEY("id", "Id of the record that is gone"),
    VERSION("seen_missing_at",
            "When this became known; the record is gone unless a newer version of it was seen"),
    TEXT("merged_into", "Id of the record it was merged into, if it was"),
    TEXT("source", "How this is known: deleted feed, merge history, merged, reconciliation or two lists"),
};

#define DELETED(n, about) TABLE(n, about, deleted_columns, KEYS("id"), TIMES("seen_missing_at"))

const struct table intercom_contacts_deleted =
    DELETED("contacts_deleted", "Contacts that were deleted, or merged into others");
const struct table intercom_companies_deleted = DELETED("companies_deleted", "Companies that were deleted");
const struct table intercom_conversations_deleted =
    DELETED("conversations_deleted", "Conversations that were deleted");

static const struct column id_columns[] = {
    KEY("id", "Id of a record that was there"),
};

const struct table intercom_company_ids = TABLE(
    "companies_reconciliation", "Ids of all companies, to find those that are gone", id_columns, KEYS("id"));
