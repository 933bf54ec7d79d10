# SPDX-License-Identifier: Apache-2.0
# The datasets. The worker makes the tables: it adds columns, and Terraform would drop them again.

locals {
  datasets = { data = var.dataset, control = local.control_dataset }
  dataset_names = {
    for kind, name in local.datasets :
    kind => var.create_datasets ? google_bigquery_dataset.this[kind].dataset_id : name
  }
}

# No default expiration of tables or partitions: caseload refuses datasets whose rows vanish.
resource "google_bigquery_dataset" "this" {
  for_each                   = var.create_datasets ? local.datasets : {}
  project                    = var.project
  dataset_id                 = each.value
  location                   = var.location
  description                = each.key == "data" ? "Tables that caseload loads from Intercom" : "Ledger, locks and staging of caseload"
  labels                     = local.labels
  max_time_travel_hours      = "168"
  delete_contents_on_destroy = !var.production
  depends_on                 = [google_project_service.apis]
}

resource "google_bigquery_dataset_iam_member" "worker" {
  for_each   = local.dataset_names
  project    = var.project
  dataset_id = each.value
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.worker.member
}

# jobs.create can only be granted on the project.
resource "google_project_iam_member" "worker_jobs" {
  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.worker.member
}

resource "google_bigquery_dataset_iam_member" "analysts" {
  for_each   = var.analysts
  project    = var.project
  dataset_id = local.dataset_names.data
  role       = "roles/bigquery.dataViewer"
  member     = each.value
}
