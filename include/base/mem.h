/* SPDX-License-Identifier: Apache-2.0 */
/* mem.h - small allocations that can't fail: out of memory aborts the process, and its message is
 * redelivered. Everything is freed with free(). Any thread.
 */
#ifndef CASELOAD_BASE_MEM_H
#define CASELOAD_BASE_MEM_H

#include <stddef.h>

#include "base/attr.h"

void *mem_zero(size_t count, size_t size);              /* zeroed; count * size is checked */
void *mem_grow(void *old, size_t count, size_t size);   /* realloc; the new part is not initialised */
char *mem_text(const char *text);                       /* strdup; NULL gives NULL */
char *mem_bytes(const void *bytes, size_t size);        /* copy with a NUL added */
char *mem_format(const char *format, ...) PRINTF(1, 2); /* yours */
/* Memory that is given back stays the process's own, some MiB of it: pages of records come and go. */
void mem_keep_freed(void);
void mem_free(void *pointer_to_pointer); /* for AUTO(mem_free) char *p */

#endif
