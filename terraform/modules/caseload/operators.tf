# SPDX-License-Identifier: Apache-2.0
# The rights of operators: publish ticks and backfills, replay messages, read dead letters, the ledger and the log.

resource "google_pubsub_topic_iam_member" "operators" {
  for_each = var.operators
  project  = var.project
  topic    = google_pubsub_topic.requests.name
  role     = "roles/pubsub.publisher"
  member   = each.value
}

locals {
  operator_subscriptions = {
    for pair in setproduct(var.operators, ["ticks", "backfills", "dead"]) :
    "${pair[1]} ${pair[0]}" => { member = pair[0], subscription = pair[1] }
  }
}

# seek needs subscriptions.consume, which this role has.
resource "google_pubsub_subscription_iam_member" "operators" {
  for_each     = local.operator_subscriptions
  project      = var.project
  subscription = each.value.subscription == "dead" ? google_pubsub_subscription.dead.name : google_pubsub_subscription.worker[each.value.subscription].name
  role         = "roles/pubsub.subscriber"
  member       = each.value.member
}

resource "google_pubsub_subscription_iam_member" "operator_viewers" {
  for_each     = local.operator_subscriptions
  project      = var.project
  subscription = google_pubsub_subscription_iam_member.operators[each.key].subscription
  role         = "roles/pubsub.viewer"
  member       = each.value.member
}

# The runbooks query the ledger and read the log; both rights exist on the project only.
resource "google_project_iam_member" "operators" {
  for_each = { for pair in setproduct(var.operators, ["roles/bigquery.jobUser", "roles/logging.viewer"]) : "${pair[1]} ${pair[0]}" => { member = pair[0], role = pair[1] } }
  project  = var.project
  role     = each.value.role
  member   = each.value.member
}

resource "google_bigquery_dataset_iam_member" "operators" {
  for_each   = { for pair in setproduct(var.operators, ["data", "control"]) : "${pair[1]} ${pair[0]}" => { member = pair[0], kind = pair[1] } }
  project    = var.project
  dataset_id = local.dataset_names[each.value.kind]
  role       = "roles/bigquery.dataViewer"
  member     = each.value.member
}
