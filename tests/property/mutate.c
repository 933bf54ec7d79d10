/* SPDX-License-Identifier: Apache-2.0 */
#include "mutate.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#define COUNT(list)  (sizeof(list) / sizeof *(list))
#define MOST_PLACES  2000
#define RAW(raw, as) "\x01" raw "\x02" as
#define FFFD         "\xEF\xBF\xBD"

/* Containers of a tree: where something can be changed. */
struct places {
    json_t *list[MOST_PLACES];
    size_t count;
};

uint32_t chance_below(uint64_t *seed, uint32_t bound)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % bound;
}

static void collect(struct places *places, json_t *value)
{
    const char *key;
    json_t *member;

    if ((!json_is_object(value) && !json_is_array(value)) || places->count == MOST_PLACES) return;
    places->list[places->count++] = value;
    json_object_foreach (value, key, member)
        collect(places, member);
    for (size_t i = 0; i < json_array_size(value); i++)
        collect(places, json_array_get(value, i));
}

static json_t *odd_number(uint64_t *seed)
{
    static const char *const raw[] = {
        RAW("12345678901234567890", "12345678901234567890"),
        RAW("-98765432109876543210987654321", "-98765432109876543210987654321"),
        RAW("1e400", "1e400"),
        RAW("-1.5E+999", "-1.5E+999"),
        RAW("NaN", "NaN"),
        RAW("-Infinity", "-Infinity"),
        RAW("007", "007"),
        RAW("tru", "tru"),
        RAW("{\"a\" 1}", "{\"a\" 1}"),
        RAW("[1,]", "[1,]"),
    };
    static const json_int_t integers[] = {
        0, -1, INT64_MAX, INT64_MIN, INT64_C(9007199254740993), INT64_C(1769854272123), -62135596801};
    static const double reals[] = {0.1, 5.0, -1e300, 1e-310, 1769854272.25, 1e18, 4.9e-324};

    switch (chance_below(seed, 3)) {
    case 0: return json_string(raw[chance_below(seed, COUNT(raw))]);
    case 1: return json_integer(integers[chance_below(seed, COUNT(integers))]);
    default: return json_real(reals[chance_below(seed, COUNT(reals))]);
    }
}

static json_t *odd_text(uint64_t *seed)
{
    static const char *const texts[] = {
        "",
        "\xF0\x9F\x98\x80 \xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D \xE2\x80\xAE \xE2\x80\x8B" FFFD,
        "\x1F\t\"\\/\r\n\x7F",
        "a.b\\c.0",
        "0012",
        "-0",
        "1e5",
        "1769854272",
        "99999999999999999999",
        "2026-02-03T04:05:06.789012345+05:30",
        "2026-02-03 04:05:06Z",
        "9999-12-31T23:59:59Z",
        "2026-13-45T99:99:99Z",
        "true",
        "null",
        RAW("\"a\\ud83db\"", "a" FFFD "b"),
        RAW("\"\\udE00\\u0000\"", FFFD FFFD),
        RAW("\"caf\xE9\"", "caf" FFFD),
        RAW("\"\\u00e9\\ud83d\\ude00\"", "\xC3\xA9\xF0\x9F\x98\x80"),
        RAW("\"two\nlines\tof\x7F\"", "two\nlines\tof\x7F"),
        RAW("\"C:\\x\\users\"", "C:\\x\\users"),
    };

    return json_string_nocheck(texts[chance_below(seed, COUNT(texts))]); /* one of them is no UTF-8 */
}

static const char *odd_key(uint64_t *seed)
{
    static const char *const keys[] = {
        "",
        "id",
        "new",
        "New",
        "a.b",
        "a\\",
        "\\.",
        "_extra",
        "0",
        "_seq",
        "type",
        "data",
        "updated_at",
        "partition_date",
        "\x1F\"",
        "a b",
        "a (1)",
        "a",
        "tags.0.x",
        "\xC3\xA9",
        RAW("\"k\\ud800\"", "k" FFFD),
        RAW("\"k\t\"", "k\t"),
    };

    return keys[chance_below(seed, COUNT(keys))];
}

static json_t *odd_value(uint64_t *seed, int depth)
{
    json_t *value;
    uint32_t kind = chance_below(seed, depth > 0 ? 9 : 6);

    if (kind == 0) return json_null();
    if (kind == 1) return json_boolean(chance_below(seed, 2));
    if (kind < 4) return odd_number(seed);
    if (kind < 6) return odd_text(seed);
    value = kind == 6 ? json_array() : json_object();
    for (uint32_t i = chance_below(seed, 4); i > 0; i--) {
        if (kind == 6)
            json_array_append_new(value, odd_value(seed, depth - 1));
        else
            json_object_set_new(value, odd_key(seed), odd_value(seed, depth - 1));
    }
    return value;
}

/* A value becomes another, made of it: the reference to the old one is taken. */
static json_t *changed(json_t *old, uint64_t *seed)
{
    switch (chance_below(seed, 5)) {
    case 0: return json_pack("[o]", old);
    case 1: return json_pack("{so}", odd_key(seed), old);
    case 2:
        for (int i = 0; i < 40; i++)
            old = i % 2 ? json_pack("[no]", old) : json_pack("{so}", "deep", old);
        return old;
    default: json_decref(old); return odd_value(seed, 3);
    }
}

static void change_object(json_t *object, uint64_t *seed)
{
    uint32_t at = json_object_size(object) ? chance_below(seed, (uint32_t)json_object_size(object)) : 0;
    void *member = json_object_iter(object);
    const char *key;

    while (member && at-- > 0)
        member = json_object_iter_next(object, member);
    if (!member || chance_below(seed, 4) == 0) {
        json_object_set_new(object, odd_key(seed), odd_value(seed, 3));
        return;
    }
    key = json_object_iter_key(member);
    if (chance_below(seed, 4) == 0)
        json_object_del(object, key);
    else
        json_object_set_new(object, key, changed(json_incref(json_object_iter_value(member)), seed));
}

static void change_list(json_t *list, uint64_t *seed)
{
    size_t size = json_array_size(list);
    size_t at = size ? chance_below(seed, (uint32_t)size) : 0;

    switch (size ? chance_below(seed, 4) : 0) {
    case 0: json_array_insert_new(list, at, odd_value(seed, 2)); break;
    case 1: json_array_remove(list, at); break;
    default: json_array_set_new(list, at, changed(json_incref(json_array_get(list, at)), seed)); break;
    }
}

/* A key as it may be spelled: its first letter may be escaped. */
static void spell_key(struct buf *out, const char *key, uint64_t *seed)
{
    size_t quote = out->size;

    json_write_string(out, key, strlen(key));
    if (key[0] < 'a' || key[0] > 'z' || chance_below(seed, 2)) return;
    buf_cut(out, quote);
    buf_format(out, "\"\\u00%02x", (unsigned)key[0]);
    quote = out->size;
    json_write_string(out, key + 1, strlen(key + 1));
    memmove(out->data + quote, out->data + quote + 1,
            out->size - quote); /* the quote of the rest, NUL included */
    buf_cut(out, out->size - 1);
}

/* The key is in the object once more or twice more, before its own place. */
static void add_duplicates(json_t *all, const json_t *object, const char *key, uint64_t *seed)
{
    AUTO(buf_done) struct buf name;
    int number = 0;

    buf_init(&name, 8192);
    for (uint32_t more = 1 + chance_below(seed, 2); more > 0; more--) {
        do {
            buf_reset(&name);
            buf_format(&name, "%s (%d)", key, ++number);
        } while (json_object_get(object, buf_string(&name)));
        buf_reset(&name);
        buf_byte(&name, '\x01');
        spell_key(&name, key, seed);
        buf_format(&name, "\x02%s (%d)", key, number);
        json_object_set_new(all, buf_string(&name), odd_value(seed, 2));
    }
}

/* Some keys of an object are there several times: all but the last get other values. */
static void double_keys(json_t *object, uint64_t *seed)
{
    json_t *all = json_object();
    const char *key;
    json_t *member;

    json_object_foreach (object, key, member) {
        if (key[0] != '\x01' && chance_below(seed, 4) == 0) add_duplicates(all, object, key, seed);
        json_object_set(all, key, member);
    }
    json_object_clear(object);
    json_object_update(object, all);
    json_decref(all);
}

/* Every other leaf becomes an odd one of its kind. */
static json_t *noisy(const json_t *tree, uint64_t *seed)
{
    json_t *borrowed = (json_t *)(uintptr_t)tree; /* jansson's iterators take no const, but change nothing */
    json_t *copy = json_is_object(tree) ? json_object() : json_array();
    const char *key;
    json_t *member;

    if (!json_is_object(tree) && !json_is_array(tree)) {
        json_decref(copy);
        if (chance_below(seed, 2)) return json_deep_copy(tree);
        return json_is_string(tree) ? odd_text(seed) : odd_number(seed);
    }
    json_object_foreach (borrowed, key, member)
        json_object_set_new(copy, key, noisy(member, seed));
    for (size_t i = 0; i < json_array_size(tree); i++)
        json_array_append_new(copy, noisy(json_array_get(tree, i), seed));
    return copy;
}

json_t *wire_mutate(const json_t *tree, uint64_t *seed)
{
    json_t *copy = chance_below(seed, 3) ? json_deep_copy(tree) : noisy(tree, seed);
    struct places places;

    if (chance_below(seed, 200) == 0) {
        json_decref(copy);
        return odd_value(seed, 2);
    }
    for (uint32_t i = 1 + chance_below(seed, 4); i > 0; i--) {
        json_t *place;

        places.count = 0;
        collect(&places, copy);
        if (places.count == 0) break;
        place = places.list[chance_below(seed, 3) ? chance_below(seed, (uint32_t)places.count) : 0];
        if (json_is_object(place))
            change_object(place, seed);
        else
            change_list(place, seed);
    }
    places.count = 0; /* last, as another change would change what they mean */
    collect(&places, copy);
    if (places.count > 0 && chance_below(seed, 4) == 0) {
        json_t *place = places.list[chance_below(seed, (uint32_t)places.count)];

        if (json_is_object(place)) double_keys(place, seed);
    }
    return copy;
}

static const char *meaning_of(const char *text)
{
    return text[0] == '\x01' ? strchr(text, '\x02') + 1 : text;
}

static void write_text(struct buf *out, const char *text)
{
    if (text[0] == '\x01')
        buf_add(out, text + 1, strcspn(text, "\x02") - 1);
    else
        json_write_string(out, text, strlen(text));
}

void wire_text(struct buf *out, const json_t *tree)
{
    json_t *borrowed = (json_t *)(uintptr_t)tree; /* jansson's iterators take no const, but change nothing */
    const char *separator = "";
    const char *key;
    json_t *member;

    if (json_is_object(tree)) {
        buf_byte(out, '{');
        json_object_foreach (borrowed, key, member) {
            buf_text(out, separator);
            write_text(out, key);
            buf_byte(out, ':');
            wire_text(out, member);
            separator = ",";
        }
        buf_byte(out, '}');
    } else if (json_is_array(tree)) {
        buf_byte(out, '[');
        for (size_t i = 0; i < json_array_size(tree); i++) {
            if (i > 0) buf_byte(out, ',');
            wire_text(out, json_array_get(tree, i));
        }
        buf_byte(out, ']');
    } else if (json_is_string(tree)) {
        write_text(out, json_string_value(tree));
    } else {
        json_write(out, tree);
    }
}

json_t *wire_meaning(const json_t *tree)
{
    json_t *borrowed = (json_t *)(uintptr_t)tree;
    const char *key;
    json_t *member, *copy;

    if (json_is_string(tree)) return json_string(meaning_of(json_string_value(tree)));
    if (json_is_object(tree)) {
        copy = json_object();
        json_object_foreach (borrowed, key, member)
            json_object_set_new(copy, meaning_of(key), wire_meaning(member));
        return copy;
    }
    if (json_is_array(tree)) {
        copy = json_array();
        for (size_t i = 0; i < json_array_size(tree); i++)
            json_array_append_new(copy, wire_meaning(json_array_get(tree, i)));
        return copy;
    }
    return json_deep_copy(tree);
}
