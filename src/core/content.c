/* SPDX-License-Identifier: Apache-2.0 */
#include "core/content.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"

#define TWO_TO_63     9223372036854775808.0
#define ELEMENT       "[]"            /* stands for the name of each element of a list */
#define ADDRESS_ENDS  "\"'<>()[]{}\\" /* beside blanks */
#define QUERY_DIVIDES "?&;"           /* ';' also ends the "&amp;" of HTML */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t hash_span(const char *text, size_t size)
{
    return hash_mix(hash_bytes(HASH_EMPTY, text, size));
}

static uint64_t hash_plain(const char *text)
{
    return hash_span(text, strlen(text));
}

struct span {
    const char *at;
    size_t size;
};

static bool span_is(struct span span, const char *text)
{
    return span.size == strlen(text) && strncasecmp(span.at, text, span.size) == 0;
}

static bool span_ends(struct span span, const char *text)
{
    size_t size = strlen(text);
    return span.size >= size && strncasecmp(span.at + span.size - size, text, size) == 0;
}

static size_t span_find(struct span span, char byte)
{
    const char *found = memchr(span.at, byte, span.size);
    return found ? (size_t)(found - span.at) : span.size;
}

static size_t address_size(struct span text)
{
    size_t scheme = text.size >= 8 && strncasecmp(text.at, "https://", 8) == 0  ? 8
                    : text.size >= 7 && strncasecmp(text.at, "http://", 7) == 0 ? 7
                                                                                : 0;
    size_t size = scheme;
    if (scheme == 0) return 0;
    while (size < text.size && !isspace((unsigned char)text.at[size]) &&
           (text.at[size] == '\0' || !strchr(ADDRESS_ENDS, text.at[size])))
        size++;
    return size > scheme ? size : 0;
}

/* '#' stands for one digit or more. */
static bool is_like(struct span domain, const char *pattern)
{
    for (; *pattern; pattern++) {
        size_t size = 0;
        while (*pattern == '#' && size < domain.size && isdigit((unsigned char)domain.at[size]))
            size++;
        if (*pattern != '#') size = domain.size > 0 && strncasecmp(domain.at, pattern, 1) == 0;
        if (size == 0) return false;
        domain = (struct span){domain.at + size, domain.size - size};
    }
    return domain.size == 0;
}

/* Is the host, or a domain above it, one that the source serves files from? */
static bool is_file_host(const struct table *table, struct span host)
{
    for (;;) {
        size_t dot = span_find(host, '.');
        for (const char *const *pattern = table->file_hosts; pattern && *pattern; pattern++)
            if (is_like(host, *pattern)) return true;
        if (dot == host.size) return false;
        host = (struct span){host.at + dot + 1, host.size - dot - 1};
    }
}

/* Has the query, which begins with '?', a parameter that differs between two readings of one file? */
static bool is_signed(struct span query)
{
    static const char *const names[] = {"sig", "hmac", "expires", "x-amz-expires", "x-goog-expires"};
    for (size_t i = 0; i < query.size; i++) {
        struct span name = {query.at + i + 1, 0};
        if (!strchr(QUERY_DIVIDES, query.at[i])) continue;
        while (i + 1 + name.size < query.size && query.at[i + 1 + name.size] != '=' &&
               !strchr(QUERY_DIVIDES, name.at[name.size]))
            name.size++;
        if (i + 1 + name.size == query.size || name.at[name.size] != '=') continue;
        if (span_ends(name, "signature")) return true;
        for (size_t n = 0; n < COUNT(names); n++)
            if (span_is(name, names[n])) return true;
    }
    return false;
}

/* user@host:port, without what is not the host. */
static struct span host_of(struct span authority)
{
    for (size_t at; (at = span_find(authority, '@')) < authority.size;)
        authority = (struct span){authority.at + at + 1, authority.size - at - 1};
    authority.size = span_find(authority, ':');
    return authority;
}

static uint64_t hash_address(const struct table *table, uint64_t hash, struct span address)
{
    struct span whole = {address.at, span_find(address, '#')};
    struct span head = {address.at, span_find(whole, '?')};
    size_t scheme = span_find(address, ':') + strlen("://");
    struct span rest = {head.at + scheme, head.size > scheme ? head.size - scheme : 0};
    size_t slash = span_find(rest, '/');
    if (is_file_host(table, host_of((struct span){rest.at, slash}))) {
        hash = hash_bytes(hash, "file:", 5);
        return slash < rest.size ? hash_bytes(hash, rest.at + slash + 1, rest.size - slash - 1) : hash;
    }
    if (is_signed((struct span){whole.at + head.size, whole.size - head.size})) address = head;
    return hash_bytes(hash, address.at, address.size);
}

static size_t find_address(struct span text, size_t *out_before)
{
    for (size_t at = 0; at < text.size; at++) {
        size_t size;
        at += span_find((struct span){text.at + at, text.size - at}, ':');
        for (size_t scheme = 4; scheme <= 5; scheme++) { /* "http", "https" */
            if (at < scheme) continue;
            *out_before = at - scheme;
            size = address_size((struct span){text.at + *out_before, text.size - *out_before});
            if (size > 0) return size;
        }
    }
    *out_before = text.size;
    return 0;
}

static uint64_t hash_value_text(const struct table *table, struct span text)
{
    uint64_t hash = HASH_EMPTY;
    while (text.size > 0) {
        size_t before;
        size_t size = find_address(text, &before);
        hash = hash_bytes(hash, text.at, before);
        if (size > 0) hash = hash_address(table, hash, (struct span){text.at + before, size});
        text = (struct span){text.at + before + size, text.size - before - size};
    }
    return hash_mix(hash);
}

struct member_path {
    const struct member_path *up;
    const char *name;
    size_t size;
};

/* The same for all values of one content. */
struct rule {
    const struct table *table;
    uint64_t left_out_ends; /* the last bytes of left_out's paths, as bits: most members end otherwise */
};

static uint64_t end_bit(const char *name, size_t size)
{
    return size > 0 ? UINT64_C(1) << (name[size - 1] & 63) : 0;
}

static struct rule rule_of(const struct table *table)
{
    struct rule rule = {.table = table};
    for (size_t i = 0; i < table->left_out_count; i++)
        rule.left_out_ends |= end_bit(table->left_out[i].path, strlen(table->left_out[i].path));
    return rule;
}

static bool is_at(const struct member_path *at, const char *path, size_t size)
{
    size_t before = size;
    while (before > 0 && path[before - 1] != '.')
        before--;
    if (!at || at->size != size - before || memcmp(at->name, path + before, size - before) != 0) return false;
    return before > 0 ? is_at(at->up, path, before - 1) : !at->up;
}

static const struct left_out *left_out_at(const struct rule *rule, const struct member_path *path)
{
    const struct table *table = rule->table;
    if (!(rule->left_out_ends & end_bit(path->name, path->size))) return NULL;
    for (size_t i = 0; i < table->left_out_count; i++)
        if (is_at(path, table->left_out[i].path, strlen(table->left_out[i].path))) return &table->left_out[i];
    return NULL;
}

static uint64_t content_of(const struct rule *rule, const struct json_value *value,
                           const struct member_path *path);

static uint64_t add_member(uint64_t sum, uint64_t name_hash, uint64_t content)
{
    return content ? sum + hash_mix(3 * name_hash + content) : sum;
}

static bool is_plain(const struct json_value *value)
{
    return value->type == VALUE_INTEGER ||
           (value->type == VALUE_STRING && !memchr(value->text, ':', value->size)); /* it has no address */
}

/* The same as add_member for a plain value: the two hashes wait for each other's multiplications no more. */
static uint64_t add_plain_member(uint64_t sum, const struct json_value *member)
{
    const size_t name_size = member->key_size, size = member->size;
    const size_t both = name_size < size ? name_size : size;
    uint64_t name_hash = HASH_EMPTY, hash = HASH_EMPTY;
    for (size_t i = 0; i < both; i++) {
        name_hash = hash_bytes(name_hash, member->key + i, 1);
        hash = hash_bytes(hash, member->text + i, 1);
    }
    name_hash = hash_bytes(name_hash, member->key + both, name_size - both);
    hash = hash_bytes(hash, member->text + both, size - both);
    return add_member(sum, hash_mix(name_hash), hash_mix(hash));
}

static uint64_t content_of_object(const struct rule *rule, const struct json_value *object,
                                  const struct member_path *path)
{
    uint64_t sum = 0;
    for (const struct json_value *member = object->first; member; member = member->next) {
        const struct member_path below = {.up = path, .name = member->key, .size = member->key_size};
        const struct left_out *left_out = left_out_at(rule, &below);
        uint64_t content = 0;
        if (!left_out && is_plain(member)) {
            sum = add_plain_member(sum, member);
        } else if (!left_out) {
            content = content_of(rule, member, &below);
        } else if (left_out->but) {
            const struct member_path kept = {
                .up = &below, .name = left_out->but, .size = strlen(left_out->but)};
            content = content_of(rule, value_get(member, left_out->but), &kept);
            content = add_member(0, hash_plain(left_out->but), content);
        }
        if (content) sum = add_member(sum, hash_span(member->key, member->key_size), content);
    }
    return sum;
}

static uint64_t content_of_list(const struct rule *rule, const struct json_value *list,
                                const struct member_path *path)
{
    const uint64_t element_hash = hash_plain(ELEMENT);
    uint64_t sum = 0;
    for (const struct json_value *element = list->first; element; element = element->next)
        sum = add_member(sum, element_hash, content_of(rule, element, path));
    return sum;
}

static uint64_t content_of_real(const struct json_value *value)
{
    double real = value_real(value);
    AUTO(buf_done) struct buf text = buf_limited(64);
    if (real >= -TWO_TO_63 && real < TWO_TO_63 && real == trunc(real))
        buf_format(&text, "%" PRId64, (int64_t)real);
    else
        value_write(&text, value);
    return hash_plain(buf_string(&text));
}

static uint64_t content_of(const struct rule *rule, const struct json_value *value,
                           const struct member_path *path)
{
    uint64_t sum;
    if (!value) return 0;
    switch ((enum json_value_type)value->type) {
    case VALUE_NULL: return 0;
    case VALUE_TRUE: return hash_plain("true");
    case VALUE_FALSE: return hash_plain("false");
    case VALUE_INTEGER: return hash_span(value->text, value->size);
    case VALUE_REAL: return content_of_real(value);
    case VALUE_STRING: return hash_value_text(rule->table, (struct span){value->text, value->size});
    case VALUE_OBJECT: sum = content_of_object(rule, value, path); return sum ? hash_mix(sum) : 0;
    case VALUE_ARRAY: sum = content_of_list(rule, value, path); return sum ? hash_mix(sum) : 0;
    }
    return 0;
}

int64_t content_hash(const struct table *table, const struct json_value *value)
{
    const struct rule rule = rule_of(table);
    return (int64_t)(content_of(&rule, value, NULL) & INT64_MAX);
}
