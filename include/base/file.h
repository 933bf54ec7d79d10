/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - reads a configured file whole, without waiting for ever.
 *
 * Accepts regular files, and pipes under /dev or /proc (a shell's `<(command)`), which must send a byte every
 * ten seconds. Refuses FIFOs, directories, sockets and devices: they block or never end. Any thread.
 */
#ifndef CASELOAD_BASE_FILE_H
#define CASELOAD_BASE_FILE_H

#include "base/buf.h"
#include "base/error.h"

/* Replaces the content of out, whose memory is allocated once for all `limit` bytes: a caller that wipes it
 * leaves no copy behind. ERROR_CONFIG; the text names the path, the cause and the way out. */
bool file_read(const char *path, size_t limit, struct buf *out, struct error *err) CHECKED;

#endif
