/* SPDX-License-Identifier: Apache-2.0 */
/* deleted.c - a list of deleted records for each table, and the ids that are compared. */
#include "rest/tombstone.h"
#include "schema.h"

static const struct column deleted_columns[] = {TOMBSTONE_COLUMNS};

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
