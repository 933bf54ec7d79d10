/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - CoMagic, as the sandbox's list of services has it. */
#ifndef CASELOAD_SANDBOX_COMAGIC_SERVICE_H
#define CASELOAD_SANDBOX_COMAGIC_SERVICE_H

#include "shared/service.h"

extern const struct service comagic_service;

#endif
