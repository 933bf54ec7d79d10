/* SPDX-License-Identifier: Apache-2.0 */
/* intercom.h - Intercom's REST API as a source, and its settings. */
#ifndef CASELOAD_SOURCES_INTERCOM_INTERCOM_H
#define CASELOAD_SOURCES_INTERCOM_INTERCOM_H

#include "sources/sources.h"

#define INTERCOM_NAME "intercom"

struct intercom_options {
    char *region;      /* "us", "eu", "au" */
    char *base_url;    /* NULL: the region's */
    char *api_version; /* NULL: the one this was written for */
    char *bodies;      /* of conversations: "plaintext", "html" */
    double rate_share; /* 0 < share <= 1 of the rate limit */
    struct token_setting token;
    struct name_list custom_objects; /* types of custom objects to read */
};

extern const struct source_type intercom_type;

#endif
