# SPDX-License-Identifier: Apache-2.0
# The repository of the worker's image.

resource "google_artifact_registry_repository" "images" {
  count         = var.create_registry ? 1 : 0
  project       = var.project
  location      = var.region
  repository_id = var.name
  description   = "Images of caseload"
  format        = "DOCKER"
  labels        = local.labels
  docker_config {
    immutable_tags = true
  }
  depends_on = [google_project_service.apis]
}

resource "google_artifact_registry_repository_iam_member" "worker" {
  count      = var.create_registry && var.runtime == "vm" ? 1 : 0
  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.images[0].name
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.worker.member
}
