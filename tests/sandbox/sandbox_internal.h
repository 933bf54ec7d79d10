/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox_internal.h - the parts of a sandbox, as sandbox.c and the tests see them. */
#ifndef CASELOAD_SANDBOX_INTERNAL_H
#define CASELOAD_SANDBOX_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "bigquery/server.h"
#include "control/control.h"
#include "google/auth.h"
#include "httpd/httpd.h"
#include "httpd/tls.h"
#include "pubsub/server.h"
#include "sandbox.h"
#include "shared/faults.h"
#include "shared/journal.h"
#include "shared/service.h"
#include "shared/virtual_clock.h"

#define SERVICES_MAX 8 /* help desks */

struct store;

struct sandbox {
    struct sandbox_options options;
    struct virtual_clock *clock;
    struct journal *journal;
    struct faults *faults;
    struct store *store;
    struct bigquery_server *bigquery;
    struct pubsub_server *pubsub;
    struct server *server;
    struct auth *auth;
    struct tls *tls; /* NULL: everything in the clear */
    struct help_desk desks[SERVICES_MAX + 1];
    struct control control;
};

static inline struct collection *sandbox_collection(const struct sandbox *sandbox, const char *kind)
{
    return control_collection(&sandbox->control, NULL, kind);
}

extern const struct service *const services[SERVICES_MAX + 1]; /* ends with NULL */

#endif
