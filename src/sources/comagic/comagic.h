/* SPDX-License-Identifier: Apache-2.0 */
/* comagic.h - CoMagic's Data API (and that of its brand UIS) as a source, and its settings. */
#ifndef CASELOAD_SOURCES_COMAGIC_COMAGIC_H
#define CASELOAD_SOURCES_COMAGIC_COMAGIC_H

#include "sources/sources.h"

#define COMAGIC_NAME "comagic"

struct comagic_options {
    char *brand;       /* "comagic", "uis" */
    char *base_url;    /* NULL: the brand's */
    double rate_share; /* 0 < share <= 1 of the limits of a minute and a day */
    struct token_setting token;
    char *login;  /* NULL: the token is a key; else it is the password of this user */
    long user_id; /* of the client that an agent reads; 0: it is no agent */
};

extern const struct source_type comagic_type;

#endif
