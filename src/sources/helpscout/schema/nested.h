/* SPDX-License-Identifier: Apache-2.0 */
/* nested.h - records inside of records that tables of several files share.
 *
 * The sizes stand here so that COUNT works in each file. One that is too small does not compile; one that is
 * too large leaves a column without a name, which the test of the tables finds.
 */
#ifndef CASELOAD_SOURCES_HELPSCOUT_NESTED_H
#define CASELOAD_SOURCES_HELPSCOUT_NESTED_H

#include "schema.h"

extern const struct column helpscout_person[6]; /* a customer, user or team */
extern const struct column helpscout_origin[2]; /* how something came */
extern const struct column helpscout_value[3];  /* an address of some kind: {id, value, type} */

#endif
