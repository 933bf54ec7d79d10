# SPDX-License-Identifier: Apache-2.0
# A small machine that runs the image under systemd.

module "caseload" {
  source = "../../modules/caseload"

  project    = "acme-data"
  region     = "us-central1"
  location   = "US"
  start_date = "2024-01-01"
  runtime    = "vm"
  vm         = { zone = "us-central1-a" }
  image      = "us-central1-docker.pkg.dev/acme-data/caseload/caseload@sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

output "next_steps" {
  value = module.caseload.next_steps
}
