/* SPDX-License-Identifier: Apache-2.0 */
/* writer.h - messages on a file, in whole lines of ASCII.
 *
 * Lines that fit together into PIPE_BUF bytes are one write, which a pipe takes whole or not at all: a
 * process that is killed leaves no part of such a line. Waits for the reader without a limit, unless `stop`
 * is set. The first failure stays: nothing may follow a line that is missing.
 */
#ifndef CASELOAD_SINGER_WRITER_H
#define CASELOAD_SINGER_WRITER_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/json.h"

struct writer {
    int file;
    const atomic_bool *stop;                   /* may be NULL */
    void (*wait)(void *self, int64_t seconds); /* each minute that the reader takes nothing; may be NULL */
    void *self;
    struct buf text, line, pending;
    struct error failure;
};

void writer_init(struct writer *writer); /* the first four members are set */
void writer_done(struct writer *writer); /* pending lines are dropped */

bool writer_add(struct writer *writer, const json_t *message, struct error *err) CHECKED;
bool writer_flush(struct writer *writer, struct error *err) CHECKED;
/* The failure that stays, if there was one. */
bool writer_check(const struct writer *writer, struct error *err) CHECKED;

#endif
