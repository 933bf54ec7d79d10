/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/parse.h"
#include "net/http.h"

#define DAY_OF_SECONDS 86400

static const char *line_value(const char *line, size_t line_size, const char *name, size_t *out_size)
{
    size_t name_size = strlen(name);
    if (line_size < name_size + 2 || memcmp(line, name, name_size) != 0 || line[name_size] != ':')
        return NULL;
    *out_size = line_size - name_size - 2; /* ": " */
    return line + name_size + 2;
}

bool http_header(const struct http_reply *reply, const char *name, char *out_value, size_t size)
{
    const char *line = buf_string(&reply->headers);
    bool found = false;
    for (const char *end = strchr(line, '\n'); end; line = end + 1, end = strchr(line, '\n')) {
        size_t value_size = 0;
        const char *value = line_value(line, (size_t)(end - line), name, &value_size);
        if (!value) continue;
        if (value_size >= size) value_size = size - 1;
        memcpy(out_value, value, value_size);
        out_value[value_size] = '\0';
        found = true;
    }
    return found;
}

int64_t http_header_int(const struct http_reply *reply, const char *name, int64_t fallback)
{
    char text[32];
    int64_t number = 0;
    return http_header(reply, name, text, sizeof text) && parse_int64(text, &number) ? number : fallback;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", as nearly all peers write dates; curl takes twenty times as long for it.
 */
static bool read_usual_date(const char *text, int64_t *out_s)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char iso[] = "yyyy-mm-ddThh:mm:ssZ", name[4] = "";
    int64_t us;
    if (strlen(text) != 29 || strcmp(text + 25, " GMT") != 0) return false;
    memcpy(name, text + 8, 3);
    const char *month = strstr(months, name);
    if (!month || (month - months) % 3 != 0) return false;
    const int number = (int)(month - months) / 3 + 1;
    memcpy(iso, text + 12, 4);
    iso[5] = (char)('0' + number / 10);
    iso[6] = (char)('0' + number % 10);
    memcpy(iso + 8, text + 5, 2);
    memcpy(iso + 11, text + 17, 8);
    if (!instant_parse(iso, sizeof iso - 1, &us)) return false;
    *out_s = us / 1000000;
    return true;
}

static int64_t read_date(const char *text, int64_t fallback)
{
    int64_t date_s;
    if (read_usual_date(text, &date_s)) return date_s;
    time_t date = curl_getdate(text, NULL);
    return date == (time_t)-1 ? fallback : (int64_t)date;
}

int64_t http_date_s(const struct http_reply *reply, int64_t fallback)
{
    char text[64];
    return http_header(reply, "date", text, sizeof text) ? read_date(text, fallback) : fallback;
}

int64_t http_retry_after_ms(const struct http_reply *reply)
{
    char text[64];
    if (!http_header(reply, "retry-after", text, sizeof text)) return 0;
    int64_t seconds = 0;
    if (!parse_int64(text, &seconds)) {
        int64_t at = read_date(text, -1);
        int64_t now = http_date_s(reply, -1);
        if (at == -1 || now < 0) return 0;
        seconds = at - now;
    }
    if (seconds < 0) return 0;
    return (seconds < DAY_OF_SECONDS ? seconds : DAY_OF_SECONDS) * 1000;
}

bool http_escape(struct buf *out, const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    if (!escaped) abort(); /* no memory */
    bool fits = buf_text(out, escaped);
    curl_free(escaped);
    return fits;
}

void http_reply_done(struct http_reply *reply)
{
    buf_done(&reply->body);
    buf_done(&reply->headers);
}
