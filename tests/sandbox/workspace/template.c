/* SPDX-License-Identifier: Apache-2.0 */
/* template.c - the values that a template leaves open. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/day.h"
#include "base/mem.h"
#include "shared/hash.h"
#include "workspace/records.h"
#include "workspace/template.h"

#define TEXT_LIMIT 65536
#define DAY_S      86400

static json_t *make(const json_t *value, const struct template_record *record, uint64_t place);

uint64_t template_hash(const char *text)
{
    return hash_bytes(HASH_OF_NOTHING, text, strlen(text));
}

/* The dice of a place in the record: thrown anew in about one version of four. */
static struct dice dice_at(const struct template_record *record, uint64_t place)
{
    uint32_t revision = record->version;
    while (revision > 0 && mix(record->seed ^ mix(place + revision)) % 4 != 0)
        revision--;
    return (struct dice){.state = record->seed ^ mix(place) ^ mix(revision)};
}

/* --- texts --- */

static const char *const names[] = {"Ada Nováková", "José Ñíguez", "小林 さくら", "O'Brien \"Bo\" \\ Co",
                                    "Zoë",          "Иван Петров", "שרה כהן",     "Ngọc 🙂"};
static const char *const words[] = {"billing", "façade",     "naïve",    "отчёт",    "請求書",
                                    "refund",  "e\u0301tat", "🚀",        "and/or",   "a\u2028& b",
                                    "größer",  "tab\there",  "null",     "0",        "later",
                                    "<soon>",  "x\u00a0y",   "question", "الفاتورة", "42"};

static json_t *make_words(struct dice *dice, uint32_t least, uint32_t more, const char *around)
{
    AUTO(buf_done) struct buf text;
    buf_init(&text, TEXT_LIMIT);
    if (around) buf_format(&text, "<%s>", around);
    for (uint32_t left = least + roll(dice, more); left > 0; left--)
        buf_format(&text, "%s%s", words[roll(dice, sizeof words / sizeof *words)], left > 1 ? " " : "");
    if (around) buf_format(&text, "</%s>\n<p><img src=\"https://example.com/a.png\"></p>", around);
    return json_string(buf_string(&text));
}

static json_t *make_name(struct dice *dice, uint64_t argument)
{
    (void)argument;
    return json_string(names[roll(dice, sizeof names / sizeof *names)]);
}

static json_t *make_word(struct dice *dice, uint64_t argument)
{
    (void)argument;
    return make_words(dice, 1, 1, NULL);
}

static json_t *make_title(struct dice *dice, uint64_t argument)
{
    (void)argument;
    return make_words(dice, 2, 6, NULL);
}

static json_t *make_text(struct dice *dice, uint64_t argument)
{
    (void)argument;
    return roll(dice, 8) ? make_words(dice, 5, 30, NULL) : json_string("");
}

static json_t *make_long(struct dice *dice, uint64_t argument)
{
    (void)argument;
    return make_words(dice, 100, roll(dice, 4) ? 200 : 2000, NULL);
}

static json_t *make_html(struct dice *dice, uint64_t argument)
{
    (void)argument;
    return make_words(dice, 10, 120, roll(dice, 2) ? "p" : "h2");
}

static json_t *make_email(struct dice *dice, uint64_t argument)
{
    (void)argument;
    return json_sprintf("someone+%" PRIu32 "@example.com", roll(dice, 1000));
}

/* --- numbers --- */

static json_t *make_number(struct dice *dice, uint64_t argument)
{
    return json_integer(roll(dice, (uint32_t)argument));
}

static json_t *make_digits(struct dice *dice, uint64_t argument)
{
    return json_sprintf("%" PRIu32, roll(dice, (uint32_t)argument));
}

static json_t *make_real(struct dice *dice, uint64_t argument)
{
    (void)argument;
    return json_real(roll(dice, 100000) / 8.0 + 0.0625);
}

static json_t *make_flag(struct dice *dice, uint64_t argument)
{
    (void)argument;
    return json_boolean(roll(dice, 2));
}

static const struct {
    const char *word;
    json_t *(*make)(struct dice *dice, uint64_t argument);
} makers[] = {
    {"$word", make_word},     {"$name", make_name}, {"$title", make_title}, {"$text", make_text},
    {"$long", make_long},     {"$html", make_html}, {"$email", make_email}, {"$number", make_number},
    {"$digits", make_digits}, {"$real", make_real}, {"$flag", make_flag},
};

/* --- times --- */

static json_t *make_instant(int64_t at_s, const char *form, struct dice *dice)
{
    char text[INSTANT_TEXT];
    bool iso = strcmp(form, "iso") == 0 || (strcmp(form, "either") == 0 && roll(dice, 2));
    if (!iso) return json_integer(at_s);
    instant_format(at_s * 1000000, text); /* without a fraction: whole seconds */
    text[strlen(text) - 1] = '\0';
    return json_sprintf("%s.000Z", text);
}

/* A value for a string that begins with "$"; an unknown word is a mistake in the data. */
static json_t *make_value(const char *text, const struct template_record *record, uint64_t place)
{
    struct dice dice = dice_at(record, place);
    char word[16];
    size_t size = strcspn(text, " ");
    snprintf(word, sizeof word, "%.*s", (int)size, text);
    const char *argument = text + size + strspn(text + size, " ");
    if (strcmp(word, "$id") == 0) return json_integer(strtoll(record->id, NULL, 10));
    if (strcmp(word, "$created") == 0) return make_instant(record->created_s, argument, &dice);
    if (strcmp(word, "$updated") == 0) return make_instant(record->updated_s, argument, &dice);
    if (strcmp(word, "$time") == 0)
        return make_instant(record->updated_s - roll(&dice, 90 * DAY_S), argument, &dice);
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++) {
        if (strcmp(makers[i].word, word) == 0) return makers[i].make(&dice, strtoull(argument, NULL, 10));
    }
    fprintf(stderr, "sandbox: no template knows \"%s\"; see world_template.h\n", text);
    abort();
}

/* Adds what a text in braces stands for; the bytes it takes, 0: it stands for itself. */
static size_t put_filling(const char *text, const struct template_record *record, struct buf *out)
{
    static const char *const fillings[] = {"{id}", "{workspace}", "{sequence}", "{version}"};
    char sequence[24], version[24];
    snprintf(sequence, sizeof sequence, "%" PRIu64, record->sequence);
    snprintf(version, sizeof version, "%" PRIu32, record->version);
    const char *const values[] = {record->id, record->workspace, sequence, version};
    for (size_t i = 0; i < sizeof fillings / sizeof *fillings; i++) {
        size_t size = strlen(fillings[i]);
        if (strncmp(text, fillings[i], size) != 0) continue;
        buf_text(out, values[i]);
        return size;
    }
    return 0;
}

static json_t *make_string(const char *text, const struct template_record *record)
{
    AUTO(buf_done) struct buf out;
    buf_init(&out, TEXT_LIMIT);
    while (*text) {
        size_t filled = *text == '{' ? put_filling(text, record, &out) : 0;
        if (filled == 0) buf_byte(&out, *text);
        text += filled ? filled : 1;
    }
    return json_string(buf_string(&out));
}

/* --- choices --- */

/* NULL: the member is left out. */
static json_t *make_object(const json_t *object, const struct template_record *record, uint64_t place)
{
    struct dice dice = dice_at(record, place);
    const json_t *choice = json_object_get(object, "$one of");
    if (choice)
        return make(json_array_get(choice, roll(&dice, (uint32_t)json_array_size(choice))), record,
                    mix(place));
    if ((choice = json_object_get(object, "$null or")))
        return roll(&dice, 3) ? make(choice, record, mix(place)) : json_null();
    if ((choice = json_object_get(object, "$absent or")))
        return roll(&dice, 3) ? make(choice, record, mix(place)) : NULL;
    json_t *made;
    if ((choice = json_object_get(object, "$list of"))) {
        uint32_t most = (uint32_t)json_integer_value(json_object_get(object, "most"));
        made = json_array();
        for (uint32_t i = roll(&dice, most + 1); i > 0; i--)
            json_array_append_new(made, make(choice, record, mix(place + i)));
        return made;
    }
    made = json_object();
    json_t *members = (json_t *)(uintptr_t)object; /* jansson's iterator only reads */
    const char *key;
    json_t *member;
    json_object_foreach (members, key, member) {
        json_t *value = make(member, record, mix(place ^ template_hash(key)));
        if (value) json_object_set_new(made, key, value);
    }
    return made;
}

static json_t *make(const json_t *value, const struct template_record *record, uint64_t place)
{
    const char *text = json_string_value(value);
    if (text) return *text == '$' ? make_value(text, record, place) : make_string(text, record);
    if (json_is_object(value)) return make_object(value, record, place);
    if (!json_is_array(value)) return json_deep_copy(value);
    json_t *made = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *item = make(json_array_get(value, i), record, mix(place + i + 1));
        if (item) json_array_append_new(made, item);
    }
    return made;
}

json_t *template_make(const json_t *value, const struct template_record *record)
{
    return make(value, record, 1);
}
