/* SPDX-License-Identifier: Apache-2.0 */
/* display.h - the progress of a run: on a terminal a line for each stream that is loaded now and one for all,
 * at most four times a second; elsewhere a log record `progress` for each a minute. A thread of its own reads
 * struct progress.
 */
#ifndef CASELOAD_APP_DISPLAY_H
#define CASELOAD_APP_DISPLAY_H

#include <stdbool.h>

#include "core/progress.h"

struct display;

/* is_asked: set it, on any thread, for a record soon; it is cleared. is_quiet: nothing else is shown. Both
 * pointers are borrowed. */
struct display *display_start(struct progress *progress, atomic_bool *is_asked, bool is_quiet);
/* Standard error is a terminal that has colours and moves its cursor. */
bool display_can_draw(void);
void display_stop(struct display *display); /* clears the lines; NULL is fine */

#endif
