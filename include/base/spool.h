/* SPDX-License-Identifier: Apache-2.0 */
/* spool.h - bytes that are kept to be read again: in memory at first, then in a temporary file.
 *
 * The spools of one budget share its memory. The spool that grows beyond it moves to a file, which has no
 * name: it is unlinked as it is made, and ends with the process. The caller owns spool and budget; the budget
 * outlives its spools. One thread. A full disk is ERROR_LIMIT; nothing that was added before is lost.
 */
#ifndef CASELOAD_BASE_SPOOL_H
#define CASELOAD_BASE_SPOOL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct spool_budget {
    const char *directory; /* of temporary files; borrowed */
    size_t limit;          /* bytes of memory */
    size_t used;
};

struct spool {
    struct spool_budget *budget;
    struct buf memory; /* empty once there is a file */
    int file;          /* -1: none */
    int64_t size;
};

/* Can temporary files be made there? ERROR_CONFIG; the text names the directory and the setting. */
bool spool_check(const char *directory, struct error *err) CHECKED;

void spool_init(struct spool *spool, struct spool_budget *budget);
bool spool_add(struct spool *spool, const void *bytes, size_t size, struct error *err) CHECKED;
/* Appends the bytes from offset on, which the spool has, to out. */
bool spool_read(const struct spool *spool, int64_t offset, size_t size, struct buf *out,
                struct error *err) CHECKED;
void spool_done(struct spool *spool);

#endif
