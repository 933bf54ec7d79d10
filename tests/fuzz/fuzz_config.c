/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config.c - a configuration file: an accepted one keeps its limits, a refused one says why. */
#include <stdio.h>
#include <unistd.h>

#include "config.h"
#include "fuzz.h"

#define PIPE_BYTES 65536 /* that it holds unread */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct config_faults faults;
    struct error err = {0};
    char path[64];
    int ends[2];
    if (size > PIPE_BYTES) return 0;
    fuzz_require(pipe(ends) == 0 && write(ends[1], data, size) == (ssize_t)size && close(ends[1]) == 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    bool good = config_load(path, NULL, 0, true, &config, &faults, &err);
    (void)close(ends[0]);
    fuzz_require(good ? faults.count == 0 && err.kind == ERROR_NONE
                      : faults.count > 0 && err.kind == ERROR_CONFIG && err.text[0] != '\0');
    if (good) {
        fuzz_require(config.project && config.dataset && config.location && config.source_type);
        fuzz_require(config.selection_count <= LIMIT_STREAMS && config.lookback_days <= LIMIT_LOOKBACK_DAYS);
        config_done(&config);
    }
    config_faults_done(&faults);
    return 0;
}
