/* SPDX-License-Identifier: Apache-2.0 */
/* intercom.h - Intercom's REST API as a source. */
#ifndef CASELOAD_SOURCES_INTERCOM_INTERCOM_H
#define CASELOAD_SOURCES_INTERCOM_INTERCOM_H

#include "sources/sources.h"

#define INTERCOM_NAME "intercom"

extern const struct source_type intercom_type;

#endif
