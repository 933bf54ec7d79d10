# SPDX-License-Identifier: Apache-2.0
# Two Intercom workspaces, in two pairs of datasets, with one image.

locals {
  image = "europe-west1-docker.pkg.dev/acme-data/caseload/caseload@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  workspaces = {
    shop   = { start_date = "2023-01-01", settings = {} }
    agency = { start_date = "2024-06-01", settings = { source = { base_url = "https://api.eu.intercom.io" } } }
  }
}

module "caseload" {
  source   = "../../modules/caseload"
  for_each = local.workspaces

  project         = "acme-data"
  region          = "europe-west1"
  location        = "EU"
  name            = "caseload-${each.key}"
  dataset         = "intercom_${each.key}"
  start_date      = each.value.start_date
  settings        = each.value.settings
  image           = local.image
  create_registry = each.key == "shop" # one for both
}

output "next_steps" {
  value = { for name, instance in module.caseload : name => instance.next_steps }
}
