/* SPDX-License-Identifier: Apache-2.0 */
/* Google credentials: assertions, the choice of the grant, and the cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "../../../src/credentials/internal.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

/* --- keys --- */

static char *pem_of(EVP_PKEY *key, const char *password)
{
    char *bytes = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, password ? EVP_aes_128_cbc() : NULL, password,
                                                   password ? (int)strlen(password) : 0, NULL, NULL),
                     1);
    long size = BIO_get_mem_data(bio, &bytes);
    char *pem = mem_bytes(bytes, (size_t)size);
    BIO_free(bio);
    return pem;
}

/* --- assertions, taken apart by other code than ours --- */

static size_t decode(const char *text, size_t size, unsigned char *out, size_t room)
{
    char padded[8192];
    size_t whole = (size + 3) / 4 * 4;
    assert_true(whole < sizeof padded && whole <= room);
    for (size_t i = 0; i < whole; i++) {
        assert_true(i >= size || !strchr("+/=", text[i]));
        padded[i] = (char)(i >= size ? '=' : text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
    }
    padded[whole] = '\0';
    int length = EVP_DecodeBlock(out, (unsigned char *)padded, (int)whole);
    assert_true(length > 0);
    return (size_t)length - (whole - size);
}

static json_t *decode_json(const char *text, size_t size)
{
    unsigned char bytes[8192];
    size_t length = decode(text, size, bytes, sizeof bytes);
    json_t *value = json_loadb((char *)bytes, length, 0, NULL);
    assert_non_null(value);
    return value;
}

static bool verify(EVP_PKEY *key, const char *jwt)
{
    unsigned char signature[1024];
    const char *dot = strrchr(jwt, '.');
    size_t size = decode(dot + 1, strlen(dot + 1), signature, sizeof signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    bool good =
        EVP_DigestVerify(context, signature, size, (const unsigned char *)jwt, (size_t)(dot - jwt)) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static void an_assertion_is_signed_with_keys_of_any_size(void **state)
{
    (void)state;
    static const unsigned sizes[] = {2048, 3072};
    for (size_t i = 0; i < 2; i++) {
        struct error err = {0};
        EVP_PKEY *made = EVP_RSA_gen(sizes[i]), *read = NULL;
        AUTO(mem_free) char *pem = pem_of(made, NULL);
        AUTO(secret_done) struct secret jwt = {0};
        AUTO(json_drop) json_t *claims = json_pack("{s:s, s:i}", "iss", "me@example", "iat", 7);
        assert_true(jwt_key(pem, &read, &err));
        assert_true(jwt_sign(read, "the-key", claims, &jwt, &err));
        const char *text = secret_reveal(&jwt), *second = strchr(text, '.') + 1;
        assert_true(verify(made, text));
        AUTO(json_drop) json_t *header = decode_json(text, (size_t)(second - 1 - text));
        AUTO(json_drop) json_t *back = decode_json(second, strcspn(second, "."));
        assert_string_equal(json_text_at(header, "alg"), "RS256");
        assert_string_equal(json_text_at(header, "typ"), "JWT");
        assert_string_equal(json_text_at(header, "kid"), "the-key");
        assert_true(json_equal(back, claims));
        EVP_PKEY_free(made);
        EVP_PKEY_free(read);
    }
}

static void a_key_that_does_not_fit_is_refused_and_not_shown(void **state)
{
    (void)state;
    EVP_PKEY *small = EVP_RSA_gen(1024), *curve = EVP_EC_gen("P-256"), *good = EVP_RSA_gen(2048);
    char *const pems[] = {pem_of(small, NULL), pem_of(curve, NULL), pem_of(good, "password"),
                          mem_text("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"),
                          mem_text("")};
    for (size_t i = 0; i < sizeof pems / sizeof *pems; i++) {
        struct error err = {0};
        EVP_PKEY *key = NULL;
        assert_false(jwt_key(pems[i], &key, &err));
        assert_int_equal(err.kind, ERROR_CONFIG);
        assert_null(strstr(err.text, "c2VjcmV0"));
        free(pems[i]);
    }
    EVP_PKEY_free(small);
    EVP_PKEY_free(curve);
    EVP_PKEY_free(good);
}

/* --- files --- */

static const struct http_settings http_settings = {.user_agent = "caseload/test"};
static const struct google_settings settings = {.http = &http_settings};

static void a_service_account_signs_for_itself_at_googles_own_server_only(void **state)
{
    (void)state;
    assert_int_equal(grant_account_way(NULL, NULL), WAY_SELF_SIGNED);
    assert_int_equal(grant_account_way("https://oauth2.googleapis.com/token", "googleapis.com"),
                     WAY_SELF_SIGNED);
    assert_int_equal(grant_account_way("https://accounts.google.com/o/oauth2/token", NULL), WAY_SELF_SIGNED);
    assert_int_equal(grant_account_way("https://oauth2.googleapis.com/token", "example.cloud"), WAY_EXCHANGE);
    assert_int_equal(grant_account_way("https://oauth2.googleapis.com.example/token", NULL), WAY_EXCHANGE);
    assert_int_equal(grant_account_way("https://127.0.0.1:1/token", NULL), WAY_EXCHANGE);
}

static void a_self_signed_token_names_the_account_the_scope_and_an_hour(void **state)
{
    (void)state;
    struct error err = {0};
    EVP_PKEY *key = EVP_RSA_gen(2048);
    AUTO(mem_free) char *pem = pem_of(key, NULL);
    AUTO(json_drop)
    json_t *file = json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "service_account", "client_email", "me@x",
                             "private_key_id", "id", "private_key", pem, "quota_project_id", "payer");
    struct grant *grant = NULL;
    AUTO(secret_done) struct secret jwt = {0};
    int64_t life_s = 0, before = time(NULL);
    assert_true(grant_new(&settings, "key.json", file, &grant, &err));
    assert_int_equal(json_text_at(file, "private_key")[0], '\0'); /* wiped */
    assert_string_equal(grant->quota_project, "payer");
    assert_true(grant->request_token(grant, &jwt, &life_s, &err));
    const char *text = secret_reveal(&jwt), *second = strchr(text, '.') + 1;
    AUTO(json_drop) json_t *claims = decode_json(second, strcspn(second, "."));
    assert_true(verify(key, text));
    assert_string_equal(json_text_at(claims, "iss"), "me@x");
    assert_string_equal(json_text_at(claims, "sub"), "me@x");
    assert_string_equal(json_text_at(claims, "scope"), "https://www.googleapis.com/auth/cloud-platform");
    assert_null(json_object_get(claims, "aud"));
    assert_in_range(json_int_at(claims, "iat", 0), before, before + 60);
    assert_int_equal(json_int_at(claims, "exp", 0) - json_int_at(claims, "iat", 0), 3600);
    assert_int_equal(life_s, 3600);
    grant_free(grant);
    EVP_PKEY_free(key);
}

/* --- the cache --- */

struct counted {
    struct grant grant;
    pthread_mutex_t lock;
    int fetches;
    int failures; /* so many to come */
    bool hold;    /* until it is false */
    bool repeats; /* gives the first one again */
    int64_t life_s;
};

static pthread_mutex_t clock_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t fake_now_ms;

static int64_t fake_clock(void)
{
    pthread_mutex_lock(&clock_lock);
    int64_t now = fake_now_ms;
    pthread_mutex_unlock(&clock_lock);
    return now;
}

static void pass(int64_t seconds)
{
    pthread_mutex_lock(&clock_lock);
    fake_now_ms += seconds * 1000;
    pthread_mutex_unlock(&clock_lock);
}

static int fetches(struct counted *counted)
{
    pthread_mutex_lock(&counted->lock);
    int count = counted->fetches;
    pthread_mutex_unlock(&counted->lock);
    return count;
}

static void hold(struct counted *counted, bool on)
{
    pthread_mutex_lock(&counted->lock);
    counted->hold = on;
    pthread_mutex_unlock(&counted->lock);
}

static bool fetch(struct grant *grant, struct secret *out_token, int64_t *out_lifetime_s, struct error *err)
{
    struct counted *counted = (struct counted *)grant;
    char text[32];
    pthread_mutex_lock(&counted->lock);
    counted->fetches++;
    (void)snprintf(text, sizeof text, "token%d", counted->repeats ? 1 : counted->fetches);
    while (counted->hold) {
        pthread_mutex_unlock(&counted->lock);
        (void)clock_sleep_ms(1, NULL);
        pthread_mutex_lock(&counted->lock);
    }
    bool fails = counted->failures > 0;
    if (fails) counted->failures--;
    *out_lifetime_s = counted->life_s;
    pthread_mutex_unlock(&counted->lock);
    if (fails) return error_set(err, ERROR_BUSY, "no answer");
    return secret_set(out_token, text, strlen(text), err);
}

static void free_nothing(struct grant *grant)
{
    (void)grant;
}

static struct counted counted_new(void)
{
    return (struct counted){.grant = {.request_token = fetch, .free = free_nothing},
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .life_s = 3600};
}

/* refused: by the service; NULL: none. */
static void expect(struct token *token, const char *refused, const char *text)
{
    AUTO(secret_done) struct secret secret = {0}, old = {0};
    struct error err = {0};
    if (refused) assert_true(secret_set(&old, refused, strlen(refused), &err));
    if (!token->get(token, refused ? &old : NULL, &secret, &err)) fail_msg("%s", err.text);
    assert_string_equal(secret_reveal(&secret), text);
}

static void a_token_is_kept_until_shortly_before_it_expires(void **state)
{
    (void)state;
    struct counted counted = counted_new();
    struct token *token = token_cache_new(&counted.grant, fake_clock);
    expect(token, NULL, "token1");
    pass(3600 - 226);
    expect(token, NULL, "token1");
    pass(1);
    expect(token, NULL, "token2");
    pthread_mutex_lock(&counted.lock);
    counted.life_s = 100; /* shorter than the margin: used for half of its life */
    pthread_mutex_unlock(&counted.lock);
    pass(4000);
    expect(token, NULL, "token3");
    pass(49);
    expect(token, NULL, "token3");
    pass(1);
    expect(token, NULL, "token4");
    token_free(token);
}

static void one_new_token_serves_all_that_were_refused_together(void **state)
{
    (void)state;
    struct counted counted = counted_new();
    struct token *token = token_cache_new(&counted.grant, fake_clock);
    expect(token, NULL, "token1");
    expect(token, "token1", "token2");
    expect(token, "token1", "token2"); /* another call, refused together with the first */
    pass(60);
    expect(token, "token1", "token2"); /* and one that had to wait */
    token_free(token);
}

static void two_tokens_may_be_refused_at_once(void **state)
{
    (void)state;
    struct counted counted = counted_new();
    struct token *token = token_cache_new(&counted.grant, fake_clock);
    expect(token, NULL, "token1");
    expect(token, "token1", "token2");
    expect(token, "token2", "token3");
    expect(token, "token1", "token3");
    token_free(token);
}

static void a_refused_token_that_comes_again_is_not_fetched_over_and_over(void **state)
{
    (void)state;
    struct counted counted = counted_new();
    struct token *token = token_cache_new(&counted.grant, fake_clock);
    counted.repeats = true;
    expect(token, NULL, "token1");
    expect(token, "token1", "token1");
    pass(4);
    expect(token, "token1", "token1");
    assert_int_equal(fetches(&counted), 2);
    pass(1);
    counted.repeats = false;
    expect(token, "token1", "token3");
    expect(token, "token3", "token4");
    token_free(token);
}

static void a_valid_token_outlives_a_failed_refresh(void **state)
{
    (void)state;
    struct counted counted = counted_new();
    struct token *token = token_cache_new(&counted.grant, fake_clock);
    AUTO(secret_done) struct secret secret = {0};
    struct error err = {0};
    expect(token, NULL, "token1");
    counted.failures = 1;
    pass(3600 - 200);
    expect(token, NULL, "token1");
    expect(token, NULL, "token1"); /* the server gets a pause */
    assert_int_equal(fetches(&counted), 2);
    pass(11);
    expect(token, NULL, "token3");
    counted.failures = 1;
    pass(3600);
    assert_false(token->get(token, NULL, &secret, &err)); /* it has expired */
    assert_int_equal(err.kind, ERROR_BUSY);
    expect(token, NULL, "token5");
    token_free(token);
}

static atomic_int arrivals, strangers; /* calls of get; of those, with another answer than token1 */

/* Not in the test's own thread: nothing may be asserted here. */
static void *get_one(void *self)
{
    struct token *token = self;
    AUTO(secret_done) struct secret secret = {0};
    struct error err = {0};
    atomic_fetch_add(&arrivals, 1);
    if (!token->get(token, NULL, &secret, &err) || strcmp(secret_reveal(&secret), "token1") != 0)
        atomic_fetch_add(&strangers, 1);
    return NULL;
}

static void await(struct counted *counted, int count)
{
    while (fetches(counted) < count)
        (void)clock_sleep_ms(1, NULL);
}

static void one_thread_fetches_and_the_others_wait(void **state)
{
    (void)state;
    struct counted counted = counted_new();
    struct token *token = token_cache_new(&counted.grant, fake_clock);
    pthread_t threads[8];
    atomic_store(&arrivals, 0);
    atomic_store(&strangers, 0);
    hold(&counted, true);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_one, token), 0);
    await(&counted, 1);
    while (atomic_load(&arrivals) < 8)
        (void)clock_sleep_ms(1, NULL);
    (void)clock_sleep_ms(100, NULL); /* would be enough for a second fetch to begin */
    hold(&counted, false);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(fetches(&counted), 1);
    assert_int_equal(atomic_load(&strangers), 0);
    token_free(token);
}

static void nobody_waits_for_a_refresh_while_the_old_token_is_valid(void **state)
{
    (void)state;
    struct counted counted = counted_new();
    struct token *token = token_cache_new(&counted.grant, fake_clock);
    pthread_t refresher, other;
    atomic_store(&strangers, 0);
    expect(token, NULL, "token1");
    pass(3600 - 100);
    hold(&counted, true);
    assert_int_equal(pthread_create(&refresher, NULL, get_one, token), 0);
    await(&counted, 2);
    assert_int_equal(pthread_create(&other, NULL, get_one, token), 0);
    assert_int_equal(pthread_join(other, NULL), 0); /* for ever, if it waits for the refresher */
    assert_int_equal(fetches(&counted), 2);
    assert_int_equal(atomic_load(&strangers), 0);
    hold(&counted, false);
    assert_int_equal(pthread_join(refresher, NULL), 0);
    expect(token, NULL, "token2");
    token_free(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_assertion_is_signed_with_keys_of_any_size),
        cmocka_unit_test(a_key_that_does_not_fit_is_refused_and_not_shown),
        cmocka_unit_test(a_service_account_signs_for_itself_at_googles_own_server_only),
        cmocka_unit_test(a_self_signed_token_names_the_account_the_scope_and_an_hour),
        cmocka_unit_test(a_token_is_kept_until_shortly_before_it_expires),
        cmocka_unit_test(one_new_token_serves_all_that_were_refused_together),
        cmocka_unit_test(two_tokens_may_be_refused_at_once),
        cmocka_unit_test(a_refused_token_that_comes_again_is_not_fetched_over_and_over),
        cmocka_unit_test(a_valid_token_outlives_a_failed_refresh),
        cmocka_unit_test(one_thread_fetches_and_the_others_wait),
        cmocka_unit_test(nobody_waits_for_a_refresh_while_the_old_token_is_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
