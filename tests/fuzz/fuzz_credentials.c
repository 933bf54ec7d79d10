/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_credentials.c - a credentials file from anybody: it is refused with a text, or names Google's hosts
 * only. */
#include <string.h>
#include <strings.h>

#include "../../src/credentials/internal.h"
#include "base/json.h"
#include "fuzz.h"

/* A hostile host must not get a token, however the file spells it. */
static void check_hosts(const json_t *file)
{
    static const char *const keys[] = {"token_url", "service_account_impersonation_url"};
    for (size_t i = 0; i < 2; i++) {
        const char *url = json_text_at(file, keys[i]);
        const char *type = json_text_at(file, "type");
        if (!url || !*url || strcmp(type, "external_account") != 0) continue;
        const char *host = strstr(url, "://");
        fuzz_require(host && (url[0] | 0x20) == 'h');
        size_t size = strcspn(host + 3, "/?#\\");
        fuzz_require(size > 15 && strncasecmp(host + 3 + size - 15, ".googleapis.com", 15) == 0);
        fuzz_require(!memchr(host + 3, '@', size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_settings http = {.user_agent = "caseload/fuzz"};
    static const struct google_settings settings = {.http = &http};
    struct error err = {0};
    struct grant *grant = NULL;
    AUTO(json_drop) json_t *file = NULL;
    if (!json_read((const char *)data, size, NULL, &file, &err) || !json_is_object(file)) return 0;
    if (!grant_new(&settings, "the file", file, &grant, &err)) {
        fuzz_require(err.kind == ERROR_CONFIG && err.text[0] != '\0');
        return 0;
    }
    check_hosts(file);
    grant_free(grant);
    return 0;
}
