# SPDX-License-Identifier: Apache-2.0
# Each value that a variable refuses.

mock_provider "google" {}

variables {
  project    = "acme-data"
  region     = "europe-west1"
  location   = "EU"
  start_date = "2024-01-01"
  token      = "not-a-real-token"
  image      = "europe-west1-docker.pkg.dev/acme-data/caseload/caseload@sha256:0000000000000000000000000000000000000000000000000000000000000000"
}

run "project_a_number" {
  command = plan
  variables {
    project = "123456"
  }
  expect_failures = [var.project]
}

run "project_a_display_name" {
  command = plan
  variables {
    project = "Acme Data"
  }
  expect_failures = [var.project]
}

run "region_a_zone" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}

run "region_a_multi_region" {
  command = plan
  variables {
    region = "EU"
  }
  expect_failures = [var.region]
}

run "name_too_long" {
  command = plan
  variables {
    name = "caseload-of-the-second-workspace"
  }
  expect_failures = [var.name]
}

run "name_uppercase" {
  command = plan
  variables {
    name = "Caseload"
  }
  expect_failures = [var.name]
}

run "dataset_with_its_project" {
  command = plan
  variables {
    dataset = "acme-data.intercom"
  }
  expect_failures = [var.dataset]
}

run "control_dataset_a_hyphen" {
  command = plan
  variables {
    control_dataset = "intercom-control"
  }
  expect_failures = [var.control_dataset]
}

run "control_dataset_the_dataset_itself" {
  command = plan
  variables {
    control_dataset = "intercom"
  }
  expect_failures = [var.control_dataset]
}

run "location_lowercase" {
  command = plan
  variables {
    location = "eu"
  }
  expect_failures = [var.location]
}

run "start_date_not_a_day" {
  command = plan
  variables {
    start_date = "2024-02-30"
  }
  expect_failures = [var.start_date]
}

run "start_date_an_older_century" {
  command = plan
  variables {
    start_date = "0224-01-05"
  }
  expect_failures = [var.start_date]
}

run "timezone_an_abbreviation" {
  command = plan
  variables {
    timezone = "CET"
  }
  expect_failures = [var.timezone]
}

run "streams_none" {
  command = plan
  variables {
    streams = []
  }
  expect_failures = [var.streams]
}

run "streams_not_a_name" {
  command = plan
  variables {
    streams = ["Contacts"]
  }
  expect_failures = [var.streams]
}

run "settings_not_an_object" {
  command = plan
  variables {
    settings = "lookback_days=3"
  }
  expect_failures = [var.settings]
}

run "settings_a_variable_of_the_module" {
  command = plan
  variables {
    settings = { start_date = "2023-01-01" }
  }
  expect_failures = [var.settings]
}

run "settings_a_token" {
  command = plan
  variables {
    settings = { source = { token = { env = "TOKEN" } } }
  }
  expect_failures = [var.settings]
}

run "token_version_a_fraction" {
  command = plan
  variables {
    token_version = 1.5
  }
  expect_failures = [var.token_version]
}

run "token_version_below_zero" {
  command = plan
  variables {
    token_version = -1
  }
  expect_failures = [var.token_version]
}

run "token_secret_with_a_version" {
  command = plan
  variables {
    token_secret = "projects/acme-data/secrets/intercom/versions/1"
  }
  expect_failures = [var.token_secret]
}

run "token_secret_beside_a_token" {
  command = plan
  variables {
    token_secret  = "projects/acme-data/secrets/intercom"
    token_version = 1
  }
  expect_failures = [var.token_secret]
}

run "runtime_unknown" {
  command = plan
  variables {
    runtime = "kubernetes"
  }
  expect_failures = [var.runtime]
}

run "image_not_an_image" {
  command = plan
  variables {
    image = "https://example.com/caseload"
  }
  expect_failures = [var.image]
}

run "image_missing" {
  command = plan
  variables {
    image = null
  }
  expect_failures = [var.image]
}

run "image_a_tag_in_production" {
  command = plan
  variables {
    image = "europe-west1-docker.pkg.dev/acme-data/caseload/caseload:1.0"
  }
  expect_failures = [var.image]
}

run "instances_too_many" {
  command = plan
  variables {
    instances = 11
  }
  expect_failures = [var.instances]
}

run "instances_half" {
  command = plan
  variables {
    instances = 0.5
  }
  expect_failures = [var.instances]
}

run "backfill_instances_below_zero" {
  command = plan
  variables {
    backfill_instances = -1
  }
  expect_failures = [var.backfill_instances]
}

run "memory_too_little" {
  command = plan
  variables {
    memory = "256Mi"
  }
  expect_failures = [var.memory]
}

run "vm_a_region" {
  command = plan
  variables {
    vm = { zone = "europe-west1" }
  }
  expect_failures = [var.vm]
}

run "job_schedule_four_fields" {
  command = plan
  variables {
    job_schedule = "20 * * *"
  }
  expect_failures = [var.job_schedule]
}

run "schedule_not_cron" {
  command = plan
  variables {
    schedule = "every day"
  }
  expect_failures = [var.schedule]
}

run "retention_days_too_long" {
  command = plan
  variables {
    retention_days = 32
  }
  expect_failures = [var.retention_days]
}

run "max_delivery_attempts_too_few" {
  command = plan
  variables {
    max_delivery_attempts = 4
  }
  expect_failures = [var.max_delivery_attempts]
}

run "operators_an_address" {
  command = plan
  variables {
    operators = ["data@example.com"]
  }
  expect_failures = [var.operators]
}

run "analysts_an_address" {
  command = plan
  variables {
    analysts = ["analytics@example.com"]
  }
  expect_failures = [var.analysts]
}

run "notification_channels_a_number" {
  command = plan
  variables {
    notification_channels = ["1"]
  }
  expect_failures = [var.notification_channels]
}

run "backlog_hours_too_short" {
  command = plan
  variables {
    backlog_hours = 0.5
  }
  expect_failures = [var.backlog_hours]
}

run "freshness_hours_too_long" {
  command = plan
  variables {
    freshness_hours = 26
  }
  expect_failures = [var.freshness_hours]
}
