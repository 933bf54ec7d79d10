/* SPDX-License-Identifier: Apache-2.0 */
/* questions.h - what people ask: read from the tables by queries, and the view `status` of the control
 * dataset. */
#ifndef CASELOAD_BIGQUERY_QUESTIONS_H
#define CASELOAD_BIGQUERY_QUESTIONS_H

#include "base/json.h"
#include "internal.h"

bool questions_ask(struct bigquery *bq, const struct question *question, json_t **out_rows,
                   struct error *err) CHECKED;
bool questions_mend(struct bigquery *bq, const struct stream *stream, int64_t *out_count,
                    struct error *err) CHECKED;
/* The view shows the streams that have tables by now. */
bool questions_put_view(struct bigquery *bq, struct error *err) CHECKED;

#endif
