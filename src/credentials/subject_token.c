/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "internal.h"

#define WHO              "the address of credential_source"
#define LINK_LOCAL       "http://169.254.169.254/"
#define LIMIT_HEADERS    16
#define LIMIT_TOKEN_FILE 65536

struct subject_token {
    char *file; /* NULL: an address */
    struct http *http;
    char *url;
    char *headers[LIMIT_HEADERS + 1]; /* they may hold a secret */
    size_t header_count;
    char *field; /* of a JSON object; NULL: the text is the token */
};

void subject_token_free(struct subject_token *subject)
{
    if (!subject) return;
    http_free(subject->http);
    for (size_t i = 0; i < subject->header_count; i++) {
        secret_wipe(subject->headers[i], strlen(subject->headers[i]));
        free(subject->headers[i]);
    }
    free(subject->file);
    free(subject->url);
    free(subject->field);
    free(subject);
}

/* bytes: borrowed. */
static bool take_token(const struct subject_token *subject, const char *where, const char *bytes, size_t size,
                       struct secret *out_token, struct error *err)
{
    struct error ignored; /* its text would quote the token */
    AUTO(json_drop) json_t *value = NULL;
    if (!subject->field)
        return secret_set(out_token, bytes, secret_line_size(bytes, size), err) ||
               error_wrap(err, "the subject token from %s", where);
    const char *token = json_read(bytes, size, NULL, &value, &ignored)
                            ? json_string_value(json_object_get(value, subject->field))
                            : NULL;
    bool good =
        token ? secret_set(out_token, token, strlen(token), err)
              : error_set(err, ERROR_CONFIG, "no JSON object with a text %s: check credential_source.format",
                          subject->field);
    token_wipe(token);
    return good || error_wrap(err, "the subject token from %s", where);
}

static bool read_file(const struct subject_token *subject, struct secret *out_token, struct error *err)
{
    AUTO(buf_done) struct buf bytes = {0};
    bool good = file_read(subject->file, LIMIT_TOKEN_FILE, &bytes, err) ||
                error_wrap(err, "the subject token of the credentials file");
    good = good && take_token(subject, subject->file, buf_string(&bytes), bytes.size, out_token, err);
    secret_wipe(bytes.data, bytes.size);
    return good;
}

static bool read_url(const struct subject_token *subject, struct secret *out_token, struct error *err)
{
    AUTO(http_reply_done) struct http_reply reply = {0};
    const struct http_request request = {
        .method = "GET",
        .url = subject->url,
        .headers = (const char *const *)subject->headers,
        .direct = strncmp(subject->url, LINK_LOCAL, strlen(LINK_LOCAL)) == 0,
        .reply_limit = TOKEN_REPLY_LIMIT,
        .timeout_s = TOKEN_TIMEOUT_S,
        .retry = &token_retry,
        .policy = &token_policy,
        .what = WHO,
    };
    if (!http_do(subject->http, &request, &reply, err)) return false;
    bool good = reply.status == 200 ||
                error_set_status(err, ERROR_AUTH, reply.status,
                                 WHO " gives no subject token (status %d): check its headers, and whether "
                                     "this machine may ask it",
                                 reply.status);
    good = good && take_token(subject, WHO, buf_string(&reply.body), reply.body.size, out_token, err);
    secret_wipe(reply.body.data, reply.body.size);
    return good;
}

bool subject_token_read(struct subject_token *subject, struct secret *out_token, struct error *err)
{
    return subject->file ? read_file(subject, out_token, err) : read_url(subject, out_token, err);
}

/* A name and a value that can not end their line. */
static bool is_header(const char *name, const char *value)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    for (const char *byte = value; byte && *byte; byte++)
        if (*byte < ' ' || *byte > '~') return false;
    return value && *name && name[strspn(name, token)] == '\0';
}

static bool read_headers(struct subject_token *subject, const char *path, const json_t *source,
                         struct error *err)
{
    json_t *headers = json_object_get(source, "headers"), *value;
    const char *name;
    json_object_foreach (headers, name, value) {
        const char *text = json_string_value(value);
        if (!is_header(name, text) || subject->header_count == LIMIT_HEADERS)
            return error_set(err, ERROR_CONFIG,
                             "%s has headers in credential_source that can't be sent: write at most %d, each "
                             "a name with a text in printable ASCII",
                             path, LIMIT_HEADERS);
        subject->headers[subject->header_count++] = mem_format("%s: %s", name, text);
        token_wipe(text);
    }
    return true;
}

/* The token comes from there, and nothing but what stands in the file goes there. Azure's machines have an
 * address in plain text, and so have helpers on the same machine. */
static bool check_url(const char *path, const char *url, struct error *err)
{
    static const char *const allowed[] = {"https://", LINK_LOCAL,
                                          "http://127.0.0.1:", "http://localhost:", "http://[::1]:"};
    size_t host = strcspn(url, ":") + strlen("://");
    bool has_user = strlen(url) > host && memchr(url + host, '@', strcspn(url + host, "/?#\\")) != NULL;
    for (size_t i = 0; !has_user && i < sizeof allowed / sizeof *allowed; i++)
        if (strncasecmp(url, allowed[i], strlen(allowed[i])) == 0) return true;
    return error_set(err, ERROR_CONFIG,
                     "%s has a url in credential_source that is not https, nor at this machine or at "
                     "169.254.169.254: correct it",
                     path);
}

static bool read_format(struct subject_token *subject, const char *path, const json_t *source,
                        struct error *err)
{
    const char *type = json_text_at(source, "format.type");
    const char *field = json_text_at(source, "format.subject_token_field_name");
    if (!type || !*type || strcmp(type, "text") == 0) return true;
    if (strcmp(type, "json") == 0 && field && *field) {
        subject->field = mem_text(field);
        return true;
    }
    return error_set(err, ERROR_CONFIG,
                     "%s has a format in credential_source that is not {\"type\": \"text\"}, nor \"json\" "
                     "with a subject_token_field_name: correct it",
                     path);
}

/* Sources that Google's libraries know and caseload does not. */
static bool refuse_source(const char *path, const json_t *source, struct error *err)
{
    if (json_object_get(source, "executable"))
        return error_set(err, ERROR_CONFIG,
                         "%s runs an executable for its subject token, which caseload never does: let it "
                         "write the token into a file, and name that in credential_source.file",
                         path);
    if (json_object_get(source, "environment_id"))
        return error_set(err, ERROR_CONFIG,
                         "%s takes its subject token from AWS, which is not supported: use an OIDC provider "
                         "with a file or url in credential_source",
                         path);
    if (json_object_get(source, "certificate"))
        return error_set(err, ERROR_CONFIG,
                         "%s proves itself by a certificate, which is not supported: use an OIDC provider "
                         "with a file or url in credential_source",
                         path);
    return error_set(err, ERROR_CONFIG,
                     "%s needs a file or a url, and not both, in credential_source: download it again", path);
}

static bool fill(struct subject_token *subject, const struct google_settings *settings, const char *path,
                 const json_t *source, struct error *err)
{
    const char *file = json_text_at(source, "file"), *url = json_text_at(source, "url");
    bool is_other = json_object_get(source, "executable") || json_object_get(source, "environment_id") ||
                    json_object_get(source, "certificate");
    if (is_other || !file == !url) return refuse_source(path, source, err);
    if (!read_format(subject, path, source, err)) return false;
    subject->file = mem_text(file);
    subject->url = mem_text(url);
    return file || (check_url(path, url, err) && read_headers(subject, path, source, err) &&
                    http_new(settings->http, &subject->http, err));
}

bool subject_token_new(const struct google_settings *settings, const char *path, const json_t *source,
                       struct subject_token **out_subject, struct error *err)
{
    struct subject_token *subject = mem_zero(1, sizeof *subject);
    if (fill(subject, settings, path, source, err)) {
        *out_subject = subject;
        return true;
    }
    subject_token_free(subject);
    return false;
}
