# SPDX-License-Identifier: Apache-2.0
# The token of Intercom, and the worker's configuration where Cloud Run mounts it as a file.

resource "google_secret_manager_secret" "token" {
  count     = var.token_secret == null ? 1 : 0
  project   = var.project
  secret_id = "${var.name}-intercom-token"
  labels    = local.labels
  replication {
    auto {}
  }
  depends_on = [google_project_service.apis]
}

resource "google_secret_manager_secret_version" "token" {
  count                  = var.token_version > 0 ? 1 : 0
  secret                 = google_secret_manager_secret.token[0].id
  secret_data_wo         = var.token
  secret_data_wo_version = var.token_version
  deletion_policy        = "DISABLE" # an earlier version can be enabled again
  lifecycle {
    create_before_destroy = true # the worker reads the newest version at any time
  }
}

resource "google_secret_manager_secret_iam_member" "token" {
  project   = var.token_secret == null ? var.project : split("/", var.token_secret)[1]
  secret_id = local.token_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.worker.member
}

# Cloud Run has no other way to mount a file. The configuration itself holds no secret.
resource "google_secret_manager_secret" "config" {
  for_each  = local.is_cloud_run ? local.subscriptions : {}
  project   = var.project
  secret_id = "${var.name}-config-${each.key}"
  labels    = local.labels
  replication {
    auto {}
  }
  depends_on = [google_project_service.apis]
}

resource "google_secret_manager_secret_version" "config" {
  for_each    = google_secret_manager_secret.config
  secret      = each.value.id
  secret_data = local.config[each.key]
  lifecycle {
    create_before_destroy = true # the running revision mounts its version
  }
}

resource "google_secret_manager_secret_iam_member" "config" {
  for_each  = google_secret_manager_secret.config
  project   = var.project
  secret_id = each.value.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.worker.member
}
