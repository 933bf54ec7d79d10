/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

#define GOOGLE  ".googleapis.com"
#define PRIVATE ".p.googleapis.com"
#define LABEL   "abcdefghijklmnopqrstuvwxyz0123456789-"

/* The scheme and what follows it up to the path: "https", "sts.googleapis.com". A user name or a port is part
 * of it, and so no host of Google's. */
static bool split_url(const char *url, size_t *out_scheme, const char **out_host, size_t *out_host_size)
{
    const char *colon = strstr(url, "://");
    if (!colon) return false;
    *out_scheme = (size_t)(colon - url);
    *out_host = colon + 3;
    *out_host_size = strcspn(*out_host, "/?#\\");
    return *out_host_size > 0;
}

static bool ends_with(const char *host, size_t size, const char *end)
{
    size_t length = strlen(end);
    return size > length && strncasecmp(host + size - length, end, length) == 0;
}

static bool is_label(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!strchr(LABEL, text[i] | 0x20) || !text[i]) return false;
    return size > 0;
}

/* S.googleapis.com, REGION.S.googleapis.com, S.REGION.googleapis.com, REGION-S.googleapis.com,
 * S.REGION.rep.googleapis.com, S-NAME.p.googleapis.com */
static bool is_service_host(const char *host, size_t size, const char *service)
{
    size_t name = strlen(service);
    if (ends_with(host, size, PRIVATE)) {
        size -= strlen(PRIVATE);
        return size > name + 1 && strncasecmp(host, service, name) == 0 && host[name] == '-' &&
               is_label(host, size);
    }
    if (!ends_with(host, size, GOOGLE)) return false;
    size -= strlen(GOOGLE);
    if (ends_with(host, size, ".rep")) size -= strlen(".rep");
    if (size == name) return strncasecmp(host, service, name) == 0;
    if (size <= name + 1) return false;
    size_t rest = size - name - 1;
    if (strncasecmp(host, service, name) == 0 && host[name] == '.') return is_label(host + name + 1, rest);
    if (strncasecmp(host + rest + 1, service, name) != 0) return false;
    return (host[rest] == '.' || host[rest] == '-') && is_label(host, rest);
}

/* The same scheme, host and port, and then a path. */
static bool is_configured(const char *url, const char *other)
{
    size_t size = other ? strlen(other) : 0;
    while (size > 0 && other[size - 1] == '/')
        size--;
    return size > 0 && strncasecmp(url, other, size) == 0 && url[size] == '/';
}

static bool is_printable(const char *url)
{
    for (; *url; url++)
        if (*url <= ' ' || *url > '~') return false;
    return true;
}

bool google_url_check(const char *url, const char *service, const char *other, const char *path,
                      const char *key, struct error *err)
{
    size_t scheme = 0, host_size = 0;
    const char *host = NULL;
    char shown[128];
    if (is_printable(url) && split_url(url, &scheme, &host, &host_size)) {
        if (is_configured(url, other)) return true;
        if (scheme == 5 && strncasecmp(url, "https", 5) == 0 && is_service_host(host, host_size, service))
            return true;
    }
    token_quote(url, shown, sizeof shown);
    return error_set(err, ERROR_CONFIG,
                     "%s has a %s that is not https at %s.googleapis.com (\"%s\"): download the file again; "
                     "tests set endpoints.%s",
                     path, key, service, shown, service);
}

const char *google_member(const json_t *credentials, const char *key, const char *path, struct error *err)
{
    const char *text = json_text_at(credentials, key);
    if (text && *text) return text;
    (void)error_set(err, ERROR_CONFIG, "%s has no %s: download the credentials file again", path, key);
    return NULL;
}
