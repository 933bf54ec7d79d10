/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - runs a fuzz target once for each file that is named, so that every suite replays the seeds. */
#include <stdio.h>

#include "base/buf.h"
#include "fuzz.h"

#define FILE_LIMIT ((size_t)1 << 24)

int main(int count, char **arguments)
{
    char block[4096];
    for (int i = 1; i < count; i++) {
        AUTO(buf_done) struct buf bytes = buf_limited(FILE_LIMIT);
        FILE *file = fopen(arguments[i], "rb");
        if (!file) {
            perror(arguments[i]);
            return 1;
        }
        for (size_t size; (size = fread(block, 1, sizeof block, file)) > 0;)
            (void)buf_add(&bytes, block, size);
        (void)fclose(file);
        (void)LLVMFuzzerTestOneInput((const uint8_t *)buf_string(&bytes), bytes.size);
    }
    return count > 1 ? 0 : 1;
}
