# SPDX-License-Identifier: Apache-2.0
# The root module, in the workspace "dev", which the test's caller selects.

mock_provider "google" {}

variables {
  project    = "acme-data"
  region     = "europe-west1"
  location   = "EU"
  start_date = "2024-01-01"
  token      = "not-a-real-token"
}

run "dev" {
  assert {
    condition     = jsondecode(output.config.ticks).dataset == "intercom_dev" && jsondecode(output.config.ticks).subscription == "caseload-dev-ticks"
    error_message = "names tell the workspace"
  }
  assert {
    condition     = strcontains(output.image_repository, "/caseload-dev")
    error_message = "the registry is the workspace's own"
  }
}
