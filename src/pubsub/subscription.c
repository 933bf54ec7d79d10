/* SPDX-License-Identifier: Apache-2.0 */
#include "subscription.h"

#include <stdbool.h>

#include "google/pubsub/v1/pubsub.pb-c.h"

#define ATTEMPTS    100
#define DEADLINE_S  60
#define RETENTION_S (7 * 86400)

size_t subscription_judge(const struct Google__Pubsub__V1__Subscription *settings,
                          struct subscription_finding out_findings[SUBSCRIPTION_FINDINGS])
{
    const Google__Pubsub__V1__DeadLetterPolicy *dead = settings->dead_letter_policy;
    const Google__Protobuf__Duration *retention = settings->message_retention_duration;
    const struct {
        bool applies;
        struct subscription_finding finding;
    } rules[SUBSCRIPTION_FINDINGS] = {
        {!dead,
         {"deadLetterPolicy",
          "there is none, so a message that is not understood comes back without end: set "
          "--dead-letter-topic and --max-delivery-attempts=100"}},
        {dead && dead->max_delivery_attempts < ATTEMPTS,
         {"maxDeliveryAttempts",
          "it is below 100, so an outage of some hours sends messages to the dead letters: set "
          "--max-delivery-attempts=100"}},
        {settings->ack_deadline_seconds > 0 && settings->ack_deadline_seconds < DEADLINE_S,
         {"ackDeadlineSeconds",
          "it is below 60, so a worker that begins slowly gets its message twice: set --ack-deadline=600"}},
        {retention && retention->seconds < RETENTION_S,
         {"messageRetentionDuration", "it is below seven days, so messages of a long outage are dropped: set "
                                      "--message-retention-duration=7d"}},
        {settings->enable_exactly_once_delivery,
         {"enableExactlyOnceDelivery",
          "it is on, so acknowledgements fail more often and nothing is gained: set "
          "--no-enable-exactly-once-delivery"}},
        {settings->enable_message_ordering,
         {"enableMessageOrdering",
          "it is on, so a message that fails holds up those of its key: make a subscription without it"}},
    };
    size_t count = 0;
    for (size_t i = 0; i < SUBSCRIPTION_FINDINGS; i++)
        if (rules[i].applies) out_findings[count++] = rules[i].finding;
    return count;
}
