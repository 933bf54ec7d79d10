# SPDX-License-Identifier: Apache-2.0
# One topic, a subscription for ticks and one for backfills, and what becomes of messages that never succeed.

locals {
  subscriptions = {
    ticks     = "NOT attributes.kind = \"backfill\""
    backfills = "attributes.kind = \"backfill\""
  }
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic" "requests" {
  project                    = var.project
  name                       = var.name
  labels                     = local.labels
  message_retention_duration = local.retention # a new subscription can be moved back, too
  depends_on                 = [google_project_service.apis]
}

resource "google_pubsub_topic" "dead" {
  project    = var.project
  name       = "${var.name}-dead"
  labels     = local.labels
  depends_on = [google_project_service.apis]
}

# A backfill takes hours; a tick does not wait for it in a subscription of its own.
resource "google_pubsub_subscription" "worker" {
  for_each                   = local.subscriptions
  project                    = var.project
  name                       = "${var.name}-${each.key}"
  topic                      = google_pubsub_topic.requests.id
  filter                     = each.value
  labels                     = local.labels
  ack_deadline_seconds       = 600 # the first one; the worker extends it
  message_retention_duration = local.retention
  retain_acked_messages      = true # `gcloud pubsub subscriptions seek` replays them

  expiration_policy {
    ttl = "" # never: else it is deleted after 31 days without a pull
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead.id
    max_delivery_attempts = var.max_delivery_attempts
  }
}

# Without a subscription, dead letters are lost.
resource "google_pubsub_subscription" "dead" {
  project                    = var.project
  name                       = "${var.name}-dead"
  topic                      = google_pubsub_topic.dead.id
  labels                     = local.labels
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s" # 31 days, the longest
  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub itself forwards dead letters; it needs both grants.
resource "google_pubsub_topic_iam_member" "dead_publisher" {
  project = var.project
  topic   = google_pubsub_topic.dead.name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead_forwarder" {
  for_each     = google_pubsub_subscription.worker
  project      = var.project
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "worker" {
  for_each     = google_pubsub_subscription.worker
  project      = var.project
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.worker.member
}

# At its start the worker warns of settings of its subscription that lose or delay messages.
resource "google_pubsub_subscription_iam_member" "worker_viewer" {
  for_each     = google_pubsub_subscription.worker
  project      = var.project
  subscription = each.value.name
  role         = "roles/pubsub.viewer"
  member       = google_service_account.worker.member
}

resource "google_cloud_scheduler_job" "tick" {
  project     = var.project
  region      = var.region
  name        = "${var.name}-tick"
  description = "Asks caseload to load what is new"
  schedule    = var.schedule
  time_zone   = var.schedule_timezone
  paused      = var.schedule_paused

  pubsub_target {
    topic_name = google_pubsub_topic.requests.id
    data       = base64encode("{}")
  }
  retry_config {
    retry_count = 5
  }
  depends_on = [google_project_service.apis]
}
