/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "net/http.h"

static bool get_part(CURLU *url, CURLUPart part, unsigned flags, char *out, size_t size)
{
    char *text = NULL;
    bool good = curl_url_get(url, part, &text, flags) == CURLUE_OK && strlen(text) < size;
    if (good) memcpy(out, text, strlen(text) + 1);
    curl_free(text);
    return good;
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return has;
}

static bool read_parts(CURLU *url, const char *text, struct http_origin *out)
{
    char port[16];
    int64_t number = 0;
    bool good = curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                get_part(url, CURLUPART_SCHEME, 0, out->scheme, sizeof out->scheme) &&
                get_part(url, CURLUPART_HOST, 0, out->host, sizeof out->host) &&
                get_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port) &&
                parse_int64(port, &number) &&
                (strcmp(out->scheme, "http") == 0 || strcmp(out->scheme, "https") == 0);
    if (!good) return false;
    out->port = (int)number;
    out->has_user = has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD);
    for (char *byte = out->host; *byte; byte++)
        if (*byte >= 'A' && *byte <= 'Z') *byte = (char)(*byte + ('a' - 'A'));
    return true;
}

bool http_origin(const char *url, struct http_origin *out_origin)
{
    *out_origin = (struct http_origin){.port = 0};
    CURLU *parsed = curl_url();
    if (!parsed) abort(); /* no memory */
    bool good = read_parts(parsed, url, out_origin);
    curl_url_cleanup(parsed);
    if (!good) *out_origin = (struct http_origin){.port = 0};
    return good;
}
