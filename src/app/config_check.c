/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "base/zone.h"
#include "bigquery/bigquery.h"
#include "config_load.h"
#include "core/selection.h"
#include "pubsub/pubsub.h"

static bool is_of_warehouse(const struct setting *setting)
{
    static const char *const keys[] = {"project", "dataset", "location"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!*setting->group && strcmp(setting->key, keys[i]) == 0) return true;
    return false;
}

static void check_required(struct config_load *load, const struct setting_table *table, const void *options)
{
    char name[SETTING_KEY];
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];
        if (!setting->required || setting_is_given(setting, options) ||
            (!load->has_warehouse && is_of_warehouse(setting)) ||
            config_is_faulty(load, setting_name(setting, name)))
            continue;
        CONFIG_FAULT(load, "", "%s is missing: %s", setting_name(setting, name), setting->help);
    }
}

static void check_zone(struct config_load *load)
{
    struct zone *zone = NULL;
    struct error err;
    if (zone_load(load->config->timezone, &zone, &err)) {
        zone_free(zone);
        return;
    }
    (void)error_wrap(&err, "timezone");
    config_fault(load, "timezone", &err);
}

bool config_today(const struct config *config, struct day *out_today)
{
    struct zone *zone = NULL;
    struct error ignored;
    if (!zone_load(config->timezone, &zone, &ignored)) return false;
    *out_today = zone_day(zone, (int64_t)time(NULL));
    zone_free(zone);
    return true;
}

bool config_check_day(const struct config *config, enum error_kind kind, const char *name, struct day day,
                      struct error *err)
{
    const struct source_type *type = config->source_type;
    struct day today;
    char text[DAY_TEXT], today_text[DAY_TEXT];
    day_format(day, text);
    if (day_compare(day, day_of_civil(type->first_year, 1, 1)) < 0)
        return error_set(err, kind, "%s is %s, but %s holds nothing from before %d-01-01; check the year",
                         name, text, type->name, type->first_year);
    if (!config_today(config, &today) || day_compare(day, today) <= 0) return true;
    day_format(today, today_text);
    return error_set(err, kind,
                     "%s is %s, which is after today (%s in %s); check the year, and this machine's clock",
                     name, text, today_text, config->timezone);
}

static bool is_known(const struct source_type *type, const char *name)
{
    for (size_t i = 0; i < type->stream_count; i++) {
        if (strcmp(type->streams[i]->name, name) == 0) return true;
        for (size_t c = 0; c < type->streams[i]->child_count; c++)
            if (strcmp(type->streams[i]->children[c].table->name, name) == 0) return true;
    }
    return false;
}

bool config_select(struct config *config, struct error *err)
{
    const struct source_type *type = config->source_type;
    const char *const *names = (const char *const *)config->streams.names;
    return selection_resolve(type->streams, type->stream_count, config->streams.is_given ? names : NULL,
                             config->streams.count, config->selections, &config->selection_count, err);
}

static void check_streams(struct config_load *load)
{
    struct config *config = load->config;
    const struct source_type *type = config->source_type;
    const char *const *names = (const char *const *)config->streams.names;
    struct error err;
    if (config->streams.is_given && config->streams.count == 0) {
        CONFIG_FAULT(load, "streams",
                     "streams is empty; name at least one stream, or leave it out to load the default ones");
        return;
    }
    for (size_t i = 0; i < config->streams.count; i++)
        if (!is_known(type, names[i]) &&
            !selection_resolve(type->streams, type->stream_count, &names[i], 1, config->selections,
                               &config->selection_count, &err))
            config_fault(load, "streams", &err);
    if (!config_is_faulty(load, "streams") && !config_select(config, &err))
        config_fault(load, "streams", &err);
}

/* Settings may name any table that is loaded. */
static void check_tables(struct config_load *load, const char *setting, const struct name_list *wanted)
{
    char hint[SUGGEST_HINT];
    const struct config *config = load->config;
    const char *known[LIMIT_STREAMS * LIMIT_TABLES];
    size_t count = 0;
    for (size_t i = 0; i < config->selection_count; i++) {
        if (config->selections[i].stream->kind == STREAM_RECONCILE) continue;
        for (size_t k = 0; k < config->selections[i].table_count; k++)
            known[count++] = config->selections[i].tables[k]->name;
    }
    for (size_t i = 0; i < wanted->count; i++) {
        const char *meant = suggest_name(wanted->names[i], known, count);
        if (meant && strcmp(meant, wanted->names[i]) == 0) continue;
        CONFIG_FAULT(
            load, setting, "%s: \"%.64s\" is not among the tables that are loaded; %s", setting,
            wanted->names[i],
            suggest_hint(wanted->names[i], known, count, "add it to \"streams\", or remove it", hint));
    }
}

static void ignore_contents(struct config *config, const char *table)
{
    for (size_t i = 0; i < config->selection_count; i++)
        for (size_t k = 0; k < config->selections[i].table_count; k++)
            if (strcmp(config->selections[i].tables[k]->name, table) == 0)
                config->selections[i].ignores_contents[k] = true;
}

static void check_datasets(struct config_load *load)
{
    struct config *config = load->config;
    if (!config->dataset) return;
    if (!config->control_dataset) config->control_dataset = mem_format("%s_caseload", config->dataset);
    if (strcmp(config->control_dataset, config->dataset) != 0) return;
    CONFIG_FAULT(
        load, "control_dataset",
        "control_dataset is the same as dataset (\"%s\"); name another, so that the dataset holds only "
        "data",
        config->dataset);
}

static void check_subscription(struct config_load *load)
{
    struct config *config = load->config;
    struct error err;
    if (!config->subscription || !config->project) return;
    AUTO(mem_free) char *name = config_resource(config, "subscriptions", config->subscription);
    if (!pubsub_check_name(name, &err)) config_fault(load, "subscription", &err);
}

char *config_resource(const struct config *config, const char *collection, const char *name)
{
    if (!name) return NULL;
    return strchr(name, '/') ? mem_text(name)
                             : mem_format("projects/%s/%s/%s", config->project, collection, name);
}

static void check_source(struct config_load *load)
{
    struct config *config = load->config;
    const char *key = "source";
    struct error err;
    check_required(load, &config->source_type->settings, config->source_options);
    if (!config->source_type->check(config->source_options, &config->address, &key, &err))
        config_fault(load, key, &err);
}

void config_check(struct config_load *load)
{
    struct config *config = load->config;
    const char *const *labels = (const char *const *)config->labels.names;
    struct error err;
    check_required(load, &config_settings, config);
    check_source(load);
    if (config->start_date.n != SETTING_NO_DAY &&
        !config_check_day(config, ERROR_CONFIG, "start_date", config->start_date, &err))
        config_fault(load, "start_date", &err);
    if (!bigquery_check_labels(labels, config->labels.count, &err)) config_fault(load, "labels", &err);
    check_zone(load);
    check_datasets(load);
    check_subscription(load);
    check_streams(load);
    if (!config_is_faulty(load, "streams")) {
        check_tables(load, "latest", &config->latest_tables);
        check_tables(load, "contents", &config->contents_disabled);
    }
    for (size_t i = 0; i < config->contents_disabled.count; i++)
        ignore_contents(config, config->contents_disabled.names[i]);
}
