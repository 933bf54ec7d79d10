# SPDX-License-Identifier: Apache-2.0
# The worker, in one of three places. Each runs the same image with the same configuration.

locals {
  instances   = { ticks = var.instances, backfills = var.backfill_instances }
  config_path = "/config/caseload.json"
}

# worker_pool: always on; no request can end it.
resource "google_cloud_run_v2_worker_pool" "worker" {
  for_each            = var.runtime == "worker_pool" ? local.subscriptions : {}
  project             = var.project
  location            = var.region
  name                = "${var.name}-${each.key}"
  labels              = local.labels
  deletion_protection = var.production

  scaling {
    manual_instance_count = local.instances[each.key]
  }
  template {
    service_account = google_service_account.worker.email
    labels          = local.labels
    containers {
      image = var.image
      args  = ["serve", "--config", local.config_path]
      resources {
        limits = { cpu = "1", memory = var.memory }
      }
      volume_mounts {
        name       = "config"
        mount_path = dirname(local.config_path)
      }
    }
    volumes {
      name = "config"
      secret {
        secret = google_secret_manager_secret.config[each.key].secret_id
        items {
          path    = basename(local.config_path)
          version = google_secret_manager_secret_version.config[each.key].version # a new configuration is a new revision
        }
      }
    }
  }
  depends_on = [google_secret_manager_secret_iam_member.config, google_secret_manager_secret_iam_member.token]
}

# job: pulls until the subscription is empty, then ends.
resource "google_cloud_run_v2_job" "worker" {
  for_each            = var.runtime == "job" ? local.subscriptions : {}
  project             = var.project
  location            = var.region
  name                = "${var.name}-${each.key}"
  labels              = local.labels
  deletion_protection = var.production

  template {
    task_count = 1
    template {
      service_account = google_service_account.worker.email
      timeout         = "86400s"
      max_retries     = 0 # what came back is pulled by the next start
      containers {
        image = var.image
        args  = ["drain", "--config", local.config_path]
        resources {
          limits = { cpu = "1", memory = var.memory }
        }
        volume_mounts {
          name       = "config"
          mount_path = dirname(local.config_path)
        }
      }
      volumes {
        name = "config"
        secret {
          secret = google_secret_manager_secret.config[each.key].secret_id
          items {
            path    = basename(local.config_path)
            version = google_secret_manager_secret_version.config[each.key].version
          }
        }
      }
    }
  }
  depends_on = [google_secret_manager_secret_iam_member.config, google_secret_manager_secret_iam_member.token]
}

resource "google_service_account" "starter" {
  count        = var.runtime == "job" ? 1 : 0
  project      = var.project
  account_id   = "${var.name}-starter"
  display_name = "caseload: starts the jobs"
}

resource "google_cloud_run_v2_job_iam_member" "starter" {
  for_each = google_cloud_run_v2_job.worker
  project  = var.project
  location = var.region
  name     = each.value.name
  role     = "roles/run.invoker"
  member   = google_service_account.starter[0].member
}

resource "google_cloud_scheduler_job" "start" {
  for_each    = google_cloud_run_v2_job.worker
  project     = var.project
  region      = var.region
  name        = "${each.value.name}-start"
  description = "Starts caseload, which ends at once if no message waits"
  schedule    = var.job_schedule
  time_zone   = var.schedule_timezone
  paused      = var.schedule_paused

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${each.value.id}:run"
    oauth_token {
      service_account_email = google_service_account.starter[0].email
    }
  }
}

# vm: Container-Optimized OS runs the image as two systemd units.
resource "google_compute_instance" "worker" {
  count                     = var.runtime == "vm" ? 1 : 0
  project                   = var.project
  zone                      = coalesce(var.vm.zone, "${var.region}-b")
  name                      = "${var.name}-worker"
  machine_type              = var.vm.machine_type
  labels                    = local.labels
  deletion_protection       = false # it holds no state, and a new image replaces it
  allow_stopping_for_update = true

  boot_disk {
    initialize_params {
      image = "projects/cos-cloud/global/images/family/cos-stable"
      size  = 10
    }
  }
  network_interface {
    network    = var.vm.subnetwork == null ? var.vm.network : null
    subnetwork = var.vm.subnetwork
    dynamic "access_config" {
      for_each = var.vm.external_ip ? [1] : [] # without one, Intercom needs Cloud NAT
      content {}
    }
  }
  service_account {
    email  = google_service_account.worker.email
    scopes = ["cloud-platform"]
  }
  shielded_instance_config {
    enable_secure_boot = true
  }
  metadata = {
    google-logging-enabled = "true"
    enable-oslogin         = "TRUE"
    user-data = templatefile("${path.module}/cloud-init.yaml.tftpl", {
      image    = var.image
      registry = split("/", coalesce(var.image, "none/none"))[0]
      configs  = local.config
    })
  }
  lifecycle {
    replace_triggered_by = [terraform_data.vm_image]
  }
}

# cloud-init runs when the machine is new.
resource "terraform_data" "vm_image" {
  count = var.runtime == "vm" ? 1 : 0
  input = { image = var.image, configs = local.config }
}

resource "google_project_iam_member" "vm" {
  for_each = var.runtime == "vm" ? toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"]) : toset([])
  project  = var.project
  role     = each.value
  member   = google_service_account.worker.member
}
