/* SPDX-License-Identifier: Apache-2.0 */
#include "intercom.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "internal.h"

#define DEFAULT_MINOR 16
#define OLDEST_MINOR  11
#define NEWEST_MINOR  17
#define LIMIT_BASE    512 /* bytes of the base URL: requests are written into buffers of fixed room */

static const struct region {
    const char *name;
    const char *base_url;
} regions[] = {
    {"us", "https://api.intercom.io"},
    {"eu", "https://api.eu.intercom.io"},
    {"au", "https://api.au.intercom.io"},
};

#define WAIT_SLICE_MS 1000

bool intercom_wait(struct intercom *intercom, int64_t ms, struct error *err)
{
    for (int64_t left = ms; left > 0; left -= WAIT_SLICE_MS) {
        progress_step(intercom->progress, "waiting for Intercom");
        if (!clock_sleep_ms(left < WAIT_SLICE_MS ? left : WAIT_SLICE_MS, intercom->stop))
            return error_set(err, ERROR_STOPPED,
                             "waiting for Intercom: given up because the process is stopping");
    }
    return true;
}

/* --- the source --- */

/* Whose data it is: the workspace's own id, never the name a person gave it. */
static bool read_identity(const json_t *me, const char *request_id, struct source_identity *out,
                          struct error *err)
{
    const char *workspace = json_text_at(me, "app.id_code");
    size_t size = workspace ? strlen(workspace) : 0;
    if (size == 0 || size >= sizeof out->workspace)
        return error_set(
            err, ERROR_FORMAT,
            "Intercom's answer to GET /me names no workspace (app.id_code), request id %s; check the base "
            "URL and the version",
            request_id);
    *out = (struct source_identity){.type = INTERCOM_NAME};
    memcpy(out->workspace, workspace, size + 1);
    return true;
}

static bool identify(struct source *source, struct source_identity *out_identity, struct error *err)
{
    struct intercom *intercom = (struct intercom *)source;
    struct fetch fetch;
    AUTO(json_drop) json_t *me = NULL;
    AUTO(mem_free) char *url = mem_format("%s/me", intercom->base_url);
    fetch_init(&fetch, intercom, "Intercom GET /me");
    bool good =
        fetch_send(&fetch, &(struct fetch_request){.method = "GET", .url = url, .retry = &retry_api}, err) &&
        fetch_wait(&fetch, &me, err) && read_identity(me, fetch.request_id, out_identity, err);
    if (!good && err->kind == ERROR_FORBIDDEN) err->kind = ERROR_AUTH; /* no stream can be read without it */
    fetch_done(&fetch);
    return good;
}

static bool open_stream(struct source *source, const struct selection *selection, struct window window,
                        struct reader **out_reader, struct error *err)
{
    const struct intercom_stream *stream = (const struct intercom_stream *)selection->stream;
    return stream->reading->open((struct intercom *)source, selection, window, out_reader, err);
}

static bool next_page(struct reader *reader, struct page *out_page, struct error *err)
{
    return reader->reading->next(reader, out_page, err);
}

static void close_reader(struct reader *reader)
{
    if (reader) reader->reading->close(reader);
}

static void free_source(struct source *source)
{
    struct intercom *intercom = (struct intercom *)source;
    token_free(intercom->token);
    free(intercom->base_url);
    free(intercom);
}

static const struct source_ops ops = {
    .identify = identify,
    .open = open_stream,
    .next = next_page,
    .close = close_reader,
    .free = free_source,
};

/* --- settings --- */

static bool pick_base_url(const struct intercom_options *options, char **out_url, struct error *err)
{
    const char *names[sizeof regions / sizeof *regions];
    const char *url = options->base_url;
    const char *region = options->region ? options->region : regions[0].name;
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++) {
        names[i] = regions[i].name;
        if (!url && strcmp(region, regions[i].name) == 0) url = regions[i].base_url;
    }
    if (!url) {
        const char *near = suggest_name(region, names, sizeof names / sizeof *names);
        return error_set(err, ERROR_CONFIG, "Intercom has no region \"%.40s\": it is us, eu or au%s%s",
                         region, near ? "; you probably mean " : "", near ? near : "");
    }
    bool http = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    if (!http || strpbrk(url, "?#@ ") || strlen(url) > LIMIT_BASE)
        return error_set(
            err, ERROR_CONFIG,
            "source.base_url is not like https://host: give scheme and host without user or query");
    *out_url = mem_text(url);
    for (size_t size = strlen(*out_url); size > 0 && (*out_url)[size - 1] == '/'; size--)
        (*out_url)[size - 1] = '\0';
    return true;
}

/* "2.16" is 16. Other numbers mean other shapes of data, which nobody has looked at. */
static bool pick_version(const char *version, int *out_minor, struct error *err)
{
    char known[8];
    for (*out_minor = OLDEST_MINOR; *out_minor <= NEWEST_MINOR; ++*out_minor) {
        (void)snprintf(known, sizeof known, "2.%d", *out_minor);
        if (version && strcmp(version, known) == 0) return true;
    }
    *out_minor = DEFAULT_MINOR;
    return !version ||
           error_set(err, ERROR_CONFIG, "Intercom's API version \"%.40s\" is not supported: use 2.%d to 2.%d",
                     version, OLDEST_MINOR, NEWEST_MINOR);
}

/* Each becomes a step of a path. */
static bool check_types(const struct intercom_options *options, struct error *err)
{
    for (size_t i = 0; i < options->custom_objects.count; i++) {
        const char *type = options->custom_objects.names[i];
        if (!*type || strlen(type) >= LIMIT_NAME || strcmp(type, ".") == 0 || strcmp(type, "..") == 0)
            return error_set(
                err, ERROR_CONFIG,
                "source.custom_objects: \"%.40s\" is no type identifier; copy them from Intercom's "
                "settings",
                type);
    }
    return true;
}

bool intercom_create(const struct source_context *context, const void *settings, struct source **out_source,
                     struct error *err)
{
    const struct intercom_options *options = settings;
    int minor = 0;
    char *base_url = NULL;
    struct token *token = NULL;
    if (!(options->rate_share > 0 && options->rate_share <= 1))
        return error_set(err, ERROR_CONFIG,
                         "source.rate_share is not in (0, 1]: 0.8 leaves a fifth to other apps");
    if (!pick_version(options->api_version, &minor, err) || !check_types(options, err) ||
        !pick_base_url(options, &base_url, err))
        return false;
    if (!context->open_token(context->self, &options->token, &token, err)) {
        free(base_url);
        return error_wrap(err, "source.token");
    }
    struct intercom *intercom = mem_zero(1, sizeof *intercom);
    *intercom = (struct intercom){
        .source = {.ops = &ops},
        .http = context->http,
        .token = token,
        .progress = context->progress,
        .stop = context->stop,
        .custom_objects = (const char *const *)options->custom_objects.names,
        .custom_object_count = options->custom_objects.count,
        .base_url = base_url,
        .minor = minor,
        .limiter = {.share = options->rate_share},
    };
    (void)snprintf(intercom->version_line, sizeof intercom->version_line, "Intercom-Version: 2.%d", minor);
    *out_source = &intercom->source;
    return true;
}
