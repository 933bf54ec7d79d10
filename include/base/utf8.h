/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - one question about UTF-8. Any thread. */
#ifndef CASELOAD_BASE_UTF8_H
#define CASELOAD_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character at the start (1 to 4), or 0: overlong forms, surrogates and what lies
 * beyond U+10FFFF are not well-formed. */
size_t utf8_size(const char *bytes, size_t size);

#endif
