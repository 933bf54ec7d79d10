/* SPDX-License-Identifier: Apache-2.0 */
#include "workspace/template.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"
#include "shared/rng.h"

#define TEXT_LIMIT (4 * 1024 * 1024)
#define DAY_S      86400
#define CHANGE_ONE 4 /* one value in so many is chosen again in the next version */

static bool write_value(const json_t *value, const struct template_context *context, uint64_t place,
                        struct buf *out);

/* The choices at a place in the record. */
static struct rng rng_at(const struct template_context *context, uint64_t place)
{
    uint32_t revision = context->version;
    while (revision > 0 && hash_mix(context->seed ^ hash_mix(place + revision)) % CHANGE_ONE != 0)
        revision--;
    return (struct rng){.state = context->seed ^ hash_mix(place) ^ hash_mix(revision)};
}

/* --- texts --- */

static const char *const names[] = {"Ada Nováková", "José Ñíguez", "小林 さくら", "O'Brien \"Bo\" \\ Co",
                                    "Zoë",          "Иван Петров", "שרה כהן",     "Ngọc 🙂"};
static const char *const words[] = {"billing", "façade",     "naïve",    "отчёт",    "請求書",
                                    "refund",  "e\u0301tat", "🚀",        "and/or",   "a\u2028& b",
                                    "größer",  "tab\there",  "null",     "0",        "later",
                                    "<soon>",  "x\u00a0y",   "question", "الفاتورة", "42"};

/* Records are made whenever they are read: formats would take a third of the time. */
static void write_integer(int64_t value, struct buf *out)
{
    char digits[24];
    char *at = digits + sizeof digits;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0) *--at = '-';
    buf_add(out, at, (size_t)(digits + sizeof digits - at));
}

static void write_text(const char *text, struct buf *out)
{
    json_write_string(out, text, strlen(text));
}

static const char *pick_word(struct rng *rng)
{
    return words[rng_below(rng, sizeof words / sizeof *words)];
}

static void write_words(struct rng *rng, uint32_t least, uint32_t more, const char *tag, struct buf *out)
{
    AUTO(buf_done) struct buf text;
    buf_init(&text, TEXT_LIMIT);
    if (tag) buf_format(&text, "<%s>", tag);
    for (uint32_t left = least + rng_below(rng, more); left > 0; left--)
        buf_format(&text, "%s%s", pick_word(rng), left > 1 ? " " : "");
    if (tag) buf_format(&text, "</%s>\n<p><img src=\"https://example.com/a.png\"></p>", tag);
    write_text(buf_string(&text), out);
}

static void write_body(struct rng *rng, const struct template_context *context, bool is_html, struct buf *out)
{
    AUTO(buf_done) struct buf text;
    buf_init(&text, TEXT_LIMIT);
    uint32_t half = context->body_bytes / 2, size = half + rng_below(rng, half + 1);
    if (is_html) buf_text(&text, "<p>");
    do {
        buf_text(&text, pick_word(rng));
        buf_byte(&text, ' ');
    } while (text.size < size);
    if (is_html) buf_text(&text, "</p>");
    write_text(buf_string(&text), out);
}

static void write_name(struct rng *rng, struct buf *out)
{
    write_text(names[rng_below(rng, sizeof names / sizeof *names)], out);
}

static void write_word(struct rng *rng, struct buf *out)
{
    write_text(pick_word(rng), out);
}

static void write_title(struct rng *rng, struct buf *out)
{
    write_words(rng, 2, 6, NULL, out);
}

static void write_short(struct rng *rng, struct buf *out)
{
    if (rng_below(rng, 8))
        write_words(rng, 5, 30, NULL, out);
    else
        write_text("", out);
}

static void write_long(struct rng *rng, struct buf *out)
{
    write_words(rng, 100, rng_below(rng, 4) ? 200 : 2000, NULL, out);
}

static void write_html(struct rng *rng, struct buf *out)
{
    write_words(rng, 10, 120, rng_below(rng, 2) ? "p" : "h2", out);
}

static void write_email(struct rng *rng, struct buf *out)
{
    buf_format(out, "\"someone+%" PRIu32 "@example.com\"", rng_below(rng, 1000));
}

static void write_real(struct rng *rng, struct buf *out)
{
    buf_format(out, "%.4f", rng_below(rng, 100000) / 8.0 + 0.0625);
}

static void write_flag(struct rng *rng, struct buf *out)
{
    buf_text(out, rng_below(rng, 2) ? "true" : "false");
}

static const struct {
    const char *word;
    void (*write)(struct rng *rng, struct buf *out);
} writers[] = {
    {"$word", write_word},   {"$name", write_name}, {"$title", write_title},
    {"$text", write_short},  {"$long", write_long}, {"$html", write_html},
    {"$email", write_email}, {"$real", write_real}, {"$flag", write_flag},
};

/* --- numbers and times --- */

/* "1000": below that; "-5 10": from -5 to 9. */
static int64_t choose_number(struct rng *rng, const char *argument)
{
    char *end;
    int64_t first = strtoll(argument, &end, 10), bound = strtoll(end, NULL, 10);
    return *end ? first + rng_below(rng, (uint32_t)(bound - first)) : rng_below(rng, (uint32_t)first);
}

static void write_instant(int64_t at_us, const char *form, struct rng *rng, struct buf *out)
{
    char text[INSTANT_TEXT];
    bool is_whole = strcmp(form, "second") == 0;
    bool is_text = is_whole || strcmp(form, "iso") == 0 || (strcmp(form, "either") == 0 && rng_below(rng, 2));
    if (strcmp(form, "ms") == 0) {
        write_integer(at_us / 1000 + rng_below(rng, 1000), out);
    } else if (!is_text) {
        write_integer(at_us / 1000000, out);
    } else {
        instant_format(at_us / 1000000 * 1000000, text); /* whole seconds: no fraction is written */
        text[strlen(text) - 1] = '\0';
        if (is_whole)
            buf_format(out, "\"%sZ\"", text);
        else
            buf_format(out, "\"%s.%03dZ\"", text, (int)(at_us % 1000000 / 1000));
    }
}

/* Strictly later for each index; one in four has a fraction. */
static int64_t step_us(const struct template_context *context, const char *argument, struct rng *rng)
{
    int64_t step_s = strtoll(argument, NULL, 10);
    int64_t at_s = context->created_s + (int64_t)context->index * step_s + rng_below(rng, (uint32_t)step_s);
    return at_s * 1000000 + (rng_below(rng, 4) ? 0 : 250000);
}

static bool write_time(const char *word, const char *argument, const struct template_context *context,
                       struct rng *rng, struct buf *out)
{
    if (strcmp(word, "$created") == 0)
        write_instant(context->created_s * 1000000, argument, rng, out);
    else if (strcmp(word, "$updated") == 0)
        write_instant(context->updated_s * 1000000, argument, rng, out);
    else if (strcmp(word, "$time") == 0)
        write_instant((context->updated_s - rng_below(rng, 90 * DAY_S)) * 1000000, argument, rng, out);
    else if (strcmp(word, "$at") == 0)
        write_instant(context->at_s * 1000000, argument, rng, out);
    else if (strcmp(word, "$step") == 0)
        write_instant(step_us(context, argument, rng), strstr(argument, "second") ? "second" : "iso", rng,
                      out);
    else
        return false;
    return true;
}

/* --- strings --- */

static void write_word_value(const char *text, const struct template_context *context, uint64_t place,
                             struct buf *out)
{
    struct rng rng = rng_at(context, place);
    char word[16] = "";
    size_t size = strcspn(text, " ");
    memcpy(word, text, size < sizeof word ? size : sizeof word - 1);
    const char *argument = text + size + strspn(text + size, " ");
    if (context->extend && context->extend(context->self, word, argument, out)) return;
    for (size_t i = 0; i < sizeof writers / sizeof *writers; i++) {
        if (writers[i].word[1] != word[1] || strcmp(writers[i].word, word) != 0) continue;
        writers[i].write(&rng, out);
        return;
    }
    if (write_time(word, argument, context, &rng, out)) return;
    if (strcmp(word, "$number") == 0) {
        write_integer(choose_number(&rng, argument), out);
    } else if (strcmp(word, "$digits") == 0) {
        buf_byte(out, '"');
        write_integer(choose_number(&rng, argument), out);
        buf_byte(out, '"');
    } else if (strcmp(word, "$id") == 0 || strcmp(word, "$child") == 0) {
        buf_text(out, word[1] == 'i' ? context->id : context->child);
    } else if (strcmp(word, "$redacted") == 0) {
        buf_text(out, context->is_redacted ? "true" : "false");
    } else if (strcmp(word, "$body") == 0) {
        write_body(&rng, context, strcmp(argument, "html") == 0 && !context->is_plain, out);
    } else {
        fprintf(stderr, "sandbox: no template knows \"%s\"; see workspace/template.h\n", text);
        abort();
    }
}

/* Adds what a text in braces stands for; the bytes it takes, 0: it stands for itself. */
static size_t write_filling(const char *text, const struct template_context *context, struct buf *out)
{
    const struct {
        const char *name, *value;
        uint64_t number; /* of those without a value */
    } fillings[] = {{"{id}", context->id, 0},
                    {"{workspace}", context->workspace, 0},
                    {"{child}", context->child, 0},
                    {"{other}", context->other, 0},
                    {"{value}", context->value, 0},
                    {"{sequence}", NULL, context->sequence},
                    {"{version}", NULL, context->version},
                    {"{index}", NULL, context->index}};
    for (size_t i = 0; i < sizeof fillings / sizeof *fillings; i++) {
        size_t size = strlen(fillings[i].name);
        if (strncmp(text, fillings[i].name, size) != 0) continue;
        if (fillings[i].value)
            buf_text(out, fillings[i].value);
        else
            write_integer((int64_t)fillings[i].number, out);
        return size;
    }
    return 0;
}

static void write_string(const char *text, const struct template_context *context, struct buf *out)
{
    if (!strchr(text, '{')) {
        write_text(text, out);
        return;
    }
    AUTO(buf_done) struct buf filled;
    buf_init(&filled, TEXT_LIMIT);
    while (*text) {
        size_t size = *text == '{' ? write_filling(text, context, &filled) : 0;
        if (size == 0) buf_byte(&filled, *text);
        text += size ? size : 1;
    }
    write_text(buf_string(&filled), out);
}

/* --- choices --- */

static bool write_branch(const json_t *choice, bool is_then, const struct template_context *context,
                         uint64_t place, struct buf *out)
{
    const json_t *branch = json_object_get(choice, is_then ? "then" : "else");
    return branch && write_value(branch, context, place, out);
}

static void write_list(const json_t *choice, const json_t *element, const struct template_context *context,
                       uint64_t place, struct buf *out)
{
    struct rng rng = rng_at(context, place);
    uint32_t most = (uint32_t)json_int_at(choice, "most", 1);
    buf_byte(out, '[');
    for (uint32_t i = rng_below(&rng, most + 1); i > 0; i--) {
        (void)write_value(element, context, hash_mix(place + i), out); /* elements are never absent */
        if (i > 1) buf_byte(out, ',');
    }
    buf_byte(out, ']');
}

static bool write_choice(const char *kind, const json_t *choice, const struct template_context *context,
                         uint64_t place, struct buf *out)
{
    struct rng rng = rng_at(context, place);
    const json_t *first = json_object_get(choice, kind);
    uint64_t inner = hash_mix(place);
    size_t count = json_array_size(first);
    if (strcmp(kind, "$one of") == 0)
        return write_value(json_array_get(first, rng_below(&rng, (uint32_t)count)), context, inner, out);
    if (strcmp(kind, "$null or") == 0 || strcmp(kind, "$absent or") == 0) {
        if (rng_below(&rng, 3)) return write_value(first, context, inner, out);
        return kind[1] == 'n' && buf_text(out, "null");
    }
    if (strcmp(kind, "$one in") == 0) {
        bool is_then = rng_below(&rng, (uint32_t)json_integer_value(first)) == 0;
        return write_branch(choice, is_then, context, inner, out);
    }
    if (strcmp(kind, "$if") == 0) {
        const char *what = json_string_value(first);
        bool is_then = strcmp(what, "redacted") == 0    ? context->is_redacted
                       : strcmp(what, "on demand") == 0 ? context->is_on_demand
                                                        : context->has_children;
        return write_branch(choice, is_then, context, inner, out);
    }
    if (strcmp(kind, "$turn") == 0)
        return write_value(json_array_get(first, (size_t)context->index % count), context, inner, out);
    if (strcmp(kind, "$always") == 0) {
        struct template_context constant = *context;
        constant.version = 0;
        return write_value(first, &constant, inner, out);
    }
    if (strcmp(kind, "$list of") == 0) {
        write_list(choice, first, context, place, out);
        return true;
    }
    fprintf(stderr, "sandbox: no template knows \"%s\"; see workspace/template.h\n", kind);
    abort();
}

/* --- values --- */

static bool write_object(const json_t *object, const struct template_context *context, uint64_t place,
                         struct buf *out)
{
    json_t *members = (json_t *)(uintptr_t)object; /* jansson's iterator only reads */
    void *first = json_object_iter(members);
    if (first && json_object_iter_key(first)[0] == '$')
        return write_choice(json_object_iter_key(first), object, context, place, out);
    const char *key;
    json_t *member;
    bool is_first = true;
    buf_byte(out, '{');
    json_object_foreach (members, key, member) {
        size_t before = out->size;
        if (!is_first) buf_byte(out, ',');
        write_text(key, out);
        buf_byte(out, ':');
        if (write_value(member, context, hash_mix(place ^ hash_text(key)), out))
            is_first = false;
        else
            buf_cut(out, before);
    }
    buf_byte(out, '}');
    return true;
}

static bool write_array(const json_t *array, const struct template_context *context, uint64_t place,
                        struct buf *out)
{
    buf_byte(out, '[');
    for (size_t i = 0, written = 0; i < json_array_size(array); i++) {
        size_t before = out->size;
        if (written) buf_byte(out, ',');
        if (write_value(json_array_get(array, i), context, hash_mix(place + i + 1), out))
            written++;
        else
            buf_cut(out, before);
    }
    buf_byte(out, ']');
    return true;
}

static bool write_value(const json_t *value, const struct template_context *context, uint64_t place,
                        struct buf *out)
{
    const char *text = json_string_value(value);
    if (json_is_object(value)) return write_object(value, context, place, out);
    if (json_is_array(value)) return write_array(value, context, place, out);
    if (json_is_null(value) || json_is_boolean(value))
        buf_text(out, json_is_null(value) ? "null" : json_is_true(value) ? "true" : "false");
    else if (!text)
        (void)json_write(out, value); /* a text that is too large is seen when it is sent */
    else if (*text == '$')
        write_word_value(text, context, place, out);
    else
        write_string(text, context, out);
    return true;
}

bool template_write(const json_t *value, const struct template_context *context, struct buf *out)
{
    return write_value(value, context, 1, out);
}

bool template_write_member(const json_t *object, const char *name, const struct template_context *context,
                           struct buf *out)
{
    const json_t *member = json_object_get(object, name);
    return member && write_value(member, context, hash_mix(1 ^ hash_text(name)), out);
}

int64_t template_number(const json_t *value, const struct template_context *context, int64_t fallback)
{
    AUTO(buf_done) struct buf text;
    char *end;
    buf_init(&text, 64);
    if (!value || !template_write(value, context, &text)) return fallback;
    int64_t number = strtoll(buf_string(&text), &end, 10);
    return *end ? fallback : number;
}
