/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h - bytes that must not be seen.
 *
 * The logger has no field for a secret and nothing here prints one. The memory is wiped when it is released.
 * One owner, one thread at a time.
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
bool secret_from_env(struct secret *secret, const char *name, struct error *err) CHECKED;  /* ERROR_CONFIG */
bool secret_from_file(struct secret *secret, const char *path, struct error *err) CHECKED; /* ERROR_CONFIG */
const char *secret_reveal(const struct secret *secret); /* borrowed; "" when empty */
void secret_done(struct secret *secret);
void secret_wipe(void *memory,
                 size_t size); /* overwrites bytes that are about to be freed; NULL with 0 is fine */

#endif
