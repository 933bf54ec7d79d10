/* SPDX-License-Identifier: Apache-2.0 */
#include "comagic/service.h"
#include "helpscout/service.h"
#include "intercom/service.h"
#include "sandbox_internal.h"

const struct service *const services[SERVICES_MAX + 1] = {
    &intercom_service,
    &helpscout_service,
    &comagic_service,
};
