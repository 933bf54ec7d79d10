/* SPDX-License-Identifier: Apache-2.0 */
/* content.c - what the workspace publishes: help center, news, macros, and what the AI agent reads. */
#include "nested.h"

/* Where an article is multilingual, the fields of text show its default language. */
static const struct column article_columns[] = {
    TEXT("type", "Always \"article\""),
    KEY("id", "Id given by Intercom"),
    TEXT("workspace_id", "Workspace that the article belongs to"),
    TEXT("title", "Title"),
    TEXT("description", "Summary"),
    TEXT("body", "Text as HTML"),
    TEXT("body_markdown", "Text as Markdown"),
    TEXT("author_id", "Admin who is shown as its author"),
    TEXT("state", "published or draft"),
    TIME("created_at", "When the article was created"),
    UPDATED_AT("When the article last changed: the version of the row"),
    FLAG("has_unpublished_changes", "A newer draft waits behind the published text"),
    TIME("draft_updated_at", "When that draft last changed"),
    TEXT("url", "Public address"),
    TEXT("parent_id", "Collection or section that holds it"),
    TEXT("parent_type", "collection or section"),
    TEXTS("parent_ids", "Collections and sections that hold it"),
    FLAG("ai_chatbot_availability", "The AI agent may answer from it"),
    FLAG("ai_copilot_availability", "The admins' AI assistant may answer from it"),
    FLAG("ai_sales_agent_availability", "The AI sales agent may answer from it"),
    TEXT("created_by_id", "Admin who created it"),
    TEXT("updated_by_id", "Admin who changed it last"),
    FLAG("exclude_from_article_suggestions", "It is not suggested to contacts"),
    TEXT("help_center_audience", "Audience: everyone, all_users, ..., restricted"),
    TIME("scheduled_publish_at", "When it will be published"),
    TIME("scheduled_unpublish_at", "When it will be taken back"),
    TEXT("default_locale", "Default language of a multilingual help center"),
    JSON("translated_content", "The article in each language, by locale"),
    RECORD("tags", nested_tags, "Tags", OR_IN("tags")),
};

static const struct column internal_article_columns[] = {
    TEXT("type", "Always \"internal_article\""),
    KEY("id", "Id given by Intercom"),
    TEXT("title", "Title"),
    TEXT("body", "Text as HTML"),
    TEXT("body_markdown", "Text as Markdown"),
    TEXT("owner_id", "Admin who owns it"),
    TEXT("author_id", "Admin who wrote it"),
    TIME("created_at", "When the article was created"),
    UPDATED_AT("When the article last changed: the version of the row"),
    TEXT("locale", "Language"),
    TEXTS("audience_ids", "Audiences for which the AI agent may use it"),
    FLAG("ai_chatbot_availability", "The AI agent may answer from it"),
    FLAG("ai_copilot_availability", "The admins' AI assistant may answer from it"),
    FLAG("ai_sales_agent_availability", "The AI sales agent may answer from it"),
};

static const struct column newsfeed_assignment_columns[] = {
    TEXT("newsfeed_id", "Id of the newsfeed"),
    TIME("published_at", "When it appears there"),
};

static const struct column news_item_columns[] = {
    TEXT("type", "Always \"news-item\""),
    KEY("id", "Id given by Intercom"),
    TEXT("workspace_id", "Workspace that the news item belongs to"),
    TEXT("title", "Title"),
    TEXT("body", "Text as HTML"),
    TEXT("sender_id", "Admin who is shown as its sender"),
    TEXT("state", "draft or live"),
    RECORDS("newsfeed_assignments", newsfeed_assignment_columns, "Newsfeeds in which it appears"),
    TEXTS("labels", "Labels that contacts see"),
    TEXT("cover_image_url", "Address of the picture at its top"),
    TEXTS("reactions", "Emojis to react with, in their order"),
    FLAG("deliver_silently", "Contacts are not notified"),
    TIME("created_at", "When the news item was created"),
    UPDATED_AT("When the news item last changed: the version of the row"),
};

static const struct column newsfeed_columns[] = {
    TEXT("type", "Always \"newsfeed\""),
    KEY("id", "Id given by Intercom"),
    TEXT("name", "Name; contacts don't see it"),
    TIME("created_at", "When the newsfeed was created"),
    TIME("updated_at", "When the newsfeed last changed"),
};

static const struct column macro_columns[] = {
    TEXT("type", "Always \"macro\""),
    KEY("id", "Id given by Intercom"),
    TEXT("name", "Name"),
    TEXT("body", "Text as HTML, with placeholders as elements"),
    TEXT("body_text", "Text without markup, with placeholders as they were written"),
    TIME("created_at", "When the macro was created"),
    UPDATED_AT("When the macro last changed: the version of the row"),
    TEXT("visible_to", "everyone or specific_teams"),
    TEXTS("visible_to_team_ids", "Those teams"),
    TEXTS("available_on", "Where it can be used: inbox, messenger"),
};

static const struct column content_snippet_columns[] = {
    TEXT("type", "Always \"content_snippet\""),
    KEY("id", "Id given by Intercom"),
    TEXT("title", "Title"),
    TEXT("locale", "Language"),
    JSON("json_blocks", "Text as a list of blocks"),
    TEXT("body_markdown", "Text as Markdown"),
    NUMBER("chatbot_availability", "Older form of ai_chatbot_availability"),
    NUMBER("copilot_availability", "Older form of ai_copilot_availability"),
    FLAG("ai_chatbot_availability", "The AI agent may answer from it"),
    FLAG("ai_copilot_availability", "The admins' AI assistant may answer from it"),
    FLAG("ai_sales_agent_availability", "The AI sales agent may answer from it"),
    TEXTS("audience_ids", "Audiences for which the AI agent may use it"),
    TIME("created_at", "When the snippet was created"),
    UPDATED_AT("When the snippet last changed: the version of the row"),
};

static const struct column collection_columns[] = {
    TEXT("type", "Always \"collection\""),
    KEY("id", "Id given by Intercom"),
    TEXT("workspace_id", "Workspace that the collection belongs to"),
    TEXT("name", "Name, in the default language"),
    TEXT("description", "Description, in the default language"),
    TIME("created_at", "When the collection was created"),
    TIME("updated_at", "When the collection last changed"),
    TEXT("url", "Public address"),
    TEXT("icon", "Name of the icon"),
    NUMBER("order", "Place among its neighbours"),
    TEXT("default_locale", "Default language of a multilingual help center"),
    JSON("translated_content", "Name and description in each language, by locale"),
    TEXT("parent_id", "Collection that holds it; absent at the top"),
    TEXT("help_center_id", "Help center that it belongs to"),
};

static const struct column help_center_columns[] = {
    TEXT("type", "Kind of object"),
    KEY("id", "Id given by Intercom"),
    TEXT("workspace_id", "Workspace that the help center belongs to"),
    TIME("created_at", "When the help center was created"),
    TIME("updated_at", "When the help center last changed"),
    TEXT("identifier", "Its name within addresses"),
    FLAG("website_turned_on", "It can be visited"),
    TEXT("display_name", "Name; only admins see it"),
    TEXT("url", "Public address"),
    TEXT("custom_domain", "Domain of the workspace's own"),
    FLAG("default", "It is the workspace's default"),
    TEXTS("locales", "Languages"),
};

static const struct column content_import_source_columns[] = {
    TEXT("type", "Kind of object"),
    KEY("id", "Id given by Intercom"),
    TIME("last_synced_at", "When it was last read"),
    TEXT("sync_behavior", "How it is read: api, automatic or manual"),
    TEXT("status", "active or deactivated"),
    TEXT("url", "Address of its first page"),
    TIME("created_at", "When the source was created"),
    TIME("updated_at", "When the source last changed"),
    TEXTS("audience_ids", "Audiences for which the AI agent may use it"),
};

static const struct column external_page_columns[] = {
    TEXT("type", "Always \"external_page\""),
    KEY("id", "Id given by Intercom"),
    TEXT("title", "Title"),
    TEXT("html", "Text as HTML"),
    TEXT("url", "Address that answers link to"),
    FLAG("ai_agent_availability", "The AI agent may answer from it"),
    FLAG("ai_copilot_availability", "The admins' AI assistant may answer from it"),
    FLAG("ai_sales_agent_availability", "The AI sales agent may answer from it"),
    FLAG("fin_availability", "Older form of the three before"),
    TEXT("locale", "Language"),
    TEXT("source_id", "Content import source that it belongs to"),
    TEXT("external_id", "Id given by that source"),
    TIME("created_at", "When the page was created"),
    UPDATED_AT("When the page last changed: the version of the row"),
    TIME("last_ingested_at", "When the AI agent last took it in"),
};

/* Counters of views, which lists of articles do not have. */
static const struct left_out articles_left_out[] = {{"statistics", NULL}};

const struct table intercom_articles =
    TABLE("articles", "Articles of the help centers, one row for each version that was seen", article_columns,
          KEYS("id"), TIMES("updated_at"), .version_may_lack = true, .keeps_contents = true,
          LEFT_OUT(articles_left_out));

const struct table intercom_internal_articles =
    TABLE("internal_articles", "Articles for admins only, one row for each version that was seen",
          internal_article_columns, KEYS("id"), TIMES("updated_at"), .version_may_lack = true,
          .keeps_contents = true);

const struct table intercom_news_items =
    TABLE("news_items", "News, one row for each version that was seen", news_item_columns, KEYS("id"),
          TIMES("updated_at"), .version_may_lack = true, .keeps_contents = true);

const struct table intercom_newsfeeds =
    TABLE("newsfeeds", "Feeds in which news appear: the whole list, once on each day it was read",
          newsfeed_columns, KEYS("id"));

const struct table intercom_macros =
    TABLE("macros", "Prepared answers of admins, one row for each version that was seen", macro_columns,
          KEYS("id"), TIMES("updated_at"), .version_may_lack = true, .keeps_contents = true);

const struct table intercom_content_snippets =
    TABLE("content_snippets", "Short texts for the AI agent, one row for each version that was seen",
          content_snippet_columns, KEYS("id"), TIMES("updated_at"), .version_may_lack = true,
          .keeps_contents = true);

static const struct left_out external_pages_left_out[] = {{"last_ingested_at", NULL}};

const struct table intercom_external_pages = TABLE(
    "external_pages", "Pages from elsewhere that the AI agent reads, one row for each version that was seen",
    external_page_columns, KEYS("id"), TIMES("updated_at"), .version_may_lack = true, .keeps_contents = true,
    LEFT_OUT(external_pages_left_out));

const struct table intercom_collections =
    TABLE("collections", "Collections of articles: the whole list, once on each day it was read",
          collection_columns, KEYS("id"));

const struct table intercom_help_centers =
    TABLE("help_centers", "Help centers: the whole list, once on each day it was read", help_center_columns,
          KEYS("id"));

const struct table intercom_content_import_sources = TABLE(
    "content_import_sources", "Where external pages come from: the whole list, once on each day it was read",
    content_import_source_columns, KEYS("id"));
