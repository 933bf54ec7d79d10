/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "internal.h"

#define LIMIT_FILE 65536
#define WELL_KNOWN "application_default_credentials.json"

/* Where gcloud keeps what `gcloud auth application-default login` gave; NULL: nowhere. Yours. */
static char *well_known_path(void)
{
    const char *folder = environment("CLOUDSDK_CONFIG"), *home = environment("HOME");
    if (folder) return mem_format("%s/" WELL_KNOWN, folder);
    return home ? mem_format("%s/.config/gcloud/" WELL_KNOWN, home) : NULL;
}

static bool is_missing(const char *path)
{
    return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Errors of the JSON reader are not passed on: they would quote the file. */
static bool read_grant(const struct google_settings *settings, const char *path, struct grant **out_grant,
                       struct error *err)
{
    AUTO(json_drop) json_t *credentials = NULL;
    AUTO(buf_done) struct buf text = {0};
    struct error ignored;
    bool read = file_read(path, LIMIT_FILE, &text, err);
    bool good =
        read && json_read(text.data, text.size, NULL, &credentials, &ignored) && json_is_object(credentials);
    secret_wipe(text.data, text.size);
    if (!read) return error_wrap(err, "the credentials file");
    if (!good)
        return error_set(err, ERROR_CONFIG,
                         "the credentials file %s is not one JSON object: download it again", path);
    return grant_new(settings, path, credentials, out_grant, err);
}

static bool ask_machine(const struct http_settings *settings, struct grant **out_grant, struct error *err)
{
    const char *off = environment("NO_GCE_CHECK");
    bool is_off = off && strcmp(off, "true") == 0;
    if (is_off)
        (void)error_set(err, ERROR_CONFIG, "the metadata server was skipped because NO_GCE_CHECK is true");
    else if (grant_metadata_new(settings, &metadata_patience, out_grant, err))
        return true;
    if (err->kind == ERROR_STOPPED) return false;
    err->kind = err->kind == ERROR_BUSY ? ERROR_UNREACHABLE : ERROR_CONFIG;
    return error_wrap(err, "no Google credentials were found: set GOOGLE_APPLICATION_CREDENTIALS to a "
                           "credentials file, or log in with gcloud auth application-default login, or run "
                           "with a service account attached");
}

static bool find_grant(const struct google_settings *settings, struct grant **out_grant, struct error *err)
{
    const char *path = environment("GOOGLE_APPLICATION_CREDENTIALS");
    if (path) return read_grant(settings, path, out_grant, err);
    AUTO(mem_free) char *kept = well_known_path();
    if (kept && !is_missing(kept)) return read_grant(settings, kept, out_grant, err);
    return ask_machine(settings->http, out_grant, err);
}

bool token_from_google(const struct google_settings *settings, struct token **out_token, struct error *err)
{
    static const char quota[] = "GOOGLE_CLOUD_QUOTA_PROJECT";
    struct grant *grant = NULL;
    if (!find_grant(settings, &grant, err)) return error_wrap(err, "Google credentials");
    if (!grant_set_quota_project(grant, quota, environment(quota), err)) {
        grant_free(grant);
        return error_wrap(err, "Google credentials");
    }
    *out_token = token_cache_new(grant, NULL);
    return true;
}
