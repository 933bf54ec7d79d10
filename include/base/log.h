/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one JSON object a line on stderr, in the shape Cloud Logging reads (severity, time, message), or a
 * line of text for people.
 *
 * Only core/run, core/worker, core/lease, core/attempts and app log above DEBUG; everything else returns
 * errors. Values are escaped and cut at 4 KiB, so nothing from outside can forge a line. Any thread.
 *
 * A reader that takes nothing for half a second loses lines; the first line after them, `log_lines_dropped`,
 * has their number.
 */
#ifndef CASELOAD_BASE_LOG_H
#define CASELOAD_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING, LOG_ERROR, LOG_CRITICAL };

struct log_field {
    const char *key;  /* a C identifier, ours */
    const char *text; /* NULL: see error, then number; so LOG_TEXT must not get NULL */
    const struct error *error;
    int64_t number;
};

#define LOG_TEXT(k, v)   ((struct log_field){.key = (k), .text = (v)})
#define LOG_NUMBER(k, v) ((struct log_field){.key = (k), .number = (v)})
#define LOG_ORIGIN(e)    ((struct log_field){.key = "at", .error = (e)}) /* left out without an error */
#define LOG_END          ((struct log_field){.key = NULL})
#define LOG_FIELDS(...)  ((const struct log_field[]){__VA_ARGS__, LOG_END})

enum log_form {
    LOG_FORM_CLOUD, /* a JSON object, as above */
    LOG_FORM_LEVEL, /* "LEVEL message {fields}", as taps of Singer log: INFO for NOTICE, no time */
    LOG_FORM_PLAIN, /* "04:00:01  warning  MESSAGE": the time is UTC; fields are left out */
    LOG_FORM_COLOUR /* the same, with colours for warnings and errors */
};

void log_open(int file, enum log_level least); /* default: standard error, LOG_INFO. file is borrowed */
void log_set_form(enum log_form form);         /* default: LOG_FORM_CLOUD */
/* Around each line: hide takes what stands on the terminal's last lines away, show puts it back. NULL: there
 * is nothing. They are called under the log's lock, and must not log. */
void log_set_display(void (*hide)(void *self), void (*show)(void *self), void *self);
void log_redraw(void);                                             /* hide, then show */
bool log_level_parse(const char *name, enum log_level *out_level); /* "debug", "info", ... */

/* event is a stable name such as "run_finished"; fields may be NULL. */
void log_write(enum log_level level, const char *event, const struct log_field *fields, const char *format,
               ...) PRINTF(4, 5);

#endif
