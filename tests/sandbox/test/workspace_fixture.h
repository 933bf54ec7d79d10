/* SPDX-License-Identifier: Apache-2.0 */
/* workspace_fixture.h - a sandbox with some contacts and conversations, and requests to it. */
#ifndef CASELOAD_SANDBOX_WORKSPACE_FIXTURE_H
#define CASELOAD_SANDBOX_WORKSPACE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "sandbox_internal.h"

#define DAY_S    86400
#define CONTACTS 900
#define START_S  INT64_C(1772424000) /* 2026-03-02T04:00:00Z, where the clock begins */
#define HEADERS(version)                                                                                     \
    "Authorization: Bearer sandbox-token\r\nAccept: application/json\r\nContent-Type: application/json\r\n"  \
    "Intercom-Version: " version "\r\n"

extern const char v15[], v16[];

/* *state is the sandbox. */
int workspace_set_up(void **state);
int workspace_tear_down(void **state);

/* The reply's JSON, yours, after a check of its status. out_all (may be NULL): all that came; yours. */
json_t *call_for(void **state, const char *headers, const char *target, int status, char **out_all);
json_t *get(void **state, const char *target);
json_t *post(void **state, const char *target, const char *body, int status);
void refused(void **state, const char *headers, const char *target, int status, const char *code);
void change(void **state, const char *body); /* of the records */
void advance(void **state, int64_t seconds);

#endif
