/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "bigquery/bigquery.h"
#include "exit_codes.h"
#include "outages.h"
#include "pubsub/pubsub.h"
#include "services.h"
#include "sources/sources.h"

#define USER_AGENT   "caseload/" CASELOAD_VERSION " (gzip)"
#define CHUNK_SLICES 2 /* smaller ones would be too many calls */
#define GRACE_MS     9000

static void trace_request(void *self, const struct http_trace *trace)
{
    const struct services *services = self;
    if (services->metrics) metrics_http(services->metrics, trace->service, trace->status, trace->duration_ms);
    log_write(LOG_DEBUG, "http_request",
              LOG_FIELDS(LOG_TEXT("method", trace->method), LOG_TEXT("host", trace->host),
                         LOG_TEXT("path", trace->path), LOG_NUMBER("status", trace->status),
                         LOG_NUMBER("milliseconds", trace->duration_ms),
                         LOG_TEXT("request_id", trace->request_id)),
              "%s %s%s: %d", trace->method, trace->host, trace->path, trace->status);
}

static void trace_rpc(void *self, const struct rpc_trace *trace)
{
    const struct services *services = self;
    if (services->metrics) metrics_rpc(services->metrics, trace->status, trace->duration_ms);
    log_write(LOG_DEBUG, "grpc_request",
              LOG_FIELDS(LOG_TEXT("method", trace->method), LOG_TEXT("status", trace->status),
                         LOG_NUMBER("milliseconds", trace->duration_ms)),
              "%s: %s", trace->method, trace->status);
}

static struct http_settings http_settings(struct services *services, const atomic_bool *stop)
{
    return (struct http_settings){
        .user_agent = USER_AGENT,
        .ca_file = services->config->ca_file,
        .stop = stop,
        .trace = services->trace ? services->trace : trace_request,
        .trace_self = services->trace ? services->trace_self : services,
        .watch = outages_watch(services->outages),
    };
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

bool services_create_source(struct services *services, struct services_worker *worker, struct error *err)
{
    const struct config *config = services->config;
    const struct http_settings settings = http_settings(services, &services->shutdown);
    const struct source_context context = {
        .http = worker ? worker->http : services->http,
        .http_settings = &settings,
        .progress = worker ? &worker->progress : &services->progress,
        .first = worker ? services->source : NULL,
        .stop = &services->cancel_run,
        .zone = services->zone,
        .open_token = open_token,
        .open_client = open_client,
        .open_login = token_from_login,
        .self = services,
    };
    return config->source_type->create(&context, config->source_options,
                                       worker ? &worker->source : &services->source, err);
}

/* Emulators speak plain text and get no credentials. */
static bool open_endpoint(struct services *services, struct endpoint *endpoint, struct error *err)
{
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

/* Several loads at the same time share the memory of one. */
static size_t slice_of(const struct config *config, size_t bytes, int64_t slices)
{
    const size_t step = 262144; /* chunks are multiples of it */
    const size_t slice = bytes / (size_t)(config->workers < slices ? config->workers : slices);
    return slice - slice % step;
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
        .kept_bytes = slice_of(config, LIMIT_KEPT, LIMIT_WORKERS),
        .chunk_bytes = slice_of(config, LIMIT_CHUNK, CHUNK_SLICES),
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
    if (!services_open_bigquery(services, err)) return false;
    const struct bigquery_settings settings = services_bigquery(services);
    services->control = mem_format("%s.%s", settings.project, settings.control_dataset);
    return bigquery_new(&settings, &services->warehouse, err);
}

static void open_log(const struct config *config, bool is_tap)
{
    enum log_level level = LOG_INFO;
    const char *no_colour = getenv("NO_COLOR");
    const bool is_terminal = isatty(STDERR_FILENO) == 1;
    const bool is_plain =
        strcmp(config->log_format, "text") == 0 || (is_terminal && strcmp(config->log_format, "json") != 0);
    const bool has_colour = display_can_draw() && !(no_colour && *no_colour);
    (void)log_level_parse(config->log_level, &level); /* one of the setting's choices */
    if (config->quiet && level < LOG_WARNING) level = LOG_WARNING;
    log_open(STDERR_FILENO, level);
    log_set_form(is_tap       ? LOG_FORM_LEVEL
                 : !is_plain  ? LOG_FORM_CLOUD
                 : has_colour ? LOG_FORM_COLOUR
                              : LOG_FORM_PLAIN);
}

/* The setting or variable that holds the address, or would. */
static const char *address_setting(const char *configured, const char *setting, const char *variable)
{
    const char *given = getenv(variable);
    return !configured && given && *given ? variable : setting;
}

/* Of credentials; settings and variables may name other addresses. */
static void name_google(struct outages *outages)
{
    static const struct {
        const char *url, *service, *setting;
    } known[] = {
        {"https://oauth2.googleapis.com", "Google's token service", NULL},
        {"https://sts.googleapis.com", "Google's token service", "endpoints.sts"},
        {"https://iamcredentials.googleapis.com", "Google's credentials service", "endpoints.iamcredentials"},
        {"https://secretmanager.googleapis.com", "Secret Manager", "endpoints.secretmanager"},
        {"http://169.254.169.254", "the metadata server", "GCE_METADATA_IP"},
        {"http://metadata.google.internal", "the metadata server", "GCE_METADATA_HOST"},
    };
    static const char *const variables[] = {"GCE_METADATA_IP", "GCE_METADATA_HOST"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        outages_name(outages, known[i].url, known[i].service, known[i].setting);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *host = getenv(variables[i]);
        if (!host || !*host) continue;
        AUTO(mem_free) char *url = mem_format("http://%s", host);
        outages_name(outages, url, "the metadata server", variables[i]);
    }
}

static void name_services(struct services *services)
{
    const struct config *config = services->config;
    struct outages *outages = services->outages;
    name_google(outages);
    outages_name(outages, config->address.url, config->source_type->title, config->address.setting);
    outages_name(outages, services->bigquery.url, "BigQuery",
                 address_setting(config->endpoint_bigquery, "endpoints.bigquery", "BIGQUERY_EMULATOR_HOST"));
    outages_name(outages, services->pubsub.url, "Pub/Sub",
                 address_setting(config->endpoint_pubsub, "endpoints.pubsub", "PUBSUB_EMULATOR_HOST"));
    if (config->endpoint_secretmanager)
        outages_name(outages, config->endpoint_secretmanager, "Secret Manager", "endpoints.secretmanager");
    if (config->endpoint_sts)
        outages_name(outages, config->endpoint_sts, "Google's token service", "endpoints.sts");
    if (config->endpoint_iamcredentials)
        outages_name(outages, config->endpoint_iamcredentials, "Google's credentials service",
                     "endpoints.iamcredentials");
}

/* configured: the setting; variable: the emulator's. A host without scheme is an emulator's. */
static char *pick_url(const char *configured, const char *variable, const char *fallback)
{
    const char *given = configured ? configured : getenv(variable);
    if (!given || !*given) return mem_text(fallback);
    return mem_format("%s%s", strstr(given, "://") ? "" : "http://", given);
}

void services_use(struct services *services, const struct config *config)
{
    services->config = config;
    services->selection_count = config->selection_count;
    memcpy(services->selections, config->selections, sizeof services->selections);
}

void services_begin(struct services *services, const struct config *config)
{
    services_use(services, config);
    if (gethostname(services->host, sizeof services->host - 1) != 0) services->host[0] = '\0';
    services->subscription = config_resource(config, "subscriptions", config->subscription);
    services->bigquery.url =
        pick_url(config->endpoint_bigquery, "BIGQUERY_EMULATOR_HOST", "https://bigquery.googleapis.com");
    services->pubsub.url =
        pick_url(config->endpoint_pubsub, "PUBSUB_EMULATOR_HOST", "https://pubsub.googleapis.com:443");
    open_log(config, services->is_tap);
    services->outages =
        outages_start(services->is_tireless ? OUTAGES_FOREVER : (int64_t)config->patience * 1000);
    name_services(services);
}

/* The source and BigQuery share one struct http in each worker. */
struct http_settings services_http(struct services *services)
{
    return http_settings(services, &services->cancel_run);
}

bool services_open_http(struct services *services, struct error *err)
{
    const struct http_settings http = services_http(services);
    return services->http || http_new(&http, &services->http, err);
}

bool services_open_source(struct services *services, struct error *err)
{
    return services->source ||
           (services_open_http(services, err) && services_create_source(services, NULL, err));
}

bool services_open_warehouse(struct services *services, struct error *err)
{
    return services->warehouse || (services_open_http(services, err) && open_warehouse(services, err));
}

bool services_connect(struct services *services, struct error *err)
{
    return services->source->ops->identify(services->source, &services->identity, err) &&
           bigquery_check(services->warehouse, err);
}

bool services_open_reading(struct services *services, struct error *err)
{
    return zone_load(services->config->timezone, &services->zone, err) &&
           services_open_source(services, err) &&
           services->source->ops->identify(services->source, &services->identity, err);
}

bool services_open_parts(struct services *services, struct error *err)
{
    return zone_load(services->config->timezone, &services->zone, err) &&
           services_open_source(services, err) && services_open_warehouse(services, err);
}

bool services_open(struct services *services, struct error *err)
{
    return services_open_parts(services, err) && services_connect(services, err);
}

bool services_open_bigquery(struct services *services, struct error *err)
{
    return open_endpoint(services, &services->bigquery, err) || error_wrap(err, "BigQuery");
}

bool services_need_subscription(const struct services *services, struct error *err)
{
    return services->subscription ||
           error_set(err, ERROR_CONFIG, "subscription is missing: write the Pub/Sub subscription's name");
}

bool services_open_pubsub(struct services *services, struct pubsub_settings *out_settings, struct error *err)
{
    const struct config *config = services->config;
    if (!services_need_subscription(services, err)) return false;
    if (!open_endpoint(services, &services->pubsub, err)) return error_wrap(err, "Pub/Sub");
    *out_settings = (struct pubsub_settings){
        .target = strstr(services->pubsub.url, "://") + 3,
        .plaintext = services->pubsub.is_plaintext,
        .token = services->pubsub.token,
        .subscription = services->subscription,
        .ca_file = config->ca_file,
        .user_agent = USER_AGENT,
        .lease_s = (int)config->lease_seconds,
        .stop = &services->shutdown,
        .address = services->pubsub.url,
        .watch = outages_watch(services->outages),
        .trace = trace_rpc,
        .trace_self = services,
    };
    return true;
}

bool services_open_trigger(struct services *services, bool no_wait, struct error *err)
{
    struct pubsub_settings settings;
    if (!services_open_pubsub(services, &settings, err)) return false;
    settings.no_wait = no_wait;
    return pubsub_new(&settings, &services->trigger, err);
}

void services_show_progress(struct services *services)
{
    services->display =
        display_start(&services->progress, &services->is_progress_asked, services->config->quiet);
}

void services_hide_progress(struct services *services)
{
    display_stop(services->display);
    services->display = NULL;
}

bool services_open_dead(struct services *services, struct pubsub_settings *out_publisher, struct error *err)
{
    if (!services_open_pubsub(services, out_publisher, err)) return false;
    struct pubsub_settings dead = *out_publisher;
    const struct config *config = services->config;
    AUTO(mem_free)
    char *full = config->dead_subscription
                     ? config_resource(config, "subscriptions", config->dead_subscription)
                     : mem_format("%s-dead", services->subscription);
    dead.subscription = full;
    dead.no_wait = true;
    return pubsub_new(&dead, &services->trigger, err);
}

void services_close(struct services *services)
{
    services_hide_progress(services);
    atomic_store(&services->shutdown, true); /* token requests that a dropped call left behind end soon */
    if (services->http) http_settle(services->http);
    services_close_workers(services);
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
    outages_stop(services->outages);
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
    sigaddset(&set, SIGUSR1);
    do {
        sigwait(&set, &signal);
        if (signal != SIGUSR1) break;
        atomic_store(&services->is_progress_asked, true);
        if (services->peer) atomic_store(&services->peer->is_progress_asked, true);
    } while (signal == SIGUSR1);
    int late_code = services->late_exit_code >= 0 ? services->late_exit_code : EXIT_SIGNAL + signal;
    int64_t deadline_ms = clock_ms() + GRACE_MS;
    services_stop(services); /* before the log, which may wait for its reader */
    if (services->peer) services_stop(services->peer);
    log_write(LOG_NOTICE, "stopping", NULL, "signal %d: stopping at the next safe point", signal);
    clock_sleep_ms(deadline_ms - clock_ms(), NULL);
    log_write(LOG_WARNING, "stopped_late", NULL,
              "no safe point was reached within %d ms; exiting now, nothing is lost", GRACE_MS);
    _exit(late_code);
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
    sigaddset(&set, SIGUSR1);
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
        .executor = services->executor,
        .others = services->connections,
        .control = services->control,
        .max_rejected = config->max_rejected,
        .stop = &services->cancel_run,
    };
}
