/* SPDX-License-Identifier: Apache-2.0 */
#include "base/vector.h"

void vector_settle(void)
{
}
