/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - a certificate authority of its own, made at the start, and a server's certificate for 127.0.0.1. */
#ifndef CASELOAD_SANDBOX_TLS_H
#define CASELOAD_SANDBOX_TLS_H

#include "base/error.h"

struct ssl_st;
struct tls;

struct tls *tls_new(const char *ca_file, struct error *err); /* NULL: err says why; ca_file may be NULL */
void tls_free(struct tls *tls);
struct ssl_st *tls_open(const struct tls *tls, int fd); /* shakes hands; NULL: the peer does not like us */
const char *tls_key_pem(const struct tls *tls);
const char *tls_certificate_pem(const struct tls *tls);

#endif
