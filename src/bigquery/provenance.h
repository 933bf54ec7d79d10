/* SPDX-License-Identifier: Apache-2.0 */
/* provenance.h - where a dataset's rows come from: source, workspace, time zone, and the control dataset
 * whose locks and ledger they were loaded with.
 *
 * Each data table has it in labels, each lock row and each ledger row in columns. A configuration that
 * contradicts one of them is refused before anything is fetched. A label's value is encoded: BigQuery allows
 * lower-case letters, digits, _ and - only, 63 of them.
 */
#ifndef CASELOAD_BIGQUERY_PROVENANCE_H
#define CASELOAD_BIGQUERY_PROVENANCE_H

#include "base/json.h"
#include "internal.h"

#define LABEL_TEXT 64

/* The columns of locks and ledger, in the order in which statements select them. */
#define PROVENANCE_COLUMNS "workspace_id, source_type, timezone, dataset"
#define PROVENANCE_COUNT   4

void provenance_encode(const char *value, char out_label[LABEL_TEXT]);
void provenance_decode(const char *label, char out_value[LABEL_TEXT]);

/* The labels of a data table. Yours. */
json_t *provenance_labels(const struct bigquery *bq);
bool provenance_is_labelled(const json_t *table);
/* ERROR_CONFIG if a label of the resource, or item of tables.list, contradicts the configuration. */
bool provenance_check_table(const struct bigquery *bq, const json_t *table, struct error *err) CHECKED;

/* row: cells in the order of PROVENANCE_COLUMNS. ERROR_CONFIG if one contradicts the configuration; NULL does
 * not. what: "the lock row of contacts". */
bool provenance_check_row(const struct bigquery *bq, const json_t *row, const char *what,
                          struct error *err) CHECKED;
bool provenance_row_matches(const struct bigquery *bq, const json_t *row); /* all equal, and none NULL */
void provenance_parameters(const struct bigquery *bq, json_t *parameters);

/* All rows of the ledger. */
bool provenance_check_ledger(struct bigquery *bq, struct error *err) CHECKED;
/* All tables of the dataset and all rows of the ledger, before anything is created. */
bool provenance_check_all(struct bigquery *bq, struct error *err) CHECKED;

#endif
