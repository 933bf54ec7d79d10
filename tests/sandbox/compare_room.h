/* compare_room.h - a warehouse for tests of what is compared with it, filled row by row. */
#ifndef CASELOAD_SANDBOX_COMPARE_ROOM_H
#define CASELOAD_SANDBOX_COMPARE_ROOM_H

#include <jansson.h>
#include <stddef.h>

#include "core/stream.h"
#include "internal.h"

/* The table that bears this name in the dataset `intercom`; it is made when it is first asked for. */
const struct table *room_need(struct sandbox *sandbox, const char *name);
/* Puts a record into a table, and takes it. */
void room_load(struct sandbox *sandbox, const char *name, json_t *record);
/* What the comparison finds in that table. */
void room_expect(struct sandbox *sandbox, const char *name, size_t missing, size_t doubled, size_t altered);

#endif
