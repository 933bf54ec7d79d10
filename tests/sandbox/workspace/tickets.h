/* SPDX-License-Identifier: Apache-2.0 */
/* tickets.h - tickets with what was said and done in them. The tickets are records of a shelf; their
 * parts follow from the seed, the ticket's number and the times of its versions. Any thread.
 */
#ifndef CASELOAD_SANDBOX_WORLD_TICKETS_H
#define CASELOAD_SANDBOX_WORLD_TICKETS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "workspace/shelf.h"

#define TICKET_MOST_PARTS 500 /* in one answer: the newest */

/* A version as answers show it, yours; NULL: there is no such. */
json_t *ticket_answer(struct shelf *tickets, size_t number, size_t version);
/* The same for one that the shelf has listed, which may have changed since then. */
json_t *ticket_answer_of(struct shelf *tickets, const json_t *listed);

/* --- for comparing --- */

/* What a row should say of a version, yours; NULL: there is no such. */
json_t *ticket_row(struct shelf *tickets, size_t number, size_t version);

/* A part is known by these. */
struct ticket_part {
    const char *ticket, *id;
    int64_t updated_s;
    bool redacted;
};

/* What a row should say of a part, yours; NULL: there never was such. The place is a number of its own. */
json_t *ticket_part_row(struct shelf *tickets, const struct ticket_part *part, int64_t *out_place);
/* Calls visit for each part that an answer with the newest version of the ticket holds. */
void ticket_parts(struct shelf *tickets, size_t number,
                  void (*visit)(void *self, const struct ticket_part *part, int64_t place), void *self);

#endif
