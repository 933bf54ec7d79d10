/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_zone.c - a TZif file: a zone that is read answers for every instant, and days begin where they say. */
#include <stdio.h>
#include <unistd.h>

#include "base/zone.h"
#include "fuzz.h"

static char folder[] = "/tmp/caseload-fuzz-XXXXXX";
static char path[sizeof folder + 8];

static void remove_folder(void)
{
    (void)unlink(path); /* the system cleans /tmp otherwise */
    (void)rmdir(folder);
}

static void prepare(void)
{
    if (path[0]) return;
    fuzz_require(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/Zone", folder);
    fuzz_require(setenv("TZDIR", folder, 1) == 0 && atexit(remove_folder) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t instants[] = {INT64_C(-5000000000), -1,         0,
                                       1700000000,           1717200000, INT64_C(7000000000)};
    struct error err = {0};
    struct zone *zone = NULL;
    prepare();
    FILE *file = fopen(path, "wb");
    fuzz_require(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    if (!zone_load("Zone", &zone, &err)) {
        fuzz_require(err.kind == ERROR_CONFIG && zone == NULL);
        return 0;
    }
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++) {
        struct day day = zone_day(zone, instants[i]);
        int64_t start_s = zone_start_s(zone, day);
        fuzz_require(zone_day(zone, start_s).n >= day.n);
        fuzz_require(start_s <= instants[i]);
    }
    zone_free(zone);
    return 0;
}
