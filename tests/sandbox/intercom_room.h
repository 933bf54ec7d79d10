/* intercom_room.h - what the files of Intercom's API share. */
#ifndef CASELOAD_SANDBOX_INTERCOM_ROOM_H
#define CASELOAD_SANDBOX_INTERCOM_ROOM_H

#include "internal.h"

/* Token, rate limit, version and media types, as every request must bear them. False: already refused. */
bool intercom_admit(struct exchange *exchange, int *out_minor);
/* An error in Intercom's shape. */
void intercom_refuse(struct exchange *exchange, int status, const char *code, const char *message);

#endif
