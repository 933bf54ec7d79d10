# SPDX-License-Identifier: Apache-2.0
# A Cloud Run job that Scheduler starts each hour and that ends when no message waits: nothing runs in between.

module "caseload" {
  source = "../../modules/caseload"

  project      = "acme-data"
  region       = "europe-west1"
  location     = "EU"
  start_date   = "2024-01-01"
  runtime      = "job"
  job_schedule = "20 * * * *"
  image        = "europe-west1-docker.pkg.dev/acme-data/caseload/caseload@sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

output "next_steps" {
  value = module.caseload.next_steps
}
