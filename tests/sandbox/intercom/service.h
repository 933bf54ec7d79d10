/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - Intercom, as the sandbox's list of services has it. */
#ifndef CASELOAD_SANDBOX_INTERCOM_SERVICE_H
#define CASELOAD_SANDBOX_INTERCOM_SERVICE_H

#include "shared/service.h"

extern const struct service intercom_service;

#endif
