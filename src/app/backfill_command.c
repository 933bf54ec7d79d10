/* SPDX-License-Identifier: Apache-2.0 */
/* backfill_command.c - `caseload backfill`: publishes a message for each month of a range. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "commands.h"
#include "core/request.h"
#include "options.h"
#include "pubsub/publisher.h"
#include "services.h"

struct backfill {
    struct publisher *publisher; /* NULL: a dry run */
    const struct request *request;
    bool has_streams;
};

/* {"from":"2025-01-01","to":"2025-01-31","streams":["contacts"]} */
static char *message_text(const struct backfill *backfill, struct day from, struct day to)
{
    char first[DAY_TEXT], last[DAY_TEXT];
    day_format(from, first);
    day_format(to, last);
    AUTO(json_drop) json_t *message = json_pack("{s:s, s:s}", "from", first, "to", last);
    if (backfill->has_streams) {
        json_t *streams = json_array();
        for (size_t i = 0; i < backfill->request->count; i++)
            (void)json_array_append_new(streams, json_string(backfill->request->selections[i]->stream->name));
        (void)json_object_set_new(message, "streams", streams);
    }
    return json_dumps(message, JSON_COMPACT);
}

static bool publish(const struct backfill *backfill, struct day from, struct day to, struct error *err)
{
    char key[] = "kind", value[] = "backfill";
    AUTO(buf_done) struct buf id = buf_limited(LIMIT_NAME);
    AUTO(mem_free) char *text = message_text(backfill, from, to);
    if (backfill->publisher &&
        !publisher_publish(backfill->publisher, text, &(struct message_attribute){.key = key, .value = value},
                           1, &id, err))
        return false;
    printf("%s%s%s\n", buf_string(&id), id.size > 0 ? "  " : "", text);
    fflush(stdout);
    return true;
}

static struct day last_of_month(struct day day)
{
    int year, month, of_month;
    day_to_civil(day, &year, &month, &of_month);
    return day_add(month == 12 ? day_of_civil(year + 1, 1, 1) : day_of_civil(year, month + 1, 1), -1);
}

static bool publish_months(const struct backfill *backfill, struct error *err)
{
    for (struct day from = backfill->request->from; day_compare(from, backfill->request->to) <= 0;) {
        struct day to = last_of_month(from);
        if (day_compare(to, backfill->request->to) > 0) to = backfill->request->to;
        if (!publish(backfill, from, to, err)) return false;
        from = day_add(to, 1);
    }
    return true;
}

/* A worker would refuse these days each time, until the message is a dead letter. */
static bool check_days(const struct request *request, const struct config *config, struct error *err)
{
    struct day today;
    if (!request->has_from || !request->has_to)
        return error_set(err, ERROR_REQUEST,
                         "--from and --to are needed, such as --from 2025-01-01 --to 2025-12-31");
    if (config_today(config, &today) && day_compare(request->to, today) >= 0)
        return error_set(err, ERROR_REQUEST, "--to is not over yet; give a day before today");
    return true;
}

static bool publish_range(struct services *services, const struct options *options, int *out_code,
                          struct error *err)
{
    const struct config *config = services->config;
    struct pubsub_settings settings;
    struct request request;
    struct backfill backfill = {.request = &request, .has_streams = options->streams != NULL};
    bool is_dry = options_has(options, "dry-run");
    (void)out_code; /* of a success */
    if ((!is_dry && !services_need_subscription(services, err)) ||
        !command_request(services, options, &request, err) || !check_days(&request, config, err) ||
        (!is_dry && !services_open_pubsub(services, &settings, err)))
        return false;
    AUTO(mem_free) char *topic = config_resource(config, "topics", options_value(options, "topic"));
    if (!is_dry && !publisher_new(&settings, topic, &backfill.publisher, err)) return false;
    bool done = publish_months(&backfill, err);
    publisher_free(backfill.publisher);
    return done;
}

static int run(const struct options *given)
{
    struct options options = *given;
    options_take_streams(&options);
    return command_do(&options, publish_range);
}

static const struct command_option options[] = {
    {"from", "DAY", "first day, such as 2023-01-01"},
    {"to", "DAY", "last day"},
    {"topic", "TOPIC", "a name, or projects/P/topics/T (default: the topic of the setting subscription)"},
    {"dry-run", NULL, "print the messages, publish none"},
};

static const char *const examples[] = {
    "--config caseload.json --from 2023-01-01 --to 2025-12-31",
    "--config caseload.json --from 2025-01-01 --to 2025-01-31 --streams contacts",
    NULL,
};

const struct command backfill_command = {
    .name = "backfill",
    .summary = "publish a message for each month of a range",
    .text =
        "Publishes one message for each month from..to, with the attribute kind=backfill, and prints its id. "
        "Workers on the topic's subscriptions load the months, each as `caseload run --from --to` does; "
        "several "
        "share them. Nothing is stored twice.",
    .examples = examples,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .config = CONFIG_NEEDED,
    .run = run,
};
