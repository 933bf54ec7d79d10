/* SPDX-License-Identifier: Apache-2.0 */
#include "pubsub/filter.h"

#include <string.h>

#define SIZE_LIMIT  256 /* bytes of a filter */
#define TEXT_LIMIT  (SIZE_LIMIT + 1)
#define DEPTH_LIMIT 32

struct reader {
    const char *at;
    const Google__Pubsub__V1__PubsubMessage *message;
    const char *problem; /* the first one; NULL: none */
    int depth;
};

static bool fail(struct reader *reader, const char *problem)
{
    if (!reader->problem) reader->problem = problem;
    return false;
}

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

static bool is_key_letter(char c)
{
    return c && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", c) != NULL;
}

/* A sign, such as ( or !=. */
static bool take(struct reader *reader, const char *sign)
{
    skip_blanks(reader);
    size_t size = strlen(sign);
    if (strncmp(reader->at, sign, size) != 0) return false;
    reader->at += size;
    return true;
}

/* A word, such as AND, that does not go on. */
static bool take_word(struct reader *reader, const char *word)
{
    skip_blanks(reader);
    size_t size = strlen(word);
    if (strncmp(reader->at, word, size) != 0 || is_key_letter(reader->at[size])) return false;
    reader->at += size;
    return true;
}

static bool read_text(struct reader *reader, char out_text[TEXT_LIMIT])
{
    static const char escapes[] = "\\\"nrt", meant[] = "\\\"\n\r\t";
    size_t size = 0;
    if (!take(reader, "\"")) return fail(reader, "a text in double quotes is missing");
    for (; *reader->at && *reader->at != '"'; reader->at++) {
        char c = *reader->at;
        if (c == '\\') {
            const char *escape = reader->at[1] ? strchr(escapes, reader->at[1]) : NULL;
            if (!escape) return fail(reader, "the sandbox does not play this escape");
            c = meant[escape - escapes];
            reader->at++;
        }
        out_text[size++] = c; /* no longer than the filter, which was measured */
    }
    out_text[size] = '\0';
    return take(reader, "\"") || fail(reader, "a text does not end");
}

static bool read_key(struct reader *reader, char out_key[TEXT_LIMIT])
{
    size_t size = 0;
    if (*reader->at == '"') return read_text(reader, out_key);
    while (is_key_letter(reader->at[size]))
        size++;
    memcpy(out_key, reader->at, size);
    out_key[size] = '\0';
    reader->at += size;
    return size > 0 || fail(reader, "the key of an attribute is missing");
}

/* NULL: the message lacks it, or there is no message. */
static const char *attribute(const struct reader *reader, const char *key)
{
    for (size_t i = 0; reader->message && i < reader->message->n_attributes; i++)
        if (strcmp(reader->message->attributes[i]->key, key) == 0)
            return reader->message->attributes[i]->value;
    return NULL;
}

static bool read_prefix(struct reader *reader)
{
    char key[TEXT_LIMIT], prefix[TEXT_LIMIT];
    if (!take(reader, "(") || !take_word(reader, "attributes") || !take(reader, "."))
        return fail(reader, "hasPrefix takes attributes.KEY and a text");
    if (!read_key(reader, key)) return false;
    if (!take(reader, ",")) return fail(reader, "hasPrefix takes attributes.KEY and a text");
    if (!read_text(reader, prefix)) return false;
    if (!take(reader, ")")) return fail(reader, "a parenthesis is not closed");
    const char *value = attribute(reader, key);
    return value && strncmp(value, prefix, strlen(prefix)) == 0;
}

static bool read_attribute(struct reader *reader)
{
    char key[TEXT_LIMIT], text[TEXT_LIMIT];
    if (take(reader, ":")) {
        skip_blanks(reader);
        return read_key(reader, key) && attribute(reader, key);
    }
    if (!take(reader, ".")) return fail(reader, "attributes is followed by a colon or a dot");
    if (!read_key(reader, key)) return false;
    bool is_negated = take(reader, "!=");
    if (!is_negated && !take(reader, "=")) return fail(reader, "= or != is missing");
    if (!read_text(reader, text)) return false;
    const char *value = attribute(reader, key);
    return (value && strcmp(value, text) == 0) != is_negated;
}

static bool read_all(struct reader *reader);

/* NOLINTNEXTLINE(misc-no-recursion): the depth is bounded. */
static bool read_one(struct reader *reader)
{
    if (++reader->depth > DEPTH_LIMIT) return fail(reader, "it is nested too deeply");
    bool is_met;
    if (take_word(reader, "NOT") || take(reader, "-")) {
        is_met = !read_one(reader);
    } else if (take(reader, "(")) {
        is_met = read_all(reader);
        if (!take(reader, ")")) (void)fail(reader, "a parenthesis is not closed");
    } else if (take_word(reader, "hasPrefix")) {
        is_met = read_prefix(reader);
    } else if (take_word(reader, "attributes")) {
        is_met = read_attribute(reader);
    } else {
        is_met = fail(reader, "attributes, hasPrefix, NOT or a parenthesis is missing");
    }
    reader->depth--;
    return is_met;
}

/* NOLINTNEXTLINE(misc-no-recursion): see read_one */
static bool read_all(struct reader *reader)
{
    bool is_met = read_one(reader), has_and = false, has_or = false;
    while (!reader->problem) {
        bool is_and = take_word(reader, "AND");
        if (!is_and && !take_word(reader, "OR")) break;
        has_and = has_and || is_and;
        has_or = has_or || !is_and;
        if (has_and && has_or) return fail(reader, "AND and OR need parentheses between them");
        bool next = read_one(reader);
        is_met = is_and ? is_met && next : is_met || next;
    }
    return is_met;
}

static bool read_filter(const char *text, const Google__Pubsub__V1__PubsubMessage *message,
                        const char **out_problem)
{
    struct reader reader = {.at = text, .message = message};
    bool is_met = read_all(&reader);
    skip_blanks(&reader);
    if (*reader.at) (void)fail(&reader, "it does not end where it should");
    *out_problem = reader.problem;
    return is_met;
}

const char *filter_problem(const char *text)
{
    const char *problem = NULL;
    if (!*text) return NULL;
    if (strlen(text) > SIZE_LIMIT) return "it is longer than 256 bytes";
    (void)read_filter(text, NULL, &problem);
    return problem;
}

bool filter_matches(const char *text, const Google__Pubsub__V1__PubsubMessage *message)
{
    const char *problem = NULL;
    return !*text || read_filter(text, message, &problem);
}
