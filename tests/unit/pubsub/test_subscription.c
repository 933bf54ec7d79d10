/* SPDX-License-Identifier: Apache-2.0 */
/* Which settings of a subscription are warned of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "google/pubsub/v1/pubsub.pb-c.h"
#include "subscription.h"

/* As docs/deploy.md creates it. */
static void good(Google__Pubsub__V1__Subscription *settings, Google__Pubsub__V1__DeadLetterPolicy *dead,
                 Google__Protobuf__Duration *retention)
{
    google__pubsub__v1__subscription__init(settings);
    google__pubsub__v1__dead_letter_policy__init(dead);
    google__protobuf__duration__init(retention);
    dead->max_delivery_attempts = 100;
    retention->seconds = 7 * 86400;
    settings->ack_deadline_seconds = 600;
    settings->dead_letter_policy = dead;
    settings->message_retention_duration = retention;
}

static void expect(const Google__Pubsub__V1__Subscription *settings, const char *setting)
{
    struct subscription_finding findings[SUBSCRIPTION_FINDINGS];
    assert_int_equal(subscription_judge(settings, findings), setting ? 1 : 0);
    if (setting) assert_string_equal(findings[0].setting, setting);
}

static void each_setting_is_warned_of_alone(void **state)
{
    (void)state;
    Google__Pubsub__V1__Subscription settings;
    Google__Pubsub__V1__DeadLetterPolicy dead;
    Google__Protobuf__Duration retention;
    good(&settings, &dead, &retention);
    expect(&settings, NULL);
    dead.max_delivery_attempts = 99;
    expect(&settings, "maxDeliveryAttempts");
    settings.dead_letter_policy = NULL;
    expect(&settings, "deadLetterPolicy");
    good(&settings, &dead, &retention);
    settings.ack_deadline_seconds = 59;
    expect(&settings, "ackDeadlineSeconds");
    good(&settings, &dead, &retention);
    retention.seconds--;
    expect(&settings, "messageRetentionDuration");
    good(&settings, &dead, &retention);
    settings.enable_exactly_once_delivery = 1;
    expect(&settings, "enableExactlyOnceDelivery");
    good(&settings, &dead, &retention);
    settings.enable_message_ordering = 1;
    expect(&settings, "enableMessageOrdering");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_setting_is_warned_of_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
