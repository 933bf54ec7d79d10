/* world_contact.c - what a version of a contact says.
 *
 * Everything follows from the seed, the contact's number and its version. Most values are plain; some are
 * what breaks loaders: long unicode, keys that come and go, lists cut at ten, names of attributes that no
 * column could bear, fields that no schema knows, values that do not fit their documented type.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "world_records.h"

#define LIST_CUT 10

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t sides)
{
    dice->state = mix(dice->state);
    return (uint32_t)((dice->state >> 32) * sides >> 32);
}

/* Texts of ours are valid UTF-8 and keys are unique: no need to check either. */
static void set(json_t *object, const char *key, json_t *value)
{
    json_object_set_new_nocheck(object, key, value);
}

static void set_text(json_t *object, const char *key, const char *text)
{
    set(object, key, text ? json_string_nocheck(text) : json_null());
}

static void set_format(json_t *object, const char *key, const char *format, ...) PRINTF(3, 4);

static void set_format(json_t *object, const char *key, const char *format, ...)
{
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    set_text(object, key, text);
}

static void set_time(json_t *object, const char *key, struct dice *dice, int64_t near_s)
{
    set(object, key, roll(dice, 3) ? json_integer(near_s - roll(dice, 90 * 86400)) : json_null());
}

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

static void add_identity(json_t *body, const struct contact *contact, struct dice *self, struct dice *now)
{
    unsigned number = (unsigned)contact->sequence;
    set_text(body, "type", "contact");
    set_text(body, "id", contact->id);
    if (roll(self, 3))
        set_format(body, "external_id", "user-%u", number);
    else
        set_text(body, "external_id", NULL);
    set_text(body, "workspace_id", contact->workspace);
    set_text(body, "role", roll(self, 4) ? "user" : "lead");
    set_format(body, "email", "contact%u@example.com", number);
    set_text(body, "email_domain", "example.com");
    bool phone = roll(now, 2);
    if (phone)
        set_format(body, "phone", "+1555%07u", number % 10000000);
    else
        set_text(body, "phone", NULL);
    if (roll(self, 2)) /* in old versions of the API only */
        set_format(body, "formatted_phone", "%s%07u", phone ? "+1 555-" : "", number % 10000000);
    set_text(body, "name", roll(self, 8) ? pick(self, names, NAMES) : NULL);
    switch (roll(now, 4)) {
    case 0: set_text(body, "owner_id", NULL); break;
    case 1: set(body, "owner_id", json_integer(roll(now, 1000000))); break; /* as before 2.16 */
    default: set_format(body, "owner_id", "%u", roll(now, 1000000)); break;
    }
}

static void add_flags_and_times(json_t *body, const struct contact *contact, struct dice *now)
{
    set(body, "has_hard_bounced", json_boolean(roll(now, 20) == 0));
    set(body, "marked_email_as_spam", json_boolean(roll(now, 50) == 0));
    if (roll(now, 97)) /* documented as a boolean */
        set(body, "unsubscribed_from_emails", json_boolean(roll(now, 10) == 0));
    else
        set_text(body, "unsubscribed_from_emails", "partly");
    set(body, "created_at", json_integer(contact->created_s));
    set(body, "updated_at", json_integer(contact->updated_s));
    set_time(body, "signed_up_at", now, contact->created_s);
    switch (roll(now, 60)) {
    case 0: set_text(body, "last_seen_at", "never"); break;
    case 1: set(body, "last_seen_at", json_integer(-(int64_t)roll(now, 100000000))); break;
    case 2: set(body, "last_seen_at", json_integer(contact->updated_s * 1000 + roll(now, 1000))); break;
    default: set_time(body, "last_seen_at", now, contact->updated_s); break;
    }
    set_time(body, "last_replied_at", now, contact->updated_s);
    set_time(body, "last_contacted_at", now, contact->updated_s);
    set_time(body, "last_email_opened_at", now, contact->updated_s);
    set_time(body, "last_email_clicked_at", now, contact->updated_s);
}

static void add_devices(json_t *body, const struct contact *contact, struct dice *self, struct dice *now)
{
    static const char *const browsers[] = {"chrome", "firefox", "safari", NULL};
    static const char *const languages[] = {"en", "de-AT", "zh-Hant-TW", NULL};
    static const char *const systems[] = {"OS X 10.15.7", "Windows 11", "Linux", NULL};
    set_text(body, "language_override", pick(self, languages, 4));
    set_text(body, "browser", pick(now, browsers, 4));
    set_format(body, "browser_version", "%u.0.0.0", 100 + roll(now, 40));
    set_text(body, "browser_language", pick(now, languages, 4));
    set_text(body, "os", pick(now, systems, 4));
    if (roll(self, 2)) { /* else the keys are missing */
        set_text(body, "android_app_name", roll(self, 4) ? NULL : "Shop");
        set_text(body, "android_app_version", roll(self, 4) ? NULL : "4.2.1");
        set_text(body, "android_device", roll(self, 4) ? NULL : "Pixel 9");
        set_text(body, "android_os_version", roll(self, 4) ? NULL : "16");
        set_text(body, "android_sdk_version", NULL);
        set_time(body, "android_last_seen_at", now, contact->updated_s);
        set_text(body, "ios_app_name", NULL);
        set_text(body, "ios_app_version", roll(self, 4) ? NULL : "7.0");
        set_text(body, "ios_device", roll(self, 4) ? NULL : "iPhone 17");
        set_text(body, "ios_os_version", NULL);
        set_text(body, "ios_sdk_version", NULL);
        set_time(body, "ios_last_seen_at", now, contact->updated_s);
    }
}

/* {"type","data":[{"type","id","url"}],"url","total_count","has_more"}, with at most ten in data. */
static void add_list(json_t *body, const struct contact *contact, const char *name, const char *type,
                     struct dice *now)
{
    json_t *list = json_object(), *data = json_array();
    unsigned total = roll(now, 4) ? roll(now, 4) : roll(now, 40);
    for (unsigned i = 0; i < total && i < LIST_CUT; i++) {
        json_t *item = json_object();
        set_text(item, "type", type);
        set_format(item, "id", "%u", 1000 + roll(now, 9000));
        char url[64];
        snprintf(url, sizeof url, "/%s/%s", name, json_string_value(json_object_get(item, "id")));
        set_text(item, "url", url);
        if (roll(now, 50) == 0)
            set_text(item, "colour.name", "red"); /* nothing documents it, and the dot needs an escape */
        json_array_append_new(data, item);
    }
    set_text(list, "type", "list");
    set(list, "data", data);
    char url[RECORD_ID + 64];
    snprintf(url, sizeof url, "/contacts/%s/%s", contact->id, name);
    set_text(list, "url", url);
    set(list, "total_count", json_integer(total));
    set(list, "has_more", json_boolean(total > LIST_CUT));
    set(body, name, list);
}

static void add_nested(json_t *body, const struct contact *contact, struct dice *self, struct dice *now)
{
    static const char *const places[][3] = {
        {"Ireland", "Leinster", "Dublin"}, {"日本", "東京都", "渋谷区"}, {"Côte d'Ivoire", NULL, "Abidjan"}};
    json_t *avatar = json_null();
    if (roll(self, 2)) {
        avatar = json_object();
        set_text(avatar, "type", "avatar");
        set_format(avatar, "image_url", "https://example.com/a/%u.png?size=128&x=1",
                   (unsigned)contact->sequence);
    }
    set(body, "avatar", avatar);
    add_list(body, contact, "tags", "tag", now);
    add_list(body, contact, "notes", "note", now);
    add_list(body, contact, "companies", "company", now);
    add_list(body, contact, "opted_out_subscription_types", "subscription", now);
    add_list(body, contact, "opted_in_subscription_types", "subscription", now);
    json_t *location = json_object();
    const char *const *place = places[roll(self, 3)];
    set_text(location, "type", "location");
    set_text(location, "country", place[0]);
    set_text(location, "region", place[1]);
    set_text(location, "city", place[2]);
    set_text(location, "country_code", "XX");
    set_text(location, "continent_code", roll(self, 2) ? "EU" : NULL);
    set(body, "location", location);
    json_t *profiles = json_object(), *profile_list = json_array();
    if (roll(self, 4) == 0) {
        json_t *profile = json_object();
        set_text(profile, "type", "social_profile");
        set_text(profile, "name", "Mastodon");
        set_format(profile, "url", "https://example.org/@c%u", (unsigned)contact->sequence);
        json_array_append_new(profile_list, profile);
    }
    set_text(profiles, "type", "list");
    set(profiles, "data", profile_list);
    set(body, "social_profiles", profiles);
}

static json_t *long_text(struct dice *now)
{
    static const char piece[] = "Größe 🧵 — “quoted” 𐍈 نص طويل; ";
    size_t pieces = 20 + roll(now, 200), size = sizeof piece - 1;
    char *text = mem_zero(pieces * size + 1, 1);
    for (size_t i = 0; i < pieces; i++)
        memcpy(text + i * size, piece, size);
    json_t *value = json_stringn_nocheck(text, pieces * size);
    mem_free(&text);
    return value;
}

static void add_custom(json_t *body, const struct contact *contact, struct dice *self, struct dice *now)
{
    json_t *custom = json_object();
    set_text(custom, "Plan Name", roll(self, 2) ? "Team (annual)" : "free");
    set_text(custom, "plan.tier", roll(now, 2) ? "gold" : NULL);
    set(custom, "monthly_spend", json_real((double)roll(now, 1000000) / 100.0));
    set(custom, "количество", json_integer(roll(now, 1000)));
    set(custom, "🎯 goal", json_boolean(roll(now, 2)));
    set(custom, "2fa-enabled?", json_boolean(roll(self, 2)));
    if (roll(self, 3) == 0) set_text(custom, "plan name", "differs only by case");
    set(custom, "renews_at", json_integer(contact->updated_s * (roll(now, 2) ? 1 : 1000)));
    if (roll(self, 5) == 0) {
        json_t *order = json_object(), *orders = json_object(), *instances = json_array();
        set_format(order, "id", "%u", roll(now, 100000));
        set_text(order, "external_id", NULL);
        json_array_append_new(instances, order);
        set_text(orders, "type", "order.list");
        set(orders, "instances", instances);
        set(custom, "orders", orders);
    }
    if (roll(now, 100) == 0) set(custom, "story", long_text(now));
    set(body, "custom_attributes", custom);
}

/* Fields that no schema knows. */
static void add_unknown(json_t *body, const struct contact *contact, struct dice *self, struct dice *now)
{
    set_text(body, "utm_campaign", roll(self, 2) ? "spring" : NULL);
    set_text(body, "utm_content", NULL);
    set_text(body, "utm_medium", roll(self, 2) ? "email" : NULL);
    set_text(body, "utm_source", roll(self, 2) ? "newsletter" : NULL);
    set_text(body, "utm_term", NULL);
    set_text(body, "referrer", roll(self, 3) ? NULL : "https://example.com/?q=a%20b");
    set(body, "enabled_push_messaging", roll(self, 2) ? json_null() : json_true());
    if (roll(self, 10) == 0) {
        json_t *engagement = json_object(), *labels = json_array(), *label = json_object();
        set(label, "deep.key\\back", json_true());
        json_array_append_new(labels, json_string_nocheck("a"));
        json_array_append_new(labels, json_null());
        json_array_append_new(labels, label);
        set(engagement, "score", json_real((double)roll(now, 1000) / 7.0));
        set(engagement, "labels", labels);
        set(engagement, "empty", json_object());
        set(engagement, "count", json_integer((json_int_t)contact->version));
        set(body, "engagement", engagement);
    }
}

json_t *contact_body(const struct contact *contact)
{
    struct dice self = {.state = contact->seed ^ mix(contact->sequence)};
    struct dice now = {.state = mix(self.state) ^ mix(contact->version)};
    json_t *body = json_object();
    add_identity(body, contact, &self, &now);
    add_flags_and_times(body, contact, &now);
    add_devices(body, contact, &self, &now);
    add_nested(body, contact, &self, &now);
    add_custom(body, contact, &self, &now);
    add_unknown(body, contact, &self, &now);
    return body;
}
