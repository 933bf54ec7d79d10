#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "bigquery/bigquery.h"
#include "core/request.h"
#include "pubsub/pubsub.h"
#include "road.h"
#include "sources/sources.h"

#define USER_AGENT "caseload/" CASELOAD_VERSION " (gzip)"
#define GRACE_MS   9000

static struct token_settings token_settings(const struct road *road)
{
    return (struct token_settings){
        .user_agent = USER_AGENT, .ca_file = road->config->ca_file, .stop = &road->stop};
}

/* The credentials are looked for when the first part asks for them, so that emulators need none. */
static bool need_google(struct road *road, struct error *err)
{
    const struct token_settings settings = token_settings(road);

    return road->google || token_from_google(&settings, &road->google, err);
}

static bool open_token(struct road *road, struct error *err)
{
    const struct token_setting *token = &road->config->source_token;
    const struct token_settings settings = token_settings(road);

    switch (token->origin) {
    case TOKEN_ENV: return token_from_env(token->name, &road->source_token, err);
    case TOKEN_FILE: return token_from_file(token->name, &road->source_token, err);
    case TOKEN_SECRET:
        return (need_google(road, err) &&
                token_from_secret(&settings, token->name, road->config->endpoint_secretmanager, road->google,
                                  &road->source_token, err)) ||
               error_wrap(err, "source.token");
    case TOKEN_NONE: break;
    }
    abort(); /* the setting is required */
}

/* "latest" may name any table that is loaded. */
static bool check_latest(const struct road *road, struct error *err)
{
    const struct name_list *wanted = &road->config->latest_tables;
    const char *known[LIMIT_STREAMS * LIMIT_TABLES];
    size_t count = 0;

    for (size_t i = 0; i < road->selection_count; i++) {
        if (road->selections[i].stream->kind == STREAM_RECONCILE) continue;
        for (size_t k = 0; k < road->selections[i].table_count; k++)
            known[count++] = road->selections[i].tables[k]->name;
    }
    for (size_t i = 0; i < wanted->count; i++) {
        const char *meant = nearest_name(wanted->names[i], known, count);
        if (meant && strcmp(meant, wanted->names[i]) == 0) continue;
        return error_set(err, ERROR_CONFIG, "latest: \"%.64s\" is not among the tables that are loaded%s%s%s",
                         wanted->names[i],
                         meant ? "; did you mean \"" : "; add it to \"streams\", or remove it",
                         meant ? meant : "", meant ? "\"?" : "");
    }
    return true;
}

static bool open_source(struct road *road, struct error *err)
{
    const struct config *config = road->config;
    const struct source_type *type = source_type_find(config->source_type);
    const struct source_settings settings = {
        .region = config->source_region,
        .base_url = config->source_base_url,
        .api_version = config->source_api_version,
        .rate_share = config->source_rate_share,
        .custom_objects = (const char *const *)config->source_custom_objects.names,
        .custom_object_count = config->source_custom_objects.count,
        .http = road->http,
        .token = road->source_token,
        .progress = &road->progress,
        .stop = &road->halt,
    };
    size_t count;

    if (!type)
        return error_set(err, ERROR_CONFIG, "source.type is \"%s\"; known is \"%s\"", config->source_type,
                         source_type_names(&count)[0]);
    if (!selections_make(type->streams, type->stream_count,
                         config->streams.given ? (const char *const *)config->streams.names : NULL,
                         config->streams.count, road->selections, &road->selection_count, err) ||
        !check_latest(road, err))
        return false;
    return type->create(&settings, &road->source, err);
}

/* Both ways of BIGQUERY_EMULATOR_HOST: with scheme, or host:port. */
static char *bigquery_url(const struct config *config)
{
    const char *emulator = getenv("BIGQUERY_EMULATOR_HOST");

    if (config->endpoint_bigquery) return mem_text(config->endpoint_bigquery);
    if (emulator && *emulator) return mem_format("%s%s", strstr(emulator, "://") ? "" : "http://", emulator);
    return mem_text("https://bigquery.googleapis.com");
}

static bool open_warehouse(struct road *road, struct error *err)
{
    const struct config *config = road->config;

    road->bigquery_url = bigquery_url(config);
    if (strncmp(road->bigquery_url, "http://", 7) != 0 && !need_google(road, err))
        return error_wrap(err, "BigQuery");
    return bigquery_new(
        &(struct bigquery_settings){
            .base_url = road->bigquery_url,
            .project = config->project,
            .dataset = config->dataset,
            .control_dataset = config->control_dataset,
            .location = config->location,
            .timezone = config->timezone,
            .version = CASELOAD_VERSION,
            .require_partition_filter = config->require_partition_filter,
            .latest_tables = (const char *const *)config->latest_tables.names,
            .latest_table_count = config->latest_tables.count,
            .token = strncmp(road->bigquery_url, "http://", 7) == 0 ? NULL : road->google,
            .http = road->http,
            .progress = &road->progress,
            .stop = &road->halt,
        },
        &road->warehouse, err);
}

static bool open_parts(struct road *road, struct error *err)
{
    const struct config *config = road->config;
    const struct http_settings http = {
        .user_agent = USER_AGENT, .ca_file = config->ca_file, .stop = &road->halt};

    return zone_load(config->timezone, &road->zone, err) && http_new(&http, &road->http, err) &&
           open_token(road, err) && open_source(road, err) && open_warehouse(road, err) &&
           road->source->ops->identify(road->source, &road->identity, err) &&
           bigquery_check(road->warehouse, err);
}

bool road_open(struct road *road, const struct config *config, struct error *err)
{
    enum log_level level;

    if (!log_level_parse(config->log_level, &level))
        return error_set(err, ERROR_CONFIG,
                         "log_level is \"%s\"; it must be debug, info, notice, warning, error or critical",
                         config->log_level);
    log_open(stderr, level);
    road->config = config;
    if (open_parts(road, err)) return true;
    road_close(road);
    return false;
}

/* An emulator's address comes as host:port, often with http:// before it, and speaks plain text. */
static void pubsub_address(struct road *road)
{
    const char *given = road->config->endpoint_pubsub;

    if (!given) given = getenv("PUBSUB_EMULATOR_HOST");
    if (!given || !*given) given = "https://pubsub.googleapis.com:443";
    road->pubsub_plaintext = strncmp(given, "https://", 8) != 0;
    if (!road->pubsub_plaintext) given += 8;
    if (strncmp(given, "http://", 7) == 0) given += 7;
    road->pubsub_target = mem_text(given);
}

bool road_open_trigger(struct road *road, struct error *err)
{
    const struct config *config = road->config;
    const char *name = config->subscription;

    if (!name)
        return error_set(err, ERROR_CONFIG,
                         "subscription is missing: serving needs the Pub/Sub subscription's name");
    road->subscription = strchr(name, '/')
                             ? mem_text(name)
                             : mem_format("projects/%s/subscriptions/%s", config->project, name);
    pubsub_address(road);
    if (!road->pubsub_plaintext && !need_google(road, err)) return error_wrap(err, "Pub/Sub");
    return pubsub_new(
        &(struct pubsub_settings){
            .target = road->pubsub_target,
            .plaintext = road->pubsub_plaintext,
            .token = road->pubsub_plaintext ? NULL : road->google,
            .subscription = road->subscription,
            .ca_file = config->ca_file,
            .user_agent = USER_AGENT,
            .lease_s = (int)config->lease_seconds,
            .stop = &road->stop,
        },
        &road->trigger, err);
}

void road_close(struct road *road)
{
    if (road->trigger) road->trigger->ops->free(road->trigger);
    if (road->warehouse) road->warehouse->ops->free(road->warehouse);
    if (road->source) road->source->ops->free(road->source);
    token_free(road->source_token);
    token_free(road->google); /* after all that borrow it */
    http_free(road->http);
    zone_free(road->zone);
    free(road->subscription);
    free(road->bigquery_url);
    free(road->pubsub_target);
    road->trigger = NULL;
    road->warehouse = NULL;
    road->source = NULL;
    road->source_token = NULL;
    road->google = NULL;
    road->http = NULL;
    road->zone = NULL;
    road->subscription = road->bigquery_url = road->pubsub_target = NULL;
}

static void *wait_for_signal(void *self)
{
    struct road *road = self;
    sigset_t set;
    int signal;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigwait(&set, &signal);
    log_write(LOG_NOTICE, "stopping", NULL, "signal %d: stopping at the next safe point", signal);
    atomic_store(&road->stop, true);
    atomic_store(&road->halt, true); /* after stop: see worker.h */
    clock_sleep_ms(GRACE_MS, NULL);
    log_write(LOG_WARNING, "stopped_late", NULL, "no safe point within %d ms; leaving now, nothing is lost",
              GRACE_MS);
    _exit(road->late_code);
}

void road_catch_signals(struct road *road, int late_code)
{
    sigset_t set;
    pthread_t thread;

    road->late_code = late_code;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&thread, NULL, wait_for_signal, road) != 0) abort();
    pthread_detach(thread);
}

struct run_context road_context(struct road *road)
{
    const struct config *config = road->config;

    return (struct run_context){
        .plan = {.zone = road->zone,
                 .start = config->start_date,
                 .lookback_days = (int)config->lookback_days,
                 .settle_minutes = (int)config->settle_minutes,
                 .reconcile_days = (int)config->reconcile_days},
        .source = road->source,
        .warehouse = road->warehouse,
        .identity = &road->identity,
        .progress = &road->progress,
        .stop = &road->halt,
    };
}
