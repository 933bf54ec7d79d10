# SPDX-License-Identifier: Apache-2.0
# What all files of the module share: names, the worker's configuration, the APIs and the service account.

locals {
  control_dataset = coalesce(var.control_dataset, "${var.dataset}_caseload")
  labels          = merge(var.labels, { app = "caseload" })
  is_cloud_run    = contains(["worker_pool", "job"], var.runtime)
  retention       = "${var.retention_days * 86400}s"

  # Without workers of their own, backfills are taken beside the ticks, by a second thread of that worker.
  takes_both = var.runtime == "worker_pool" && var.backfill_instances == 0

  # The worker reads the token by name, so that a new version needs no restart.
  token_secret = coalesce(var.token_secret, try(google_secret_manager_secret.token[0].id, null))

  config = {
    for kind, subscription in google_pubsub_subscription.worker : kind => jsonencode(merge(
      { for key, value in var.settings : key => value if key != "source" },
      {
        version         = 1
        project         = var.project
        subscription    = subscription.name
        dataset         = var.dataset
        control_dataset = local.control_dataset
        location        = var.location
        timezone        = var.timezone
        start_date      = var.start_date
        source          = merge({ type = "intercom" }, try(var.settings.source, {}), { token = { secret = "${local.token_secret}/versions/latest" } })
      },
      { dead_subscription = google_pubsub_subscription.dead.name },
      kind == "ticks" && local.takes_both ? { backfill_subscription = google_pubsub_subscription.worker["backfills"].name } : {},
      var.streams == null ? {} : { streams = sort(var.streams) },
    ))
  }
}

locals {
  apis = toset(concat(
    ["artifactregistry", "bigquery", "cloudresourcemanager", "cloudscheduler", "iam", "logging", "monitoring", "pubsub", "secretmanager"],
    local.is_cloud_run ? ["run"] : [],
    var.runtime == "vm" ? ["compute"] : [],
  ))
}

resource "google_project_service" "apis" {
  for_each           = var.enable_apis ? local.apis : []
  project            = var.project
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false # others in the project may use it
}

data "google_project" "this" {
  project_id = var.project
}

resource "google_service_account" "worker" {
  project      = var.project
  account_id   = "${var.name}-worker"
  display_name = "caseload: loads Intercom into BigQuery"
  depends_on   = [google_project_service.apis]
}
