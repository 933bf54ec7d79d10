/* pack.h - bytes kept deflated: written once, then read from the beginning as often as wanted.
 *
 * They lie in slices, so that growing copies nothing. A zeroed pack is valid and has no room: pack_init. It
 * is added to until pack_end, and read after that. What was deflated here inflates again: reading can't fail.
 * One thread at a time.
 */
#ifndef CASELOAD_BASE_PACK_H
#define CASELOAD_BASE_PACK_H

#include <stdbool.h>
#include <stddef.h>

struct pack_slice;
struct pack_stream;

struct pack {
    size_t limit;       /* of what it holds, as it was added */
    size_t packed_most; /* ... and of the memory that it takes, deflated */
    size_t size;        /* as it was added */
    size_t packed;      /* memory that it takes */
    bool full;          /* a ceiling would have been passed; what is in here is of no use */
    struct pack_slice *first, *last;
    struct pack_stream *stream; /* NULL: it is not being added to */
};

void pack_init(struct pack *pack, size_t limit, size_t packed_most); /* allocates nothing */
void pack_done(struct pack *pack);
void pack_reset(struct pack *pack); /* empty again */
bool pack_add(struct pack *pack, const void *bytes, size_t size);
bool pack_end(struct pack *pack);

/* The pack is borrowed, and must not change. */
struct pack_reader *pack_open(const struct pack *pack);
size_t pack_read(struct pack_reader *reader, char *out_bytes, size_t size); /* 0: the end */
void pack_close(struct pack_reader *reader);                                /* NULL is fine */

#endif
