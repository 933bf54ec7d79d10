/* SPDX-License-Identifier: Apache-2.0 */
/* answers.h - what `status`, `history`, `show` and `rejected` have in common: a question to the warehouse,
 * and how times are shown. */
#ifndef CASELOAD_APP_ANSWERS_H
#define CASELOAD_APP_ANSWERS_H

#include "core/warehouse.h"
#include "options.h"
#include "report.h"
#include "services.h"

/* Opens the warehouse alone, whose datasets are not touched, and asks. out_rows is yours. */
bool answers_ask(struct services *services, const struct question *question, json_t **out_rows,
                 struct error *err) CHECKED;
/* --stream NAME is one that is configured, or is not given: NULL. */
bool answers_read_stream(const struct services *services, const struct options *options,
                         const char **out_stream, struct error *err) CHECKED;

#define ANSWERS_TIME 20
/* "2026-10-31 04:02" of an instant in a row; "" if there is none. Returns out. */
const char *answers_time(const json_t *row, const char *key, char out[ANSWERS_TIME]);
/* Copies the row's value of that key into the report's next cell. */
void answers_copy(struct report *report, const json_t *row, const char *key);

#endif
