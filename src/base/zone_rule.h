/* SPDX-License-Identifier: Apache-2.0 */
/* zone_rule.h - the POSIX rule that ends a TZif file and holds for ever after its last transition.
 *
 * "CET-1CEST,M3.5.0,M10.5.0/3": standard time, and perhaps daylight time between two days of each year. As in
 * RFC 8536 §3.3.1 the times of day may be negative or beyond 24 hours. Plain data; any thread.
 */
#ifndef CASELOAD_BASE_ZONE_RULE_H
#define CASELOAD_BASE_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

enum zone_date_form {
    ZONE_DATE_JULIAN, /* Jn: 1 to 365, 29 February is never counted */
    ZONE_DATE_COUNT,  /* n: 0 to 365, 29 February is counted */
    ZONE_DATE_WEEKDAY /* Mm.w.d: the w-th (5: last) weekday d of month m */
};

struct zone_date {
    enum zone_date_form form;
    int day; /* of the year, or of the week with Sunday 0 */
    int month;
    int week;
    int time_s; /* local, from that day's midnight */
};

struct zone_rule {
    int standard_s; /* local minus UTC */
    int daylight_s;
    bool has_daylight;
    struct zone_date begin; /* of daylight time, in standard time */
    struct zone_date end;   /* of daylight time, in daylight time */
};

struct zone_span {
    int offset_s;
    int64_t until_s; /* the first second of the next stretch; INT64_MAX if there is none */
};

bool zone_rule_parse(const char *text, struct zone_rule *out_rule);
struct zone_span zone_rule_at(const struct zone_rule *rule, int64_t at_s);

#endif
