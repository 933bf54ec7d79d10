/* SPDX-License-Identifier: Apache-2.0 */
/* local.c - local times of the account, found by trying each offset: not as the loader does it. */
#include <stdio.h>
#include <string.h>

#include "comagic/internal.h"

#define QUARTER_S 900 /* every offset is a multiple of it */
#define MOST_S    54000

void local_write(const struct zone *zone, int64_t at_s, char out[LOCAL_TEXT])
{
    int64_t local_s = at_s + zone_offset_s(zone, at_s), second = ((local_s % 86400) + 86400) % 86400;
    char date[DAY_TEXT];
    day_format((struct day){.n = (int32_t)((local_s - second) / 86400)}, date);
    (void)snprintf(out, LOCAL_TEXT, "%s %02d:%02d:%02d", date, (int)(second / 3600), (int)(second / 60 % 60),
                   (int)(second % 60));
}

bool local_read(const struct zone *zone, const char *text, int64_t *out_first_s, int64_t *out_last_s)
{
    char date[DAY_TEXT], again[LOCAL_TEXT];
    struct day day;
    int hour, minute, second;
    bool found = false;
    if (strlen(text) != 19 || sscanf(text + 10, " %2d:%2d:%2d", &hour, &minute, &second) != 3) return false;
    (void)snprintf(date, sizeof date, "%.10s", text);
    if (!day_parse(date, &day) || hour > 23 || minute > 59 || second > 59) return false;
    int64_t local_s = (int64_t)day.n * 86400 + hour * 3600 + minute * 60 + second;
    for (int64_t offset_s = MOST_S; offset_s >= -MOST_S; offset_s -= QUARTER_S) {
        local_write(zone, local_s - offset_s, again);
        if (strcmp(again, text) != 0) continue;
        if (!found) *out_first_s = local_s - offset_s;
        *out_last_s = local_s - offset_s;
        found = true;
    }
    if (!found) *out_first_s = *out_last_s = local_s - zone_offset_s(zone, local_s); /* skipped by clocks */
    return true;
}
