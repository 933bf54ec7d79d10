# SPDX-License-Identifier: Apache-2.0

output "topic" {
  description = "topic that takes ticks and backfills"
  value       = google_pubsub_topic.requests.id
}

output "subscriptions" {
  description = "names of the subscriptions of ticks and backfills"
  value       = { for kind, subscription in google_pubsub_subscription.worker : kind => subscription.name }
}

output "dead_letter_subscription" {
  description = "subscription that holds messages that failed for good"
  value       = google_pubsub_subscription.dead.name
}

output "service_account" {
  description = "service account of the worker"
  value       = google_service_account.worker.email
}

output "token_secret" {
  description = "secret of the Intercom token"
  value       = local.token_secret
}

output "image_repository" {
  description = "where the image is pushed to; null if the module does not make it"
  value       = var.create_registry ? "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images[0].repository_id}" : null
}

output "config" {
  description = "the worker's configuration, by subscription; `caseload run --config` takes it"
  value       = local.config
}

output "next_steps" {
  description = "what remains to be done, as commands"
  value = compact([
    var.token_version == 0 && var.token_secret == null ? "printf %s \"$TOKEN\" | gcloud secrets versions add ${google_secret_manager_secret.token[0].secret_id} --project=${var.project} --data-file=-" : "",
    var.runtime == "none" ? "build and push the image, then set runtime and image: docs/deploy.md" : "",
    "gcloud pubsub topics publish ${google_pubsub_topic.requests.name} --project=${var.project} --message='{}'",
    "bq query --use_legacy_sql=false 'SELECT stream, MAX(committed_at) FROM ${local.control_dataset}.runs GROUP BY stream'",
  ])
}
