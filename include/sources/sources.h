/* SPDX-License-Identifier: Apache-2.0 */
/* sources.h - the sources there are: one line each in sources.c. */
#ifndef CASELOAD_SOURCES_SOURCES_H
#define CASELOAD_SOURCES_SOURCES_H

#include <stddef.h>

#include "core/progress.h"
#include "core/source.h"
#include "net/http.h"

struct source_settings {
    const char *region;                /* "us", "eu", "au" */
    const char *base_url;              /* NULL: the region's */
    const char *api_version;           /* NULL: the source's default */
    double rate_share;                 /* 0 < share <= 1 of the rate the source allows */
    const char *const *custom_objects; /* types of custom objects to read; borrowed as long as the source */
    size_t custom_object_count;
    struct http *http;
    struct token *token;
    struct progress *progress;
    const atomic_bool *stop;
};

struct source_type {
    const char *name;
    const struct stream *const *streams; /* the table of streams, in order */
    size_t stream_count;
    bool (*create)(const struct source_settings *settings, struct source **out_source, struct error *err);
};

const struct source_type *source_type_find(const char *name); /* NULL: unknown */
/* The known names, for error texts. */
const char *const *source_type_names(size_t *out_count);

#endif
