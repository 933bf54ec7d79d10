/* SPDX-License-Identifier: Apache-2.0 */
/* pack.h - answers as gzip, for clients that accept it. */
#ifndef CASELOAD_SANDBOX_HTTPD_PACK_H
#define CASELOAD_SANDBOX_HTTPD_PACK_H

#include "base/buf.h"
#include "httpd/httpd.h"

/* Does the client take this answer as gzip, and is it long enough? */
bool pack_wanted(const struct exchange *exchange);
/* Compresses the reply in place. */
void pack_reply(struct exchange *exchange);

#endif
