/* SPDX-License-Identifier: Apache-2.0 */
/* contact.c - what a version of a contact says.
 *
 * Everything follows from the seed, the contact's number and its version. Most values are plain; some are
 * what breaks loaders: long unicode, keys that come and go, lists cut at ten, names of attributes that no
 * column could bear, fields that no schema knows, values that do not fit their documented type.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "workspace/records.h"

/* --- the contact --- */

static const char *const names[] = {
    "Ada Lovelace",
    "Łukasz Żółć",
    "王小明",
    "محمد الأمين",
    "שלום עליכם",
    "Zoë 🦊 Müller-Lüdenscheidt",
    "👩🏽‍🚀 क्षत्रिय",
    "O'Neil \"Bobby\" \\ Tables",
    "𝒥𝑜𝓈é 𐍈",
    "e\xcc\x81 versus \xc3\xa9",
    "tab\there, newline\nthere, bell\x07 and delete\x7f",
    "\u200f\u202bright to left\u202c",
    "",
    "null",
    "12345678901234567890",
    "  blanks around  ",
};

#define NAMES (sizeof names / sizeof *names)

static const char *pick(struct dice *dice, const char *const *texts, uint32_t count)
{
    return texts[roll(dice, count)];
}

bool contact_is_user(uint64_t seed, uint64_t sequence)
{
    struct dice dice = {.state = mix(seed ^ mix(sequence) ^ UINT64_C(0x726f6c65))};
    return roll(&dice, 4) > 0;
}

static void add_identity(struct buf *out, const struct contact *contact, struct dice *self, struct dice *now)
{
    unsigned number = (unsigned)contact->sequence;
    put_text(out, "type", "contact");
    put_text(out, "id", contact->id);
    if (roll(self, 3))
        put_format(out, "external_id", "user-%u", number);
    else
        put_text(out, "external_id", NULL);
    put_text(out, "workspace_id", contact->workspace);
    put_text(out, "role", contact_is_user(contact->seed, contact->sequence) ? "user" : "lead");
    put_format(out, "email", "contact%u@example.com", number);
    put_text(out, "email_domain", "example.com");
    bool phone = roll(now, 2);
    if (phone)
        put_format(out, "phone", "+1555%07u", number % 10000000);
    else
        put_text(out, "phone", NULL);
    if (roll(self, 2)) /* in old versions of the API only */
        put_format(out, "formatted_phone", "%s%07u", phone ? "+1 555-" : "", number % 10000000);
    put_text(out, "name", roll(self, 8) ? pick(self, names, NAMES) : NULL);
    switch (roll(now, 4)) {
    case 0: put_text(out, "owner_id", NULL); break;
    case 1: put_integer(out, "owner_id", roll(now, 1000000)); break; /* as before 2.16 */
    default: put_format(out, "owner_id", "%u", roll(now, 1000000)); break;
    }
}

static void add_flags_and_times(struct buf *out, const struct contact *contact, struct dice *now)
{
    put_bool(out, "has_hard_bounced", roll(now, 20) == 0);
    put_bool(out, "marked_email_as_spam", roll(now, 50) == 0);
    if (roll(now, 97)) /* documented as a boolean */
        put_bool(out, "unsubscribed_from_emails", roll(now, 10) == 0);
    else
        put_text(out, "unsubscribed_from_emails", "partly");
    put_integer(out, "created_at", contact->created_s);
    put_integer(out, "updated_at", contact->updated_s);
    put_time(out, "signed_up_at", now, contact->created_s);
    switch (roll(now, 60)) {
    case 0: put_text(out, "last_seen_at", "never"); break;
    case 1: put_integer(out, "last_seen_at", -(int64_t)roll(now, 100000000)); break;
    case 2: put_integer(out, "last_seen_at", contact->updated_s * 1000 + roll(now, 1000)); break;
    default: put_time(out, "last_seen_at", now, contact->updated_s); break;
    }
    put_time(out, "last_replied_at", now, contact->updated_s);
    put_time(out, "last_contacted_at", now, contact->updated_s);
    put_time(out, "last_email_opened_at", now, contact->updated_s);
    put_time(out, "last_email_clicked_at", now, contact->updated_s);
}

static void add_devices(struct buf *out, const struct contact *contact, struct dice *self, struct dice *now)
{
    static const char *const browsers[] = {"chrome", "firefox", "safari", NULL};
    static const char *const languages[] = {"en", "de-AT", "zh-Hant-TW", NULL};
    static const char *const systems[] = {"OS X 10.15.7", "Windows 11", "Linux", NULL};
    put_text(out, "language_override", pick(self, languages, 4));
    put_text(out, "browser", pick(now, browsers, 4));
    put_format(out, "browser_version", "%u.0.0.0", 100 + roll(now, 40));
    put_text(out, "browser_language", pick(now, languages, 4));
    put_text(out, "os", pick(now, systems, 4));
    if (roll(self, 2)) { /* else the keys are missing */
        put_text(out, "android_app_name", roll(self, 4) ? NULL : "Shop");
        put_text(out, "android_app_version", roll(self, 4) ? NULL : "4.2.1");
        put_text(out, "android_device", roll(self, 4) ? NULL : "Pixel 9");
        put_text(out, "android_os_version", roll(self, 4) ? NULL : "16");
        put_text(out, "android_sdk_version", NULL);
        put_time(out, "android_last_seen_at", now, contact->updated_s);
        put_text(out, "ios_app_name", NULL);
        put_text(out, "ios_app_version", roll(self, 4) ? NULL : "7.0");
        put_text(out, "ios_device", roll(self, 4) ? NULL : "iPhone 17");
        put_text(out, "ios_os_version", NULL);
        put_text(out, "ios_sdk_version", NULL);
        put_time(out, "ios_last_seen_at", now, contact->updated_s);
    }
}

/* --- lists --- */

/* How each list is called, of what it is, where it is read whole, and where its elements are. */
static const struct {
    const char *name, *type, *path, *element;
} lists[] = {
    [WORLD_TAGS] = {"tags", "tag", "tags", "tags"},
    [WORLD_NOTES] = {"notes", "note", "notes", "notes"},
    [WORLD_COMPANIES] = {"companies", "company", "companies", "companies"},
    [WORLD_OPTED_OUT] = {"opted_out_subscription_types", "subscription", "subscriptions",
                         "subscription_types"},
    [WORLD_OPTED_IN] = {"opted_in_subscription_types", "subscription", "subscriptions", "subscription_types"},
};

const char *contact_list_name(enum world_list list)
{
    return lists[list].name;
}

/* About one in 200 is longer than an answer shows, and some of these take two pages. Such a list is the same
 * in every version: whoever reads it after the contact must not find another one. */
static unsigned count_list(const struct contact *contact, struct dice *dice, enum world_list list)
{
    uint64_t contacts_list = contact->sequence * WORLD_LISTS + (uint64_t)list;
    struct dice own = {.state = contact->seed ^ mix(contacts_list ^ UINT64_C(0x6c69737473))};
    if (roll(&own, 200) == 0) {
        *dice = own;
        return roll(&own, 4) ? LIST_CUT + 1 + roll(&own, 20) : 140 + roll(&own, 60);
    }
    *dice = (struct dice){.state = mix(own.state) ^ mix(contact->version)};
    return roll(dice, 12) ? roll(dice, 3) : roll(dice, LIST_CUT + 1);
}

/* The elements: [{"type","id","url"}]. Only the first have a url: full objects do not tell theirs. */
static void put_elements(struct buf *out, enum world_list list, struct dice *dice, unsigned count, bool odd)
{
    unsigned first = 1000 + roll(dice, 9000), step = 1 + roll(dice, 40);
    buf_byte(out, '[');
    for (unsigned i = 0; i < count; i++) {
        unsigned id = first + i * step;
        put_open(out, NULL, '{');
        put_text(out, "type", lists[list].type);
        put_format(out, "id", "%u", id);
        if (i < LIST_CUT) put_format(out, "url", "/%s/%u", lists[list].element, id);
        if (odd && roll(dice, 50) == 0)
            put_text(out, "colour.name", "red"); /* nothing documents it, and the dot needs an escape */
        buf_byte(out, '}');
    }
    buf_byte(out, ']');
}

void contact_write_list(const struct contact *contact, enum world_list list, struct buf *out)
{
    struct dice dice;
    unsigned total = count_list(contact, &dice, list);
    put_elements(out, list, &dice, total, total <= LIST_CUT);
}

/* {"type","data":[..],"url","total_count","has_more"} */
static void add_list(struct buf *out, const struct contact *contact, enum world_list list)
{
    struct dice dice;
    unsigned total = count_list(contact, &dice, list);
    bool cut = total > LIST_CUT && !contact->whole;
    put_open(out, lists[list].name, '{');
    put_text(out, "type", "list");
    put_name(out, "data");
    put_elements(out, list, &dice, cut ? LIST_CUT : total, total <= LIST_CUT);
    put_format(out, "url", "/contacts/%s/%s", contact->id, lists[list].path);
    put_integer(out, "total_count", total);
    put_bool(out, "has_more", cut);
    buf_byte(out, '}');
}

static void add_nested(struct buf *out, const struct contact *contact, struct dice *self)
{
    static const char *const places[][3] = {
        {"Ireland", "Leinster", "Dublin"}, {"日本", "東京都", "渋谷区"}, {"Côte d'Ivoire", NULL, "Abidjan"}};
    const char *const *place = places[roll(self, 3)];
    if (roll(self, 2)) {
        put_open(out, "avatar", '{');
        put_text(out, "type", "avatar");
        put_format(out, "image_url", "https://example.com/a/%u.png?size=128&x=1",
                   (unsigned)contact->sequence);
        buf_byte(out, '}');
    } else {
        put_word(out, "avatar", "null");
    }
    for (enum world_list list = 0; list < WORLD_LISTS; list++)
        add_list(out, contact, list);
    put_open(out, "location", '{');
    put_text(out, "type", "location");
    put_text(out, "country", place[0]);
    put_text(out, "region", place[1]);
    put_text(out, "city", place[2]);
    put_text(out, "country_code", "XX");
    put_text(out, "continent_code", roll(self, 2) ? "EU" : NULL);
    buf_byte(out, '}');
    put_open(out, "social_profiles", '{');
    put_text(out, "type", "list");
    put_open(out, "data", '[');
    if (roll(self, 4) == 0) {
        put_open(out, NULL, '{');
        put_text(out, "type", "social_profile");
        put_text(out, "name", "Mastodon");
        put_format(out, "url", "https://example.org/@c%u", (unsigned)contact->sequence);
        buf_byte(out, '}');
    }
    buf_text(out, "]}");
}

static void add_story(struct buf *out, struct dice *now)
{
    static const char piece[] = "Größe 🧵 — “quoted” 𐍈 نص طويل; ";
    put_name(out, "story");
    buf_byte(out, '"');
    for (uint32_t pieces = 20 + roll(now, 200); pieces > 0; pieces--)
        buf_text(out, piece);
    buf_byte(out, '"');
}

static void add_custom(struct buf *out, const struct contact *contact, struct dice *self, struct dice *now)
{
    put_open(out, "custom_attributes", '{');
    put_text(out, "Plan Name", roll(self, 2) ? "Team (annual)" : "free");
    put_text(out, "plan.tier", roll(now, 2) ? "gold" : NULL);
    put_name(out, "monthly_spend");
    buf_format(out, "%.2f", (double)roll(now, 1000000) / 100.0);
    put_integer(out, "количество", roll(now, 1000));
    put_bool(out, "🎯 goal", roll(now, 2));
    put_bool(out, "2fa-enabled?", roll(self, 2));
    if (roll(self, 3) == 0) put_text(out, "plan name", "differs only by case");
    put_integer(out, "renews_at", contact->updated_s * (roll(now, 2) ? 1 : 1000));
    if (roll(self, 5) == 0) {
        put_open(out, "orders", '{');
        put_text(out, "type", "order.list");
        put_open(out, "instances", '[');
        put_open(out, NULL, '{');
        put_format(out, "id", "%u", roll(now, 100000));
        put_text(out, "external_id", NULL);
        buf_text(out, "}]}");
    }
    if (roll(now, 100) == 0) add_story(out, now);
    buf_byte(out, '}');
}

/* Fields that no schema knows. */
static void add_unknown(struct buf *out, const struct contact *contact, struct dice *self, struct dice *now)
{
    put_text(out, "utm_campaign", roll(self, 2) ? "spring" : NULL);
    put_text(out, "utm_content", NULL);
    put_text(out, "utm_medium", roll(self, 2) ? "email" : NULL);
    put_text(out, "utm_source", roll(self, 2) ? "newsletter" : NULL);
    put_text(out, "utm_term", NULL);
    put_text(out, "referrer", roll(self, 3) ? NULL : "https://example.com/?q=a%20b");
    put_word(out, "enabled_push_messaging", roll(self, 2) ? "null" : "true");
    if (roll(self, 10) == 0) {
        put_open(out, "engagement", '{');
        put_name(out, "score");
        buf_format(out, "%.17g", (double)(1 + roll(now, 1000)) / 7.0);
        put_word(out, "labels", "[\"a\",null,{\"deep.key\\\\back\":true}]");
        put_word(out, "empty", "{}");
        put_integer(out, "count", contact->version);
        buf_byte(out, '}');
    }
}

void contact_write(const struct contact *contact, struct buf *out)
{
    struct dice self = {.state = contact->seed ^ mix(contact->sequence)};
    struct dice now = {.state = mix(self.state) ^ mix(contact->version)};
    buf_byte(out, '{');
    add_identity(out, contact, &self, &now);
    add_flags_and_times(out, contact, &now);
    add_devices(out, contact, &self, &now);
    add_nested(out, contact, &self);
    add_custom(out, contact, &self, &now);
    add_unknown(out, contact, &self, &now);
    buf_byte(out, '}');
}
