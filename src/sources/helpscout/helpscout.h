/* SPDX-License-Identifier: Apache-2.0 */
/* helpscout.h - Help Scout's Inbox API 2.0 as a source, and its settings. */
#ifndef CASELOAD_SOURCES_HELPSCOUT_HELPSCOUT_H
#define CASELOAD_SOURCES_HELPSCOUT_HELPSCOUT_H

#include "sources/sources.h"

#define HELPSCOUT_NAME "helpscout"

struct helpscout_options {
    char *base_url; /* NULL: Help Scout's */
    char *client_id;
    double rate_share; /* 0 < share <= 1 of the rate limit */
    struct token_setting client_secret;
    struct token_setting refresh_token; /* TOKEN_NONE: client credentials */
};

extern const struct source_type helpscout_type;

#endif
