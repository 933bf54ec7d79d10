/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - Help Scout, as the sandbox's list of services has it. */
#ifndef CASELOAD_SANDBOX_HELPSCOUT_SERVICE_H
#define CASELOAD_SANDBOX_HELPSCOUT_SERVICE_H

#include "shared/service.h"

extern const struct service helpscout_service;

#endif
