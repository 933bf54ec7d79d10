/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - bytes that grow up to a ceiling.
 *
 * Always true: size <= capacity <= limit + 1; if data is not NULL, data[size] is NUL. A zeroed buf is valid,
 * empty, and has no room: give it a limit with buf_init. The add functions return false, and set `full` for
 * good, when the ceiling would be passed; what was there stays. A row can therefore be built by many adds and
 * checked once. One thread at a time.
 */
#ifndef CASELOAD_BASE_BUF_H
#define CASELOAD_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

struct buf {
    char *data;
    size_t size;
    size_t capacity;
    size_t limit;
    bool full;
};

void buf_init(struct buf *buf, size_t limit); /* allocates nothing */
void buf_done(struct buf *buf);
void buf_reset(struct buf *buf); /* empty again, memory and limit kept, full cleared */
bool buf_add(struct buf *buf, const void *bytes, size_t size);
bool buf_byte(struct buf *buf, char byte);
bool buf_text(struct buf *buf, const char *text);
bool buf_format(struct buf *buf, const char *format, ...) PRINTF(2, 3);
void buf_drop(struct buf *buf, size_t size);       /* forget the first bytes */
void buf_cut(struct buf *buf, size_t size);        /* keep only the first bytes; full stays as it is */
const char *buf_string(const struct buf *buf);     /* never NULL; borrowed until the next change */
char *buf_take(struct buf *buf, size_t *out_size); /* hands the bytes over: free() them; buf is empty again */

#endif
