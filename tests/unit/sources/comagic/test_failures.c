/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "internal.h"
#include "net/rate_limiter.h"

static struct json_value *read(const char *text)
{
    struct error err;
    struct json_value *value;
    assert_true(value_read(text, strlen(text), false, NULL, &value, &err));
    return value;
}

static void the_mnemonic_decides(void **state)
{
    static const struct {
        const char *answer;
        int status;
    } cases[] = {
        {"{\"result\":{\"data\":[]}}", 200},
        {"{\"error\":null,\"result\":{}}", 200},
        {"{\"error\":{\"code\":-32001,\"data\":{\"mnemonic\":\"access_token_expired\"}}}", 401},
        {"{\"error\":{\"code\":-32001,\"data\":{\"mnemonic\":\"auth_error\"}}}", 401},
        {"{\"error\":{\"code\":-32003,\"data\":{\"mnemonic\":\"ip_not_whitelisted\"}}}", 403},
        {"{\"error\":{\"code\":-32003,\"data\":{\"mnemonic\":\"forbidden\"}}}", 403},
        {"{\"error\":{\"code\":-32029,\"data\":{\"mnemonic\":\"limit_exceeded\",\"params\":{\"limit_type\":"
         "\"minute\"}}}}",
         429},
        {"{\"error\":{\"code\":-32029,\"data\":{\"mnemonic\":\"limit_exceeded\",\"params\":{\"limit_type\":"
         "\"day\"}}}}",
         402},
        {"{\"error\":{\"code\":-32602,\"data\":{\"mnemonic\":\"sort_prohibited\"}}}", 400},
        {"{\"error\":{\"code\":-32603,\"data\":{\"mnemonic\":\"a new one\"}}}", 500},
        {"{\"error\":{\"message\":\"oops\"}}", 500}, /* not the service's own form: it may pass */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_value *answer = read(cases[i].answer);
        assert_int_equal(comagic_real_status(answer, 200), cases[i].status);
        value_drop(&answer);
    }
}

static void the_refused_name_is_found(void **state)
{
    static const char *const answers[] = {
        "{\"error\":{\"message\":\"m\",\"data\":{\"mnemonic\":\"x\",\"field\":\"fields\",\"value\":"
        "\"ymclid\"}}}",
        "{\"error\":{\"message\":\"m\",\"data\":{\"mnemonic\":\"x\",\"field\":\"fields.3\",\"value\":"
        "\"ymclid\"}}}",
        "{\"error\":{\"message\":\"m\",\"data\":{\"mnemonic\":\"x\",\"field\":\"ymclid\",\"value\":null}}}",
        "{\"error\":{\"message\":\"m\",\"data\":{\"mnemonic\":\"x\",\"value\":\"ymclid\"}}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct rest_failure failure;
        struct json_value *answer = read(answers[i]);
        comagic_read_failure(answer, &failure);
        assert_string_equal(failure.code, "x");
        assert_string_equal(failure.message, "m");
        assert_string_equal(failure.subject, "ymclid");
        value_drop(&answer);
    }
}

#define LIMITS(day, reset)                                                                                   \
    "{\"limits\":{\"day_limit\":" day ",\"day_remaining\":7,\"day_reset\":" reset                            \
    ",\"minute_limit\":60,\"minute_remaining\":59,\"minute_reset\":12}}"

static void limits_stand_in_each_answer(void **state)
{
    static const char *const answers[] = {
        "{\"result\":{\"metadata\":" LIMITS("3000", "41300") "}}",
        "{\"result\":{\"meta_data\":" LIMITS("3000", "41300") "}}",
        "{\"error\":{\"data\":{\"metadata\":" LIMITS("3000", "41300") "}}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct rate_report rate = {.limit = -1};
        struct rest_quota quota;
        struct json_value *answer = read(answers[i]);
        comagic_read_limits(answer, &rate, &quota);
        assert_int_equal(rate.limit, 60);
        assert_int_equal(rate.remaining, 59);
        assert_int_equal(rate.reset_s, 12);
        assert_int_equal(quota.limit, 3000);
        assert_int_equal(quota.remaining, 7);
        assert_int_equal(quota.reset_s, 41300);
        value_drop(&answer);
    }
}

static void limits_that_make_no_sense_are_none(void **state)
{
    static const char *const answers[] = {"{\"result\":[]}", "{\"result\":{\"metadata\":{\"limits\":{}}}}",
                                          "{\"result\":{\"metadata\":" LIMITS("3000", "-1") "}}",
                                          "{\"result\":{\"metadata\":" LIMITS("3000", "90000") "}}",
                                          "{\"result\":{\"metadata\":" LIMITS("99999999999", "5") "}}"};
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct rate_report rate = {.limit = -1};
        struct rest_quota quota;
        struct json_value *answer = read(answers[i]);
        comagic_read_limits(answer, &rate, &quota);
        assert_int_equal(quota.limit, 0);
        value_drop(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mnemonic_decides),
        cmocka_unit_test(the_refused_name_is_found),
        cmocka_unit_test(limits_stand_in_each_answer),
        cmocka_unit_test(limits_that_make_no_sense_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
