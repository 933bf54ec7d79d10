# SPDX-License-Identifier: Apache-2.0
# A worker pool on Cloud Run, always on, a tick a day.

module "caseload" {
  source = "../../modules/caseload"

  project    = "acme-data"
  region     = "europe-west1"
  location   = "EU"
  start_date = "2024-01-01"
  image      = "europe-west1-docker.pkg.dev/acme-data/caseload/caseload@sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

output "next_steps" {
  value = module.caseload.next_steps
}
