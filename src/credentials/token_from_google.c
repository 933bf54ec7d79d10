/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "internal.h"

#define LIMIT_FILE 65536
#define WELL_KNOWN "application_default_credentials.json"

static const char *given(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Where gcloud keeps what `gcloud auth application-default login` gave; NULL: nowhere. Yours. */
static char *well_known_path(void)
{
    const char *folder = given("CLOUDSDK_CONFIG"), *home = given("HOME");
    if (folder) return mem_format("%s/" WELL_KNOWN, folder);
    return home ? mem_format("%s/.config/gcloud/" WELL_KNOWN, home) : NULL;
}

/* The grant of an open file; its text is wiped. */
static bool read_grant(const struct token_settings *settings, const char *path, FILE *file,
                       struct grant **out_grant, struct error *err)
{
    AUTO(json_drop) json_t *credentials = NULL;
    struct error ignored; /* it would quote the file */
    char *text = mem_zero(LIMIT_FILE, 1);
    (void)setvbuf(file, NULL, _IONBF, 0); /* else a copy stays in the stream's buffer; a failure keeps one */
    size_t size = fread(text, 1, LIMIT_FILE, file);
    bool good = !ferror(file) && size < LIMIT_FILE && json_read(text, size, NULL, &credentials, &ignored) &&
                json_is_object(credentials);
    OPENSSL_cleanse(text, LIMIT_FILE);
    free(text);
    if (!good)
        return error_set(err, ERROR_CONFIG,
                         "the credentials file %s can't be read, or is not one JSON object of less than %d "
                         "bytes: download it again",
                         path, LIMIT_FILE);
    return grant_account_new(settings, path, credentials, out_grant, err);
}

static bool file_grant(const struct token_settings *settings, const char *path, bool must,
                       struct grant **out_grant, struct error *err)
{
    *out_grant = NULL;
    FILE *file = fopen(path, "rb");
    if (!file && !must && (errno == ENOENT || errno == ENOTDIR)) return true;
    if (!file)
        return error_set(err, ERROR_CONFIG,
                         "the credentials file %s can't be opened: %s; check %s and the file's mode", path,
                         strerror(errno), must ? "GOOGLE_APPLICATION_CREDENTIALS" : "its path");
    bool good = read_grant(settings, path, file, out_grant, err);
    (void)fclose(file); /* it was only read */
    return good;
}

static bool find_grant(const struct token_settings *settings, struct grant **out_grant, struct error *err)
{
    const char *path = given("GOOGLE_APPLICATION_CREDENTIALS"), *off = given("NO_GCE_CHECK");
    if (path) return file_grant(settings, path, true, out_grant, err);
    AUTO(mem_free) char *kept = well_known_path();
    if (kept && !file_grant(settings, kept, false, out_grant, err)) return false;
    if (*out_grant) return true;
    if (off && strcmp(off, "true") == 0)
        (void)error_set(err, ERROR_CONFIG, "the metadata server was not asked, as NO_GCE_CHECK is true");
    else if (grant_metadata_new(settings, out_grant, err))
        return true;
    if (err->kind == ERROR_STOPPED) return false;
    err->kind = ERROR_CONFIG;
    return error_wrap(
        err, "no Google credentials were found: set GOOGLE_APPLICATION_CREDENTIALS to a key file, or "
             "log in with gcloud auth application-default login, or run with a service account "
             "attached");
}

bool token_from_google(const struct token_settings *settings, struct token **out_token, struct error *err)
{
    struct grant *grant = NULL;
    if (!find_grant(settings, &grant, err)) return error_wrap(err, "Google credentials");
    *out_token = token_cache_new(grant, NULL);
    return true;
}
