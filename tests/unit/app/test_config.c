/* SPDX-License-Identifier: Apache-2.0 */
/* Cases are data: tests/data/config.json changes a good configuration, and says what comes of it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../src/sources/intercom/intercom.h"
#include "base/json.h"
#include "commands.h"
#include "config.h"
#include "options.h"

static const char good[] = "{\"version\":1,\"project\":\"acme-data\",\"subscription\":\"caseload\","
                           "\"dataset\":\"intercom\",\"location\":\"EU\",\"start_date\":\"2024-01-01\","
                           "\"source\":{\"type\":\"intercom\",\"token\":{\"env\":\"TOKEN\"}}}";

static void write_file(const char *path, const json_t *test)
{
    const char *text = json_text_at(test, "text");
    json_t *config = json_loads(good, 0, NULL);
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    json_object_update(config, json_object_get(test, "set"));
    if (json_text_at(test, "unset")) json_object_del(config, json_text_at(test, "unset"));
    if (text)
        fputs(text, file);
    else
        json_dumpf(config, file, 0);
    fclose(file);
    json_decref(config);
}

static void set_environment(const json_t *test, bool set)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_object_get(test, "env"), name, value) {
        if (set)
            setenv(name, json_string_value(value), 1);
        else
            unsetenv(name);
    }
}

static void check_loaded(const json_t *test, const struct config *config)
{
    assert_string_equal(config->dataset, "intercom");
    assert_string_equal(config->control_dataset, "intercom_caseload");
    assert_string_equal(config->timezone, "Etc/UTC");
    assert_int_equal(config->lookback_days, json_int_at(test, "lookback_days", 2));
    assert_int_equal(config->streams.count, json_int_at(test, "streams", 0));
    assert_int_equal(config->latest_tables.count, json_int_at(test, "latest_tables", 0));
    assert_int_equal(config->contents_disabled.count, json_int_at(test, "contents_disabled", 0));
    const struct intercom_options *options = config->source_options;
    assert_string_equal(config->source_type->name, "intercom");
    assert_int_equal(options->custom_objects.count, json_int_at(test, "custom_objects", 0));
    assert_int_equal(config->reconcile_days, 7);
    assert_int_equal(options->token.origin, TOKEN_ENV);
}

/* Each has its line, and there are no others. */
static void check_faults(const json_t *wanted, const struct config_faults *faults, const struct error *err)
{
    const char *text = faults->count == 1 ? err->text : buf_string(&faults->lines);
    if (faults->count != json_array_size(wanted)) fail_msg("%zu faults: %s", faults->count, text);
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const char *part = json_string_value(json_array_get(wanted, i));
        if (!strstr(text, part)) fail_msg("\"%s\" is not in \"%s\"", part, text);
    }
}

static void check_case(const char *path, const json_t *test)
{
    const char *wanted = json_text_at(test, "error"), *key;
    struct flag flags[4];
    size_t count = 0;
    struct config config;
    struct error err = {0};
    json_t *value;
    bool done;

    json_object_foreach (json_object_get(test, "flags"), key, value) {
        flags[count++] = (struct flag){key, json_string_value(value)};
    }
    write_file(path, test);
    set_environment(test, true);
    struct config_faults faults;
    done = config_load(path, flags, count, true, &config, &faults, &err);
    set_environment(test, false);
    const json_t *all = json_object_get(test, "faults");
    if (all) check_faults(all, &faults, &err);
    config_faults_done(&faults);
    if (!wanted && !all) {
        if (!done) fail_msg("%s", err.text);
        check_loaded(test, &config);
        config_done(&config);
        return;
    }
    assert_false(done);
    assert_int_equal(err.kind, ERROR_CONFIG);
    if (wanted && !strstr(err.text, wanted)) fail_msg("\"%s\" is not in \"%s\"", wanted, err.text);
}

static void test_cases(void **state)
{
    char path[] = "/tmp/caseload-config-XXXXXX";
    int file = mkstemp(path);
    json_error_t problem;
    json_t *cases = json_load_file(CASELOAD_TEST_DATA "/config.json", 0, &problem), *test;
    size_t i;

    (void)state;
    assert_true(file >= 0);
    close(file);
    if (!cases) fail_msg("config.json:%d: %s", problem.line, problem.text);
    json_array_foreach (cases, i, test) {
        check_case(path, test);
    }
    json_decref(cases);
    unlink(path);
}

static void test_missing_file(void **state)
{
    struct config config;
    struct error err = {0};

    (void)state;
    struct config_faults faults;
    assert_false(config_load("/nonexistent/caseload.json", NULL, 0, true, &config, &faults, &err));
    config_faults_done(&faults);
    assert_non_null(strstr(err.text, "can't be opened"));
}

static void test_a_command_without_a_warehouse_needs_no_settings_of_one(void **state)
{
    char path[] = "/tmp/caseload-config-XXXXXX";
    static const char *const texts[] = {
        "{\"version\":1,\"start_date\":\"2024-01-01\",\"source\":{\"token\":{\"env\":\"A\"}}}",
        "{\"version\":1,\"source\":{\"token\":{\"env\":\"A\"}}}",
    };
    struct config config;
    struct config_faults faults;
    struct error err = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        int file = i ? open(path, O_WRONLY | O_TRUNC | O_CLOEXEC) : mkstemp(path);
        assert_true(file >= 0 && write(file, texts[i], strlen(texts[i])) > 0);
        close(file);
        assert_false(config_load(path, NULL, 0, true, &config, &faults, &err));
        config_faults_done(&faults);
        bool done = config_load(path, NULL, 0, false, &config, &faults, &err);
        config_faults_done(&faults);
        if (done) config_done(&config);
        assert_int_equal(done, i == 0);
    }
    assert_non_null(strstr(err.text, "start_date is missing"));
    unlink(path);
}

static bool parse(struct options *options, struct error *err, int count, const char **arguments)
{
    return options_parse(&run_command, count, (char **)(uintptr_t)arguments, options, err);
}

static void test_options(void **state)
{
    struct options options;
    struct error err = {0};

    (void)state;
    assert_true(parse(&options, &err, 5,
                      (const char *[]){"--config", "f", "--from=2026-01-01", "--lookback-days", "3"}));
    assert_string_equal(options.config, "f");
    assert_string_equal(options_value(&options, "from"), "2026-01-01");
    assert_null(options_value(&options, "to"));
    assert_string_equal(options.flags[0].key, "lookback_days");
    assert_true(parse(&options, &err, 1, (const char *[]){"--help"}) && options.help);
    assert_false(parse(&options, &err, 0, NULL));
    assert_non_null(strstr(err.text, "--config FILE"));
    assert_false(parse(&options, &err, 1, (const char *[]){"--config"}));
    assert_non_null(strstr(err.text, "needs a value"));
    assert_false(parse(&options, &err, 2, (const char *[]){"--lookback-day", "3"}));
    assert_non_null(strstr(err.text, "did you mean --lookback-days?"));
    assert_false(parse(&options, &err, 1, (const char *[]){"contacts"}));
    assert_non_null(strstr(err.text, "begin with --"));
    assert_false(parse(&options, &err, 2, (const char *[]){"--token", "secret"}));
    assert_false(parse(&options, &err, 4, (const char *[]){"--config", "f", "--config", "g"}));
    assert_non_null(strstr(err.text, "given twice"));
    assert_false(parse(&options, &err, 6, (const char *[]){"-c", "f", "--dataset", "a", "--dataset", "b"}));
    assert_string_equal(err.text, "the option --dataset is given twice; give it once");
    assert_false(parse(&options, &err, 1, (const char *[]){"--Start_dat=x"}));
    assert_non_null(strstr(err.text, "the option --Start_dat is unknown"));
}

static void test_short_forms(void **state)
{
    struct options options;
    struct error err = {0};

    (void)state;
    assert_true(parse(&options, &err, 3, (const char *[]){"-q", "-c", "f"}));
    assert_string_equal(options.config, "f");
    assert_string_equal(options.flags[0].key, "quiet");
    assert_string_equal(options.flags[0].value, "true");
    assert_true(parse(&options, &err, 4, (const char *[]){"--quiet", "false", "--config", "f"}));
    assert_string_equal(options.flags[0].value, "false");
    setenv("CASELOAD_CONFIG", "of-the-environment", 1);
    assert_true(parse(&options, &err, 0, NULL));
    assert_string_equal(options.config, "of-the-environment");
    assert_true(parse(&options, &err, 2, (const char *[]){"-c", "f"}));
    assert_string_equal(options.config, "f");
    unsetenv("CASELOAD_CONFIG");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_a_command_without_a_warehouse_needs_no_settings_of_one),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_short_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
