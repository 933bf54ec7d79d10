/* SPDX-License-Identifier: Apache-2.0 */
/* gunzip.h - opens a gzip file that comes in pieces. One thread at a time per gunzip. */
#ifndef CASELOAD_BASE_GUNZIP_H
#define CASELOAD_BASE_GUNZIP_H

#include <stdbool.h>
#include <stddef.h>

struct gunzip;

enum gunzip_outcome {
    GUNZIP_MORE, /* the file goes on */
    GUNZIP_END,  /* the file is complete, and right by its own sum */
    GUNZIP_BAD,  /* it is no gzip, is damaged, or more bytes follow its end */
    GUNZIP_FULL  /* `take` has refused bytes */
};

/* Takes what was opened; false: no more. */
struct gunzip_sink {
    bool (*take)(void *self, const void *bytes, size_t size);
    void *self;
};

struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *gunzip);  /* NULL is fine */
void gunzip_reset(struct gunzip *gunzip); /* for another file */

/* The next bytes of the file. After another outcome than GUNZIP_MORE only for another file, but for
 * GUNZIP_END, which must not be followed by bytes. */
enum gunzip_outcome gunzip_add(struct gunzip *gunzip, const void *bytes, size_t size,
                               const struct gunzip_sink *sink);

#endif
