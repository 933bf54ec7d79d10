/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h - bytes that must not be seen: tokens and keys.
 *
 * The logger has no field for a secret and nothing here prints one. The memory is wiped when it is released,
 * and core dumps leave it out. Copies in libraries (curl's and gRPC's buffers) are not ours to mark, so main
 * also calls secret_forbid_core_dumps. One owner, one thread at a time.
 */
#ifndef CASELOAD_BASE_SECRET_H
#define CASELOAD_BASE_SECRET_H

#include <stddef.h>

#include "base/error.h"

#define SECRET_LIMIT 16384

struct secret {
    char *bytes; /* NUL-terminated */
    size_t size;
};

bool secret_set(struct secret *secret, const char *bytes, size_t size, struct error *err) CHECKED;
/* Room for a text of any size that contains a secret; the caller fills it, perhaps with line breaks. */
void secret_reserve(struct secret *secret, size_t size);
bool secret_from_env(struct secret *secret, const char *name, struct error *err) CHECKED;  /* ERROR_CONFIG */
bool secret_from_file(struct secret *secret, const char *path, struct error *err) CHECKED; /* ERROR_CONFIG */
/* Without the line break that editors and `echo` add. */
size_t secret_line_size(const char *bytes, size_t size);
const char *secret_reveal(const struct secret *secret); /* borrowed; "" when empty */
void secret_done(struct secret *secret);
/* A kernel that pipes dumps to a program leaves it to that program to obey. */
void secret_forbid_core_dumps(void);
void secret_wipe(void *memory, size_t size); /* before it is freed; memory may be NULL */

#endif
