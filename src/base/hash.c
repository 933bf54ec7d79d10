/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <string.h>

uint64_t hash_text(const char *text)
{
    return hash_bytes(HASH_EMPTY, text, strlen(text));
}
