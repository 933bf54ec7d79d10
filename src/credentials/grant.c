/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"

void grant_free(struct grant *grant)
{
    if (!grant) return;
    free(grant->quota_project);
    grant->free(grant);
}

bool grant_set_quota_project(struct grant *grant, const char *where, const char *value, struct error *err)
{
    if (!value) return true;
    for (const char *byte = value; *byte; byte++)
        if (*byte <= ' ' || *byte > '~')
            return error_set(err, ERROR_CONFIG, "%s is no project: correct it, or remove it", where);
    free(grant->quota_project);
    grant->quota_project = *value ? mem_text(value) : NULL;
    return true;
}

/* {"type": "impersonated_service_account", "source_credentials": {..}, "delegates": [..], ..} */
static bool read_impersonated(const struct google_settings *settings, const char *path, json_t *credentials,
                              struct grant **out_grant, struct error *err)
{
    json_t *inner = json_object_get(credentials, "source_credentials");
    const char *type = json_text_at(inner, "type");
    struct grant *source = NULL;
    if (!json_is_object(inner))
        return error_set(err, ERROR_CONFIG, "%s has no source_credentials: download the file again", path);
    if (type && strcmp(type, "impersonated_service_account") == 0)
        return error_set(err, ERROR_CONFIG,
                         "%s impersonates by credentials that impersonate themselves, which is not "
                         "supported: name the accounts between them in delegates",
                         path);
    AUTO(mem_free) char *place = mem_format("source_credentials in %s", path);
    return grant_new(settings, place, inner, &source, err) &&
           grant_impersonated_new(settings, path, credentials, source, out_grant, err);
}

static bool read_type(const struct google_settings *settings, const char *path, json_t *credentials,
                      struct grant **out_grant, struct error *err)
{
    const char *type = json_text_at(credentials, "type");
    char shown[64];
    if (type && (strcmp(type, "service_account") == 0 || strcmp(type, "authorized_user") == 0))
        return grant_account_new(settings, path, credentials, out_grant, err);
    if (type && strcmp(type, "external_account") == 0)
        return grant_external_new(settings, path, credentials, out_grant, err);
    if (type && strcmp(type, "impersonated_service_account") == 0)
        return read_impersonated(settings, path, credentials, out_grant, err);
    token_quote(type, shown, sizeof shown);
    return error_set(
        err, ERROR_CONFIG,
        "%s holds credentials of type \"%s\", which are not supported; supported are service_account (a key "
        "file), authorized_user (gcloud auth application-default login), external_account (identity "
        "federation), impersonated_service_account, and the metadata server of a machine of Google's, which "
        "needs no file",
        path, shown);
}

bool grant_new(const struct google_settings *settings, const char *path, json_t *credentials,
               struct grant **out_grant, struct error *err)
{
    AUTO(mem_free) char *where = mem_format("the quota_project_id of %s", path);
    if (!read_type(settings, path, credentials, out_grant, err)) return false;
    if (grant_set_quota_project(*out_grant, where, json_text_at(credentials, "quota_project_id"), err))
        return true;
    grant_free(*out_grant);
    *out_grant = NULL;
    return false;
}
