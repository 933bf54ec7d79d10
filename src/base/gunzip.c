/* SPDX-License-Identifier: Apache-2.0 */
/* gunzip.c - isa-l takes half of zlib's CPU time for a small file, and a third for a large one. */
#include "base/gunzip.h"

#include <assert.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/vector.h"

#define CHUNK 16384 /* opened at once */

struct gunzip {
    struct inflate_state state;
    uint8_t chunk[CHUNK];
};

struct gunzip *gunzip_new(void)
{
    struct gunzip *gunzip = mem_grow(NULL, 1, sizeof *gunzip);
    gunzip_reset(gunzip);
    return gunzip;
}

void gunzip_free(struct gunzip *gunzip)
{
    free(gunzip);
}

void gunzip_reset(struct gunzip *gunzip)
{
    isal_inflate_init(&gunzip->state);
    gunzip->state.crc_flag = ISAL_GZIP;
}

enum gunzip_outcome gunzip_add(struct gunzip *gunzip, const void *bytes, size_t size,
                               const struct gunzip_sink *sink)
{
    struct inflate_state *state = &gunzip->state;
    assert(size <= UINT32_MAX);
    if (state->block_state == ISAL_BLOCK_FINISH) return size > 0 ? GUNZIP_BAD : GUNZIP_END;
    state->next_in = (uint8_t *)(uintptr_t)bytes; /* isa-l takes no const, but changes nothing */
    state->avail_in = (uint32_t)size;
    do {
        state->next_out = gunzip->chunk;
        state->avail_out = CHUNK;
        int code = isal_inflate(state);
        vector_settle();
        if (code != ISAL_DECOMP_OK) return GUNZIP_BAD;
        size_t opened = CHUNK - state->avail_out;
        if (opened > 0 && !sink->take(sink->self, gunzip->chunk, opened)) return GUNZIP_FULL;
    } while (state->block_state != ISAL_BLOCK_FINISH && (state->avail_in > 0 || state->avail_out == 0));
    if (state->block_state != ISAL_BLOCK_FINISH) return GUNZIP_MORE;
    return state->avail_in > 0 ? GUNZIP_BAD : GUNZIP_END;
}
