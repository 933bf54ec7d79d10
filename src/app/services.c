/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "bigquery/bigquery.h"
#include "core/selection.h"
#include "pubsub/pubsub.h"
#include "services.h"
#include "sources/sources.h"

#define USER_AGENT "caseload/" CASELOAD_VERSION " (gzip)"
#define GRACE_MS   9000

static void trace_request(void *self, const struct http_trace *trace)
{
    (void)self;
    log_write(LOG_DEBUG, "http_request",
              LOG_FIELDS(LOG_TEXT("method", trace->method), LOG_TEXT("host", trace->host),
                         LOG_TEXT("path", trace->path), LOG_NUMBER("status", trace->status),
                         LOG_NUMBER("milliseconds", trace->duration_ms),
                         LOG_TEXT("request_id", trace->request_id)),
              "%s %s%s: %d", trace->method, trace->host, trace->path, trace->status);
}

static struct http_settings http_settings(const struct services *services, const atomic_bool *stop)
{
    return (struct http_settings){.user_agent = USER_AGENT,
                                  .ca_file = services->config->ca_file,
                                  .stop = stop,
                                  .trace = services->trace ? services->trace : trace_request,
                                  .trace_self = services->trace_self};
}

static bool need_google(struct services *services, struct error *err)
{
    const struct http_settings http = http_settings(services, &services->shutdown);
    const struct google_settings settings = {.http = &http,
                                             .sts_url = services->config->endpoint_sts,
                                             .iamcredentials_url = services->config->endpoint_iamcredentials};
    return services->google || token_from_google(&settings, &services->google, err);
}

/* Of struct source_context: opens the credential that one of the source's settings names. */
static bool open_token(void *self, const struct token_setting *setting, struct token **out_token,
                       struct error *err)
{
    struct services *services = self;
    const struct http_settings settings = http_settings(services, &services->shutdown);
    switch (setting->origin) {
    case TOKEN_ENV: return token_from_env(setting->name, out_token, err);
    case TOKEN_FILE: return token_from_file(setting->name, out_token, err);
    case TOKEN_SECRET:
        return need_google(services, err) &&
               token_from_secret(&settings, setting->name, services->config->endpoint_secretmanager,
                                 services->google, out_token, err);
    case TOKEN_NONE: break;
    }
    abort(); /* the setting is required */
}

/* Of struct source_context. */
static bool open_client(void *self, const struct client_setting *setting, struct token **out_token,
                        struct error *err)
{
    struct services *services = self;
    const struct http_settings http = http_settings(services, &services->shutdown);
    struct client_settings settings = {
        .http = &http,
        .service = setting->service,
        .token_url = setting->token_url,
        .client_id = setting->client_id,
        .refresh_token = setting->refresh_token,
        .secretmanager_url = services->config->endpoint_secretmanager,
    };
    if (setting->refresh_token->origin == TOKEN_SECRET && !need_google(services, err)) return false;
    settings.google = services->google;
    if (!open_token(services, setting->client_secret, &settings.secret, err))
        return error_wrap(err, "source.client_secret");
    return token_from_client(&settings, out_token, err);
}

/* Settings may name any table that is loaded. */
static bool check_tables(const struct services *services, const char *setting, const struct name_list *wanted,
                         struct error *err)
{
    const char *known[LIMIT_STREAMS * LIMIT_TABLES];
    size_t count = 0;
    for (size_t i = 0; i < services->selection_count; i++) {
        if (services->selections[i].stream->kind == STREAM_RECONCILE) continue;
        for (size_t k = 0; k < services->selections[i].table_count; k++)
            known[count++] = services->selections[i].tables[k]->name;
    }
    for (size_t i = 0; i < wanted->count; i++) {
        const char *meant = suggest_name(wanted->names[i], known, count);
        if (meant && strcmp(meant, wanted->names[i]) == 0) continue;
        return error_set(err, ERROR_CONFIG, "%s: \"%.64s\" is not among the tables that are loaded%s%s%s",
                         setting, wanted->names[i],
                         meant ? "; did you mean \"" : "; add it to \"streams\", or remove it",
                         meant ? meant : "", meant ? "\"?" : "");
    }
    return true;
}

static void ignore_contents(struct selection *selection, const char *table)
{
    for (size_t i = 0; i < selection->table_count; i++)
        if (strcmp(selection->tables[i]->name, table) == 0) selection->ignores_contents[i] = true;
}

static bool apply_tables(struct services *services, struct error *err)
{
    const struct name_list *disabled = &services->config->contents_disabled;
    if (!check_tables(services, "latest", &services->config->latest_tables, err) ||
        !check_tables(services, "contents", disabled, err))
        return false;
    for (size_t i = 0; i < disabled->count; i++)
        for (size_t k = 0; k < services->selection_count; k++)
            ignore_contents(&services->selections[k], disabled->names[i]);
    return true;
}

static bool select_streams(struct services *services, struct error *err)
{
    const struct config *config = services->config;
    const struct source_type *type = config->source_type;
    return selection_resolve(type->streams, type->stream_count,
                             config->streams.is_given ? (const char *const *)config->streams.names : NULL,
                             config->streams.count, services->selections, &services->selection_count, err) &&
           apply_tables(services, err);
}

static bool open_source(struct services *services, struct error *err)
{
    const struct config *config = services->config;
    const struct http_settings settings = http_settings(services, &services->shutdown);
    const struct source_context context = {
        .http = services->http,
        .http_settings = &settings,
        .progress = &services->progress,
        .stop = &services->cancel_run,
        .zone = services->zone,
        .open_token = open_token,
        .open_client = open_client,
        .self = services,
    };
    return select_streams(services, err) &&
           config->source_type->create(&context, config->source_options, &services->source, err);
}

/* configured: the setting; variable: the emulator's. A host without scheme is an emulator's. Emulators speak
 * plain text and get no credentials. */
static bool open_endpoint(struct services *services, const char *configured, const char *variable,
                          struct endpoint *endpoint, struct error *err)
{
    const char *given = configured ? configured : getenv(variable);
    if (given && *given) {
        free(endpoint->url);
        endpoint->url = mem_format("%s%s", strstr(given, "://") ? "" : "http://", given);
    }
    endpoint->is_plaintext = strncmp(endpoint->url, "http://", 7) == 0;
    if (!endpoint->is_plaintext && !need_google(services, err)) return false;
    endpoint->token = endpoint->is_plaintext ? NULL : services->google;
    return true;
}

static const char *temporary_directory(const struct config *config)
{
    const char *variable = getenv("TMPDIR");
    if (config->temporary_directory) return config->temporary_directory;
    return variable && *variable ? variable : "/tmp";
}

static bool open_bigquery(struct services *services, struct error *err)
{
    services->bigquery.url = mem_text("https://bigquery.googleapis.com");
    return open_endpoint(services, services->config->endpoint_bigquery, "BIGQUERY_EMULATOR_HOST",
                         &services->bigquery, err) ||
           error_wrap(err, "BigQuery");
}

struct bigquery_settings services_bigquery(struct services *services)
{
    const struct config *config = services->config;
    return (struct bigquery_settings){
        .base_url = services->bigquery.url,
        .project = config->project,
        .dataset = config->dataset,
        .control_dataset = config->control_dataset,
        .location = config->location,
        .timezone = config->timezone,
        .first_day = day_of_civil(config->source_type->first_year, 1, 1),
        .start = config->start_date,
        .selections = services->selections,
        .selection_count = services->selection_count,
        .version = CASELOAD_VERSION,
        .host = services->host,
        .require_partition_filter = config->require_partition_filter,
        .latest_tables = (const char *const *)config->latest_tables.names,
        .latest_table_count = config->latest_tables.count,
        .temporary_directory = temporary_directory(config),
        .job_timeout_s = config->job_timeout_minutes * 60,
        .labels = (const char *const *)config->labels.names,
        .label_count = config->labels.count,
        .maximum_bytes_billed = config->maximum_bytes_billed,
        .reservation = config->reservation,
        .is_batch = strcmp(config->priority, "batch") == 0,
        .token = services->bigquery.token,
        .http = services->http,
        .progress = &services->progress,
        .stop = &services->cancel_run,
    };
}

static bool open_warehouse(struct services *services, struct error *err)
{
    if (!open_bigquery(services, err)) return false;
    const struct bigquery_settings settings = services_bigquery(services);
    services->control = mem_format("%s.%s", settings.project, settings.control_dataset);
    return bigquery_new(&settings, &services->warehouse, err);
}

static bool open_reading(struct services *services, struct error *err)
{
    const struct http_settings http = http_settings(services, &services->cancel_run);
    return zone_load(services->config->timezone, &services->zone, err) &&
           http_new(&http, &services->http, err) && open_source(services, err);
}

static bool open_parts(struct services *services, struct error *err)
{
    return open_reading(services, err) && open_warehouse(services, err) &&
           services->source->ops->identify(services->source, &services->identity, err) &&
           bigquery_check(services->warehouse, err);
}

static bool open_log(const struct config *config, struct error *err)
{
    enum log_level level;
    if (!log_level_parse(config->log_level, &level))
        return error_set(err, ERROR_CONFIG,
                         "log_level is \"%s\"; it must be debug, info, notice, warning, error or critical",
                         config->log_level);
    log_open(STDERR_FILENO, level);
    return true;
}

bool services_open(struct services *services, const struct config *config, struct error *err)
{
    services->config = config;
    if (gethostname(services->host, sizeof services->host - 1) != 0) services->host[0] = '\0';
    return open_log(config, err) && open_parts(services, err);
}

bool services_open_source(struct services *services, const struct config *config, struct error *err)
{
    services->config = config;
    return open_log(config, err) && open_reading(services, err) &&
           services->source->ops->identify(services->source, &services->identity, err);
}

bool services_open_streams(struct services *services, const struct config *config, struct error *err)
{
    services->config = config;
    return open_log(config, err) && select_streams(services, err);
}

bool services_open_bigquery(struct services *services, const struct config *config, struct error *err)
{
    services->config = config;
    return open_log(config, err) && open_bigquery(services, err);
}

bool services_open_warehouse(struct services *services, const struct config *config, struct error *err)
{
    const struct http_settings http = http_settings(services, &services->cancel_run);
    services->config = config;
    return open_log(config, err) && select_streams(services, err) && http_new(&http, &services->http, err) &&
           open_warehouse(services, err);
}

struct http_settings services_http(struct services *services)
{
    return http_settings(services, &services->cancel_run);
}

static bool open_pubsub(struct services *services, struct pubsub_settings *out_settings, struct error *err)
{
    const struct config *config = services->config;
    const char *name = config->subscription;
    if (!name)
        return error_set(err, ERROR_CONFIG, "subscription is missing: write the Pub/Sub subscription's name");
    services->subscription = strchr(name, '/')
                                 ? mem_text(name)
                                 : mem_format("projects/%s/subscriptions/%s", config->project, name);
    services->pubsub.url = mem_text("https://pubsub.googleapis.com:443");
    if (!open_endpoint(services, config->endpoint_pubsub, "PUBSUB_EMULATOR_HOST", &services->pubsub, err))
        return error_wrap(err, "Pub/Sub");
    *out_settings = (struct pubsub_settings){
        .target = strstr(services->pubsub.url, "://") + 3,
        .plaintext = services->pubsub.is_plaintext,
        .token = services->pubsub.token,
        .subscription = services->subscription,
        .ca_file = config->ca_file,
        .user_agent = USER_AGENT,
        .lease_s = (int)config->lease_seconds,
        .stop = &services->shutdown,
    };
    return true;
}

bool services_open_trigger(struct services *services, bool no_wait, struct error *err)
{
    struct pubsub_settings settings;
    if (!open_pubsub(services, &settings, err)) return false;
    settings.no_wait = no_wait;
    return pubsub_new(&settings, &services->trigger, err);
}

bool services_open_publisher(struct services *services, const struct config *config,
                             struct pubsub_settings *out_settings, struct error *err)
{
    return services_open_streams(services, config, err) &&
           (!out_settings || open_pubsub(services, out_settings, err));
}

bool services_open_dead(struct services *services, const struct config *config,
                        struct pubsub_settings *out_publisher, struct error *err)
{
    if (!services_open_publisher(services, config, out_publisher, err)) return false;
    struct pubsub_settings dead = *out_publisher;
    const char *name = config->dead_subscription;
    AUTO(mem_free)
    char *full = !name               ? mem_format("%s-dead", services->subscription)
                 : strchr(name, '/') ? mem_text(name)
                                     : mem_format("projects/%s/subscriptions/%s", config->project, name);
    dead.subscription = full;
    dead.no_wait = true;
    return pubsub_new(&dead, &services->trigger, err);
}

void services_close(struct services *services)
{
    atomic_store(&services->shutdown, true); /* token requests that a dropped call left behind end soon */
    if (services->http) http_settle(services->http);
    if (services->trigger) services->trigger->ops->free(services->trigger);
    if (services->warehouse) services->warehouse->ops->free(services->warehouse);
    if (services->source) services->source->ops->free(services->source);
    token_free(services->google); /* after all that borrow it */
    http_free(services->http);
    zone_free(services->zone);
    free(services->control);
    free(services->subscription);
    free(services->bigquery.url);
    free(services->pubsub.url);
}

void services_stop(struct services *services)
{
    atomic_store(&services->shutdown, true);
    atomic_store(&services->cancel_run, true); /* after shutdown: see worker.h */
}

static void *wait_for_signal(void *self)
{
    struct services *services = self;
    sigset_t set;
    int signal;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigwait(&set, &signal);
    int64_t deadline_ms = clock_ms() + GRACE_MS;
    services_stop(services); /* before the log, which may wait for its reader */
    if (services->peer) services_stop(services->peer);
    log_write(LOG_NOTICE, "stopping", NULL, "signal %d: stopping at the next safe point", signal);
    clock_sleep_ms(deadline_ms - clock_ms(), NULL);
    log_write(LOG_WARNING, "stopped_late", NULL,
              "no safe point was reached within %d ms; exiting now, nothing is lost", GRACE_MS);
    _exit(services->late_exit_code);
}

void services_catch_signals(struct services *services, int late_exit_code)
{
    sigset_t set;
    pthread_t thread;
    services->late_exit_code = late_exit_code;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&thread, NULL, wait_for_signal, services) != 0) abort();
    pthread_detach(thread);
}

struct run_context services_context(struct services *services)
{
    const struct config *config = services->config;
    return (struct run_context){
        .plan = {.zone = services->zone,
                 .start = config->start_date,
                 .first_day = day_of_civil(config->source_type->first_year, 1, 1),
                 .lookback_days = (int)config->lookback_days,
                 .settle_minutes = (int)config->settle_minutes,
                 .reconcile_days = (int)config->reconcile_days},
        .source = services->source,
        .warehouse = services->warehouse,
        .identity = &services->identity,
        .progress = &services->progress,
        .control = services->control,
        .max_rejected = config->max_rejected,
        .stop = &services->cancel_run,
    };
}
