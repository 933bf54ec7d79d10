/* SPDX-License-Identifier: Apache-2.0 */
/* contacts.c - people. */
#include "schema.h"

static const struct column link_columns[] = {
    TEXT("type", "Kind of object"),
    TEXT("id", "Its id"),
    TEXT("url", "Path to read it at"),
};

/* Lists inside a contact come with at most ten elements; those that have more are read to their end. */
static const struct column link_list_columns[] = {
    TEXT("type", "Always \"list\""),
    RECORDS("data", link_columns, "All of them, also beyond the ten that Intercom shows",
            OR_FIELD("tags", "notes", "companies")),
    TEXT("url", "Path to read the whole list at"),
    NUMBER("total_count", "How many there are"),
    FLAG("has_more", "There are more than data holds"),
};

static const struct column avatar_columns[] = {
    TEXT("type", "Always \"avatar\""),
    TEXT("image_url", "Address of the picture"),
};

static const struct column location_columns[] = {
    TEXT("type", "Always \"location\""),
    TEXT("country", "Country"),
    TEXT("country_code", "Country code"),
    TEXT("continent_code", "Continent code"),
    TEXT("region", "Region"),
    TEXT("city", "City"),
};

static const struct column social_profile_columns[] = {
    TEXT("type", "Always \"social_profile\""),
    TEXT("name", "Network"),
    TEXT("url", "Address of the profile"),
};

static const struct column social_profiles_columns[] = {
    TEXT("type", "Always \"list\""),
    RECORDS("data", social_profile_columns, "The profiles", OR_FIELD("social_profiles")),
};

static const struct column merge_columns[] = {
    TEXT("type", "Always \"merge_history\""),
    TEXT("source_contact_id", "Contact that was merged into this one"),
    TEXT("source_contact_role", "Its role: user or lead"),
    TIME("merged_at", "When that happened"),
};

static const struct column contact_columns[] = {
    TEXT("type", "Always \"contact\""),
    KEY("id", "Id given by Intercom"),
    TEXT("external_id", "Id given by the app that created the contact"),
    TEXT("workspace_id", "Workspace that the contact belongs to"),
    TEXT("role", "user or lead"),
    TEXT("email", "E-mail address"),
    TEXT("email_domain", "Part of the e-mail address after the @"),
    TEXT("phone", "Phone number"),
    TEXT("formatted_phone", "Phone number in international form"),
    TEXT("name", "Full name"),
    TEXT("owner_id", "Admin who owns the contact"),
    FLAG("has_hard_bounced", "A mail to this address bounced for good"),
    FLAG("marked_email_as_spam", "The contact reported a mail as spam"),
    FLAG("unsubscribed_from_emails", "The contact takes no mails"),
    TIME("created_at", "When the contact was created"),
    UPDATED_AT("When the contact last changed: the version of the row"),
    TIME("signed_up_at", "When the contact signed up"),
    TIME("last_seen_at", "When the contact was last seen"),
    TIME("last_replied_at", "When the contact last wrote"),
    TIME("last_contacted_at", "When the contact was last written to"),
    TIME("last_email_opened_at", "When the contact last opened a mail"),
    TIME("last_email_clicked_at", "When the contact last followed a link in a mail"),
    TEXT("language_override", "Language chosen for the Messenger"),
    TEXT("browser", "Browser name"),
    TEXT("browser_version", "Browser version"),
    TEXT("browser_language", "Language set in the browser"),
    TEXT("os", "Operating system"),
    TEXT("android_app_name", "Android app name"),
    TEXT("android_app_version", "Android app version"),
    TEXT("android_device", "Android device"),
    TEXT("android_os_version", "Android version"),
    TEXT("android_sdk_version", "Version of the Android SDK"),
    TIME("android_last_seen_at", "When the contact was last seen on Android"),
    TEXT("ios_app_name", "iOS app name"),
    TEXT("ios_app_version", "iOS app version"),
    TEXT("ios_device", "iOS device"),
    TEXT("ios_os_version", "iOS version"),
    TEXT("ios_sdk_version", "Version of the iOS SDK"),
    TIME("ios_last_seen_at", "When the contact was last seen on iOS"),
    FLAG("enabled_push_messaging", "Push messages are allowed"),
    TEXT("referrer", "Page that led the contact here"),
    TEXT("utm_campaign", "Campaign of the first visit"),
    TEXT("utm_content", "Content tag of the first visit"),
    TEXT("utm_medium", "Medium of the first visit"),
    TEXT("utm_source", "Source of the first visit"),
    TEXT("utm_term", "Search term of the first visit"),
    JSON("custom_attributes", "Attributes defined in this workspace, by name"),
    RECORD("avatar", avatar_columns, "Picture", OR_IN("image_url")),
    RECORD("location", location_columns, "Where the contact is"),
    RECORD("tags", link_list_columns, "Tags", OR_IN("data")),
    RECORD("notes", link_list_columns, "Notes", OR_IN("data")),
    RECORD("companies", link_list_columns, "Companies", OR_IN("data")),
    RECORD("opted_in_subscription_types", link_list_columns, "Subscriptions the contact asked for"),
    RECORD("opted_out_subscription_types", link_list_columns, "Subscriptions the contact left"),
    RECORD("social_profiles", social_profiles_columns, "Social profiles", OR_IN("data")),
    RECORDS("merge_history", merge_columns, "Contacts that were merged into this one (users only)"),
};

static const struct left_out contacts_left_out[] = {
    {"last_seen_at", NULL}, {"android_last_seen_at", NULL}, {"ios_last_seen_at", NULL}};

const struct table intercom_contacts =
    TABLE("contacts", "People: users and leads, one row for each version that was seen", contact_columns,
          KEYS("id"), TIMES("updated_at"), .gone = &intercom_contacts_deleted, .keeps_contents = true,
          LEFT_OUT(contacts_left_out));
