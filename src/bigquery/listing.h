/* SPDX-License-Identifier: Apache-2.0 */
/* listing.h - the tables of both datasets as tables.list shows them, in place of a tables.get for each.
 *
 * An item has neither schema nor rows. So each table of ours has a label that says as what it was last found
 * in order: while the label is what the program would write, the table is taken as it is. A list may lag: a
 * table that it lacks, or shows without the label, is asked for by itself. A column that somebody has changed
 * since is noticed by the commit.
 *
 * Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/list
 */
#ifndef CASELOAD_BIGQUERY_LISTING_H
#define CASELOAD_BIGQUERY_LISTING_H

#include "base/json.h"
#include "internal.h"

/* Adds the tables of a dataset to an object, by name. */
bool listing_read_dataset(struct bigquery *bq, const char *dataset, json_t *listed,
                          struct error *err) CHECKED;
/* Once a run: until listing_clear, or the end of the next reading of states. */
bool listing_read(struct bigquery *bq, struct error *err) CHECKED;
void listing_clear(struct bigquery *bq);
/* Borrowed; NULL: not listed, or changed by us since. */
const json_t *listing_find(const struct bigquery *bq, const char *dataset, const char *table);
void listing_forget(struct bigquery *bq, const char *dataset, const char *table); /* it changes now */
/* ERROR_CONFIG if a table of the dataset contradicts the configuration. */
bool listing_check_provenance(struct bigquery *bq, struct error *err) CHECKED;

/* A view that is looked at together with its table. */
struct listing_note {
    const char *view; /* derived from it, as text; NULL: none */
    bool is_monthly;  /* the view changes as time passes */
};

/* Adds the label to the resource of a table that is wanted. */
void listing_label(const struct bigquery *bq, json_t *want, const struct listing_note *note);
bool listing_is_labelled(const json_t *table, const json_t *want);
/* Is the table, as listed, the wanted one? */
bool listing_vouches(const struct bigquery *bq, const char *dataset, const char *table, const json_t *want);

#endif
