/* SPDX-License-Identifier: Apache-2.0 */
/* sources.h - the kinds of sources: one line each in sources.c.
 *
 * A source type is constant data: its streams, its settings and how to create it. Settings of
 * one source only (region, API version, credentials) are in its own table.
 */
#ifndef CASELOAD_SOURCES_SOURCES_H
#define CASELOAD_SOURCES_SOURCES_H

#include <stddef.h>

#include "base/setting.h"
#include "base/zone.h"
#include "core/progress.h"
#include "core/source.h"
#include "net/http.h"

/* An OAuth 2 client: it asks for access tokens by its own secret (client credentials), or by a refresh token,
 * which each new access token replaces. */
struct client_setting {
    const char *service; /* for people: "Help Scout" */
    const char *token_url;
    const char *client_id;
    const struct token_setting *client_secret;
    const struct token_setting *refresh_token; /* TOKEN_NONE: client credentials */
};

/* Services that a source borrows for its whole life. */
struct source_context {
    struct http *http;
    struct progress *progress;
    const atomic_bool *stop;
    const struct source *first; /* of the same type and settings: token, rate limit and budgets are its; NULL:
                                 * this is the first */
    const struct zone *zone;    /* the configured one */
    const struct http_settings *http_settings; /* for a client of its own; borrowed until create returns */
    /* Opens the credential that a setting names; the source owns it (token_free). */
    bool (*open_token)(void *self, const struct token_setting *setting, struct token **out_token,
                       struct error *err);
    /* The same for the tokens of an OAuth client. ERROR_CONFIG if a new refresh token could not be kept where
     * the setting says. */
    bool (*open_client)(void *self, const struct client_setting *setting, struct token **out_token,
                        struct error *err);
    /* A token that `login`, which is ours after the call, gives: kept until shortly before it ends, and got
     * again when it is refused. */
    struct token *(*open_login)(struct token_login *login);
    void *self; /* first argument of the two before it */
};

/* Where a source's service is. */
struct source_address {
    const char *url;     /* borrowed from the options, or constant */
    const char *setting; /* the full name of the one that decides it: "source.region" */
};

struct source_type {
    const char *name;
    const char *title;                   /* for people: "Intercom" */
    const struct stream *const *streams; /* the table of streams, in order */
    size_t stream_count;
    int first_year;                /* the service began then: no record is older */
    struct setting_table settings; /* of the configuration's object "source", beside "type" */
    size_t options_size;           /* of the struct that `settings` describes */
    /* Judges the options beyond the table of settings, without a request. ERROR_CONFIG: out_key is the
     * setting that is wrong. */
    bool (*check)(const void *options, struct source_address *out_address, const char **out_key,
                  struct error *err);
    /* options is borrowed as long as the source lives. ERROR_CONFIG: a value is wrong. */
    bool (*create)(const struct source_context *context, const void *options, struct source **out_source,
                   struct error *err);
};

#define SOURCES_DEFAULT "intercom" /* the name of the first */

const struct source_type *source_type_find(const char *name); /* NULL: unknown */
/* The same; name NULL: the first. ERROR_REQUEST, with the nearest name, for an unknown one. */
bool source_type_choose(const char *name, const struct source_type **out_type, struct error *err) CHECKED;
const struct source_type *source_type_at(size_t index); /* NULL: there are no more */

#endif
