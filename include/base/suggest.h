/* SPDX-License-Identifier: Apache-2.0 */
/* suggest.h - "did you mean": the known name closest to an unknown one. */
#ifndef CASELOAD_BASE_SUGGEST_H
#define CASELOAD_BASE_SUGGEST_H

#include <stddef.h>

/* Edit distance (insert, delete, replace, swap of neighbours count 1), at most `most` + 1. */
size_t suggest_distance(const char *a, const char *b, size_t most);
/* The name with the least distance <= 2, or NULL. names may hold NULLs. */
const char *suggest_name(const char *name, const char *const *names, size_t count);

#define SUGGEST_HINT 192
/* For the end of an error's text: `did you mean "contacts"?`, or `otherwise` if no name is close. Returns
 * out. */
const char *suggest_hint(const char *name, const char *const *names, size_t count, const char *otherwise,
                         char out[SUGGEST_HINT]);

#endif
