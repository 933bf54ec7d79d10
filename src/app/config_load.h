/* SPDX-License-Identifier: Apache-2.0 */
/* config_load.h - internals of config: one load of a configuration, which goes on after each fault. */
#ifndef CASELOAD_APP_CONFIG_LOAD_H
#define CASELOAD_APP_CONFIG_LOAD_H

#include "config.h"
#include "config_places.h"

struct config_load {
    struct config *config;
    const char *path;
    bool has_warehouse; /* else project, dataset and location may be missing */
    struct config_places places;
    struct json_normalisations normalisations;
    struct config_faults *faults;
    struct error *err;                         /* the first fault */
    char faulty[CONFIG_SETTINGS][SETTING_KEY]; /* full names; what has a fault is not missing as well */
    size_t faulty_count;
};

/* Notes a fault of the setting with that full name; "": of the file as a whole. Its place comes from the
 * file. */
void config_fault(struct config_load *load, const char *name, const struct error *fault);
#define CONFIG_FAULT(load, name, ...)                                                                        \
    do {                                                                                                     \
        struct error fault_;                                                                                 \
        (void)error_set(&fault_, ERROR_CONFIG, __VA_ARGS__);                                                 \
        config_fault(load, name, &fault_);                                                                   \
    } while (0)
bool config_is_faulty(const struct config_load *load, const char *name);

/* --- config_check.c: what concerns several settings, or more than their form --- */
void config_check(struct config_load *load);

#endif
