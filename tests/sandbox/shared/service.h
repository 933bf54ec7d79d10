/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - what a help desk is to the sandbox: a folder, its templates in tests/data/<name>, and a line in
 * services.c. Nothing else in the sandbox knows its name.
 *
 * Routes are served by many threads; each handler's exchange->service is the state. Arrays end with a zeroed
 * element, and are constant. The caller of `create` frees the state.
 */
#ifndef CASELOAD_SANDBOX_SERVICE_H
#define CASELOAD_SANDBOX_SERVICE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct auth;
struct oracle_latest;
struct oracle_table;
struct route;
struct virtual_clock;
struct workspace;

struct service_options {
    struct virtual_clock *clock;
    struct auth *auth; /* knows the token that the source must send */
    uint64_t seed;
    const char *workspace, *zone; /* the workspace's id and time zone */
    int64_t start_s;
};

/* A change that only this service knows, by name. */
struct service_change {
    const char *name;
    bool (*apply)(void *state, const json_t *argument); /* false: it can't be done */
    const char *usage;                                  /* the argument, for people */
};

struct service {
    const char *name;                  /* as journal, faults and templates call it */
    const struct route *const *routes; /* the first that fits is taken */
    bool (*create)(const struct service_options *options, void **out_state, struct error *err);
    void (*free)(void *state);
    struct workspace *(*workspace)(void *state);
    const struct oracle_table *truth;   /* what each table must hold */
    const struct oracle_latest *latest; /* and each view of the newest */
    /* The field of a record that fills a column, if their names differ by rule; NULL: they do not. */
    void (*name_field)(const char *column, char *out_field, size_t size);
    const struct service_change *changes;
};

/* One that runs. */
struct help_desk {
    const struct service *service;
    void *state;
    struct workspace *workspace;
};

#endif
