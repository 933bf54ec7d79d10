/* SPDX-License-Identifier: Apache-2.0 */
/* vector.h - the vector registers after isa-l. Pure. */
#ifndef CASELOAD_BASE_VECTOR_H
#define CASELOAD_BASE_VECTOR_H

/* On x86 isa-l leaves their upper halves in use, and then all code takes a fifth more CPU time. Call it after
 * each function of isa-l that compresses or opens. */
void vector_settle(void);

#endif
