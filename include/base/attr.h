/* SPDX-License-Identifier: Apache-2.0 */
/* attr.h - compiler attributes by name.
 *
 * AUTO(f) runs f(&variable) when the variable goes out of scope; f must accept a zeroed value.
 */
#ifndef CASELOAD_BASE_ATTR_H
#define CASELOAD_BASE_ATTR_H

#define AUTO(done)          __attribute__((cleanup(done)))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))
#define CHECKED             __attribute__((warn_unused_result))

#endif
