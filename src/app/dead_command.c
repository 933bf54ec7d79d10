/* SPDX-License-Identifier: Apache-2.0 */
/* dead_command.c - `caseload dead`: messages that Pub/Sub gave up, read without acknowledging them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "base/mem.h"
#include "commands.h"
#include "pubsub/publisher.h"

#define MOST      1000 /* messages at a time */
#define LEASE_S   60
#define REPLAYED  "replayed_from"
#define OF_GOOGLE "CloudPubSubDeadLetterSource"

/* All that are held, so that none is delivered twice. */
struct dead_letters {
    struct trigger *trigger;
    struct delivery *letters;
    bool *is_settled;
    size_t count;
};

static bool read_letters(struct dead_letters *dead, struct error *err)
{
    dead->letters = mem_zero(MOST, sizeof *dead->letters);
    dead->is_settled = mem_zero(MOST, sizeof *dead->is_settled);
    while (dead->count < MOST) {
        struct delivery *letter = &dead->letters[dead->count];
        bool any = false;
        if (!dead->trigger->ops->next(dead->trigger, letter, &any, err)) return false;
        if (!any) break;
        if (!dead->trigger->ops->extend(dead->trigger, letter->ack_id, LEASE_S, err)) return false;
        dead->count++;
    }
    return true;
}

/* A message that was not acknowledged is there again at once. */
static void give_back(struct dead_letters *dead)
{
    struct error unused = {0};
    for (size_t i = 0; i < dead->count; i++) {
        if (!dead->is_settled[i])
            (void)dead->trigger->ops->nack(dead->trigger, dead->letters[i].ack_id, 0, &unused);
        delivery_done(&dead->letters[i]);
    }
    free(dead->letters);
    free(dead->is_settled);
}

static const char *attribute_of(const struct delivery *letter, const char *key)
{
    for (size_t i = 0; i < letter->attribute_count; i++)
        if (strcmp(letter->attributes[i].key, key) == 0) return letter->attributes[i].value;
    return NULL;
}

static json_t *attributes_of(const struct delivery *letter)
{
    json_t *attributes = json_object();
    for (size_t i = 0; i < letter->attribute_count; i++)
        json_object_set_new(attributes, letter->attributes[i].key, json_string(letter->attributes[i].value));
    return attributes;
}

static const struct report_column columns[] = {
    {"message_id", "message", false, REPORT_WHOLE},   {"published_at", "dead since", false, REPORT_WHOLE},
    {"deliveries", "deliveries", true, REPORT_WHOLE}, {"data", "data", false, REPORT_WRAP},
    {"attributes", NULL, false, REPORT_DROP},
};

static void print_letters(const struct dead_letters *dead, const char *id, bool as_json)
{
    AUTO(report_drop)
    struct report *report = report_new("messages", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < dead->count; i++) {
        const struct delivery *letter = &dead->letters[i];
        char at[INSTANT_TEXT], shown[ANSWERS_TIME];
        if (id && strcmp(id, letter->message_id) != 0) continue;
        instant_format(letter->published_us, at);
        (void)snprintf(shown, sizeof shown, "%.10s %.5s", at, at + 11);
        report_row(report);
        report_text(report, letter->message_id);
        report_value(report, json_string(at), shown);
        report_text(report, attribute_of(letter, OF_GOOGLE "DeliveryCount"));
        report_text(report, letter->data);
        report_value(report, attributes_of(letter), "");
    }
    if (dead->count == 0) report_line(report, "There is no dead letter.");
    if (dead->count == MOST) report_line(report, "These are %d; there may be more.", MOST);
    report_print(report, as_json, stdout);
}

/* The same data and attributes, without Google's notes. Published first: a message that is there twice does
 * no harm, one that is lost would. */
static bool requeue(struct publisher *publisher, const struct delivery *letter, struct error *err)
{
    struct message_attribute *attributes = mem_zero(letter->attribute_count + 1, sizeof *attributes);
    AUTO(buf_done) struct buf id = buf_limited(LIMIT_NAME);
    char key[] = REPLAYED;
    size_t count = 0;
    for (size_t i = 0; i < letter->attribute_count; i++)
        if (strncmp(letter->attributes[i].key, OF_GOOGLE, sizeof OF_GOOGLE - 1) != 0 &&
            strcmp(letter->attributes[i].key, REPLAYED) != 0)
            attributes[count++] = letter->attributes[i];
    attributes[count++] = (struct message_attribute){.key = key, .value = letter->message_id};
    bool done = publisher_publish(publisher, letter->data, attributes, count, &id, err);
    free(attributes);
    if (done) printf("%s is %s again\n", letter->message_id, buf_string(&id));
    return done;
}

/* publisher NULL: they are dropped. */
static bool settle(struct dead_letters *dead, struct publisher *publisher, const char *id, struct error *err)
{
    for (size_t i = 0; i < dead->count; i++) {
        const struct delivery *letter = &dead->letters[i];
        if (id && strcmp(id, letter->message_id) != 0) continue;
        if (publisher && !requeue(publisher, letter, err)) return false;
        if (!dead->trigger->ops->ack(dead->trigger, letter->ack_id, err)) return false;
        dead->is_settled[i] = true;
        if (!publisher) printf("%s is dropped\n", letter->message_id);
    }
    return true;
}

static bool find_letter(const struct dead_letters *dead, const char *id)
{
    for (size_t i = 0; i < dead->count; i++)
        if (strcmp(id, dead->letters[i].message_id) == 0) return true;
    return false;
}

static bool do_action(struct dead_letters *dead, const struct options *options,
                      const struct pubsub_settings *settings, struct error *err)
{
    const char *action = options->argument, *id = options->second;
    struct publisher *publisher = NULL;
    bool is_requeue = strcmp(action, "requeue") == 0;
    if (!read_letters(dead, err)) return false;
    if (id && !find_letter(dead, id))
        return error_set(err, ERROR_REQUEST,
                         "no dead letter has the id \"%.64s\"; `caseload dead list` lists them", id);
    if (strcmp(action, "list") == 0 || strcmp(action, "show") == 0) {
        print_letters(dead, id, *action == 's' || options_has(options, "json"));
        return true;
    }
    if (is_requeue && !publisher_new(settings, NULL, &publisher, err)) return false;
    bool done = settle(dead, publisher, id, err);
    publisher_free(publisher);
    return done;
}

static bool check_words(const struct options *options, struct error *err)
{
    static const char *const actions[] = {"list", "show", "requeue", "drop"};
    bool is_all = options_has(options, "all"), is_known = false;
    for (size_t i = 0; i < 4; i++)
        is_known = is_known || strcmp(options->argument, actions[i]) == 0;
    if (!is_known)
        return error_set(err, ERROR_REQUEST, "\"%.32s\" is none of list, show, requeue and drop",
                         options->argument);
    if (strcmp(options->argument, "list") == 0 || (options->second != NULL) != is_all) return true;
    return error_set(err, ERROR_REQUEST, "give the id of one message, or --all: caseload dead %.16s ID",
                     options->argument);
}

static bool act(struct services *services, const struct options *options, int *out_code, struct error *err)
{
    struct pubsub_settings settings;
    struct dead_letters dead = {.count = 0};
    (void)out_code; /* of a success */
    if (!check_words(options, err) || !services_open_dead(services, &settings, err)) return false;
    dead.trigger = services->trigger;
    bool done = do_action(&dead, options, &settings, err);
    give_back(&dead);
    return done;
}

static int run(const struct options *options)
{
    return command_do(options, act);
}

static const struct command_option options[] = {
    {"all", NULL, "all messages instead of one"},
    {"json", NULL, "the list as one JSON document, with attributes"},
};

static const char *const examples[] = {
    "list --config caseload.json",
    "requeue --all --config caseload.json",
    "drop 1234567890 --config caseload.json",
    NULL,
};

const struct command dead_command = {
    .name = "dead",
    .argument = "list|show|requeue|drop",
    .second = "ID",
    .summary = "messages that Pub/Sub gave up: list, show, publish again, drop",
    .text = "Reads the subscription of the dead letters without acknowledging them. `requeue` publishes a "
            "message "
            "again on the topic of `subscription`, with the attribute replayed_from, and then removes it; "
            "repeat it "
            "at will, nothing is loaded twice. `drop` removes it; what it asked for is loaded by later "
            "ticks, or by "
            "`backfill` if it asked for days.",
    .examples = examples,
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .config = CONFIG_NEEDED,
    .run = run,
};
