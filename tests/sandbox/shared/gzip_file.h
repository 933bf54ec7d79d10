/* SPDX-License-Identifier: Apache-2.0 */
/* gzip_file.h - a whole gzip file at once, made by zlib as peers make theirs. Any thread. */
#ifndef CASELOAD_SANDBOX_GZIP_FILE_H
#define CASELOAD_SANDBOX_GZIP_FILE_H

#include "base/buf.h"

/* Appends the file. level: 1 (fast) to 9 (small). Ends the program if out is too small. */
void gzip_file(const void *bytes, size_t size, int level, struct buf *out);

#endif
