/* SPDX-License-Identifier: Apache-2.0 */
#include "core/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "value_tree.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct left_out left_out[] = {{"seen_at", NULL}, {"teams.list.count", NULL}, {"company", "id"}};
static const char *const file_hosts[] = {"intercomcdn.com",
                                         "intercomcdn.eu",
                                         "intercomusercontent.com",
                                         "intercom-attachments.com",
                                         "intercom-attachments-#.com",
                                         NULL};
static const struct table table = {
    .file_hosts = file_hosts, .name = "things", .left_out = left_out, .left_out_count = COUNT(left_out)};

static int64_t hash_of(const char *text)
{
    AUTO(value_drop) struct json_value *value = NULL;
    struct error err;

    assert_true(value_read(text, strlen(text), false, NULL, &value, &err));
    int64_t hash = content_hash(&table, value);
    assert_true(hash >= 0);
    return hash;
}

/* Rows are stored with these: a rule that gives others would insert each record once more. */
static void keeps_its_values(void **state)
{
    static const struct {
        const char *text;
        int64_t hash;
    } cases[] = {
        {"{}", 0},
        {"{\"id\":\"1\"}", INT64_C(5949239232030767698)},
        {"{\"id\":1,\"tags\":[1,\"a\",null]}", INT64_C(4473328676199154069)},
        {"{\"a\":1.5,\"b\":true,\"u\":\"https://x.y/z?a=1&X-Amz-Signature=q#f\"}",
         INT64_C(7301768251302271720)},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(hash_of(cases[i].text), cases[i].hash);
}

static void takes_these_for_one(void **state)
{
    static const char *const pairs[][2] = {
        {"{\"a\":1,\"b\":[1,2],\"c\":null,\"d\":{}}", "{\"b\":[2,1],\"a\":\"1\",\"e\":[]}"},
        {"{\"n\":5.0}", "{\"n\":5}"},
        {"{\"n\":5.0}", "{\"n\":\"5\"}"},
        {"{\"n\":-0.0}", "{\"n\":0}"},
        {"{\"n\":67.174118}", "{\"n\":67.17411800000001}"}, /* one double: BigQuery shows the second */
        {"{\"t\":[null,{\"id\":1}]}", "{\"t\":[{\"id\":1,\"x\":null}]}"},
        {"[{\"a\":1,\"b\":2},{\"c\":[]}]", "[{\"b\":2,\"a\":1}]"},
        /* what the table leaves out */
        {"{\"id\":1,\"seen_at\":5}", "{\"id\":1,\"seen_at\":9}"},
        {"{\"id\":1,\"seen_at\":5}", "{\"id\":1}"},
        {"{\"teams\":{\"list\":[{\"id\":1,\"count\":7}]}}",
         "{\"teams\":{\"list\":[{\"id\":1,\"count\":8}]}}"},
        {"{\"company\":{\"id\":1,\"visits\":5}}", "{\"company\":{\"visits\":6,\"id\":\"1\"}}"},
        /* addresses */
        {"\"![](https://downloads.intercomcdn.com/i/o/w/15/d/"
         "a.png?expires=17&amp;signature=06&amp;req=d%0A)\"",
         "\"![](https://downloads.intercomcdn.com/i/o/w/15/d/"
         "a.png?expires=18&amp;signature=9f&amp;req=e%0A)\""},
        {"\"s (https://x.intercom-attachments-7.com/i/o/9/a/1?expires=1&signature=e)\"",
         "\"s (https://x.intercom-attachments-1.com/i/o/9/a/1)\""},
        {"\"HTTP://u:p@b.intercomcdn.eu:80/a?x=1\"", "\"HTTP://intercomusercontent.com/a#top\""},
        {"\"https://b.s3.amazonaws.com/k.pdf?X-Amz-Date=1&X-Amz-Signature=aa\"",
         "\"https://b.s3.amazonaws.com/k.pdf?X-Amz-Date=2&X-Amz-Signature=bb\""},
        {"\"https://h/a?sig=1;b=2\"", "\"https://h/a\""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++)
        if (hash_of(pairs[i][0]) != hash_of(pairs[i][1]))
            fail_msg("%s and %s differ", pairs[i][0], pairs[i][1]);
}

static void tells_these_apart(void **state)
{
    static const char *const pairs[][2] = {
        {"{\"a\":{\"b\":1}}", "{\"a\":1,\"b\":1}"},
        {"{\"a\":\"x\",\"b\":\"y\"}", "{\"a\":\"y\",\"b\":\"x\"}"},
        {"[[\"a\"],[\"b\"]]", "[[\"a\",\"b\"]]"},
        {"{\"t\":[{\"id\":1},{\"id\":2}]}", "{\"t\":[{\"id\":1}]}"},
        {"{\"t\":[1,1]}", "{\"t\":[1]}"},
        {"{\"t\":[1,1,2,2]}", "{\"t\":[1,2]}"},
        {"{\"open\":true}", "{\"open\":false}"},
        {"{\"n\":0.1}", "{\"n\":0.10000000000000002}"},
        {"{\"n\":9007199254740993}", "{\"n\":9007199254740992}"},
        {"{\"n\":\"\"}", "{}"},
        {"{\"x\":{\"seen_at\":5}}", "{\"x\":{\"seen_at\":9}}"}, /* only at the top */
        {"{\"company\":{\"id\":1}}", "{\"company\":{\"id\":2}}"},
        {"{\"company\":{\"id\":1}}", "{\"id\":1}"},
        {"\"https://app.example.com/?page=1\"", "\"https://app.example.com/?page=2\""},
        {"\"https://app.example.com/?token=1\"", "\"https://app.example.com/?token=2\""},
        {"\"https://app.example.com/a#b\"", "\"https://app.example.com/a#c\""},
        {"\"https://app.example.com/?unexpires=1\"", "\"https://app.example.com/?unexpires=2\""},
        {"\"https://notintercomcdn.com/a?x=1\"", "\"https://notintercomcdn.com/a?x=2\""},
        {"\"https://intercom-attachments-x.com/a?x=1\"", "\"https://intercom-attachments-x.com/a?x=2\""},
        {"\"https://downloads.intercomcdn.com/1/a.png?expires=1\"",
         "\"https://downloads.intercomcdn.com/2/a.png?expires=1\""},
        {"\"https://intercomcdn.com/1) more\"", "\"https://intercomcdn.com/1) other\""},
        {"\"https://a/?signature=1 x://\"", "\"https://a/?signature=1 y://\""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++)
        if (hash_of(pairs[i][0]) == hash_of(pairs[i][1]))
            fail_msg("%s and %s are one", pairs[i][0], pairs[i][1]);
}

/* --- any value, in any order --- */

static json_t *make_value(unsigned *seed, int depth)
{
    int kind = rand_r(seed) % (depth > 0 ? 8 : 6);
    json_t *value;

    switch (kind) {
    case 0: return json_null();
    case 1: return json_boolean(rand_r(seed) % 2);
    case 2: return json_integer(rand_r(seed) % 5);
    case 3: return json_real((rand_r(seed) % 9) / 2.0);
    case 4: return json_string(rand_r(seed) % 2 ? "https://h/?sig=1" : "text: //");
    case 5: return json_string("");
    case 6:
        value = json_array();
        for (int i = rand_r(seed) % 4; i > 0; i--)
            json_array_append_new(value, make_value(seed, depth - 1));
        return value;
    default:
        value = json_object();
        for (int i = rand_r(seed) % 4; i > 0; i--)
            json_object_set_new(value, i == 1 ? "a" : i == 2 ? "b" : "seen_at", make_value(seed, depth - 1));
        return value;
    }
}

/* The same content in another form: the other way round, with more nulls, whole numbers as reals or texts. */
static json_t *turn(const json_t *value, unsigned *seed)
{
    json_t *turned, *member;
    const char *name;
    size_t count = json_object_size(value);

    if (json_is_array(value)) {
        turned = json_array();
        for (size_t i = json_array_size(value); i > 0; i--)
            json_array_append_new(turned, turn(json_array_get(value, i - 1), seed));
        json_array_append_new(turned, rand_r(seed) % 2 ? json_null() : json_object());
        return turned;
    }
    if (json_is_object(value)) {
        turned = json_object();
        for (size_t last = count; last > 0; last--) {
            size_t i = 0;
            json_object_foreach ((json_t *)(uintptr_t)value, name, member)
                if (++i == last) json_object_set_new(turned, name, turn(member, seed));
        }
        json_object_set_new(turned, "none", rand_r(seed) % 2 ? json_null() : json_array());
        return turned;
    }
    if (json_is_integer(value) && rand_r(seed) % 2) return json_real((double)json_integer_value(value));
    if (json_is_integer(value)) return json_sprintf("%lld", (long long)json_integer_value(value));
    return json_deep_copy(value);
}

static void is_the_same_in_any_order(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 5000; seed++) {
        unsigned at = seed;
        json_t *value = make_value(&at, 4);
        json_t *turned = turn(value, &at);

        AUTO(value_drop) struct json_value *one = value_of_tree(value);
        AUTO(value_drop) struct json_value *other = value_of_tree(turned);

        if (content_hash(&table, one) != content_hash(&table, other)) fail_msg("seed %u", seed);
        json_decref(value);
        json_decref(turned);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_its_values),
        cmocka_unit_test(takes_these_for_one),
        cmocka_unit_test(tells_these_apart),
        cmocka_unit_test(is_the_same_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
