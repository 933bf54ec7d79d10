# SPDX-License-Identifier: Apache-2.0
# One deployment for each workspace: dev, test and prod. They share nothing, and may share a project.

locals {
  is_production = terraform.workspace == "prod"
  suffix        = local.is_production ? "" : terraform.workspace
}

resource "terraform_data" "workspace" {
  lifecycle {
    precondition {
      condition     = contains(["dev", "test", "prod"], terraform.workspace)
      error_message = "The workspace is ${terraform.workspace}; choose one first: terraform workspace select -or-create dev (or test, or prod)."
    }
  }
}

module "caseload" {
  source = "./modules/caseload"

  project    = var.project
  region     = var.region
  location   = var.location
  start_date = var.start_date
  name       = join("-", compact(["caseload", local.suffix]))
  dataset    = join("_", compact(["intercom", local.suffix]))
  production = local.is_production
  labels     = { environment = terraform.workspace }

  # Outside of production a load is asked for by hand.
  schedule_paused = !local.is_production

  runtime               = var.runtime
  image                 = var.image
  timezone              = var.timezone
  streams               = var.streams
  settings              = var.settings
  token                 = var.token
  token_version         = var.token_version
  operators             = var.operators
  notification_channels = var.notification_channels

  depends_on = [terraform_data.workspace]
}
